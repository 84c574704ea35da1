/** What a weight of one stands for; a weight fits into a byte. */
export const STEP = 0.1

/** A linear classifier of short messages over their traits; `bench/linear.ts` fits and writes such models. */
export interface LinearModel {
  readonly bias: number
  /** What the traits add to the bias, the more of them the less each. */
  readonly weigh: (traits: ReadonlySet<string>) => number
}

/**
 * Reads a model: the bias, then a line for each first character with the rest and the weight of every trait that
 * begins with it, in steps of `STEP`.
 */
export function readModel(model: string): LinearModel {
  const [first = '', ...lines] = model.trimEnd().split('\n')
  const weights = new Weights(count(model, ':'))
  for (const line of lines) {
    const [head = '', ...rest] = line.split('\t')
    for (const trait of rest) {
      const colon = trait.lastIndexOf(':')
      weights.set(head + trait.slice(0, colon), Number(trait.slice(colon + 1)))
    }
  }
  return {
    bias: Number(first.split('\t')[1]) * STEP,
    weigh: (traits) => {
      if (traits.size === 0) return 0
      let sum = 0
      for (const trait of traits) sum += weights.get(trait)
      return (sum * STEP) / Math.sqrt(traits.size)
    },
  }
}

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
