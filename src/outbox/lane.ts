import type { Log } from '../model/channel.ts'
import { type Broadcast, type NoticeSender, overAt, type SendOutcome } from '../model/notice.ts'
import { DAY, quietUntil, startOfDay } from '../model/when.ts'
import { moveAddress } from '../store/addresses.ts'
import { planDeliveries } from '../store/audience.ts'
import { audit } from '../store/audit.ts'
import {
  broadcastsUnderWay,
  changeState,
  endBroadcast,
  finish,
  noteStart,
  withholdRest,
} from '../store/broadcasts.ts'
import type { Database } from '../store/database.ts'
import {
  type Claimed,
  claim,
  countSends,
  recoverInterrupted,
  report,
  type Settled,
  settle,
  standing,
  takeBack,
} from '../store/ledger.ts'
import { judge, MOST_ATTEMPTS, untouched, type Verdict } from './deliver.ts'
import { type Clock, createPace } from './pace.ts'

export interface LaneOptions {
  readonly db: Database
  readonly log: Log
  readonly sender: NoticeSender
  readonly quietHours: string
  readonly edited?: ((broadcast: Broadcast) => boolean) | undefined
  readonly clock: Clock
  readonly random?: () => number
  /** Aborted: take up nothing more. */
  readonly signal: AbortSignal
}

export type LaneState = 'running' | 'asked-to-wait' | 'out-of-reach' | 'refused' | 'taken-over'

export interface Lane {
  /** Resolves when the lane has stopped and everything it has sent is written down. */
  run(): Promise<void>
  state(): LaneState
  settled(chat: string): Promise<void>
  halt(because: LaneState): void
}

/** All notices of one channel, one after the other and at the channel's pace. */
export function createLane(options: LaneOptions): Lane {
  const { db, log, sender, clock, quietHours, edited } = options
  const { channel } = sender
  const pace = createPace(sender, clock, options.random)
  const batch = Math.min(Math.max(Math.ceil(sender.perSecond / 4), 1), LARGEST_BATCH)
  const halted = new AbortController()
  const ended = AbortSignal.any([options.signal, halted.signal])
  const inHand = new Set<{ readonly chat: string; readonly done: Promise<void> }>()
  const written = writer(db, channel, clock, distrust)
  let state: LaneState = 'running'
  let heldUntil = Number.NEGATIVE_INFINITY
  let failuresToConnect = 0
  /** The ledger says truly what is on its way: not after a start, and not after it could not be written. */
  let sound = false
  let told = false
  let today = { day: Number.NEGATIVE_INFINITY, sends: 0 }
  /** Chats, one after the other, that nobody at the platform knows. */
  let notFound: string[] = []
  const toldOfEdit = new Set<string>()

  return {
    run,
    state: () => state,
    settled: async (chat) => {
      await Promise.all([...inHand].filter((one) => one.chat === chat).map(({ done }) => done))
    },
    halt,
  }

  async function run(): Promise<void> {
    while (!ended.aborted) {
      try {
        if (!sound) await recover()
        const idleMs = await step()
        if (idleMs > 0) await clock.sleep(idleMs, ended)
      } catch (error) {
        distrust(error)
        await clock.sleep(AFTER_TROUBLE_MS, ended)
      }
    }
    await allSettled()
  }

  function distrust(error: unknown): void {
    sound = false
    if (told) return
    told = true
    log.error({ channel, error: String(error) }, 'the ledger could not be read or written; trying again')
  }

  /** What was on its way when a process died, or when the ledger could not be written, is unknown. */
  async function recover(): Promise<void> {
    await allSettled()
    const found = await recoverInterrupted(db, channel, MOST_ATTEMPTS, clock.now())
    sound = true
    told = false
    if (found > 0)
      log.warn({ channel, deliveries: found }, 'these were on their way when the process stopped: unknown')
  }

  async function allSettled(): Promise<void> {
    await Promise.all([...inHand].map(({ done }) => done))
    await written.flush()
  }

  /** @returns for how long there is nothing to do */
  async function step(): Promise<number> {
    const hold = await holdMs()
    if (hold > 0) return Math.min(hold, LONGEST_NAP_MS)
    if (state !== 'running') state = 'running'
    const next = await takeNext()
    if (next === undefined) return POLL_MS
    await sendAll(next.broadcast, next.rows)
    return 0
  }

  /** Why nothing may go out now, as the time until it may. */
  async function holdMs(): Promise<number> {
    const now = clock.now().getTime()
    const held = heldUntil - clock.ticks()
    const quiet = (quietUntil(quietHours, now) ?? now) - now
    return Math.max(held, quiet, await restOfDayIfUsedUp(now))
  }

  async function restOfDayIfUsedUp(now: number): Promise<number> {
    if (sender.perDay === undefined) return 0
    const day = startOfDay(now)
    if (today.day !== day) today = { day, sends: await countSends(db, channel, new Date(day)) }
    return today.sends < sender.perDay ? 0 : day + DAY - now
  }

  async function takeNext(): Promise<{ broadcast: Broadcast; rows: Claimed[] } | undefined> {
    for (const broadcast of await broadcastsUnderWay(db)) {
      const now = clock.now()
      const { id } = broadcast
      if (!(channel in broadcast.texts) || now.getTime() < (broadcast.sendAt ?? 0)) continue
      if (broadcast.startedAt === undefined) await begin(broadcast, now)
      if (now.getTime() >= overAt(broadcast)) await withholdRest(db, id, 'event-over', now)
      else {
        tellIfEdited(broadcast)
        const rows = await claim(db, id, channel, batch, now)
        if (rows.length > 0) return { broadcast, rows }
      }
      await written.flush()
      if (await finish(db, id, clock.now())) {
        const { byReason, ...figures } = await report(db, { ...broadcast, state: 'done' })
        log.info({ ...figures, ...byReason }, 'the notice is out')
      }
    }
    return undefined
  }

  async function begin(broadcast: Broadcast, now: Date): Promise<void> {
    // Who subscribed between the order and the time it was ordered for is included.
    if (broadcast.sendAt !== undefined) await planDeliveries(db, broadcast, now)
    await noteStart(db, broadcast.id, now)
    log.info({ broadcast: broadcast.id, repeat: broadcast.repeat }, 'a notice begins to go out')
  }

  function tellIfEdited(broadcast: Broadcast): void {
    if (toldOfEdit.has(broadcast.id) || !edited?.(broadcast)) return
    toldOfEdit.add(broadcast.id)
    log.warn(
      { broadcast: broadcast.id },
      'the file of this notice was edited after its approval: what was approved goes out, the edit does not',
    )
  }

  async function sendAll(broadcast: Broadcast, rows: readonly Claimed[]): Promise<void> {
    for (const [i, row] of rows.entries()) {
      const may = await clearance(broadcast, row.chat)
      if (may === 'hold') {
        for (const left of rows.slice(i)) written.add(broadcast.id, untouched(left))
        return written.flush()
      }
      if (may === 'withhold') written.add(broadcast.id, withheld(row))
      else start(broadcast, row)
    }
  }

  /** Waits for its turn, then looks once more whether this single send is still right. */
  async function clearance(broadcast: Broadcast, chat: string): Promise<'go' | 'withhold' | 'hold'> {
    while (inHand.size >= sender.parallel && !ended.aborted)
      await Promise.race([...inHand].map(({ done }) => done))
    for (let wait = pace.wait(); wait >= 0.5 && !ended.aborted; wait = pace.wait())
      await clock.sleep(wait, ended)
    await letRepliesPass()
    const isOver = clock.now().getTime() >= overAt(broadcast)
    if (isOver || !sound || (await holdMs()) > 0) return 'hold'
    const { state, subscribed } = await standing(db, broadcast, channel, chat)
    if (ended.aborted || state !== 'sending' || heldUntil > clock.ticks()) return 'hold'
    return subscribed ? 'go' : 'withhold'
  }

  /** A visitor who waits goes first; a channel that is never idle must not keep notices for ever, though. */
  async function letRepliesPass(): Promise<void> {
    const patience = clock.ticks() + LONGEST_YIELD_MS
    while (sender.busy?.() && clock.ticks() < patience && !ended.aborted) await clock.sleep(YIELD_MS, ended)
  }

  function start(broadcast: Broadcast, row: Claimed): void {
    today.sends++
    const done = deliver(broadcast, row)
      .catch(distrust)
      .finally(() => inHand.delete(mine))
    const mine = { chat: row.chat, done }
    inHand.add(mine)
  }

  async function deliver(broadcast: Broadcast, row: Claimed): Promise<void> {
    const text = broadcast.texts[channel] ?? ''
    const outcome = await sendOne(row.chat, text)
    if (outcome.kind !== 'moved') return carryOut(broadcast, row, outcome)
    const to = outcome.chat
    if (!(await moveAddress(db, channel, row.chat, to, broadcast.id, clock.now()))) return
    const again = await sendOne(to, text)
    const final: Judged = again.kind === 'moved' ? { kind: 'not-now', reason: 'moved-twice' } : again
    await carryOut(broadcast, { ...row, chat: to }, final)
  }

  async function sendOne(chat: string, text: string): Promise<SendOutcome> {
    const answered = pace.start()
    try {
      return await sender.send(chat, text)
    } catch (error) {
      log.error({ channel, error: String(error) }, 'a channel threw instead of telling the outcome')
      return { kind: 'unknown', reason: 'error' }
    } finally {
      answered()
    }
  }

  async function carryOut(broadcast: Broadcast, row: Claimed, outcome: Judged): Promise<void> {
    const verdict = judge(outcome, row, broadcast.repeat, clock.now())
    written.add(broadcast.id, verdict.row)
    if (verdict.also?.do !== 'back-off') failuresToConnect = 0
    await consequences(broadcast, verdict.also)
    await countNotFound(broadcast, outcome, row)
  }

  async function consequences(broadcast: Broadcast, also: Verdict['also']): Promise<void> {
    switch (also?.do) {
      case undefined:
        return
      case 'pause-lane':
        log.warn({ channel, afterMs: also.ms }, 'the platform asks to wait; notices wait')
        return holdFor(also.ms, 'asked-to-wait')
      case 'back-off': {
        // Those that were under way together fail together.
        if (heldUntil > clock.ticks()) return
        const ms = Math.min(FIRST_BACK_OFF_MS * 2 ** failuresToConnect++, LONGEST_BACK_OFF_MS)
        log.warn({ channel, afterMs: ms }, 'the channel cannot be reached; notices wait')
        return holdFor(ms, 'out-of-reach')
      }
      case 'abort':
        await written.flush()
        if (!(await endBroadcast(db, broadcast.id, UNDER_WAY, 'aborted', clock.now(), also.reason))) return
        log.error(
          { channel, broadcast: broadcast.id, reason: also.reason },
          'the platform refuses the text of this notice: it is aborted. Mend the text, give it a new file name and approve it again',
        )
        return audit(
          db,
          { who: OUTBOX, act: 'abort', broadcast: broadcast.id, detail: also.reason },
          clock.now(),
        )
      case 'stop-lane':
        if (halted.signal.aborted) return
        log.error(
          { channel, reason: also.reason },
          'the platform refuses this bot: its notices stop until the next start. Check the token, then restart',
        )
        return halt('refused')
    }
  }

  function holdFor(ms: number, because: LaneState): void {
    heldUntil = Math.max(heldUntil, clock.ticks() + ms)
    state = because
  }

  function halt(because: LaneState): void {
    state = because
    halted.abort()
  }

  /** One unknown chat is a mistyped id; a row of them is another bot's token over this bot's addresses. */
  async function countNotFound(broadcast: Broadcast, outcome: Judged, { chat }: Claimed): Promise<void> {
    if (outcome.kind === 'sent') notFound = []
    if (outcome.kind !== 'unreachable' || outcome.reason !== 'not-found') return
    notFound.push(chat)
    if (notFound.length < MOST_NOT_FOUND) return
    await written.flush()
    await takeBack(db, broadcast.id, channel, notFound, clock.now())
    notFound = []
    const why = 'addresses-unknown'
    if (!(await changeState(db, broadcast.id, ['sending'], 'paused', { why }))) return
    log.error(
      { channel, broadcast: broadcast.id },
      `${MOST_NOT_FOUND} addresses one after the other are unknown to this bot: another token, or another database? The notice is paused`,
    )
    await audit(db, { who: OUTBOX, act: 'pause', broadcast: broadcast.id, detail: why }, clock.now())
  }
}

type Judged = Exclude<SendOutcome, { kind: 'moved' }>

const UNDER_WAY = ['sending', 'paused'] as const
const OUTBOX = 'outbox'
/** How often the store is asked for work: commands of other processes are noticed this late. */
const POLL_MS = 500
/** A longer sleep would not notice that the machine's clock was set. */
const LONGEST_NAP_MS = 60_000
/** So many rows at most are listed as unknown after a kill without having been sent. */
const LARGEST_BATCH = 100
const AFTER_TROUBLE_MS = 2000
const FIRST_BACK_OFF_MS = 1000
const LONGEST_BACK_OFF_MS = 60_000
const LONGEST_YIELD_MS = 1000
const YIELD_MS = 10
const MOST_NOT_FOUND = 25

const withheld = ({ chat, before: { state, reason } }: Claimed): Settled =>
  state === 'unknown'
    ? { chat, state, reason }
    : { chat, state: 'withheld', reason: 'unsubscribed', noAttempt: true }

/**
 * Writes outcomes in small transactions: together, for a durable write is slow; soon, for until then a kill makes
 * them unknown. The wait is real time whatever the clock of the lane shows: it is about the disk.
 */
function writer(db: Database, channel: string, clock: Clock, onTrouble: (error: unknown) => void) {
  let pending: { readonly broadcast: string; readonly row: Settled }[] = []
  let timer: NodeJS.Timeout | undefined
  let writing: Promise<void> = Promise.resolve()

  const write = async (): Promise<void> => {
    while (pending.length > 0) {
      const [first] = pending
      const together = pending.filter(({ broadcast }) => broadcast === first?.broadcast)
      await settle(
        db,
        first?.broadcast ?? '',
        channel,
        together.map(({ row }) => row),
        clock.now(),
      )
      pending = pending.filter((one) => !together.includes(one))
    }
  }
  const flush = (): Promise<void> => {
    clearTimeout(timer)
    timer = undefined
    writing = writing.catch(() => {}).then(write)
    return writing
  }
  return {
    flush,
    add: (broadcast: string, row: Settled): void => {
      pending.push({ broadcast, row })
      timer ??= setTimeout(() => flush().catch(onTrouble), TOGETHER_MS)
    },
  }
}

const TOGETHER_MS = 120
