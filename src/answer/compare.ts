import { VIEWS, type View } from '../text/views.ts'
import { ANSWER_SHARE, type Catalog, KINDS, type Target, type Unit } from './catalog.ts'
import { type Query, STEPS } from './token-index.ts'

/** Agreement view by view, 0 to 1 each. */
export type Agreement = Readonly<Record<View, number>>

/** How the texts of one target agree with a question. */
export interface Compared {
  readonly position: number
  /** Of the text that agrees best, all views together. */
  readonly best: number
  /** Of the closest phrasing. */
  readonly phrasing: Agreement
  /** Of the closest name. */
  readonly name: Agreement
  readonly answer: Agreement
  /** Share of the question's information that any of the texts holds. */
  readonly covered: Agreement
  /** The closest phrasing or name. */
  readonly closest: Unit | undefined
}

export type Compare = (query: Query, latin: boolean, positions: readonly number[]) => Compared[]

/**
 * Prepares comparing a question with all texts of some targets, exactly. It goes through each target's tokens and
 * touches only texts that hold one of the question's, which are few. Not re-entrant: it reuses its buffers.
 */
export function comparer(catalog: Catalog): Compare {
  const { idf, ownStart, tokens, textStart, texts, weights } = catalog.index
  // For each token its place in the question, and one bit that tells whether it has any: so few stay in the cache.
  const placeOf = new Uint16Array(idf.length)
  const isAsked = new Uint32Array((idf.length >>> 5) + 1)
  // For each of the question's tokens its list in the target's row, counted from one.
  let lists = new Uint32Array(64)
  let agreements = new Float32Array(1024)

  return (query, latin, positions) => {
    const asked = query.tokens
    if (lists.length < asked.length) lists = new Uint32Array(2 * asked.length)
    const all = new Float32Array(VIEWS.length)
    for (let view = 0; view < VIEWS.length; view++)
      for (let i = query.start[view] as number; i < (query.start[view + 1] as number); i++) {
        all[view] = (all[view] as number) + (query.information[i] as number)
        const token = asked[i] as number
        if (token < 0) continue
        placeOf[token] = i
        isAsked[token >>> 5] = (isAsked[token >>> 5] as number) | (1 << (token & 31))
      }

    const compared: Compared[] = []
    for (const position of positions) {
      const room = WIDTH * (catalog.targets[position] as Target).units.length
      if (agreements.length < room) agreements = new Float32Array(2 * room)
      else agreements.fill(0, 0, room)
      lists.fill(0, 0, asked.length)
      findLists(
        tokens,
        ownStart[position] as number,
        ownStart[position + 1] as number,
        isAsked,
        placeOf,
        lists,
      )
      const covered = new Float32Array(VIEWS.length)
      for (let view = 0; view < VIEWS.length; view++)
        for (let i = query.start[view] as number; i < (query.start[view + 1] as number); i++) {
          const next = lists[i] as number
          if (next === 0) continue
          covered[view] = (covered[view] as number) + (query.information[i] as number)
          const weight = (query.weights[i] as number) / STEPS
          addUp(
            agreements,
            view,
            texts,
            weights,
            textStart[next - 1] as number,
            textStart[next] as number,
            weight,
          )
        }
      compared.push(closest(catalog, position, agreements, agreementAt(covered, 0, all), latin))
    }
    for (const token of asked) if (token >= 0) isAsked[token >>> 5] = 0
    return compared
  }
}

// The two loops that a question spends most of its time in stand by themselves: as parts of the function above they
// take a third longer.

/** Notes where the asked ones of an entry's tokens stand. */
function findLists(
  tokens: Uint32Array,
  from: number,
  to: number,
  isAsked: Uint32Array,
  placeOf: Uint16Array,
  lists: Uint32Array,
): void {
  for (let list = from; list < to; list++) {
    const token = tokens[list] as number
    if (((isAsked[token >>> 5] as number) >>> (token & 31)) & 1) lists[placeOf[token] as number] = list + 1
  }
}

/** Adds what a token contributes to the agreement with each text that holds it. */
function addUp(
  agreements: Float32Array,
  view: number,
  texts: Uint32Array,
  weights: Uint16Array,
  from: number,
  to: number,
  weight: number,
): void {
  for (let at = from; at < to; at++) {
    const there = WIDTH * (texts[at] as number) + view
    agreements[there] = (agreements[there] as number) + weight * (weights[at] as number)
  }
}
const WIDTH = VIEWS.length

const PHRASING = KINDS.indexOf('phrasing')
const NAME = KINDS.indexOf('name')

/** The best phrasing, the best name and the answer of one target. */
function closest(
  catalog: Catalog,
  position: number,
  agreements: Float32Array,
  covered: Agreement,
  latin: boolean,
): Compared {
  const { units, kinds } = catalog.targets[position] as Target
  let bestPhrasing = -1
  let bestName = -1
  let answer = -1
  let phrasingAgrees = 0
  let nameAgrees = 0
  let answerAgrees = 0
  for (let i = 0; i < units.length; i++) {
    const at = VIEWS.length * i
    const sound = agreements[at + 3] as number
    const written =
      ((agreements[at] as number) + (agreements[at + 1] as number) + (agreements[at + 2] as number)) / 3
    const whole = latin ? Math.max(sound, written) : 0.75 * written + 0.25 * sound
    if (whole === 0) continue
    const kind = kinds[i] as number
    if (kind === PHRASING) {
      if (whole > phrasingAgrees) {
        phrasingAgrees = whole
        bestPhrasing = i
      }
    } else if (kind === NAME) {
      if (whole > nameAgrees) {
        nameAgrees = whole
        bestName = i
      }
    } else {
      answerAgrees = whole
      answer = i
    }
  }
  const nearest = phrasingAgrees >= nameAgrees ? bestPhrasing : bestName
  return {
    position,
    covered,
    best: Math.max(phrasingAgrees, nameAgrees, answerAgrees * ANSWER_SHARE),
    phrasing: bestPhrasing < 0 ? NONE : agreementAt(agreements, VIEWS.length * bestPhrasing, ONE),
    name: bestName < 0 ? NONE : agreementAt(agreements, VIEWS.length * bestName, ONE),
    answer: answer < 0 ? NONE : agreementAt(agreements, VIEWS.length * answer, ONE),
    closest: nearest < 0 ? undefined : catalog.units[units[nearest] as number],
  }
}

/** Four values that stand together, each as a share of a whole. */
function agreementAt(values: Float32Array, at: number, wholes: Float32Array): Agreement {
  return {
    char: shareOf(values[at] as number, wholes[0] as number),
    pair: shareOf(values[at + 1] as number, wholes[1] as number),
    word: shareOf(values[at + 2] as number, wholes[2] as number),
    sound: shareOf(values[at + 3] as number, wholes[3] as number),
  }
}

const shareOf = (part: number, whole: number): number => (whole === 0 ? 0 : part / whole)

const ONE = new Float32Array(VIEWS.length).fill(1)
const NONE: Agreement = { char: 0, pair: 0, word: 0, sound: 0 }
