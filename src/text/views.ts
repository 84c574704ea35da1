import { wordFinder } from './find.ts'
import { soundOfToken } from './pinyin.ts'
import type { Segmenter } from './segment.ts'

/** The ways a text is looked at; each turns it into tokens of its own kind. */
export const VIEWS = ['char', 'pair', 'word', 'sound'] as const
export type View = (typeof VIEWS)[number]

/**
 * Takes one token, or the pair of it and the next one; `weight` says how much of it speaks of the thing asked
 * for, 0 to 1.
 */
export type TakeToken = (view: View, token: string, weight: number, next?: string) => void

/** Hands out a text's tokens, view by view in the order of `VIEWS`, and in each view in the order of the text. */
export type Tokenize = (text: string, weights: Float32Array | undefined, take: TakeToken) => void

/**
 * Characters (Latin words count as one), padded pairs of them, segmented words with the concepts they stand
 * for, and syllables with their pairs.
 * @param concepts a document's word and the everyday words for it
 */
export function tokenizer(
  segmenter: Segmenter,
  concepts: Readonly<Record<string, readonly string[]>>,
): Tokenize {
  const findConcepts = conceptFinder(concepts)
  return (text, weights, take) => {
    const weigh = (from: number, to: number): number => {
      if (weights === undefined) return 1
      if (to === from + 1) return weights[from] ?? 1
      let sum = 0
      for (let i = from; i < to; i++) sum += weights[i] ?? 1
      return sum / Math.max(1, to - from)
    }
    const chars = new Row()
    const sounds = new Row()
    for (let from = 0, to = 0; from < text.length; from = to) {
      to = endOfToken(text, from)
      const weight = kindAt(text, from) === NOTHING ? 0 : weigh(from, to)
      if (weight === 0) continue
      const token = text.slice(from, to)
      chars.push(token, weight)
      for (const sound of soundOfToken(token)) sounds.push(sound, weight)
    }
    chars.handOut('char', take)
    chars.handOutPairs('pair', take, true)
    let at = 0
    for (const word of segmenter.cut(text)) {
      // Words inside a longer one come before it, so the search goes back a little.
      const found = weights === undefined ? -1 : text.indexOf(word, Math.max(0, at - 8))
      const weight = found < 0 ? 1 : weigh(found, found + word.length)
      if (found > at) at = found
      if (weight > 0) take('word', word, weight)
    }
    for (const { concept, from, to } of findConcepts(text)) take('word', `=${concept}`, weigh(from, to))
    sounds.handOut('sound', take)
    sounds.handOutPairs('sound', take, false)
  }
}

const NOTHING = 1
const ALONE = 2
const LETTER = 3
const DIGIT = 4
/** The kind of each character of the basic plane, found out when it is first met; 0 is not known yet. */
const kinds = new Uint8Array(0x10000)

/** Whether a character is a token by itself, a part of one, or nothing that is looked at. */
function kindAt(text: string, at: number): number {
  const code = text.codePointAt(at) ?? 0
  if (code > 0xffff) return kindOf(String.fromCodePoint(code))
  const known = kinds[code] as number
  if (known > 0) return known
  const kind = kindOf(text.charAt(at))
  kinds[code] = kind
  return kind
}

function kindOf(character: string): number {
  if (/[a-z]/.test(character)) return LETTER
  if (/\d/.test(character)) return DIGIT
  return /[\s\p{P}\p{S}]/u.test(character) ? NOTHING : ALONE
}

/** Where the token that begins at a place ends: a run of letters or of digits is one, so is any other character. */
function endOfToken(text: string, from: number): number {
  const kind = kindAt(text, from)
  let to = from + ((text.codePointAt(from) ?? 0) > 0xffff ? 2 : 1)
  if (kind === LETTER || kind === DIGIT) while (to < text.length && kindAt(text, to) === kind) to++
  return to
}

/** Tokens one after the other. */
class Row {
  private readonly tokens: string[] = []
  private readonly weights: number[] = []

  push(token: string, weight: number): void {
    this.tokens.push(token)
    this.weights.push(weight)
  }

  handOut(view: View, take: TakeToken): void {
    for (let i = 0; i < this.tokens.length; i++)
      take(view, this.tokens[i] as string, this.weights[i] as number)
  }

  /** Pairs of neighbours; padded, the first and the last stand in a pair with the edge, too, which says less. */
  handOutPairs(view: View, take: TakeToken, padded: boolean): void {
    const { tokens, weights } = this
    const last = tokens.length - 1
    if (last < 0) return
    if (padded) take(view, '^', (weights[0] as number) / 2, tokens[0])
    for (let i = 1; i <= last; i++)
      take(
        view,
        tokens[i - 1] as string,
        ((weights[i - 1] as number) + (weights[i] as number)) / 2,
        tokens[i],
      )
    if (padded) take(view, tokens[last] as string, (weights[last] as number) / 2, '$')
  }
}

interface FoundConcept {
  readonly concept: string
  readonly from: number
  readonly to: number
}

function conceptFinder(
  concepts: Readonly<Record<string, readonly string[]>>,
): (text: string) => FoundConcept[] {
  const byWord = new Map<string, string[]>()
  for (const [concept, words] of Object.entries(concepts))
    for (const written of [concept, ...words]) {
      const word = written.toLowerCase()
      byWord.set(word, [...(byWord.get(word) ?? []), concept])
    }
  const findWords = wordFinder(byWord.keys())
  return (text) => {
    const found = new Map<string, FoundConcept>()
    for (const { word, from, to } of findWords(text))
      for (const concept of byWord.get(word) ?? [])
        if (!found.has(concept)) found.set(concept, { concept, from, to })
    return [...found.values()]
  }
}
