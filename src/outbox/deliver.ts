import type { Repeat, SendOutcome } from '../model/notice.ts'
import type { Claimed, Settled } from '../store/ledger.ts'

/** What becomes of a row after one send, and what else has to happen. */
export interface Verdict {
  readonly row: Settled
  readonly also?:
    | { readonly do: 'pause-lane'; readonly ms: number }
    /** The channel cannot be reached at all: wait, longer every time. */
    | { readonly do: 'back-off' }
    | { readonly do: 'abort'; readonly reason: string }
    | { readonly do: 'stop-lane'; readonly reason: string }
}

/** What never left the house is tried again after these times, then given up. */
const RETRY_MS = [30_000, 120_000, 600_000]
/** What may have arrived is repeated after these times; every repeat may be one more copy, so there are few. */
const REPEAT_MS = [5000, 60_000]
/** A row that was on its way as often as this is not sent again after a start either. */
export const MOST_ATTEMPTS = 4

/**
 * One outcome, one verdict. What may have been sent before is never called sent: nobody can say which of the two
 * copies arrived, or whether both did. `moved` is dealt with before, since it sends again at once.
 */
export function judge(
  outcome: Exclude<SendOutcome, { kind: 'moved' }>,
  claimed: Claimed,
  repeat: Repeat,
  now: Date,
): Verdict {
  const { chat, attempts } = claimed
  const { notBefore: _, ...before } = claimed.before
  const again = before.state === 'unknown'
  const after = (waits: readonly number[]): number | undefined => {
    const wait = waits[attempts - 1]
    return wait === undefined ? undefined : now.getTime() + wait
  }

  switch (outcome.kind) {
    case 'sent':
      return {
        row: again
          ? { chat, state: 'unknown', reason: repeatedAfter(before.reason) }
          : { chat, state: 'sent', reason: null },
      }
    case 'later':
      return { row: untouched(claimed), also: { do: 'pause-lane', ms: outcome.afterMs } }
    case 'not-now': {
      if (outcome.everybody) return { row: untouched(claimed), also: { do: 'back-off' } }
      const notBefore = after(RETRY_MS)
      const { reason } = outcome
      if (again) return { row: { chat, ...before, notBefore } }
      return {
        row:
          notBefore === undefined
            ? { chat, state: 'failed', reason }
            : { chat, state: 'planned', reason, notBefore },
      }
    }
    case 'unreachable': {
      const { reason } = outcome
      return {
        row: again
          ? { chat, state: 'unknown', reason: `repeat-${reason}`, unreachable: reason }
          : { chat, state: 'failed', reason, unreachable: reason },
      }
    }
    case 'content-refused':
      return {
        row: again ? { chat, ...before } : { chat, state: 'failed', reason: 'content-refused' },
        also: { do: 'abort', reason: outcome.reason },
      }
    case 'channel-refused':
      return { row: untouched(claimed), also: { do: 'stop-lane', reason: outcome.reason } }
    case 'unknown':
      return {
        row: {
          chat,
          state: 'unknown',
          reason: outcome.reason,
          notBefore: repeat === 'at-least-once' ? after(REPEAT_MS) : undefined,
        },
      }
  }
}

/** The row as it was before it was claimed: it has not left the house. */
export const untouched = ({ chat, before }: Claimed): Settled => ({ chat, ...before, noAttempt: true })

const repeatedAfter = (reason: string | null): string =>
  reason === 'interrupted' ? 'repeated-after-interruption' : 'repeated'
