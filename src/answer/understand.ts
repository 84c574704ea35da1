import { clausesOf } from '../text/clauses.ts'
import type { Catalog } from './catalog.ts'
import { type Decision, decide, isLikelyKnown, nearlyNamed } from './decide.ts'
import { type Question, type ReadQuestion, STORY } from './question.ts'
import type { Rank, Ranking, Scope } from './rank.ts'

export interface Understanding {
  readonly ranking: Ranking
  readonly decision: Decision
}

const LONG = 10
const CLAUSE = 4
const ENDS = [2, 1, 3]
// On labelled questions and stories that were not fitted on: a story hardly known is about something else.
const HARDLY_KNOWN = 0.2
const SURE = 0.8
const FEW = 5
/** Each costs a ranking: of a very long story the last ones are looked at. */
const MOST_CLAUSES = 8

/**
 * Ranks and decides. A long story that is not clear as a whole is looked at clause by clause: the wish often stands in
 * one of them, mostly a question or the end. A part only confirms what comes first or nearly first in the whole story
 * anyway: by themselves 「地理作业」 and 「我还没签合同」 lead elsewhere.
 */
export function understand(catalog: Catalog, rank: Rank, question: Question, scope: Scope): Understanding {
  const ranking = rank(question, scope)
  const decision = decide(ranking, scope)
  if (decision.kind === 'answer' || question.unknownPlaces.length > 0) return { ranking, decision }
  const answerTo: AnswerTo = (part) => {
    if (part.rest === '') return undefined
    const alone = rank(part, scope)
    const verdict = decide(alone, scope)
    return verdict.kind === 'answer' ? { ranking: alone, decision: verdict } : undefined
  }
  const { text } = question
  const part =
    (text.length >= STORY && decision.kind !== 'elsewhere'
      ? askingPart(text, ranking, catalog.readQuestion, answerTo)
      : undefined) ??
    (text.length >= LONG && decision.kind === 'ask-back'
      ? clauseThatDecides(text, ranking, catalog.readQuestion, answerTo)
      : undefined)
  if (part) return part
  const nearly = decision.kind === 'hand-over' ? nearlyNamed(ranking) : undefined
  return { ranking, decision: nearly ?? decision }
}

/** What a part of a message would be answered by itself. */
type AnswerTo = (part: Question) => Understanding | undefined

/**
 * What the last question asks for surely, alone or with the clause before it, or the last two clauses, or the last one,
 * or three: some tell on after they have asked. Who names our town there asks something of it, whatever the story is
 * about.
 */
function askingPart(
  text: string,
  whole: Ranking,
  read: ReadQuestion,
  answerTo: AnswerTo,
): Understanding | undefined {
  const clauses = clausesOf(text)
  const asked = clauses.findLastIndex(({ isQuestion }) => isQuestion)
  const parts = [
    ...(asked < 0 ? [] : [clauses.slice(asked, asked + 1), clauses.slice(Math.max(0, asked - 1), asked + 1)]),
    ...ENDS.map((many) => clauses.slice(-many)),
  ].filter((part) => part.length < clauses.length)
  for (const part of new Set(parts.map((some) => some.map((clause) => clause.text).join(',')))) {
    const question = read(part)
    const isOurs = question.regions.length > 0
    if (whole.known < HARDLY_KNOWN && !isOurs) continue
    const likely = whole.here.slice(0, isOurs ? FEW : 2).map(({ entry }) => entry)
    const verdict = answerTo(question)
    const first = verdict?.ranking.here[0]
    if (first && first.score >= SURE && likely.includes(first.entry)) return verdict
  }
  return undefined
}

/** The clause that asks most surely for what comes first in the whole story. */
function clauseThatDecides(
  text: string,
  whole: Ranking,
  read: ReadQuestion,
  answerTo: AnswerTo,
): Understanding | undefined {
  if (!isLikelyKnown(whole)) return undefined
  const clauses = clausesOf(text).filter((clause) => clause.text.length >= CLAUSE)
  if (clauses.length < 2) return undefined
  let best: Understanding | undefined
  for (const clause of clauses.slice(-MOST_CLAUSES)) {
    const alone = answerTo(read(clause.text))
    const first = alone?.ranking.here[0]
    if (first?.entry === whole.here[0]?.entry && (first?.score ?? 0) > (best?.ranking.here[0]?.score ?? 0))
      best = alone
  }
  return best
}
