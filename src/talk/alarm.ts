import { readFileSync } from 'node:fs'
import { traitsOf } from '../text/traits.ts'

// Read as text: as a module its seventy thousand lines would cost half a second and a hundred megabytes at start.
const [first = '', ...lines] = readFileSync(new URL('./urgent-model.tsv', import.meta.url), 'utf8')
  .trimEnd()
  .split('\n')
const BIAS = Number(first.split('\t')[1])
const WEIGHTS = new Map(
  lines.map((line): [string, number] => {
    const tab = line.indexOf('\t')
    return [line.slice(0, tab), Number(line.slice(tab + 1))]
  }),
)

/**
 * How urgent a normalised message sounds, 0 to 1, whatever its words: logistic regression over character and
 * syllable runs, fitted by `bench/fit-urgent.ts`. It stands beside the code, so that it works without any content.
 */
export function alarm(text: string): number {
  const traits = traitsOf(text)
  let sum = 0
  for (const trait of traits) sum += WEIGHTS.get(trait) ?? 0
  return 1 / (1 + Math.exp(-BIAS - sum / Math.sqrt(traits.size)))
}
