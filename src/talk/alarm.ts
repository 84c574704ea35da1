import { traitsOf } from '../text/traits.ts'
import model from './urgent-model.json' with { type: 'json' }

const WEIGHTS = new Map<string, number>(Object.entries(model.weights))

/**
 * How urgent a normalised message sounds, 0 to 1, whatever its words: logistic regression over character and
 * syllable runs, fitted by `bench/fit-urgent.ts`. Compiled in, so that it works without any content.
 */
export function alarm(text: string): number {
  const traits = traitsOf(text)
  let sum = 0
  for (const trait of traits) sum += WEIGHTS.get(trait) ?? 0
  return 1 / (1 + Math.exp(-model.bias - sum / Math.sqrt(traits.size)))
}
