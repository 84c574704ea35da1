import type { Catalog } from './catalog.ts'
import { type Decision, decide, nearlyNamed } from './decide.ts'
import type { Question } from './question.ts'
import type { Rank, Ranking, Scope } from './rank.ts'

export interface Understanding {
  readonly ranking: Ranking
  readonly decision: Decision
}

const LONG = 10
const CLAUSE = 4
const CONSISTENT = 5

/**
 * Ranks and decides. A long story that is not clear as a whole is looked at clause by clause: the wish often
 * stands in one of them. A clause only decides when the whole story had its entry among the best, too.
 */
export function understand(catalog: Catalog, rank: Rank, question: Question, scope: Scope): Understanding {
  const ranking = rank(question, scope)
  const decision = decide(ranking, scope)
  if (decision.kind === 'answer' || question.unknownPlaces.length > 0) return { ranking, decision }
  const byClause =
    question.text.length < LONG ? undefined : clauseThatDecides(catalog, rank, question, scope, ranking)
  if (byClause) return byClause
  const nearly = decision.kind === 'hand-over' ? nearlyNamed(ranking) : undefined
  return { ranking, decision: nearly ?? decision }
}

function clauseThatDecides(
  catalog: Catalog,
  rank: Rank,
  question: Question,
  scope: Scope,
  ranking: Ranking,
): Understanding | undefined {
  const likely = new Set(ranking.here.slice(0, CONSISTENT).map(({ entry }) => entry.id))
  let best: Understanding | undefined
  for (const clause of clausesOf(question.text)) {
    const read = catalog.readQuestion(clause)
    if (read.rest === '') continue
    const alone = rank(read, scope)
    const verdict = decide(alone, scope)
    const first = alone.here[0]
    if (verdict.kind !== 'answer' || !first || !likely.has(first.entry.id)) continue
    if (best === undefined || first.score > (best.ranking.here[0]?.score ?? 0))
      best = { ranking: alone, decision: verdict }
  }
  return best
}

function clausesOf(text: string): string[] {
  const clauses = text.split(/[,。!?;:、，！？；：…~\s]+/u).filter((clause) => clause.length >= CLAUSE)
  return clauses.length > 1 ? clauses.slice(-8) : []
}
