import type { Content, SmallTalk, Wording } from '../model/content.ts'
import { clausesOf } from '../text/clauses.ts'
import { bare } from '../text/normalize.ts'
import { compileWording } from '../text/pattern.ts'

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
export type ActId = (typeof ACTS)[number]

export interface ReadActs {
  /** The act a message asks for, if any. @param stripped the message without politeness */
  act(text: string, stripped: string): ActId | undefined
  /** Small talk that is the whole message. */
  smallTalk(text: string, stripped: string): SmallTalk | undefined
  /** Small talk that shows somewhere in the message; weaker than a question understood. */
  smallTalkWithin(text: string): SmallTalk | undefined
}

export function wordingReader(content: Content): ReadActs {
  const acts = content.acts.map((act) => ({ id: act.id as ActId, ...compile(act) }))
  const talks = content.smallTalk.map((talk) => ({ talk, ...compile(talk) }))
  return {
    act: (text, stripped) =>
      (
        acts.find(({ whole }) => whole(text) || whole(stripped)) ??
        acts.find(({ within }) => within(text) || within(stripped))
      )?.id,
    smallTalk: (text, stripped) => {
      const whole = (said: string): SmallTalk | undefined => talks.find((one) => one.whole(said))?.talk
      // 「OK没别的了，拜拜」 is small talk in each of its clauses; the last one is replied to.
      const inClauses = clausesOf(stripped).map((clause) => whole(clause.text))
      return whole(text) ?? whole(stripped) ?? (inClauses.every(Boolean) ? inClauses.at(-1) : undefined)
    },
    smallTalkWithin: (text) => talks.find(({ within }) => within(text))?.talk,
  }
}

// In acts and small talk `^` and `$` stand for the edges of the message; as characters nobody types they match like any other.
const BEGIN = '⟦'
const END = '⟧'
const markEdges = (wording: string): string => wording.replace(/^\^/, BEGIN).replaceAll('$', END)

function compile(wording: Wording): { whole(text: string): boolean; within(text: string): boolean } {
  const exactly = new Set(wording.exactly.map((phrase) => bare(phrase.toLowerCase())))
  const slashed = new Set(wording.exactly.filter((phrase) => phrase.startsWith('/')))
  const contains = compileWording(wording.contains.map(markEdges), 'anywhere')
  const unless = compileWording(wording.unless.map(markEdges), 'anywhere')
  return {
    whole: (text) => (exactly.has(bare(text)) && !text.startsWith('/')) || slashed.has(text),
    within: (text) => contains(`${BEGIN}${text}${END}`) && !unless(`${BEGIN}${text}${END}`),
  }
}
