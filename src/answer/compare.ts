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
 * Prepares comparing a question with all texts of some targets, exactly. It goes token by token and touches
 * only texts that hold one, which are few. Not re-entrant: it reuses its buffers.
 */
export function comparer(catalog: Catalog): Compare {
  const { start, owners, textStart, texts, weights } = catalog.index
  // For each target its place among those compared, counted from one.
  const placeOf = new Uint16Array(catalog.targets.length)
  let agreements = new Float32Array(1024)

  return (query, latin, positions) => {
    const order = Uint32Array.from(positions).sort()
    // The agreements of a target's first text stand at its offset, those of the next one after them.
    const offsets = new Uint32Array(order.length)
    let room = 0
    for (const [i, position] of order.entries()) {
      offsets[i] = room
      placeOf[position] = i + 1
      room += VIEWS.length * (catalog.targets[position] as Target).units.length
    }
    if (agreements.length < room) agreements = new Float32Array(2 * room)
    else agreements.fill(0, 0, room)
    const covered = new Float32Array(VIEWS.length * order.length)
    const all = new Float32Array(VIEWS.length)

    for (let view = 0; view < VIEWS.length; view++)
      for (let i = query.start[view] as number; i < (query.start[view + 1] as number); i++) {
        const token = query.tokens[i] as number
        const information = query.information[i] as number
        all[view] = (all[view] as number) + information
        if (token < 0) continue
        const weight = (query.weights[i] as number) / STEPS
        const from = start[token] as number
        const to = start[token + 1] as number
        // A list longer than searching it for each target is not read.
        const isSearched = to - from > order.length * SEARCH_STEPS
        const steps = isSearched ? order.length : to - from
        let list = from
        for (let step = 0; step < steps; step++) {
          let place = step
          if (isSearched) {
            const position = order[step] as number
            list = firstFrom(owners, list, to, position)
            if (list === to) break
            if (owners[list] !== position) continue
          } else {
            list = from + step
            place = (placeOf[owners[list] as number] as number) - 1
            if (place < 0) continue
          }
          const own = VIEWS.length * place + view
          covered[own] = (covered[own] as number) + information
          const first = (offsets[place] as number) + view
          const end = textStart[list + 1] as number
          for (let at = textStart[list] as number; at < end; at++) {
            const there = first + VIEWS.length * (texts[at] as number)
            agreements[there] = (agreements[there] as number) + weight * (weights[at] as number)
          }
        }
      }

    const compared: Compared[] = []
    for (const position of positions) {
      const place = (placeOf[position] as number) - 1
      compared.push(
        closest(
          catalog,
          position,
          agreements,
          offsets[place] as number,
          agreementAt(covered, VIEWS.length * place, all),
          latin,
        ),
      )
    }
    for (const position of order) placeOf[position] = 0
    return compared
  }
}

const SEARCH_STEPS = 12
const PHRASING = KINDS.indexOf('phrasing')
const NAME = KINDS.indexOf('name')

/** The first place in an ascending row, between two places, whose value is not below the one given. */
function firstFrom(row: Uint32Array, from: number, to: number, value: number): number {
  let low = from
  let high = to
  while (low < high) {
    const middle = (low + high) >> 1
    if ((row[middle] as number) < value) low = middle + 1
    else high = middle
  }
  return low
}

/** The best phrasing, the best name and the answer of one target. */
function closest(
  catalog: Catalog,
  position: number,
  agreements: Float32Array,
  offset: number,
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
    const at = offset + VIEWS.length * i
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
    phrasing: bestPhrasing < 0 ? NONE : agreementAt(agreements, offset + VIEWS.length * bestPhrasing, ONE),
    name: bestName < 0 ? NONE : agreementAt(agreements, offset + VIEWS.length * bestName, ONE),
    answer: answer < 0 ? NONE : agreementAt(agreements, offset + VIEWS.length * answer, ONE),
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
