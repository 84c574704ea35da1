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

/**
 * Ranks and decides. A long story that is not clear as a whole is looked at clause by clause: the wish often stands in
 * one of them. A clause only confirms what comes first in the whole story anyway: by themselves 「地理作业」 and 「我还没签合同」
 * lead elsewhere.
 */
export function understand(catalog: Catalog, rank: Rank, question: Question, scope: Scope): Understanding {
  const ranking = rank(question, scope)
  const decision = decide(ranking, scope)
  if (decision.kind === 'ask-back' && question.text.length >= LONG)
    return clauseThatDecides(catalog, rank, question, scope, ranking) ?? { ranking, decision }
  const nearly =
    decision.kind === 'hand-over' && decision.why === 'nothing-like-it' ? nearlyNamed(ranking) : undefined
  return { ranking, decision: nearly ?? decision }
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
  const clauses = text.split(/[,。!?;:、，！？；：…~\s]+/u).filter((clause) => clause.length >= CLAUSE)
  return clauses.length > 1 ? clauses.slice(-8) : []
}
