import type { DecisionKind } from './conversation.ts'

/** What a numbered choice does when it is chosen. */
export type ChoiceAction =
  | { readonly do: 'show-entry'; readonly entry: string; readonly facet?: string | undefined }
  | { readonly do: 'show-all'; readonly entry: string; readonly facet?: string | undefined }
  | {
      readonly do: 'set-region'
      readonly region: string
      readonly entry?: string | undefined
      readonly facet?: string | undefined
    }
  | { readonly do: 'subscribe-in'; readonly region: string; readonly topics: readonly string[] }
  | { readonly do: 'show-event'; readonly notice: string }
  | { readonly do: 'remind'; readonly notice: string; readonly lead?: number | undefined }
  | { readonly do: 'agree' }
  /** Without a scope all of them end, and the reminders. */
  | {
      readonly do: 'unsubscribe'
      readonly scope?: readonly { readonly region: string; readonly topic: string }[] | undefined
    }
  | { readonly do: 'cancel' }
  | { readonly do: 'hand-over' }

/** What the conversation remembers of one visitor. Times are epoch milliseconds. */
export interface Session {
  readonly region?: string | undefined
  readonly traditional?: boolean | undefined
  /** The entries told last, newest first, for 「刚才那个」; they go with the topic. */
  readonly told?: readonly string[] | undefined
  /** What was last talked about, for 「要什么材料」 and 「那昆明呢」. */
  readonly topic?:
    | {
        readonly entry?: string | undefined
        /** Entries told in one reply, in order, for 「后面那个」. */
        readonly together?: readonly string[] | undefined
        readonly facet?: string | undefined
        /** Other candidates of that question, and entries already turned down. */
        readonly candidates: readonly string[]
        readonly rejected: readonly string[]
        readonly decision: DecisionKind
        readonly at: number
      }
    | undefined
  readonly menu?:
    | { readonly id: string; readonly at: number; readonly actions: readonly ChoiceAction[] }
    | undefined
  /** The announced events shown last, in their order, for 「提醒我第二个」. */
  readonly events?: { readonly notices: readonly string[]; readonly at: number } | undefined
  readonly pending?: Pending | undefined
  /** The last question without an answer, masked, kept until it is handed over or the context ends. */
  readonly unanswered?: { readonly text: string; readonly at: number } | undefined
  readonly urgent?: { readonly kind: string; readonly at: number } | undefined
}

/** Something the visitor was asked to confirm or to write. */
export type Pending =
  | {
      readonly for: 'consent'
      /** Town and topic of each subscription. */
      readonly scope: readonly { readonly region: string; readonly topic: string }[]
      /** The consent text, word for word as the visitor read it. */
      readonly shown: string
      readonly at: number
    }
  | { readonly for: 'erasure'; readonly at: number }
  | { readonly for: 'inquiry'; readonly at: number }
