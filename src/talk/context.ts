import { FEATURES } from '../answer/judge.ts'
import type { Question } from '../answer/question.ts'
import type { Candidate, Ranking } from '../answer/rank.ts'
import type { Content, Entry } from '../model/content.ts'
import type { Session } from '../model/session.ts'
import { entryChoices, say } from './compose.ts'
import type { Around, Outcome } from './converse.ts'
import { entryOf, tell, traceOf } from './tell.ts'

/** So few characters say little by themselves. */
export const LITTLE = 4
/** So few may be about what was said last. */
export const LITTLE_SAID = 8

/** A question this short leans on what was said before. */
export const isElliptical = ({ rest, gist }: Question): boolean => rest.length <= 6 || gist.length <= LITTLE

/** What an elliptical question may be about: the last entry, its neighbours, the other candidates of that question, what was told before. */
export function contextOf(content: Content, session: Session): Set<string> | undefined {
  const { topic, told = [] } = session
  if (!topic) return undefined
  const last = entryOf(content, topic.entry)
  const near = content.entries.filter(
    (other) =>
      last?.source?.clause !== undefined &&
      other.region === last.region &&
      other.source?.clause === last.source.clause &&
      other.topics[0] === last.topics[0],
  )
  return new Set([
    ...(topic.entry ? [topic.entry] : []),
    ...topic.candidates,
    ...(last?.related ?? []),
    ...near.map(({ id }) => id),
    ...told,
  ])
}

/**
 * 「钱的事先说」, 「场地呢」: too little to be understood alone, but among the few things the conversation is about one
 * may fit, or a few may.
 * @param orAsk asks which, where several fit
 */
export function fromContext(
  around: Around,
  session: Session,
  question: Question,
  region: string | undefined,
  context: ReadonlySet<string>,
  orAsk: boolean,
): Outcome | undefined {
  const { rank } = around.knowledge
  const ranking = rank(question, { region, only: context })
  // Where other candidates were close, one of the few must stand out plainly.
  const fitting = ranking.here.filter(orAsk ? agrees : speaksOf)
  const [first, second] = fitting
  if (first === undefined) return undefined
  if (first.strength - (second?.strength ?? 0) >= (orAsk ? CLEAR_LEAD : FAR_LEAD))
    return tell(around, session, first.entry, { facets: question.facets }, leaning(ranking, first.entry))
  if (!orAsk) return undefined
  return askAmong(around, session, question, region, fitting, ranking)
}

/**
 * What an elliptical question is plainly nearest to, when the conversation is about it: alone 「违规卖的商家呢」 may mean
 * anything, but said after an answer it goes on from there. Undefined: it leads away, or several are near.
 */
export function plainlyNext(
  { here, known, question }: Ranking,
  context: ReadonlySet<string>,
  last: Entry | undefined,
): Candidate | undefined {
  const [first] = here
  const share = first?.entry === last ? HALF : MOSTLY
  const goesOn = first && context.has(first.entry.id) && speaksOf(first) && first.score >= share * known
  return goesOn && question.notOurs.length === 0 ? first : undefined
}

const MOSTLY = 0.8
const HALF = 0.5

/** 「钱的事先说」 when nothing fits plainly: those of the few that speak of such things, to choose from. */
export function anyOf(
  around: Around,
  session: Session,
  question: Question,
  region: string | undefined,
  context: ReadonlySet<string>,
): Outcome | undefined {
  if (question.rest.length > LITTLE || question.notOurs.length > 0) return undefined
  if (session.topic?.decision === 'hand-over') return undefined
  const only = new Set([...context].filter((id) => id !== session.topic?.entry))
  const ranking = around.knowledge.rank(question, { region, only })
  const fitting = ranking.here.filter(speaksMuchOf)
  return fitting.length === 0 ? undefined : askAmong(around, session, question, region, fitting, ranking)
}

function askAmong(
  { knowledge: { content } }: Around,
  session: Session,
  question: Question,
  region: string | undefined,
  fitting: readonly Candidate[],
  ranking: Ranking,
): Outcome {
  const among = fitting.slice(0, 3)
  return {
    draft: {
      decision: 'ask-back',
      sections: [{ kind: 'note', text: say(content, 'askWhich') }],
      choices: entryChoices(among, question.facets[0]),
      facet: question.facets[0]?.id,
      region,
      ...traceOf(ranking),
    },
    session,
  }
}

/** 「钱的事先说」 after two things were told in one reply: the one of them that speaks of such things. */
export function oneOfThose(
  around: Around,
  session: Session,
  question: Question,
  amongAll: Ranking,
): Outcome | undefined {
  const { together } = session.topic ?? {}
  if (together === undefined) return undefined
  const ranking = around.knowledge.rank(question, { only: new Set(together) })
  const [first, second] = ranking.here.filter(speaksOf)
  if (first === undefined || first.strength - (second?.strength ?? 0) < CLEAR_LEAD) return undefined
  if (!speaksMostOf(first, amongAll)) return undefined
  return tell(around, session, first.entry, { facets: question.facets }, leaning(ranking, first.entry))
}

/** Among so few the one that fits is likely, whatever it would be among all. */
export function leaning(ranking: Ranking, entry: Entry): Ranking {
  const here = ranking.here.map((one) =>
    one.entry === entry ? { ...one, score: Math.max(one.score, LIKELY) } : one,
  )
  return { ...ranking, here }
}

const LIKELY = 0.8
export const CLEAR_LEAD = 1
export const FAR_LEAD = 4

const feature = (name: (typeof FEATURES)[number]): number => FEATURES.indexOf(name)
const COVERED_WORD = feature('covered-word')
const CLOSENESS = [feature('name'), feature('phrasing-char'), feature('phrasing-word')]

/** Whether no other candidate holds clearly more of the question's words. */
export const speaksMostOf = (one: Candidate, { here }: Ranking): boolean =>
  here.every(
    ({ features }) => (features[COVERED_WORD] ?? 0) <= (one.features[COVERED_WORD] ?? 0) + HARDLY_MORE,
  )
const MOST = 0.6
const MUCH = 0.4
const HARDLY_MORE = 0.15

/** Whether an entry speaks of anything the question says at all. */
export const speaksOf = ({ features }: Candidate): boolean => (features[COVERED_WORD] ?? 0) > 0
/** Whether an entry holds much of what the question says. */
export const speaksMuchOf = ({ features }: Candidate): boolean => (features[COVERED_WORD] ?? 0) >= MUCH
/** Whether an entry is about what the question says: it holds its words, and it is asked for like this. */
export const agrees = ({ features }: Candidate): boolean =>
  (features[COVERED_WORD] ?? 0) >= MOST && CLOSENESS.some((view) => (features[view] ?? 0) >= 0.25)
