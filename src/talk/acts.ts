import type { Content, SmallTalk, Wording } from '../model/content.ts'
import { clausesOf } from '../text/clauses.ts'
import { bare } from '../text/normalize.ts'
import { compileWording } from '../text/pattern.ts'
import { type Request, requestReader } from './requests.ts'

/** Everything a visitor can ask the bot to do; `intents/acts.yaml` says how they ask for it. */
export const ACTS = [
  'unsubscribe',
  'call-off-reminder',
  'my-subscriptions',
  'subscribe',
  'subscribe-to',
  'subscribe-more',
  'unsubscribe-from',
  'keep-only',
  'erase-my-data',
  'my-data',
  'human',
  'change-region',
  'help',
  'remind',
  'events',
  'more',
  'simpler',
  'not-that',
  'others',
  'ask-instead',
  'cancel',
  'agree',
  'yes',
  'source',
  'start',
] as const
/**
 * The last two are heard only, never worded: nothing ends before it was asked whether that is meant, and an event that
 * nobody announced may stand in a document.
 */
export type ActId = (typeof ACTS)[number] | 'unsubscribe-perhaps' | 'events-perhaps'

export interface ReadActs {
  /** The act a message asks for in words that staff wrote down, if any. @param stripped the message without politeness */
  worded(text: string, stripped: string): ActId | undefined
  /** The same, or what it is heard to ask for; how likely it is, 0 to 1. */
  act(text: string, stripped: string): Request | undefined
  /** Small talk that is the whole message. */
  smallTalk(text: string, stripped: string): SmallTalk | undefined
  /** Small talk that shows somewhere in the message; weaker than a question understood. */
  smallTalkWithin(text: string): SmallTalk | undefined
}

export function wordingReader(content: Content): ReadActs {
  const acts = content.acts.map((act) => ({ id: act.id as ActId, ...compile(act) }))
  const talks = content.smallTalk.map((talk) => ({ talk, ...compile(talk) }))
  const hears = requestReader(content)
  const whole = (text: string, stripped: string): ActId | undefined =>
    acts.find((act) => act.whole(text) || act.whole(stripped))?.id
  const within = (text: string, stripped: string): ActId | undefined =>
    acts.find((act) => act.within(text) || act.within(stripped))?.id
  return {
    worded: (text, stripped) => whole(text, stripped) ?? within(text, stripped),
    act: (text, stripped) => {
      const exactly = whole(text, stripped)
      if (exactly !== undefined) return { act: exactly, likely: 1 }
      const worded = within(text, stripped)
      const kind = worded && KINDS[worded]
      const asked = worded && { act: worded, likely: 1 }
      // What steers the conversation is no request, and what would be erased is asked for once more anyway.
      if (worded !== undefined && (kind === undefined || kind === 'erase-my-data')) return asked
      const heard = hears(text)
      const least = worded === undefined ? HEARD : SURELY_HEARD
      if (heard === undefined || heard.likely < least || heard.act === kind) return asked
      if (talks.some((talk) => talk.whole(stripped) || talk.within(text))) return asked
      if (acts.some(({ id, isExcepted }) => (KINDS[id] ?? id) === heard.act && isExcepted(text))) return asked
      return { act: PERHAPS[heard.act] ?? heard.act, likely: heard.likely }
    },
    smallTalk: (text, stripped) => {
      const whole = (said: string): SmallTalk | undefined => talks.find((one) => one.whole(said))?.talk
      // 「OK没别的了，拜拜」 is small talk in each of its clauses; the last one is replied to.
      const inClauses = clausesOf(stripped).map((clause) => whole(clause.text))
      return whole(text) ?? whole(stripped) ?? (inClauses.every(Boolean) ? inClauses.at(-1) : undefined)
    },
    smallTalkWithin: (text) => talks.find(({ within }) => within(text))?.talk,
  }
}

/** Chosen on held-out hands, see `bench/fit-requests.ts`. Wordings are trusted more than one's ear. */
const HEARD = 0.25
export const SURELY_HEARD = 0.6
const PERHAPS: Partial<Record<ActId, ActId>> = {
  unsubscribe: 'unsubscribe-perhaps',
  events: 'events-perhaps',
}
/** Which request each wording is one of. */
const KINDS: Partial<Record<ActId, ActId>> = {
  subscribe: 'subscribe',
  'subscribe-to': 'subscribe',
  'subscribe-more': 'subscribe',
  unsubscribe: 'unsubscribe',
  'unsubscribe-from': 'unsubscribe',
  'keep-only': 'unsubscribe',
  'my-subscriptions': 'my-subscriptions',
  'erase-my-data': 'erase-my-data',
  'my-data': 'my-data',
  'call-off-reminder': 'call-off-reminder',
  remind: 'remind',
  events: 'events',
  human: 'human',
  help: 'help',
}

// In acts and small talk `^` and `$` stand for the edges of the message; as characters nobody types they match like any other.
const BEGIN = '⟦'
const END = '⟧'
const markEdges = (wording: string): string => wording.replace(/^\^/, BEGIN).replaceAll('$', END)

interface Compiled {
  whole(text: string): boolean
  within(text: string): boolean
  /** Something in it says that it is not meant. */
  isExcepted(text: string): boolean
}

function compile(wording: Wording): Compiled {
  const exactly = new Set(wording.exactly.map((phrase) => bare(phrase.toLowerCase())))
  const slashed = new Set(wording.exactly.filter((phrase) => phrase.startsWith('/')))
  const contains = compileWording(wording.contains.map(markEdges), 'anywhere')
  const unless = compileWording(wording.unless.map(markEdges), 'anywhere')
  return {
    whole: (text) => (exactly.has(bare(text)) && !text.startsWith('/')) || slashed.has(text),
    within: (text) => contains(`${BEGIN}${text}${END}`) && !unless(`${BEGIN}${text}${END}`),
    isExcepted: (text) => unless(`${BEGIN}${text}${END}`),
  }
}
