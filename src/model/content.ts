import type { Notice } from './notice.ts'

/** What staff own: the answers (`knowledge/`) and how visitors ask for them (`intents/`). */

export interface Region {
  readonly id: string
  readonly name: string
  readonly full: string
  readonly aliases: readonly string[]
  /** Who to ask in person; the documents give no phone number, so none stands here. */
  readonly office: string
}

export interface Hotline {
  readonly number: string
  readonly name: string
  readonly hours: string
  readonly for: readonly string[]
}

/** First and last day on which something is in force, both inclusive, as `YYYY-MM-DD` in Asia/Shanghai. */
export interface Validity {
  readonly from?: string | undefined
  readonly until?: string | undefined
}

export interface SourceDocument {
  readonly id: string
  readonly title: string
  readonly issuer: string
  readonly number?: string | undefined
  readonly date?: string | undefined
  readonly valid?: Validity | undefined
  /** The one line a reply adds once the document's period is over. */
  readonly status: string
  /** Path of the document's text, relative to the content folder; the check compares figures with it. */
  readonly text?: string | undefined
}

/** One policy, service, place or programme of one region. */
export interface Entry {
  readonly id: string
  readonly title: string
  /** Absent only in imported question sets: such an entry answers in every region. */
  readonly region?: string | undefined
  readonly topics: readonly string[]
  readonly aliases: readonly string[]
  readonly source?: { readonly document: string; readonly clause?: string | undefined } | undefined
  readonly valid?: Validity | undefined
  readonly checked?: string | undefined
  readonly related: readonly string[]
  /** The direct answer, shown first. */
  readonly answer: string
  /** What the document says on a facet, by facet id; a facet it is silent about is absent. */
  readonly facets: Readonly<Record<string, string>>
  /** A row of somebody's table: its answer is not divided by facet, so what it is silent about is not known. */
  readonly imported: boolean
  readonly file: string
}

/** The phrasings of one wish, and the entries that fulfil it by region (or `everywhere`). */
export interface Intent {
  readonly id: string
  readonly title: string
  readonly topic: string
  readonly answers: Readonly<Record<string, string>>
  readonly phrasings: readonly string[]
  readonly file: string
}

export const EVERYWHERE = 'everywhere'

/** What is asked about a thing: how much, who, how, … `heading` is the section of an entry that answers it. */
export interface Facet {
  readonly id: string
  readonly heading?: string | undefined
  readonly label: string
  readonly cues: readonly string[]
  /** A cue that touches one of these counts for nothing: 「哪几个」 asks which, not how many. */
  readonly unless: readonly string[]
  /** Said when the entry has no such section. */
  readonly unsaid: string
  /** The same in a list of what is not said: 「文件没有写明申请材料、联系电话」. */
  readonly what?: string | undefined
}

/** Ways to say something, as plain words with `…` for a gap and `(a|b)` for alternatives. */
export interface Wording {
  /** The whole message, politeness and particles aside. */
  readonly exactly: readonly string[]
  /** Anywhere in the message. */
  readonly contains: readonly string[]
  readonly unless: readonly string[]
}

export interface Act extends Wording {
  readonly id: string
}

export interface SmallTalk extends Wording {
  readonly id: string
  readonly reply: string
}

export interface UrgentKind extends Wording {
  readonly id: string
  /** Pinyin spellings without tones or spaces, for visitors who type letters only. */
  readonly pinyin: readonly string[]
  readonly reply: string
  /** Numbers of the hotlines to show, most fitting first. */
  readonly hotlines: readonly string[]
}

export interface Content {
  readonly regions: readonly Region[]
  readonly hotlines: readonly Hotline[]
  readonly sources: readonly SourceDocument[]
  readonly topics: readonly Topic[]
  readonly notices: readonly Notice[]
  /** Events that are over; their pages stay, because links to them stay in people's chats. */
  readonly past: readonly Notice[]
  readonly entries: readonly Entry[]
  readonly intents: readonly Intent[]
  readonly facets: readonly Facet[]
  readonly acts: readonly Act[]
  readonly smallTalk: readonly SmallTalk[]
  readonly urgent: readonly UrgentKind[]
  /** A document's word and the everyday words for it. */
  readonly concepts: Readonly<Record<string, readonly string[]>>
  /** Names the segmenter keeps whole. */
  readonly names: readonly string[]
  /** Places the base says nothing about. */
  readonly places: readonly string[]
  /** Matters none of the documents deals with. */
  readonly notOurs: readonly string[]
  /** Politeness and particles that do not change what is asked. */
  readonly filler: {
    readonly lead: readonly string[]
    readonly tail: readonly string[]
    /** What may stand around a bare region or facet without asking for a thing of its own. */
    readonly empty: readonly string[]
    /** Nouns that go with anything, such as 「情况」 and 「政策」. */
    readonly general: readonly string[]
    /** Ways to speak of a place (`地名`) without asking about it … */
    readonly passing: readonly string[]
    /** … that count only where the message also says that it is about here. */
    readonly home: readonly string[]
  }
  readonly phrases: Phrases
}

export interface Topic {
  readonly name: string
  readonly folder: string
  readonly words: readonly string[]
  /** Not discussed openly in a group chat. */
  readonly private: boolean
  /** Facets most visitors need about things of this topic; a reply says which of them the document does not give. */
  readonly details: readonly string[]
  /** Said beside every answer of this topic, whatever the document says: whom to call. */
  readonly note?: string | undefined
}

/** The bot's own sentences by name, each with what may be filled in as `{name}`. */
export const PHRASES = {
  greeting: ['regions'],
  suggestions: [],
  help: ['regions'],
  sourceLine: ['issuer', 'title', 'clause', 'checked'],
  noSource: [],
  askRegion: [],
  askWhich: [],
  askWhichUnsure: [],
  askThis: [],
  perhapsOnLast: ['thing'],
  notHere: ['region', 'thing'],
  notHereBut: ['region', 'thing'],
  elsewhere: ['regions', 'thing'],
  nearest: [],
  unknownPlace: ['place', 'regions'],
  notInFiles: [],
  unsure: ['office'],
  handOverOffer: [],
  handOverAsk: [],
  handedOver: ['office'],
  nothingToHandOver: [],
  cancelled: [],
  regionSet: ['region'],
  regionUnknown: ['regions'],
  regionWhich: [],
  notCurrentUntil: ['from'],
  more: [],
  moreLabel: [],
  humanLabel: [],
  continuePrivately: ['topic'],
  unreadable: [],
  unknownCommand: ['command'],
  menuExpired: [],
  menuOutOfRange: ['count'],
  whatAbout: [],
  incomplete: [],
  notThat: [],
  truncated: [],
  tooFast: [],
  sorry: [],
  contentDown: [],
  consent: ['scope'],
  consentLabel: [],
  declineLabel: [],
  subscribed: ['scope'],
  alreadySubscribed: ['scope'],
  unsubscribed: ['scope'],
  unsubscribeConfirm: ['scope'],
  unsubscribeLabel: [],
  unsubscribeAllLabel: [],
  stayLabel: [],
  unsubscribeInPrivate: [],
  notSubscribed: [],
  subscriptions: ['list'],
  subscriptionsPending: ['scope'],
  subscriptionDropped: ['scope'],
  subscriptionNarrowed: ['topics'],
  subscribeInPrivate: [],
  subscribeFirst: [],
  noEvents: [],
  noEventsThen: [],
  events: ['count'],
  eventTime: ['time'],
  eventPlace: ['place'],
  eventQuota: ['quota'],
  eventsSubscribe: [],
  eventLink: ['link'],
  remindLabel: [],
  remindSet: ['due', 'title', 'time'],
  remindAlready: ['title', 'time'],
  remindTooLate: ['title', 'time'],
  remindCannot: [],
  remindCalendar: ['title', 'link'],
  remindYourself: ['title', 'time', 'place'],
  remindWhich: [],
  remindInPrivate: [],
  remindNone: [],
  remindCalledOff: ['list'],
  reminders: ['list'],
  remindersStay: ['list'],
  reminderHead: ['title'],
  reminderLeave: [],
  noticeHead: ['region', 'title'],
  noticeLink: ['link'],
  noticeLeave: [],
  noticeMore: ['link'],
  noticeAsk: [],
  correctionHead: ['title'],
  myData: ['list'],
  myDataNothing: [],
  dataRegion: ['region'],
  dataSubscriptions: ['scope'],
  dataReminder: ['title', 'due'],
  dataConsent: ['day'],
  dataConsentWithdrawn: ['day', 'until'],
  dataInquiry: ['day', 'question'],
  allTopics: [],
  eraseConfirm: [],
  eraseLabel: [],
  keepLabel: [],
  erased: [],
  eraseCancelled: [],
  urgentStay: [],
  urgentRelief: [],
  statusAnswer: ['title', 'until'],
  unsaidDetails: ['details'],
  unsaidOfAll: ['details'],
  unsaidButOf: ['number', 'details'],
  otherThings: [],
  noOtherThings: [],
  handedOverToo: ['office'],
} as const satisfies Readonly<Record<string, readonly string[]>>

export type PhraseName = keyof typeof PHRASES
export type Phrases = Readonly<Record<PhraseName, string>>

/** Something wrong in a content file, told so that staff can mend it. */
export interface Problem {
  readonly severity: 'error' | 'warning'
  readonly file: string
  readonly line?: number | undefined
  readonly message: string
  readonly cure: string
}
