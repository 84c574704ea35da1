import { type Ranking, reasonsOf } from '../answer/rank.ts'
import type { Content, Entry, Facet } from '../model/content.ts'
import type { Session } from '../model/session.ts'
import { type AnswerOptions, composeAnswer, composeSeveral, type Draft, dayInShanghai } from './compose.ts'
import type { Around, Outcome } from './converse.ts'

/** Tells one entry and remembers that the conversation is about it. */
export function tell(
  around: Around,
  session: Session,
  entry: Entry,
  options: AnswerOptions,
  ranking?: Ranking,
): Outcome {
  const known = session.told?.includes(entry.id) ?? false
  const draft = composeAnswer(around.knowledge.content, entry, dayInShanghai(around.now), {
    known,
    ...options,
  })
  return {
    draft: { ...draft, ...traceOf(ranking, entry) },
    session: remembering(around, session, [entry], options.facets?.[0], ranking),
  }
}

/** Tells a few entries in one reply; the conversation is about the first of them. */
export function tellSeveral(
  around: Around,
  session: Session,
  asked: readonly { readonly entry: Entry; readonly facets: readonly Facet[] }[],
  ranking: Ranking,
): Outcome {
  const entries = asked.map(({ entry }) => entry)
  const draft = composeSeveral(around.knowledge.content, asked, dayInShanghai(around.now))
  const trace = traceOf(ranking, entries[0])
  return {
    draft: {
      ...draft,
      ...trace,
      entries: [...new Set([...entries.map(({ id }) => id), ...(trace.entries ?? [])])],
    },
    session: remembering(around, session, entries, asked[0]?.facets[0], ranking),
  }
}

function remembering(
  around: Around,
  session: Session,
  told: readonly Entry[],
  facet: Facet | undefined,
  ranking: Ranking | undefined,
): Session {
  const ids = told.map(({ id }) => id)
  return {
    ...session,
    unanswered: undefined,
    told: [...ids, ...(session.told ?? []).filter((id) => !ids.includes(id))].slice(0, MOST_TOLD),
    topic: {
      entry: ids[0],
      together: ids.length > 1 ? ids : undefined,
      facet: facet?.id,
      candidates: candidatesOf(ranking),
      rejected: [],
      decision: 'answer',
      at: around.now.getTime(),
    },
  }
}

/** So many of the entries told last can be spoken of again as 「刚才那个」. */
const MOST_TOLD = 6

export const candidatesOf = (ranking: Ranking | undefined): string[] =>
  (ranking?.here ?? []).slice(0, 8).map(({ entry }) => entry.id)

/** The candidates, best first, with scores and reasons, for whoever looks behind the reply. */
export function traceOf(
  ranking: Ranking | undefined,
  entry?: Entry,
): Pick<Draft, 'entries' | 'score' | 'intent' | 'reasons'> {
  const ranked = ranking?.here ?? []
  const first = entry ? ranked.find((candidate) => candidate.entry.id === entry.id) : ranked[0]
  const others = ranked.filter((candidate) => candidate !== first)
  const ids = [
    ...(entry ? [entry.id] : first ? [first.entry.id] : []),
    ...others.map((candidate) => candidate.entry.id),
  ]
  return {
    entries: ids.slice(0, 5),
    score: first?.score ?? (entry ? 1 : 0),
    intent: first?.target.intents[0]?.id,
    reasons: ranked.slice(0, 5).map(reasonsOf),
  }
}

export const entryOf = (content: Content, id: string | undefined): Entry | undefined =>
  id === undefined ? undefined : content.entries.find((entry) => entry.id === id)

/** The facet of that id, as the list of what is asked. */
export const facetList = (content: Content, id: string | undefined): Facet[] =>
  content.facets.filter((facet) => facet.id === id)
