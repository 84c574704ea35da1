import { readFileSync } from 'node:fs'
import { bare } from '../text/normalize.ts'
import { traitsOf } from '../text/traits.ts'
import { notionsIn } from './notions.ts'

/**
 * Reads a model: the bias, then a line for each first character with the rest and the weight of every trait that
 * begins with it, in steps of `STEP`.
 */
export function compileAlarm(model: string): (text: string) => number {
  const [first = '', ...lines] = model.trimEnd().split('\n')
  const bias = Number(first.split('\t')[1]) * STEP
  const weights = new Weights(count(model, ':'))
  for (const line of lines) {
    const [head = '', ...rest] = line.split('\t')
    for (const trait of rest) {
      const colon = trait.lastIndexOf(':')
      weights.set(head + trait.slice(0, colon), Number(trait.slice(colon + 1)))
    }
  }
  return (text) => {
    const traits = soundsOf(text)
    let sum = 0
    for (const trait of traits) sum += weights.get(trait)
    return 1 / (1 + Math.exp(-bias - (sum * STEP) / Math.sqrt(traits.size)))
  }
}

/**
 * All traits of a normalised message that count: its characters and syllables, its notions, which of them stands
 * before which, which is first and last, and how long it is.
 */
export function soundsOf(text: string): Set<string> {
  const traits = traitsOf(text)
  const letters = bare(text).slice(0, LONGEST)
  const notions = notionsIn(letters)
  notions.forEach((some, i) => {
    for (const one of some) {
      traits.add(`${one}>`)
      for (const others of notions.slice(i + 1, i + NEAR))
        for (const other of others) traits.add(`${one}>${other}`)
      if (i === 0) traits.add(`^>${one}`)
      if (i === notions.length - 1) traits.add(`${one}>$`)
    }
  })
  for (const length of LENGTHS) if (letters.length < length) traits.add(`<${length}`)
  return traits
}

const LONGEST = 200
const NEAR = 11
const LENGTHS = [3, 5, 8, 12, 18, 30, 60, 100]

/** What a weight of one stands for; a weight fits into a byte. */
export const STEP = 0.1

/**
 * Weights by the hash of their trait: a hundred thousand of them take one megabyte, where a map of strings takes
 * twelve. Two traits share a hash once in forty thousand, which moves a sum by next to nothing.
 */
class Weights {
  readonly #hashes: Uint32Array
  readonly #weights: Int8Array
  readonly #mask: number

  constructor(most: number) {
    const size = 2 ** Math.ceil(Math.log2(most * 1.5 + 2))
    this.#hashes = new Uint32Array(size)
    this.#weights = new Int8Array(size)
    this.#mask = size - 1
  }

  set(trait: string, weight: number): void {
    const hash = hashOf(trait)
    const at = this.#place(hash)
    this.#hashes[at] = hash
    this.#weights[at] = weight
  }

  get(trait: string): number {
    return this.#weights[this.#place(hashOf(trait))] ?? 0
  }

  /** Where the hash stands, or the empty place where it would. */
  #place(hash: number): number {
    let at = hash & this.#mask
    while (this.#hashes[at] !== 0 && this.#hashes[at] !== hash) at = (at + 1) & this.#mask
    return at
  }
}

function count(text: string, character: string): number {
  let times = 0
  for (let at = text.indexOf(character); at >= 0; at = text.indexOf(character, at + 1)) times++
  return times
}

/** FNV-1a, mixed once more so that the low bits are good; never 0, which means an empty place. */
function hashOf(trait: string): number {
  let hash = 0x811c9dc5
  for (let i = 0; i < trait.length; i++) hash = Math.imul(hash ^ trait.charCodeAt(i), 0x01000193)
  hash = Math.imul(hash ^ (hash >>> 15), 0x85ebca6b)
  return (hash ^ (hash >>> 13)) >>> 0 || 1
}

/**
 * How urgent a normalised message sounds, 0 to 1, whatever its words: logistic regression over its traits,
 * fitted by `bench/fit-urgent.ts`. It stands beside the code, so that it works without any content.
 */
export const alarm = compileAlarm(readFileSync(new URL('./urgent-model.tsv', import.meta.url), 'utf8'))
