import { compileDailyLife, type HearDailyLife, unexplained } from '../src/answer/daily-life.ts'
import type { Ranking } from '../src/answer/rank.ts'
import { readModel } from '../src/text/linear.ts'
import { learn } from './linear.ts'

/** A ranked question, and whether it is one of daily life. */
export interface Heard {
  readonly ranking: Ranking
  readonly fold: number
  readonly isLife: boolean
}

const LEARNING = { seen: 3, trust: 3, rarer: 0 }

/** Fits `src/answer/daily-life.tsv`: what the best entry leaves unexplained in our questions, and in others. */
export function learnDailyLife(heard: readonly Heard[]): string {
  return learn(
    heard.flatMap(({ ranking: { question, here }, isLife }) => {
      const [first] = here
      return first ? [{ traits: unexplained(question, first), label: isLife }] : []
    }),
    LEARNING,
  )
}

/** Models that have not heard one fold, to judge what was learned from by the others. */
export function withoutEachFold(heard: readonly Heard[], folds: number): HearDailyLife[] {
  return Array.from({ length: folds }, (_, fold) =>
    compileDailyLife(readModel(learnDailyLife(heard.filter((one) => one.fold !== fold)))),
  )
}
