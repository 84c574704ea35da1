import type { Catalog } from './catalog.ts'
import { type Decision, decide, isLikelyKnown, nearlyNamed } from './decide.ts'
import type { Question } from './question.ts'
import type { Rank, Ranking, Scope } from './rank.ts'

export interface Understanding {
  readonly ranking: Ranking
  readonly decision: Decision
}

const LONG = 10
const CLAUSE = 4
/** From this length on people tell a story first and ask at its end. */
const STORY = 30
const ENDS = [2, 1, 3]
// On labelled questions and stories that were not fitted on: a story hardly known is about something else.
const HARDLY_KNOWN = 0.2
const SURE = 0.8
const BETWEEN = /[,。!?;:、，！？；：…~\s]+/u

/**
 * Ranks and decides. A long story that is not clear as a whole is looked at clause by clause: the wish often stands in
 * one of them, mostly at the end. A part only confirms what comes first or nearly first in the whole story anyway: by
 * themselves 「地理作业」 and 「我还没签合同」 lead elsewhere.
 */
export function understand(catalog: Catalog, rank: Rank, question: Question, scope: Scope): Understanding {
  const ranking = rank(question, scope)
  const decision = decide(ranking, scope)
  if (decision.kind === 'answer' || question.unknownPlaces.length > 0) return { ranking, decision }
  const part =
    (question.text.length >= STORY ? endThatDecides(catalog, rank, question, scope, ranking) : undefined) ??
    (decision.kind === 'ask-back' && question.text.length >= LONG
      ? clauseThatDecides(catalog, rank, question, scope, ranking)
      : undefined)
  if (part) return part
  const nearly = decision.kind === 'hand-over' ? nearlyNamed(ranking) : undefined
  return { ranking, decision: nearly ?? decision }
}

/** What the last two clauses, or the last one, or three, ask for surely. */
function endThatDecides(
  catalog: Catalog,
  rank: Rank,
  question: Question,
  scope: Scope,
  whole: Ranking,
): Understanding | undefined {
  if (whole.known < HARDLY_KNOWN) return undefined
  const clauses = question.text.split(BETWEEN).filter((clause) => clause !== '')
  for (const many of ENDS) {
    if (clauses.length <= many) continue
    const read = catalog.readQuestion(clauses.slice(-many).join(','))
    if (read.rest === '') continue
    const ranking = rank(read, scope)
    const decision = decide(ranking, scope)
    const first = ranking.here[0]
    if (decision.kind !== 'answer' || first === undefined || first.score < SURE) continue
    if (whole.here.slice(0, 2).some(({ entry }) => entry === first.entry)) return { ranking, decision }
  }
  return undefined
}

function clauseThatDecides(
  catalog: Catalog,
  rank: Rank,
  question: Question,
  scope: Scope,
  whole: Ranking,
): Understanding | undefined {
  if (!isLikelyKnown(whole)) return undefined
  let best: Understanding | undefined
  for (const clause of clausesOf(question.text)) {
    const read = catalog.readQuestion(clause)
    if (read.rest === '') continue
    const ranking = rank(read, scope)
    const decision = decide(ranking, scope)
    const [first] = ranking.here
    if (decision.kind !== 'answer' || first?.entry !== whole.here[0]?.entry) continue
    if (best === undefined || (first?.score ?? 0) > (best.ranking.here[0]?.score ?? 0))
      best = { ranking, decision }
  }
  return best
}

function clausesOf(text: string): string[] {
  const clauses = text.split(BETWEEN).filter((clause) => clause.length >= CLAUSE)
  return clauses.length > 1 ? clauses.slice(-8) : []
}
