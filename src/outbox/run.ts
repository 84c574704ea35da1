import type { Log } from '../model/channel.ts'
import type { Address } from '../model/conversation.ts'
import type { NoticeSender } from '../model/notice.ts'
import type { Database } from '../store/database.ts'
import { BEAT_MS, BOT, dropName, laneOf, newOwner, takeName } from '../store/heartbeat.ts'
import { createLane, type Lane, type LaneOptions } from './lane.ts'
import { type Clock, realClock } from './pace.ts'

export interface OutboxOptions {
  readonly db: Database
  readonly log: Log
  readonly senders: readonly NoticeSender[]
  /** `22:00-08:00` in Asia/Shanghai, or `off`. */
  readonly quietHours: string
  /** Whether a notice's file says something else by now than what was approved. */
  readonly edited?: LaneOptions['edited']
  readonly clock?: Clock
  readonly random?: () => number
}

export interface Outbox {
  /**
   * Resolves when no notice is on its way to this visitor, or one has been for long; what is answered after that is
   * the last they read.
   */
  settled(address: Address): Promise<void>
  /**
   * Takes up nothing more and resolves when the sends in hand are written down. One that is never answered does not
   * hold it up: the ledger has it on its way, and the next start lists it as unknown.
   */
  stop(): Promise<void>
}

/**
 * Sends what the store says is to be sent, one lane for each channel. It looks for work in the store alone, so that
 * commands of other processes are followed, and after a kill the next one goes on where this one was.
 */
export function startOutbox(options: OutboxOptions): Outbox {
  const { db, log, senders, clock = realClock } = options
  const stopping = new AbortController()
  const owner = newOwner()
  const lanes = new Map<string, Lane>()

  const run = async (sender: NoticeSender): Promise<void> => {
    const name = laneOf(sender.channel)
    for (let told = false; !(await takeName(db, name, owner, new Date())); told = true) {
      if (!told)
        log.warn({ channel: sender.channel }, 'another process sends the notices of this channel; waiting')
      await realClock.sleep(BEAT_MS, stopping.signal)
      if (stopping.signal.aborted) return
    }
    const lane = createLane({ ...options, clock, sender, signal: stopping.signal })
    lanes.set(sender.channel, lane)
    await lane.run()
    if (!stopping.signal.aborted) return
    await dropName(db, name, owner)
  }

  const beat = async (): Promise<void> => {
    const states = Object.fromEntries([...lanes].map(([channel, lane]) => [channel, lane.state()]))
    await takeName(db, BOT, owner, new Date(), JSON.stringify(states))
    for (const [channel, lane] of lanes)
      if (!(await takeName(db, laneOf(channel), owner, new Date()))) {
        log.error({ channel }, 'another process has taken over the notices of this channel; this one stops')
        lane.halt('taken-over')
      }
  }
  const beating = (): void =>
    void beat().catch((error: unknown) =>
      log.warn({ error: String(error) }, 'the sign of life could not be written'),
    )
  beating()
  const heart = setInterval(beating, BEAT_MS)
  heart.unref()

  const running = senders.map((sender) =>
    run(sender).catch((error: unknown) =>
      log.error(
        { channel: sender.channel, error: String(error) },
        'the notices of this channel stopped because of an error; they go on after a restart',
      ),
    ),
  )
  let stopped: Promise<void> | undefined
  return {
    settled: async ({ channel, chat }) => {
      const settled = lanes.get(channel)?.settled(chat)
      if (settled) await within(LONGEST_WAIT_MS, settled)
    },
    stop: () => {
      stopped ??= (async () => {
        clearInterval(heart)
        stopping.abort()
        if (!(await within(LONGEST_STOP_MS, Promise.all(running))))
          log.warn(
            {},
            'stopped before every notice on its way was answered; the next start lists those as unknown',
          )
        await dropName(db, BOT, owner)
      })()
      return stopped
    },
  }
}

/** @returns whether it was done in time; the time is real, whatever the clock of the lanes shows */
async function within(ms: number, work: Promise<unknown>): Promise<boolean> {
  const over = new AbortController()
  const done = await Promise.race([work.then(() => true), realClock.sleep(ms, over.signal).then(() => false)])
  over.abort()
  return done
}

/** An answer that takes longer than this will not come in time for anything. */
const LONGEST_WAIT_MS = 3000
/** A channel that stops beside the outbox has cut off its sends by then, and the process is about to end. */
const LONGEST_STOP_MS = 4500
