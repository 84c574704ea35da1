import { readFileSync } from 'node:fs'
import { traitsOf } from '../text/traits.ts'

/** A line for the bias, then one for each trait: the trait, a tab, its weight. */
const MODEL = `${readFileSync(new URL('./urgent-model.tsv', import.meta.url), 'utf8').trimEnd()}\n`
const BIAS = Number(MODEL.slice(MODEL.indexOf('\t') + 1, MODEL.indexOf('\n')))
// The text stays one string: a Map of its seventy thousand traits takes 20 MB and a tenth of a second at start.
const LINES = linesByTrait()

/**
 * How urgent a normalised message sounds, 0 to 1, whatever its words: logistic regression over character and
 * syllable runs, fitted by `bench/fit-urgent.ts`. It stands beside the code, so that it works without any content.
 */
export function alarm(text: string): number {
  const traits = traitsOf(text)
  let sum = 0
  for (const trait of traits) sum += weightOf(trait)
  return 1 / (1 + Math.exp(-BIAS - sum / Math.sqrt(traits.size)))
}

function weightOf(trait: string): number {
  for (let slot = hash(trait, 0, trait.length) % LINES.length; ; slot = (slot + 1) % LINES.length) {
    const line = LINES[slot]
    if (!line) return 0
    const tab = line + trait.length
    if (MODEL.charAt(tab) === '\t' && MODEL.startsWith(trait, line))
      return Number(MODEL.slice(tab + 1, MODEL.indexOf('\n', tab)))
  }
}

/** Where the lines begin, each in the first free slot from its trait's hash on. Nothing begins at 0: there is the bias. */
function linesByTrait(): Uint32Array {
  const begins: number[] = []
  for (let at = MODEL.indexOf('\n') + 1; at < MODEL.length; at = MODEL.indexOf('\n', at) + 1) begins.push(at)
  const lines = new Uint32Array(2 * begins.length + 1)
  for (const begin of begins) {
    let slot = hash(MODEL, begin, MODEL.indexOf('\t', begin)) % lines.length
    while (lines[slot]) slot = (slot + 1) % lines.length
    lines[slot] = begin
  }
  return lines
}

/** FNV-1a over the characters of a stretch. */
function hash(text: string, from: number, to: number): number {
  let value = 0x811c9dc5
  for (let i = from; i < to; i++) value = Math.imul(value ^ text.charCodeAt(i), 0x01000193)
  return value >>> 0
}
