import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { wechatReach } from '../src/channels/reaches.ts'
import { simulatedChannel } from '../src/channels/simulated.ts'
import type { NoticeSender, Repeat, SendOutcome } from '../src/model/notice.ts'
import { cancel, pause, resume } from '../src/notices/stop.ts'
import { judge, MOST_ATTEMPTS } from '../src/outbox/deliver.ts'
import { createPace } from '../src/outbox/pace.ts'
import { type Outbox, type OutboxOptions, startOutbox } from '../src/outbox/run.ts'
import { type VirtualClock, virtualClock } from '../src/outbox/virtual-clock.ts'
import { auditOf } from '../src/store/audit.ts'
import { findBroadcast } from '../src/store/broadcasts.ts'
import { type Database, openDatabase } from '../src/store/database.ts'
import { laneOf, takeName } from '../src/store/heartbeat.ts'
import { claim } from '../src/store/ledger.ts'
import { erase } from '../src/store/personal-data.ts'
import { unsubscribe } from '../src/store/subscriptions.ts'
import { listening } from './fakes/log.ts'
import { at, figures, ledger, NOW, notice, order, scripted, subscribers, TELEGRAM } from './fakes/notices.ts'

// Minutes of the virtual clock are thousands of looks into the store, and some machines run everything else beside it.
vi.setConfig({ testTimeout: 120_000 })

const LATER = at('09T00:00:00')
const ID = notice().id
const address = (chat: string) => ({ channel: 'telegram', chat })

let data: string
let db: Database
let clock: VirtualClock
let log: ReturnType<typeof listening>
let outboxes: Outbox[] = []
beforeEach(async () => {
  data = await mkdtemp(join(tmpdir(), 'qingda-outbox-'))
  db = await openDatabase(join(data, 'qingda.sqlite'))
  clock = virtualClock(NOW, LATER)
  log = listening()
})
afterEach(async () => {
  const started = outboxes
  outboxes = []
  await Promise.all(started.map((outbox) => outbox.stop()))
  await db.destroy()
  await rm(data, { recursive: true, force: true })
})

function start(sender: NoticeSender, more: Partial<OutboxOptions> = {}): Outbox {
  const outbox = startOutbox({
    db,
    log,
    senders: [sender],
    quietHours: 'off',
    clock,
    random: () => 0,
    ...more,
  })
  outboxes.push(outbox)
  return outbox
}
const until = (condition: () => unknown, ms = 60_000) =>
  vi.waitFor(
    async () => {
      if (!(await condition())) throw new Error(`not within ${ms} ms: ${String(condition)}`)
    },
    { timeout: ms, interval: 5 },
  )
const state = async () => (await findBroadcast(db, ID))?.state
const done = () => until(async () => (await state()) === 'done')
const logged = (part: string) => log.lines.filter(({ message }) => message.includes(part))

describe('every outcome', () => {
  const claimed = (attempts = 1, before: 'planned' | 'timed-out' | 'interrupted' = 'planned') => ({
    chat: '1',
    attempts,
    before: {
      state: before === 'planned' ? ('planned' as const) : ('unknown' as const),
      reason: before === 'planned' ? null : before,
      notBefore: 7,
    },
  })
  const in30s = NOW.getTime() + 30_000
  const in5s = NOW.getTime() + 5000
  const timedOut = { kind: 'unknown', reason: 'timed-out' } as const
  const notNow = { kind: 'not-now', reason: 'refused-403' } as const
  const blocked = { kind: 'unreachable', reason: 'blocked' } as const
  type Judged = Exclude<SendOutcome, { kind: 'moved' }>

  it.each<[string, Judged, Parameters<typeof claimed>, Repeat, object]>([
    ['sent', { kind: 'sent' }, [], 'at-least-once', { row: { state: 'sent', reason: null } }],
    [
      'sent after a silence',
      { kind: 'sent' },
      [2, 'timed-out'],
      'at-least-once',
      { row: { state: 'unknown', reason: 'repeated' } },
    ],
    [
      'sent after a kill',
      { kind: 'sent' },
      [2, 'interrupted'],
      'at-least-once',
      { row: { state: 'unknown', reason: 'repeated-after-interruption' } },
    ],
    [
      'later',
      { kind: 'later', afterMs: 3000 },
      [],
      'at-least-once',
      { row: { state: 'planned', notBefore: 7, noAttempt: true }, also: { do: 'pause-lane', ms: 3000 } },
    ],
    [
      'later, after a silence',
      { kind: 'later', afterMs: 3000 },
      [2, 'timed-out'],
      'at-least-once',
      { row: { state: 'unknown', reason: 'timed-out', notBefore: 7, noAttempt: true } },
    ],
    ['not now', notNow, [], 'at-most-once', { row: { state: 'planned', notBefore: in30s } }],
    [
      'not now, for the last time',
      notNow,
      [MOST_ATTEMPTS],
      'at-least-once',
      { row: { state: 'failed', reason: 'refused-403' } },
    ],
    [
      'not now, after a silence',
      notNow,
      [MOST_ATTEMPTS, 'timed-out'],
      'at-least-once',
      { row: { state: 'unknown', reason: 'timed-out', notBefore: undefined } },
    ],
    [
      'nobody can be reached',
      { ...notNow, everybody: true },
      [],
      'at-least-once',
      { row: { state: 'planned', notBefore: 7, noAttempt: true }, also: { do: 'back-off' } },
    ],
    [
      'unreachable',
      blocked,
      [],
      'at-least-once',
      { row: { state: 'failed', reason: 'blocked', unreachable: 'blocked' } },
    ],
    [
      'unreachable, after a kill',
      blocked,
      [2, 'interrupted'],
      'at-least-once',
      { row: { state: 'unknown', reason: 'repeat-blocked', unreachable: 'blocked' } },
    ],
    [
      'our text refused',
      { kind: 'content-refused', reason: 'empty' },
      [],
      'at-least-once',
      { row: { state: 'failed', reason: 'content-refused' }, also: { do: 'abort', reason: 'empty' } },
    ],
    [
      'the bot refused',
      { kind: 'channel-refused', reason: 'Unauthorized' },
      [],
      'at-least-once',
      {
        row: { state: 'planned', notBefore: 7, noAttempt: true },
        also: { do: 'stop-lane', reason: 'Unauthorized' },
      },
    ],
    [
      'silence',
      timedOut,
      [],
      'at-least-once',
      { row: { state: 'unknown', reason: 'timed-out', notBefore: in5s } },
    ],
    [
      'silence again and again',
      timedOut,
      [3, 'timed-out'],
      'at-least-once',
      { row: { state: 'unknown', reason: 'timed-out', notBefore: undefined } },
    ],
    [
      'silence, at most once',
      timedOut,
      [],
      'at-most-once',
      { row: { state: 'unknown', reason: 'timed-out', notBefore: undefined } },
    ],
  ])('%s', (_, outcome, row, repeat, verdict) => {
    expect(judge(outcome, claimed(...row), repeat, NOW)).toMatchObject(verdict)
  })

  it.each<[string, (chat: string, number: number) => SendOutcome, string, number]>([
    ['sent', () => ({ kind: 'sent' }), 'sent', 1],
    [
      'later, then sent',
      (_, n) => (n === 1 ? { kind: 'later', afterMs: 1000 } : { kind: 'sent' }),
      'sent',
      1,
    ],
    ['not now, then sent', (_, n) => (n === 1 ? notNow : { kind: 'sent' }), 'sent', 2],
    ['never now', () => notNow, 'failed refused-403', 4],
    ['blocked', () => blocked, 'failed blocked', 1],
    ['silence, then sent', (_, n) => (n === 1 ? timedOut : { kind: 'sent' }), 'unknown repeated', 2],
    ['always silence', () => timedOut, 'unknown timed-out', 3],
    ['moved', (chat) => (chat === '1' ? { kind: 'moved', chat: '-100' } : { kind: 'sent' }), 'sent', 1],
    ['moved and moved', (chat) => ({ kind: 'moved', chat: `${chat}0` }), 'failed moved-twice', 4],
    [
      'a channel that throws',
      () => {
        throw new Error('broken')
      },
      'unknown error',
      3,
    ],
  ])('ends well: %s', async (_, answer, outcome, attempts) => {
    await subscribers(db, 1)
    await order(db)
    start(scripted(answer).sender)
    await done()
    expect(Object.values(await ledger(db))).toEqual([outcome])
    const row = await db.selectFrom('delivery').select(['attempts', 'not_before']).executeTakeFirst()
    expect(row).toEqual({ attempts, not_before: null })
    const { planned, sent, failed, unknown, withheld, waiting } = await figures(db)
    expect([planned, sent + failed + unknown + withheld, waiting]).toEqual([1, 1, 0])
  })
})

describe('pace', () => {
  it('is even, and keeps to the limit in any one second', async () => {
    await subscribers(db, 120)
    await order(db)
    const times: number[] = []
    const { sender } = scripted(() => {
      times.push(clock.ticks())
      return { kind: 'sent' }
    })
    start(sender)
    await done()
    const gaps = times.slice(1).map((time, i) => time - (times[i] ?? 0))
    expect(Math.min(...gaps)).toBeGreaterThan(30)
    const busiest = Math.max(
      ...times.map((from) => times.filter((time) => time >= from && time < from + 1000).length),
    )
    expect(busiest).toBeLessThanOrEqual(30)
    expect(119_000 / ((times.at(-1) ?? 0) - (times[0] ?? 0))).toBeGreaterThan(29.1)
  })

  it('catches up after a hold-up, but not beyond the limit, and makes room for answers that came late', () => {
    let now = 0
    const pace = createPace({ perSecond: 10 }, { ticks: () => now })
    const sends: number[] = []
    const send = (trip: number): void => {
      now += pace.wait()
      sends.push(now)
      const answered = pace.start()
      now += trip
      answered()
    }
    for (let i = 0; i < 10; i++) send(5)
    now += 200
    for (let i = 0; i < 30; i++) send(i === 3 ? 90 : 5)
    const window = sends.map((_, i) => (sends[i + 10] ?? Infinity) - (sends[i] ?? 0))
    expect(Math.min(...window)).toBeGreaterThanOrEqual(1000)
    const late = sends[13] ?? 0
    expect((sends[23] ?? 0) - late).toBeGreaterThanOrEqual(1085)
  })

  it('waits exactly as long as the platform asks, for everybody, and holds it against nobody', async () => {
    await subscribers(db, 20)
    await order(db)
    const times: number[] = []
    const { sender } = scripted(() => {
      times.push(clock.ticks())
      return times.length === 6 ? { kind: 'later', afterMs: 7000 } : { kind: 'sent' }
    })
    start(sender)
    await done()
    expect(times).toHaveLength(21)
    expect((times[6] ?? 0) - (times[5] ?? 0)).toBeGreaterThanOrEqual(7000)
    expect((times[6] ?? 0) - (times[5] ?? 0)).toBeLessThan(7100)
    const attempts = await db.selectFrom('delivery').select('attempts').execute()
    expect(new Set(attempts.map((row) => row.attempts))).toEqual(new Set([1]))
  })

  it('keeps to what a day allows', async () => {
    await subscribers(db, 25)
    await order(db)
    const { sender, handed } = scripted(undefined, { perDay: 10 })
    clock = virtualClock(NOW, at('01T23:59:00'))
    start(sender)
    await until(() => handed.length === 10)
    clock.runTo(at('02T23:00:00'))
    await until(() => handed.length === 20)
    clock.runTo(at('03T23:00:00'))
    await done()
    expect(await figures(db)).toMatchObject({ sent: 25 })
  })

  it('of a WeChat account is slow and uneven, and stops for the day', async () => {
    await subscribers(db, 25, { channel: 'wechat' })
    const pace = { perMinute: 2, perDay: 10 }
    await order(db, notice(), { reaches: [wechatReach(pace)] })
    const times: number[] = []
    const { sender } = scripted(
      () => {
        times.push(clock.ticks())
        return { kind: 'sent' }
      },
      { ...wechatReach(pace), jitterMs: 15_000 },
    )
    let random = 0
    start(sender, {
      random: () => {
        random = (random + 0.37) % 1
        return random
      },
    })
    await done()
    const gaps = times.slice(1).map((time, i) => time - (times[i] ?? 0))
    const overnight = gaps.filter((gap) => gap > 60_000)
    const within = gaps.filter((gap) => gap <= 60_000)
    expect([times.length, overnight.length]).toEqual([25, 2])
    expect(Math.min(...within)).toBeGreaterThanOrEqual(30_000)
    expect(Math.max(...within) - Math.min(...within)).toBeGreaterThan(8000)
    const days = times.map((time) => Math.floor((NOW.getTime() + 8 * 3600_000 + time) / 86_400_000))
    expect(days.map((day) => day - (days[0] ?? 0))).toEqual([
      ...Array(10).fill(0),
      ...Array(10).fill(1),
      ...Array(5).fill(2),
    ])
  })

  it('of a channel that cannot be reached waits longer every time, and gives nobody up', async () => {
    await subscribers(db, 3)
    await order(db)
    const times: number[] = []
    const { sender } = scripted(() => {
      times.push(clock.ticks())
      return times.length < 8
        ? { kind: 'not-now', reason: 'not-connected', everybody: true }
        : { kind: 'sent' }
    })
    start(sender)
    await done()
    const gaps = times.slice(1, 8).map((time, i) => Math.round((time - (times[i] ?? 0)) / 1000))
    expect(gaps).toEqual([1, 2, 4, 8, 16, 32, 60])
    expect(await figures(db)).toMatchObject({ sent: 3, failed: 0 })
  })

  it('lets replies pass', async () => {
    await subscribers(db, 3)
    await order(db)
    let replying = false
    const { sender, handed } = scripted(() => {
      replying = handed.length === 1
      if (replying)
        void clock.sleep(400, new AbortController().signal).then(() => {
          replying = false
        })
      return { kind: 'sent' }
    })
    const seen: number[] = []
    const send: NoticeSender['send'] = (chat, text) => {
      seen.push(clock.ticks())
      return sender.send(chat, text)
    }
    start({ ...sender, send, busy: () => replying })
    await done()
    expect((seen[1] ?? 0) - (seen[0] ?? 0)).toBeGreaterThanOrEqual(400)
    expect((seen[2] ?? 0) - (seen[1] ?? 0)).toBeLessThan(100)
  })

  it('does not stand still behind a channel that is never idle', async () => {
    await subscribers(db, 3)
    await order(db)
    start(scripted(undefined, { busy: () => true }).sender)
    await done()
  })
})

describe('times', () => {
  it('nothing goes out in quiet hours, and it goes on where it was when they end', async () => {
    clock = virtualClock(at('01T21:59:58'), at('02T07:59:59'))
    await subscribers(db, 90)
    await order(db, notice(), { now: at('01T21:59:58') })
    const times: number[] = []
    const { sender } = scripted(() => {
      times.push(clock.now().getTime())
      return { kind: 'sent' }
    })
    start(sender, { quietHours: '22:00-08:00' })
    await until(() => clock.now() >= at('02T07:59:00'))
    expect(times.length).toBeGreaterThan(30)
    expect(times.length).toBeLessThan(70)
    expect(Math.max(...times)).toBeLessThan(at('01T22:00:00').getTime())
    expect((await figures(db)).unknown).toBe(0)
    clock.runTo(at('02T08:01:00'))
    await done()
    expect(times).toHaveLength(90)
    expect(
      times.filter((time) => time >= at('01T22:00:00').getTime() && time < at('02T08:00:00').getTime()),
    ).toEqual([])
  })

  it('waits for its time, and then takes those in who have subscribed since', async () => {
    clock = virtualClock(NOW, at('01T10:19:59'))
    await subscribers(db, 2)
    await order(db, notice({ sendAt: '2026-12-01T10:20:00+08:00' }))
    const { sender, handed } = scripted()
    start(sender)
    await until(() => clock.now() >= at('01T10:19:58'))
    expect(handed).toEqual([])
    await subscribers(db, 1, { first: 3 })
    clock.runTo(at('01T10:25:00'))
    await done()
    expect(await ledger(db)).toEqual({ 1: 'sent', 2: 'sent', 3: 'sent' })
  })

  it.each([
    ['the end of the event', {}, '10T16:30:00'],
    ['its expiry', { expires: '2026-12-05T12:00:00+08:00' }, '05T12:00:00'],
  ])('who is left at %s does not get it any more', async (_, more, end) => {
    const before = new Date(at(end).getTime() - 2000)
    clock = virtualClock(before, new Date(at(end).getTime() + 60_000))
    await subscribers(db, 90)
    await order(db, notice(more), { now: before })
    const { sender, handed } = scripted()
    start(sender)
    await done()
    expect(handed.length).toBeGreaterThan(40)
    expect(handed.length).toBeLessThan(70)
    expect(await figures(db)).toMatchObject({
      sent: handed.length,
      byReason: { 'event-over': 90 - handed.length },
    })
  })
})

describe('staff and visitors', () => {
  it('退订 in the middle: not one send to that visitor after it', async () => {
    await subscribers(db, 60)
    await order(db)
    const { sender, handed, chats } = scripted()
    const leaving = ['40', '41', '55', '9']
    const answer = sender.send
    const send: NoticeSender['send'] = async (chat, text) => {
      if (handed.length === 10) for (const one of leaving) await unsubscribe(db, address(one), NOW)
      return answer(chat, text)
    }
    start({ ...sender, send })
    await done()
    const sentAfter = chats()
      .slice(10)
      .filter((chat) => leaving.includes(chat))
    expect(sentAfter).toEqual([])
    const { sent, withheld, planned } = await figures(db)
    expect([planned, sent + withheld]).toEqual([60, 60])
    for (const chat of leaving.filter((one) => !chats().includes(one)))
      expect((await ledger(db))[chat]).toBe('withheld unsubscribed')
  })

  it('whoever is erased while the notice is on its way is not in the ledger afterwards', async () => {
    await subscribers(db, 2)
    await order(db)
    const { sender } = scripted(async (chat) => {
      await erase(db, address(chat), NOW)
      return { kind: 'unreachable', reason: 'blocked' }
    })
    start(sender)
    await done()
    expect(await ledger(db)).toEqual({ 'erased-1': 'unknown interrupted', 'erased-2': 'unknown interrupted' })
    expect(await db.selectFrom('reachability').selectAll().execute()).toEqual([])
  })

  it('pausing stops it within 2 seconds, and it resumes exactly where it was', async () => {
    await subscribers(db, 100)
    await order(db)
    let pausedAt = Infinity
    const times: number[] = []
    const { sender, handed, chats } = scripted(async () => {
      times.push(clock.ticks())
      if (times.length === 25) {
        await pause(db, ID, '李强', NOW)
        pausedAt = clock.ticks()
        clock.runTo(new Date(clock.now().getTime() + 3600_000))
      }
      return { kind: 'sent' }
    })
    start(sender)
    await until(() => clock.ticks() > pausedAt + 60_000)
    expect(handed).toHaveLength(25)
    expect(await figures(db)).toMatchObject({ state: 'paused', sent: 25, unknown: 0, waiting: 75 })
    await resume(db, ID, '李强', NOW)
    clock.runTo(LATER)
    await done()
    expect(new Set(chats()).size).toBe(100)
    expect(handed).toHaveLength(100)
  })

  it('cancelling leaves the ledger as it stands', async () => {
    await subscribers(db, 50)
    await order(db)
    const { sender, handed } = scripted(async () => {
      if (handed.length === 20) await cancel(db, ID, '李强', NOW)
      return { kind: 'sent' }
    })
    const outbox = start(sender)
    await until(async () => (await figures(db)).unknown === 0 && (await state()) === 'cancelled')
    await outbox.stop()
    expect(await figures(db)).toMatchObject({
      planned: 50,
      sent: 20,
      withheld: 30,
      byReason: { cancelled: 30 },
    })
  })

  it('an order from another process is found, and one notice follows the other', async () => {
    const { sender, handed } = scripted()
    start(sender)
    await subscribers(db, 40)
    const other = await openDatabase(join(data, 'qingda.sqlite'))
    await order(other, notice({ id: 'first', title: '一' }))
    await order(other, notice({ title: '二' }), { now: new Date(NOW.getTime() + 1) })
    await other.destroy()
    await done()
    expect(handed.slice(0, 40).every(({ text }) => text.includes('】一'))).toBe(true)
    expect(handed.slice(40).every(({ text }) => text.includes('】二'))).toBe(true)
  })

  it('an edit after the approval does not go out, and is told', async () => {
    await subscribers(db, 2)
    const broadcast = await order(db)
    const { sender, handed } = scripted()
    start(sender, { edited: ({ contentHash }) => contentHash === broadcast.contentHash })
    await done()
    expect(handed.every(({ text }) => text === broadcast.texts.telegram)).toBe(true)
    expect(logged('was edited after its approval')).toHaveLength(1)
  })

  it('nothing else is written into the log than ids, channels and outcomes', async () => {
    await subscribers(db, 3)
    await order(db)
    start(
      scripted((chat) => (chat === '2' ? { kind: 'unreachable', reason: 'blocked' } : { kind: 'sent' }))
        .sender,
    )
    await done()
    expect(JSON.stringify(log.lines)).not.toContain('主播')
    expect(logged('the notice is out')[0]?.fields).toMatchObject({ id: ID, sent: 2, failed: 1, blocked: 1 })
  })
})

describe('trouble', () => {
  it('with our text aborts the notice: nobody else gets it, staff are told', async () => {
    await subscribers(db, 30)
    await order(db)
    const { sender, handed } = scripted((chat) =>
      chat === '13'
        ? { kind: 'content-refused', reason: 'Bad Request: text must be encoded in UTF-8' }
        : { kind: 'sent' },
    )
    start(sender)
    await until(async () => (await state()) === 'aborted' && (await figures(db)).unknown === 0)
    const { planned, sent, failed, withheld, byReason } = await figures(db)
    expect(failed).toBe(1)
    expect(byReason).toEqual({ 'content-refused': 1, aborted: withheld })
    expect([sent + failed, sent + failed + withheld]).toEqual([handed.length, planned])
    expect(logged('refuses the text')[0]).toMatchObject({ level: 'error' })
    expect((await auditOf(db, ID)).at(-1)).toMatchObject({ who: 'outbox', act: 'abort' })
    expect((await findBroadcast(db, ID))?.why).toContain('UTF-8')
  })

  it('with the token stops the lane, and the notice waits for the next start', async () => {
    await subscribers(db, 10)
    await order(db)
    const refused = scripted(() => ({ kind: 'channel-refused', reason: 'Unauthorized' }))
    start(refused.sender)
    await until(() => logged('refuses this bot').length === 1)
    expect(refused.handed).toHaveLength(1)
    expect(await state()).toBe('sending')
    await until(async () => (await figures(db)).waiting === 10)
    await outboxes[0]?.stop()
    start(scripted().sender)
    await done()
    expect(await figures(db)).toMatchObject({ sent: 10 })
  })

  it('with a whole row of addresses looks like another bot’s token: pause, and hold it against nobody', async () => {
    await subscribers(db, 60)
    await order(db)
    const { sender, handed } = scripted(() => ({ kind: 'unreachable', reason: 'not-found' }))
    start(sender)
    await until(async () => (await state()) === 'paused' && (await figures(db)).unknown === 0)
    expect(handed.length).toBeLessThan(30)
    expect((await figures(db)).waiting).toBeGreaterThan(55)
    expect(logged('are unknown to this bot')[0]).toMatchObject({ level: 'error' })
    expect(await findBroadcast(db, ID)).toMatchObject({ why: 'addresses-unknown' })
  })

  it('with the ledger itself stops the sending until it can be written again', async () => {
    await subscribers(db, 40)
    await order(db)
    const { sender, handed, chats } = scripted(async () => {
      if (handed.length === 12) await db.schema.alterTable('delivery').renameTo('away').execute()
      return { kind: 'sent' }
    })
    start(sender)
    await until(() => logged('could not be read or written').length === 1)
    const before = handed.length
    expect(before).toBeLessThan(40)
    await db.schema.alterTable('away').renameTo('delivery').execute()
    await done()
    const { planned, sent, unknown } = await figures(db)
    expect([planned, sent + unknown]).toEqual([40, 40])
    const rows = await ledger(db)
    for (const chat of new Set(chats()))
      if (chats().filter((one) => one === chat).length > 1) expect(rows[chat]).toMatch(/^unknown/)
  })

  it('a chat that moved to where somebody is written to already gets one copy', async () => {
    await subscribers(db, 2)
    await order(db)
    const { sender, chats } = scripted((chat) =>
      chat === '1' ? { kind: 'moved', chat: '2' } : { kind: 'sent' },
    )
    start(sender)
    await done()
    expect(await ledger(db)).toEqual({ 1: 'withheld duplicate', 2: 'sent' })
    expect(chats()).toEqual(['1', '2'])
  })

  it('a chat that moved is known by its new id everywhere', async () => {
    await subscribers(db, 1)
    await db
      .insertInto('consent')
      .values({ ...address('1'), text: '同意', version: '1', given_at: 0, withdrawn_at: null })
      .execute()
    await order(db)
    start(scripted((chat) => (chat === '1' ? { kind: 'moved', chat: '-100' } : { kind: 'sent' })).sender)
    await done()
    expect(await ledger(db)).toEqual({ '-100': 'sent' })
    for (const table of ['subscription', 'consent'] as const)
      expect(await db.selectFrom(table).select('chat').execute()).toEqual([{ chat: '-100' }])
  })
})

describe('after a kill', () => {
  async function killedInFlight(repeat: Repeat): Promise<void> {
    await subscribers(db, 5)
    await order(db, notice(), { repeat })
    await claim(db, ID, 'telegram', 2, NOW)
  }

  it('what was on its way is sent again and stays unknown, with at-least-once', async () => {
    await killedInFlight('at-least-once')
    const { sender, chats } = scripted()
    start(sender)
    await done()
    expect(chats().sort()).toEqual(['1', '2', '3', '4', '5'])
    const again = 'unknown repeated-after-interruption'
    expect(await ledger(db)).toEqual({ 1: again, 2: again, 3: 'sent', 4: 'sent', 5: 'sent' })
  })

  it('what was on its way stays unknown and is not sent again, with at-most-once', async () => {
    await killedInFlight('at-most-once')
    const { sender, chats } = scripted()
    start(sender)
    await done()
    expect(chats()).toEqual(['3', '4', '5'])
    expect(await ledger(db)).toMatchObject({ 1: 'unknown interrupted', 2: 'unknown interrupted' })
  })

  it.each(['cancelled', 'paused'] as const)('of a notice that was %s nothing goes out', async (how) => {
    await killedInFlight('at-least-once')
    if (how === 'cancelled') await cancel(db, ID, '李强', NOW)
    else await pause(db, ID, '李强', NOW)
    const { sender, handed } = scripted()
    const outbox = start(sender)
    await until(async () => (await ledger(db))[1] === 'unknown interrupted')
    await outbox.stop()
    expect(handed).toEqual([])
  })

  it('a notice that takes the process down with it is not sent for ever', async () => {
    // Quiet hours that last as long as the test: the start looks at what was on its way and sends nothing.
    clock = virtualClock(NOW)
    await subscribers(db, 1)
    await order(db)
    const { sender, handed } = scripted()
    let kills = 0
    while ((await claim(db, ID, 'telegram', 1, NOW)).length > 0) {
      kills++
      const outbox = start(sender, { quietHours: '08:00-22:00' })
      await until(async () => (await ledger(db))[1] === 'unknown interrupted')
      await outbox.stop()
    }
    expect(kills).toBe(MOST_ATTEMPTS)
    expect(handed).toEqual([])
    expect(await ledger(db)).toEqual({ 1: 'unknown interrupted' })
  })

  it('a stop does not wait for ever for a send that is never answered, and the next start lists it', async () => {
    await subscribers(db, 3)
    await order(db)
    const silent = scripted((chat) => (chat === '2' ? new Promise<never>(() => {}) : { kind: 'sent' }))
    const outbox = start({ ...silent.sender, parallel: 2 })
    await until(() => silent.handed.length === 3)
    await outbox.stop()
    expect(logged('stopped before every notice')).toHaveLength(1)
    expect(await ledger(db)).toEqual({ 1: 'sent', 2: 'unknown in-flight', 3: 'sent' })
    start(scripted().sender)
    await done()
    expect(await ledger(db)).toEqual({ 1: 'sent', 2: 'unknown repeated-after-interruption', 3: 'sent' })
  })

  it('a stop waits for the sends in hand and gives back the rest', async () => {
    await subscribers(db, 30)
    await order(db)
    let release = (): void => {}
    const held = new Promise<void>((resolve) => {
      release = resolve
    })
    const { sender, handed } = scripted(async () => {
      if (handed.length === 5) await held
      return { kind: 'sent' }
    })
    const outbox = start({ ...sender, parallel: 3 })
    await until(() => handed.length >= 5)
    const stopping = outbox.stop()
    release()
    await stopping
    expect(await figures(db)).toMatchObject({ sent: handed.length, waiting: 30 - handed.length, unknown: 0 })
  })

  it('two processes do not send the notices of one channel both', async () => {
    await takeName(db, laneOf('telegram'), 'elsewhere:1:abc', new Date())
    await subscribers(db, 1)
    await order(db)
    const { sender, handed } = scripted()
    start(sender)
    await until(() => logged('another process sends the notices').length === 1)
    expect(handed).toEqual([])
  })

  it('a visitor’s 退订 can wait for the notice that is on its way', async () => {
    await subscribers(db, 1)
    await order(db)
    let release = (): void => {}
    const { sender, handed } = scripted(
      () =>
        new Promise((resolve) => {
          release = () => resolve({ kind: 'sent' })
        }),
    )
    const outbox = start(sender)
    await until(() => handed.length === 1)
    let settled = false
    const settling = outbox.settled(address('1')).then(() => {
      settled = true
    })
    await outbox.settled(address('2'))
    expect(settled).toBe(false)
    release()
    await settling
  })
})

describe('a simulated channel', () => {
  it.each([1, 2, 3])(
    'with seed %i: everybody reachable gets it, repeats are unknown, the states add up',
    async (seed) => {
      await subscribers(db, 500)
      await order(db)
      const never = new AbortController().signal
      const channel = simulatedChannel({
        ...TELEGRAM,
        seed,
        faults: { blocked: 0.05, notFound: 0.01, noAnswer: 0.05, notNow: 0.05, later: 0.01 },
        sleep: (ms) => clock.sleep(ms, never),
      })
      start(channel)
      await done()
      const rows = await ledger(db)
      for (const [chat, outcome] of Object.entries(rows)) {
        const copies = channel.arrived.get(chat) ?? 0
        if (outcome === 'sent') expect(copies).toBe(1)
        if (outcome.startsWith('failed')) expect(copies).toBe(0)
        if (copies > 1) expect(outcome).toMatch(/^unknown/)
      }
      const { planned, sent, failed, unknown, withheld } = await figures(db)
      expect([planned, sent + failed + unknown + withheld]).toEqual([500, 500])
      expect(unknown).toBeGreaterThan(0)
      expect(failed).toBeGreaterThan(0)
    },
  )
})
