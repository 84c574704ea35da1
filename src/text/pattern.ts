import { wordFinder } from './find.ts'
import { soundOf } from './pinyin.ts'

/**
 * The wording mini-language staff write. Everything is literal except
 *
 *     …        a gap of up to eight characters
 *     (a|b)    alternatives; `(a|)` for something that may be missing
 *     #        a number, in digits or characters: 3, 三十, 几
 *     a + b    both, anywhere in the message, in any order (a space on each side of the plus)
 *
 * Full-width （｜） from a Chinese keyboard mean the same.
 */
export function compileWording(
  wordings: readonly string[],
  place: 'whole' | 'anywhere',
): (text: string) => boolean {
  if (place === 'whole') {
    const patterns = wordings
      .flatMap(partsOf)
      .map((part) => new RegExp(`^(?:${write(part, CHARACTERS)})$`, 'u'))
    return (text) => patterns.some((pattern) => pattern.test(text))
  }
  const candidatesIn = compileIndex(wordings, CHARACTERS)
  return (text) => candidatesIn(text).some((parts) => parts.every((part) => part.test(text)))
}

/** Takes the wordings out of a text: what they cover counts no longer, the rest stays where it was. */
export function compileExcuses(wordings: readonly string[]): (text: string) => string {
  return compileRemoval(wordings, CHARACTERS, () => EXCUSED)
}

/**
 * The stretches of a text that sound like the wordings; the text in syllables with a space after each. Words that
 * stand apart are left out and gaps are narrow, for by sound alone too much would fit.
 */
export function compileSounds(wordings: readonly string[]): (syllables: string) => string[] {
  const candidatesIn = once(() => compileIndex(wordings.filter(isClose), SYLLABLES))
  return (syllables) =>
    candidatesIn()(syllables).flatMap((parts) => {
      const found = parts.map((part) => syllables.match(part.all()) ?? [])
      if (found.some((stretches) => stretches.length === 0)) return []
      return found.length === 1 ? found.flat() : [found.map(([first]) => first).join('')]
    })
}

/**
 * `compileExcuses` by sound, syllable for syllable. Two syllables sound like too many things to excuse anything.
 */
export function compileSoundExcuses(wordings: readonly string[]): (syllables: string) => string {
  const excuse = (stretch: string) =>
    stretch.split(' ').length > 3 ? stretch.replace(/[^ ]+/g, EXCUSED) : stretch
  return compileRemoval(wordings.filter(isHan), SYLLABLES, excuse)
}

/** A stretch of a text that a wording covers; `to` is exclusive. */
export interface Covered<T> {
  readonly owner: T
  readonly from: number
  readonly to: number
}

/** Finds where the wordings of several owners stand in a text. Plain words cost next to nothing, however many. */
export function compileFinder<T>(
  wordings: readonly (readonly [T, string])[],
): (text: string) => Covered<T>[] {
  const owners = new Map<string, T[]>()
  const patterns: { readonly owner: T; readonly sought: Sought }[] = []
  // A pattern is only tried where one of the words stands that it cannot do without.
  const byAnchor = new Map<string, number[]>()
  for (const [owner, wording] of wordings)
    for (const part of partsOf(wording)) {
      if (part.every((piece) => typeof piece === 'string')) {
        const word = part.join('')
        owners.set(word, [...(owners.get(word) ?? []), owner])
        continue
      }
      const anchors = anchorsOf(part).map((anchor) => anchor.slice(0, 2))
      for (const anchor of anchors.length > 0 ? anchors : [ANY])
        byAnchor.set(anchor, [...(byAnchor.get(anchor) ?? []), patterns.length])
      patterns.push({ owner, sought: new Sought(part, CHARACTERS) })
    }
  const findWords = wordFinder(owners.keys())
  return (text) => {
    const covered = findWords(text).flatMap(({ word, from, to }) =>
      (owners.get(word) ?? []).map((owner) => ({ owner, from, to })),
    )
    const likely = new Set(byAnchor.get(ANY))
    for (let at = 0; at < text.length; at++)
      for (const anchor of [text.charAt(at), text.slice(at, at + 2)])
        for (const pattern of byAnchor.get(anchor) ?? []) likely.add(pattern)
    for (const pattern of [...likely].sort((a, b) => a - b)) {
      const { owner, sought } = patterns[pattern] as (typeof patterns)[number]
      for (const match of text.matchAll(sought.all()))
        covered.push({ owner, from: match.index, to: match.index + match[0].length })
    }
    return covered
  }
}

/** Stands for the anchor of a pattern that has none. */
const ANY = ''

/** Why a wording cannot be compiled, or undefined. */
export function wordingFault(wording: string): string | undefined {
  try {
    return partsOf(wording).some(canBeEmpty) ? 'it would match any message' : undefined
  } catch {
    return 'brackets do not pair up'
  }
}

/** Stands where words were taken out. */
export const EXCUSED = '□'
const GAP = Symbol('gap')
const NUMBER = Symbol('number')
type Piece = string | typeof GAP | typeof NUMBER | readonly Part[]
type Part = readonly Piece[]

/** What a text is made of: characters, or syllables with a space after each. */
interface Alphabet {
  readonly lettersOf: (text: string) => readonly string[]
  readonly letter: (character: string) => string
  readonly gap: string
  readonly number: string
  readonly start: string
  readonly flags: string
}

const CHARACTERS: Alphabet = {
  lettersOf: (text) => text.split(''),
  letter: (character) => character,
  gap: '.{0,8}?',
  number: '[0-9零〇一二两三四五六七八九十百千万几多]+',
  start: '',
  flags: 'u',
}

const SYLLABLES: Alphabet = {
  lettersOf: (text) => text.toLowerCase().match(/[^ ]+ /g) ?? [],
  letter: (character) => `${soundOf(character)[0] ?? character} `,
  gap: '(?:[^ ]+ ){0,3}?',
  number: '(?:[^ ]+ ){1,2}?',
  start: '(?<![^ ])',
  flags: 'iu',
}

/** A part of a wording; its pattern is made when the first text needs it, which most never do. */
class Sought {
  readonly #source: () => string
  readonly #flags: string
  #one: RegExp | undefined
  #all: RegExp | undefined

  constructor(part: Part, alphabet: Alphabet) {
    this.#source = () => `${alphabet.start}(?:${write(part, alphabet)})`
    this.#flags = alphabet.flags
  }

  test(text: string): boolean {
    this.#one ??= new RegExp(this.#source(), this.#flags)
    return this.#one.test(text)
  }

  all(): RegExp {
    this.#all ??= new RegExp(this.#source(), `g${this.#flags}`)
    return this.#all
  }
}

/**
 * Finds the wordings that can be in a text at all by one look at its pairs of letters, so that the cost grows
 * with what is found and not with the number of wordings.
 */
function compileIndex(wordings: readonly string[], alphabet: Alphabet): (text: string) => Sought[][] {
  const all: Sought[][] = []
  const index = new Map<string, { readonly wording: number; readonly part: number }[]>()
  wordings.forEach((text, wording) => {
    const parts = partsOf(text)
    all.push(parts.map((part) => new Sought(part, alphabet)))
    parts.forEach((content, part) => {
      for (const key of new Set(anchorsOf(content).map((anchor) => keyOf(anchor, alphabet)))) {
        const there = index.get(key)
        if (there) there.push({ wording, part })
        else index.set(key, [{ wording, part }])
      }
    })
  })

  return (text) => {
    const seen = new Map<number, Set<number>>()
    for (const key of keysIn(text, alphabet))
      for (const { wording, part } of index.get(key) ?? NOWHERE) {
        const parts = seen.get(wording)
        if (parts) parts.add(part)
        else seen.set(wording, new Set([part]))
      }
    return Array.from(seen).flatMap(([wording, parts]) => {
      const whole = all[wording] ?? []
      return parts.size === whole.length ? [whole] : []
    })
  }
}

const NOWHERE: readonly never[] = []

/** The letters of a text and the pairs of neighbours; one message is looked at by many wordings in a row. */
function keysIn(text: string, alphabet: Alphabet): readonly string[] {
  if (latest.text === text && latest.alphabet === alphabet) return latest.keys
  const keys = new Set<string>()
  let last = ''
  for (const letter of alphabet.lettersOf(text)) {
    keys.add(letter)
    keys.add(last + letter)
    last = letter
  }
  latest = { text, alphabet, keys: [...keys] }
  return latest.keys
}

let latest: { readonly text: string; readonly alphabet?: Alphabet; readonly keys: readonly string[] } = {
  text: '',
  keys: [],
}

/** The first two letters: enough to tell most wordings apart. */
function keyOf(anchor: string, alphabet: Alphabet): string {
  return Array.from(anchor.slice(0, 2), alphabet.letter).join('')
}

/** Words of which one must be there wherever the part matches: the longest ones, then the fewest. */
function anchorsOf(part: Part): readonly string[] {
  const choices: string[][] = []
  let run = ''
  for (const piece of [...part, GAP]) {
    if (typeof piece === 'string') run += piece
    else {
      if (run !== '') choices.push([run])
      run = ''
      const either = typeof piece === 'object' ? literalsOf(piece) : undefined
      if (either) choices.push(either)
    }
  }
  const worth = (words: string[]) => Math.min(2, ...words.map((word) => word.length)) - words.length / 10_000
  return choices.sort((a, b) => worth(b) - worth(a))[0] ?? []
}

function canBeEmpty(part: Part): boolean {
  return part.every((piece) => piece === GAP || (typeof piece === 'object' && piece.some(canBeEmpty)))
}

/** What a bracket can stand for, if that is a plain list of words. */
function literalsOf(either: readonly Part[]): string[] | undefined {
  const words: string[] = []
  for (const alternative of either) {
    const word = alternative.every((piece) => typeof piece === 'string')
      ? alternative.join('')
      : anchorsOf(alternative)
    if (word.length === 0) return undefined
    words.push(...(typeof word === 'string' ? [word] : word))
  }
  return words
}

function compileRemoval(
  wordings: readonly string[],
  alphabet: Alphabet,
  replace: (stretch: string) => string,
): (text: string) => string {
  const candidatesIn = once(() => compileIndex(wordings, alphabet))
  return (text) =>
    candidatesIn()(text).reduce(
      (rest, parts) =>
        parts.every((part) => part.test(rest))
          ? parts.reduce((left, part) => left.replace(part.all(), replace), rest)
          : rest,
      text,
    )
}

function partsOf(wording: string): Part[] {
  return wording.normalize('NFKC').toLowerCase().split(' + ').map(parse)
}

function parse(part: string): Part {
  const tokens = part.trim().match(/\.{3,}|./gsu) ?? []
  let at = 0
  const alternatives = (closing: boolean): Part[] => {
    let last: Piece[] = []
    const all = [last]
    for (; at < tokens.length; at++) {
      const token = tokens[at] ?? ''
      if (token === ')') {
        if (closing) return all
        throw new Error('a closing bracket too many')
      }
      if (token === '|') {
        last = []
        all.push(last)
      } else if (token === '(') {
        at++
        last.push(alternatives(true))
      } else last.push(token.startsWith('...') ? GAP : token === '#' ? NUMBER : token)
    }
    if (closing) throw new Error('a closing bracket missing')
    return all
  }
  const all = alternatives(false)
  return all.length === 1 ? (all[0] ?? []) : [all]
}

function write(part: Part, alphabet: Alphabet): string {
  return part
    .map((piece) => {
      if (piece === GAP) return alphabet.gap
      if (piece === NUMBER) return alphabet.number
      if (typeof piece === 'string') return alphabet.letter(piece).replace(/[.*+?^${}()|[\]\\/]/g, '\\$&')
      return `(?:${piece.map((alternative) => write(alternative, alphabet)).join('|')})`
    })
    .join('')
}

/** Few messages are typed in letters and few need an excuse, so that is only prepared when one comes. */
function once<T>(make: () => T): () => T {
  let made: { readonly value: T } | undefined
  return () => {
    made ??= { value: make() }
    return made.value
  }
}

const isHan = (wording: string): boolean => !/[a-z]/i.test(wording)
const isClose = (wording: string): boolean => isHan(wording) && !wording.includes(' + ')
