import { wordFinder } from './find.ts'
import { soundOf } from './pinyin.ts'
import type { Segmenter } from './segment.ts'

/** The ways a text is looked at; each turns it into tokens of its own kind. */
export const VIEWS = ['char', 'pair', 'word', 'sound'] as const
export type View = (typeof VIEWS)[number]

/** Gives every text a number; the same text always has the same one, and no other text has it. */
export interface Numbering {
  /** Of a single UTF-16 unit. */
  ofUnit(unit: number): number
  /** Of what a single UTF-16 unit sounds like; undefined when it has no sound. */
  ofSound(unit: number): number | undefined
  of(text: string): number
}

/**
 * Takes one token by its number, or the pair of it and the next one; `weight` says how much of it speaks of the
 * thing asked for, 0 to 1.
 */
export type TakeToken = (view: View, token: number, weight: number, next: number | undefined) => void

/** Takes texts apart. */
export interface Tokenizer {
  /** The words of a text: the first half of the work, which is done for many texts before the second. */
  cut(text: string): readonly string[]
  /** Hands out a text's tokens, view by view in the order of `VIEWS`, and in each view in the order of the text. */
  handOut(
    text: string,
    words: readonly string[],
    weights: Float32Array | undefined,
    numbering: Numbering,
    take: TakeToken,
  ): void
}

/** What tells the tokens of everyday words from written ones. */
export const CONCEPT = '='

/**
 * Characters (Latin words count as one), padded pairs of them, segmented words with the concepts they stand
 * for, and syllables with their pairs. Not re-entrant: it reuses its rows.
 * @param concepts a document's word and the everyday words for it
 */
export function tokenizer(
  segmenter: Segmenter,
  concepts: Readonly<Record<string, readonly string[]>>,
): Tokenizer {
  const findConcepts = conceptFinder(concepts)
  const chars = new Row()
  const sounds = new Row()
  const handOut: Tokenizer['handOut'] = (text, words, weights, numbering, take) => {
    chars.length = 0
    sounds.length = 0
    for (let from = 0, to = 0; from < text.length; from = to) {
      const kind = kindAt(text, from)
      to = endOfToken(text, from, kind)
      const weight = kind === NOTHING ? 0 : meanOf(weights, from, to)
      if (weight === 0) continue
      if (to === from + 1) {
        const unit = text.charCodeAt(from)
        chars.push(numbering.ofUnit(unit), weight)
        const sound = numbering.ofSound(unit)
        if (sound !== undefined) sounds.push(sound, weight)
      } else {
        const token = text.slice(from, to)
        chars.push(numbering.of(token), weight)
        for (const sound of soundOf(token)) sounds.push(numbering.of(sound), weight)
      }
    }
    chars.handOut('char', take)
    chars.handOutPairs('pair', take, numbering.of('^'), numbering.of('$'))
    let at = 0
    for (const word of words) {
      let weight = 1
      if (weights !== undefined) {
        // Words inside a longer one come before it, so the search goes back a little.
        const found = text.indexOf(word, Math.max(0, at - 8))
        if (found >= 0) weight = meanOf(weights, found, found + word.length)
        if (found > at) at = found
        if (weight === 0) continue
      }
      take('word', numbering.of(word), weight, undefined)
    }
    for (const { concept, from, to } of findConcepts(text))
      take('word', numbering.of(concept), meanOf(weights, from, to), undefined)
    sounds.handOut('sound', take)
    sounds.handOutPairs('sound', take)
  }
  return { cut: (text) => segmenter.cut(text), handOut }
}

/** What a stretch weighs, given the weight of each place. */
function meanOf(weights: Float32Array | undefined, from: number, to: number): number {
  if (weights === undefined) return 1
  if (to === from + 1) return weights[from] ?? 1
  let sum = 0
  for (let i = from; i < to; i++) sum += weights[i] ?? 1
  return sum / Math.max(1, to - from)
}

const NOTHING = 1
const ALONE = 2
const LETTER = 3
const DIGIT = 4
/** The kind of each character of the basic plane, found out when it is first met; 0 is not known yet. */
const kinds = new Uint8Array(0x10000)

/** Whether a character is a token by itself, a part of one, or nothing that is looked at. */
function kindAt(text: string, at: number): number {
  const unit = text.charCodeAt(at)
  const known = kinds[unit] as number
  if (known > 0) return known
  const code = text.codePointAt(at) ?? 0
  const kind = kindOf(String.fromCodePoint(code))
  // The first half of a character beyond the plane is none itself.
  if (code === unit) kinds[unit] = kind
  return kind
}

function kindOf(character: string): number {
  if (/[a-z]/.test(character)) return LETTER
  if (/\d/.test(character)) return DIGIT
  return /[\s\p{P}\p{S}]/u.test(character) ? NOTHING : ALONE
}

/** Where the token that begins at a place ends: a run of letters or of digits is one, so is any other character. */
function endOfToken(text: string, from: number, kind: number): number {
  if (kind !== LETTER && kind !== DIGIT) return from + ((text.codePointAt(from) ?? 0) > 0xffff ? 2 : 1)
  let to = from + 1
  while (to < text.length && kindAt(text, to) === kind) to++
  return to
}

/** Tokens one after the other, used again for the next text. */
class Row {
  length = 0
  private tokens = new Int32Array(256)
  private weights = new Float64Array(256)

  push(token: number, weight: number): void {
    if (this.length === this.tokens.length) this.grow()
    this.tokens[this.length] = token
    this.weights[this.length] = weight
    this.length++
  }

  private grow(): void {
    const { tokens, weights } = this
    this.tokens = new Int32Array(2 * tokens.length)
    this.tokens.set(tokens)
    this.weights = new Float64Array(2 * weights.length)
    this.weights.set(weights)
  }

  handOut(view: View, take: TakeToken): void {
    const { length, tokens, weights } = this
    for (let i = 0; i < length; i++) take(view, tokens[i] as number, weights[i] as number, undefined)
  }

  /** Pairs of neighbours; with edges given, the first and the last stand in a pair with one, too, which says less. */
  handOutPairs(view: View, take: TakeToken, begin?: number, end?: number): void {
    const { length, tokens, weights } = this
    const last = length - 1
    if (last < 0) return
    if (begin !== undefined) take(view, begin, (weights[0] as number) / 2, tokens[0] as number)
    for (let i = 1; i <= last; i++)
      take(
        view,
        tokens[i - 1] as number,
        ((weights[i - 1] as number) + (weights[i] as number)) / 2,
        tokens[i] as number,
      )
    if (end !== undefined) take(view, tokens[last] as number, (weights[last] as number) / 2, end)
  }
}

interface FoundConcept {
  readonly concept: string
  readonly from: number
  readonly to: number
}

function conceptFinder(
  concepts: Readonly<Record<string, readonly string[]>>,
): (text: string) => readonly FoundConcept[] {
  const byWord = new Map<string, string[]>()
  for (const [concept, words] of Object.entries(concepts))
    for (const written of [concept, ...words]) {
      const word = written.toLowerCase()
      const same = byWord.get(word)
      if (same === undefined) byWord.set(word, [CONCEPT + concept])
      else same.push(CONCEPT + concept)
    }
  const findWords = wordFinder(byWord.keys())
  return (text) => {
    const found: FoundConcept[] = []
    for (const { word, from, to } of findWords(text))
      for (const concept of byWord.get(word) ?? [])
        if (!found.some((other) => other.concept === concept)) found.push({ concept, from, to })
    return found
  }
}
