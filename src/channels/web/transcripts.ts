import type { Reply } from '../../model/conversation.ts'

/** What a visitor said and what came back, as the page shows it. */
export interface Exchange {
  readonly said: string
  readonly reply: Reply | undefined
  /** The city the page shows as chosen from here on. */
  readonly region: string
}

export interface Transcripts {
  of(visitor: string): readonly Exchange[]
  add(visitor: string, exchange: Exchange): void
  forget(visitor: string): void
}

const MOST_VISITORS = 2_000
const MOST_EXCHANGES = 20
const KEPT_MS = 15 * 60 * 1000

/**
 * The conversations of visitors whose browser runs no script: after each message it loads the page anew, and
 * only the server can put the earlier ones back on it. They live in this process's memory alone, at most 20
 * exchanges of a visitor and for 15 minutes after the last one: what visitors write is nobody's to keep, so it
 * goes into no database, no file and no log. With script the page remembers for itself and nothing lands here.
 */
export function keepTranscripts(): Transcripts {
  const kept = new Map<string, { readonly exchanges: readonly Exchange[]; readonly end: NodeJS.Timeout }>()
  const forget = (visitor: string): void => {
    clearTimeout(kept.get(visitor)?.end)
    kept.delete(visitor)
  }
  return {
    of: (visitor) => kept.get(visitor)?.exchanges ?? [],
    add: (visitor, exchange) => {
      const exchanges = [...(kept.get(visitor)?.exchanges ?? []), exchange].slice(-MOST_EXCHANGES)
      forget(visitor)
      kept.set(visitor, { exchanges, end: setTimeout(forget, KEPT_MS, visitor).unref() })
      for (const quietest of kept.keys()) {
        if (kept.size <= MOST_VISITORS) break
        forget(quietest)
      }
    },
    forget,
  }
}
