import type { NoticeSender, Reach, SendOutcome } from '../model/notice.ts'

/** How often each fault occurs, as a share of the chats or of the sends. */
export interface Faults {
  /** Chats that have blocked the bot, and chats that nobody knows. */
  readonly blocked: number
  readonly notFound: number
  /** Sends that get no answer; half of them have arrived. */
  readonly noAnswer: number
  /** Sends that are put off. */
  readonly notNow: number
  /** Sends that are answered with a demand to wait. */
  readonly later: number
}

/** What a channel of this kind is known to do on an ordinary day. */
export const ORDINARY_FAULTS: Faults = {
  blocked: 0.02,
  notFound: 0.002,
  noAnswer: 0.002,
  notNow: 0.002,
  later: 0.0005,
}

export interface SimulatedOptions extends Reach {
  /** The same seed brings the same faults. */
  readonly seed: number
  readonly faults?: Faults
  readonly roundTripMs?: number
  readonly sleep: (ms: number) => Promise<void>
}

export interface SimulatedChannel extends NoticeSender {
  /** What has arrived, chat by chat: an honest count to hold against the ledger. */
  readonly arrived: ReadonlyMap<string, number>
}

/** A channel that reaches nobody, for rehearsals: it behaves like the real one, faults included. */
export function simulatedChannel(options: SimulatedOptions): SimulatedChannel {
  const { seed, sleep, roundTripMs = 60, faults = ORDINARY_FAULTS, ...reach } = options
  const arrived = new Map<string, number>()
  const sends = new Map<string, number>()

  return {
    ...reach,
    parallel: 10,
    arrived,
    send: async (chat) => {
      const number = (sends.get(chat) ?? 0) + 1
      sends.set(chat, number)
      await sleep(roundTripMs)
      const outcome = fate(chat, number)
      if (
        outcome.kind === 'sent' ||
        (outcome.kind === 'unknown' && dice(seed, chat, number, 'arrived') < 0.5)
      )
        arrived.set(chat, (arrived.get(chat) ?? 0) + 1)
      return outcome
    },
  }

  /** Some chats are out of reach for good; the other faults befall a single send. */
  function fate(chat: string, number: number): SendOutcome {
    const forGood = dice(seed, chat, 0, 'chat')
    if (forGood < faults.blocked) return { kind: 'unreachable', reason: 'blocked' }
    if (forGood < faults.blocked + faults.notFound) return { kind: 'unreachable', reason: 'not-found' }
    const once = dice(seed, chat, number, 'send')
    if (once < faults.noAnswer) return { kind: 'unknown', reason: 'timed-out' }
    if (once < faults.noAnswer + faults.notNow) return { kind: 'not-now', reason: 'refused-403' }
    if (once < faults.noAnswer + faults.notNow + faults.later) return { kind: 'later', afterMs: 3000 }
    return { kind: 'sent' }
  }
}

/** A number from 0 to 1 that the same words always bring (FNV-1a, then mixed). */
function dice(...words: readonly (string | number)[]): number {
  let hash = 0x811c9dc5
  for (const letter of words.join('|')) hash = Math.imul(hash ^ letter.charCodeAt(0), 0x01000193)
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b)
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35)
  return ((hash ^ (hash >>> 16)) >>> 0) / 2 ** 32
}
