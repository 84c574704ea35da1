import { readFileSync } from 'node:fs'
import { type LinearModel, readModel } from '../text/linear.ts'
import { bare } from '../text/normalize.ts'
import type { Judged } from './judge.ts'
import type { Question } from './question.ts'

/** An entry with the text of it that is closest to a question. */
type Near = Pick<Judged, 'target' | 'closest'>

/** How much what an entry leaves unexplained in a question sounds like daily life. */
export type HearDailyLife = (question: Question, near: Near) => number

/** Reads a model that `bench/daily-life.ts` wrote. */
export function compileDailyLife({ weigh }: LinearModel): HearDailyLife {
  return (question, near) => weigh(unexplained(question, near))
}

/**
 * The characters and pairs of characters of a question that stand neither in an entry's names nor in its closest text, with
 * those at the question's beginning and end marked. What those explain never counts, so a model holds for another base, too:
 * 「证」 speaks against most questions, but not where a phrasing asks for a 证. What is asked of a thing (「几点」) says
 * nothing of what it is.
 */
export function unexplained({ text, weights }: Question, { target: { names }, closest }: Near): Set<string> {
  let asked = ''
  for (let i = 0; i < text.length; i++) if (weights[i] === 1) asked += text[i]
  const marked = `^${bare(asked).slice(0, LONGEST)}$`
  const said = [...names, closest?.text ?? ''].join('\n')
  const traits = new Set<string>()
  for (let i = 0; i < marked.length; i++)
    for (const trait of [marked.slice(i, i + 1), marked.slice(i, i + 2)]) {
      const words = trait.replace(EDGES, '')
      if (words !== '' && !said.includes(words)) traits.add(trait)
    }
  return traits
}

const LONGEST = 200
const EDGES = /[$^]/gu

/**
 * 「了」, 「退」 or 「晚上」 in a question that is near one of ours says that something else is asked; 「有啥」 says the opposite.
 * Fitted by `npm run fit` on questions that are never measured on.
 */
export const dailyLife: HearDailyLife = compileDailyLife(
  readModel(readFileSync(new URL('./daily-life.tsv', import.meta.url), 'utf8')),
)
