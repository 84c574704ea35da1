/** An event announcement written by staff, as its file says it. Times are ISO 8601 with an offset. */
export interface Notice {
  /** The file's name without `.md`. */
  readonly id: string
  readonly title: string
  readonly region: string
  readonly topics: readonly string[]
  readonly starts: string
  readonly ends: string
  readonly place: string
  readonly quota?: number | undefined
  readonly link?: string | undefined
  /** Not before this time. */
  readonly sendAt?: string | undefined
  /** Not after this time; the end of the event when left out. */
  readonly expires?: string | undefined
  /** Subscribers of these topics, or everybody subscribed in the region. */
  readonly audience: 'topics' | 'region'
  readonly author: string
  readonly body: string
  readonly file: string
}

/** Where a notice has a page of its own. @param publicUrl where visitors open our web pages */
export const pageOf = ({ id }: Pick<Notice, 'id'>, publicUrl: string): string =>
  `${publicUrl.replace(/\/+$/, '')}/notices/${encodeURIComponent(id)}`

/** Everything that can become of a send. Channels translate their platform's errors into these. */
export type SendOutcome =
  | { readonly kind: 'sent' }
  /** The platform asks to wait; the whole lane waits exactly this long, and it is no attempt against the row. */
  | { readonly kind: 'later'; readonly afterMs: number }
  /**
   * Nothing has left, and perhaps not for long: try again some other time. `everybody`: the channel cannot be
   * reached at all, so it says nothing about this visitor.
   */
  | { readonly kind: 'not-now'; readonly reason: string; readonly everybody?: boolean }
  /** The visitor cannot be reached any more; the consent is kept, the address is marked. */
  | {
      readonly kind: 'unreachable'
      readonly reason: 'blocked' | 'gone' | 'never-started' | 'chat-lost' | 'not-found'
    }
  /** The chat lives on under another id: store it and send once more. */
  | { readonly kind: 'moved'; readonly chat: string }
  /** Our own text is wrong, for everybody: the broadcast must stop. */
  | { readonly kind: 'content-refused'; readonly reason: string }
  /** The channel itself is refused (token revoked): the channel must stop. */
  | { readonly kind: 'channel-refused'; readonly reason: string }
  /** Nobody can say whether it arrived: time-out, reset, a server error. */
  | { readonly kind: 'unknown'; readonly reason: string }

/** Why somebody cannot be reached. */
export type Unreachable = Extract<SendOutcome, { kind: 'unreachable' }>['reason']

/** How far and how fast a channel carries notices. */
export interface Reach {
  readonly channel: string
  /** Longest text one message may have. */
  readonly longest: number
  /** What that counts: UTF-16 units (Telegram), when left out, or bytes of UTF-8 (WeChat). */
  readonly counts?: 'bytes'
  /** Sends a second, in bulk, that the platform allows. */
  readonly perSecond: number
  /** Sends a day (of Asia/Shanghai) at most; as many as there are when left out. */
  readonly perDay?: number
}

/** How long a text is for a channel. */
export const lengthOn = ({ counts }: Pick<Reach, 'counts'>, text: string): number =>
  counts === 'bytes' ? new TextEncoder().encode(text).length : text.length

/** A channel that can write to somebody first. */
export interface NoticeSender extends Reach {
  /** Sends that may be under way at once. */
  readonly parallel: number
  /** Adds up to this much, at random, to the time between two sends. */
  readonly jitterMs?: number
  send(chat: string, text: string): Promise<SendOutcome>
  /** Replies to visitors are in hand; notices wait for them. */
  busy?(): boolean
}

export const DELIVERY_STATES = ['planned', 'sent', 'failed', 'unknown', 'withheld'] as const
/** `planned` rows wait; `unknown` ones were in flight when something broke. */
export type DeliveryState = (typeof DELIVERY_STATES)[number]

/** Where a broadcast stands. `sending` waits for its time and quiet hours too. */
export type BroadcastState = 'approved' | 'sending' | 'paused' | 'cancelled' | 'aborted' | 'done'

/** What to do with a send nobody can vouch for: send it again (perhaps twice) or leave it (perhaps never). */
export type Repeat = 'at-least-once' | 'at-most-once'

/** The ledger in figures; the states add up to `planned`. */
export interface BroadcastReport {
  readonly id: string
  readonly state: BroadcastState
  readonly planned: number
  readonly sent: number
  readonly failed: number
  readonly unknown: number
  readonly withheld: number
  readonly waiting: number
  readonly byReason: Readonly<Record<string, number>>
}

/** A notice on its way: the text as it was approved, word for word, and who stands for it. Times are epoch milliseconds. */
export interface Broadcast {
  /** The notice's id; a correction has one of its own. */
  readonly id: string
  readonly state: BroadcastState
  readonly title: string
  readonly region: string
  readonly topics: readonly string[]
  readonly audience: Notice['audience']
  readonly starts: number
  readonly ends: number
  readonly sendAt: number | undefined
  readonly expires: number | undefined
  /** By channel; who subscribed on a channel that is not here cannot be written to. */
  readonly texts: Readonly<Record<string, string>>
  /** Of the notice as it was approved, to tell when its file says something else by now. */
  readonly contentHash: string
  readonly author: string
  readonly approver: string
  readonly approvedAt: number
  readonly repeat: Repeat
  /** Goes to exactly those who have, or may have, received that broadcast. */
  readonly correctionOf: string | undefined
  /** Goes to those who asked to be reminded of that notice's event, each at a time of their own. */
  readonly reminderOf: string | undefined
  readonly sentBy: string | undefined
  /** When it was ordered to be sent, and when the first send was due. */
  readonly orderedAt: number | undefined
  readonly startedAt: number | undefined
  readonly endedAt: number | undefined
  /** Why it was aborted or paused by the outbox. */
  readonly why: string | undefined
}

/** When nobody should receive it any more. */
export const overAt = ({ ends, expires }: Pick<Broadcast, 'ends' | 'expires'>): number =>
  Math.min(ends, expires ?? ends)
