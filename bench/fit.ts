import { writeFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { FEATURES } from '../src/answer/judge.ts'
import { EVIDENCE } from '../src/answer/rank.ts'
import current from '../src/answer/weights.json' with { type: 'json' }
import { describeFit, writeTables } from './calibration.ts'
import { cheapest, crossValidate, fitModel, prepareAll, type Seen } from './fitting.ts'
import { loadParts } from './parts.ts'

/** Fits `src/answer/weights.json` and `src/answer/daily-life.tsv`; `--write` keeps it, `--show N` prints the questions it gets wrong. */
const { values } = parseArgs({ options: { write: { type: 'boolean' }, show: { type: 'string' } } })
const { content, segmenter } = await loadParts()
const prepared = await prepareAll(content, segmenter)
const start = FEATURES.map((feature) => current.rank[feature])
const seen = crossValidate(prepared, start)
writeTables(describeFit(seen, prepared.outOfScope))
if (values.show) for (const line of seen.filter(isMiss).slice(0, Number(values.show))) console.log(tell(line))

if (values.write) {
  const { rank, known } = fitModel(prepared, start)
  const thresholds = cheapest(seen, prepared.outOfScope)
  const named = (names: readonly string[], weights: readonly number[]) =>
    Object.fromEntries(names.map((name, k) => [name, round(weights[k] ?? 0)]))
  const fitted = {
    rank: named(FEATURES, rank),
    known: { bias: round(known.bias), weights: named(EVIDENCE, known.weights) },
    thresholds: {
      ...current.thresholds,
      answer: round(thresholds.answer),
      askBack: round(thresholds.askBack),
      worthAsking: thresholds.worthAsking,
    },
  }
  writeFileSync('src/answer/weights.json', `${JSON.stringify(fitted, null, 2)}\n`)
  writeFileSync('src/answer/daily-life.tsv', prepared.dailyLife)
  console.log('written to src/answer/weights.json and src/answer/daily-life.tsv')
}

function isMiss({ right, stranger, scores }: Seen): boolean {
  return stranger ? (scores[0] ?? 0) >= 0.3 : !right
}

function tell({ example, stranger, place, first, scores }: Seen): string {
  const score = (scores[0] ?? 0).toFixed(2)
  if (stranger) return `${score} ${stranger.question.kind} ${stranger.question.ask} → ${first}`
  const { region, style, ask, intent } = example?.question ?? {}
  return `${score} ${region} ${style} ${ask} → ${first}, wanted ${intent} (place ${place})`
}

function round(value: number): number {
  return Math.round(value * 1000) / 1000
}
