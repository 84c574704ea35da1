import { FEATURES } from '../src/answer/judge.ts'
import current from '../src/answer/weights.json' with { type: 'json' }
import {
  COST,
  cheapest,
  crossValidate,
  outcomes,
  prepareAll,
  reliability,
  type Seen,
  type Thresholds,
} from './fitting.ts'
import { round } from './measure.ts'
import { loadParts } from './parts.ts'

/** Whether a score means what it says, on intents the weights have not seen, and where the thresholds come from. */
export async function benchCalibration(): Promise<Record<string, unknown>> {
  const { content, segmenter } = await loadParts()
  const start = FEATURES.map((feature) => current.rank[feature])
  const prepared = await prepareAll(content, segmenter)
  return describeFit(crossValidate(prepared, start), prepared.outOfScope)
}

export function describeFit(seen: readonly Seen[], outOfScope: number): Record<string, unknown> {
  const questions = seen.filter(({ example }) => example)
  const styles = [...new Set(questions.map(({ example }) => example?.question.style))]
  const top1 = (list: readonly Seen[]) => percent(list.filter(({ right }) => right).length, list.length)
  return {
    [`reliability, ${seen.length} questions`]: Object.fromEntries(
      reliability(seen).map(({ bin, n, promised, kept }) => [
        bin,
        { questions: n, 'promised, %': round(100 * promised, 1), 'right, %': round(100 * kept, 1) },
      ]),
    ),
    'thresholds and what becomes of the questions': {
      'derived now': row(seen, cheapest(seen, outOfScope), outOfScope),
      'in force': row(seen, current.thresholds, outOfScope),
    },
    costs: { 'of one': COST },
    'top-1 on intents the weights have not seen, %': {
      all: { 'top-1': top1(questions), n: questions.length },
      ...Object.fromEntries(
        styles.map((style) => {
          const own = questions.filter(({ example }) => example?.question.style === style)
          return [style, { 'top-1': top1(own), n: own.length }]
        }),
      ),
    },
  }
}

function row(seen: readonly Seen[], thresholds: Thresholds, outOfScope: number) {
  const { cost, tally } = outcomes(seen, thresholds)
  const questions = seen.filter(({ example }) => example).length
  return {
    answer: round(thresholds.answer, 3),
    'ask back': round(thresholds.askBack, 3),
    'worth asking': thresholds.worthAsking,
    'right, %': percent(tally.right, questions),
    'one choice away, %': percent(tally.asked, questions),
    'wrong, %': percent(tally.wrong, questions),
    'out of scope answered, %': percent(tally.strangersAnswered, outOfScope),
    'out of scope asked back, %': percent(tally.strangersAsked, outOfScope),
    'mean cost': round(cost, 3),
  }
}

/** One table below the other. */
export function writeTables(tables: Record<string, unknown>): void {
  for (const [title, table] of Object.entries(tables)) {
    console.log(`\n${title}`)
    console.table(table)
  }
}

function percent(part: number, whole: number): number {
  return round((100 * part) / Math.max(1, whole), 1)
}
