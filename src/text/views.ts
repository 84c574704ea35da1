import { wordFinder } from './find.ts'
import { soundOfToken } from './pinyin.ts'
import type { Segmenter } from './segment.ts'

/** The ways a text is looked at; each turns it into tokens of its own kind. */
export const VIEWS = ['char', 'pair', 'word', 'sound'] as const
export type View = (typeof VIEWS)[number]

export interface Token {
  readonly token: string
  /** How much of the token speaks of the thing asked for, 0 to 1. */
  readonly weight: number
}

export type Tokens = Readonly<Record<View, readonly Token[]>>

export type Tokenize = (text: string, weights?: Float32Array) => Tokens

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
  return (text, weights) => {
    const weigh = (from: number, to: number): number => {
      if (weights === undefined) return 1
      if (to === from + 1) return weights[from] ?? 1
      let sum = 0
      for (let i = from; i < to; i++) sum += weights[i] ?? 1
      return sum / Math.max(1, to - from)
    }
    const chars: Token[] = []
    const sounds: Token[] = []
    for (const match of text.matchAll(/\p{Script=Han}|[a-z]+|\d+|[^\s\p{P}\p{S}]/gu)) {
      const weight = weigh(match.index, match.index + match[0].length)
      if (weight === 0) continue
      chars.push({ token: match[0], weight })
      for (const sound of soundOfToken(match[0])) sounds.push({ token: sound, weight })
    }
    const words: Token[] = []
    let at = 0
    for (const word of segmenter.cut(text)) {
      // Words inside a longer one come before it, so the search goes back a little.
      const found = text.indexOf(word, Math.max(0, at - 8))
      const weight = found < 0 ? 1 : weigh(found, found + word.length)
      if (found > at) at = found
      if (weight > 0) words.push({ token: word, weight })
    }
    for (const { concept, from, to } of findConcepts(text))
      words.push({ token: `=${concept}`, weight: weigh(from, to) })
    return { char: chars, pair: pairsOf(chars), word: words, sound: [...sounds, ...pairsOf(sounds, false)] }
  }
}

function pairsOf(tokens: readonly Token[], padded = true): Token[] {
  const pairs: Token[] = []
  for (let i = padded ? 0 : 1; i < tokens.length + (padded ? 1 : 0); i++) {
    const left = tokens[i - 1]
    const right = tokens[i]
    const weight = ((left ?? right)?.weight ?? 0) / 2 + ((right ?? left)?.weight ?? 0) / 2
    if (left || right)
      pairs.push({
        token: `${left?.token ?? '^'}${right?.token ?? '$'}`,
        weight: padded && !(left && right) ? weight / 2 : weight,
      })
  }
  return pairs
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
