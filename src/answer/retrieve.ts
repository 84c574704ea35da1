import { VIEWS } from '../text/views.ts'
import type { Catalog, Target } from './catalog.ts'
import type { Scope } from './rank.ts'
import { type Query, STEPS } from './token-index.ts'

/** Positions of the targets that may be meant. */
export interface Retrieved {
  /** Of the region asked for, the most promising first. */
  readonly here: readonly number[]
  /** What only other regions have, the most promising first. */
  readonly elsewhere: readonly number[]
  /** Entries of the conversation's context that hold anything of the question. */
  readonly inContext: readonly number[]
}

/**
 * So many postings are read before the rest of the lists, those of the most frequent tokens, is left unread. A
 * question therefore costs the same in a base of any size; what it finds is compared exactly.
 */
const READ_MOST = 5_000
const FOUND_HERE = 26
const FOUND_ELSEWHERE = 16

/** Prepares finding the targets worth a closer look. Not re-entrant: it reuses its buffers. */
export function retriever(catalog: Catalog): (query: Query, latin: boolean, scope: Scope) => Retrieved {
  const { targets } = catalog
  const { start, owners, most: heaviest } = catalog.index
  const { numberOf, regions } = regionsOf(targets)
  const bound = new Float32Array(targets.length)
  const touched = new Uint32Array(targets.length)

  return (query, latin, scope) => {
    const lists: { readonly token: number; readonly weight: number; readonly length: number }[] = []
    for (const [v, view] of VIEWS.entries()) {
      const share = latin ? (view === 'sound' ? 1 : 1 / 3) : 1 / 4
      for (let i = query.start[v] as number; i < (query.start[v + 1] as number); i++) {
        const token = query.tokens[i] as number
        const weight = ((query.weights[i] as number) * share) / STEPS
        if (token < 0 || weight === 0) continue
        lists.push({ token, weight, length: (start[token + 1] as number) - (start[token] as number) })
      }
    }
    lists.sort((a, b) => a.length - b.length)

    let count = 0
    let read = 0
    // The best of all would hide the few that come into question.
    const most = scope.only ? Number.POSITIVE_INFINITY : READ_MOST
    for (const { token, weight, length } of lists) {
      if (read > 0 && read + length > most) break
      read += length
      const to = start[token + 1] as number
      for (let at = start[token] as number; at < to; at++) {
        const position = owners[at] as number
        const before = bound[position] as number
        if (before === 0) touched[count++] = position
        bound[position] = before + weight * (heaviest[at] as number)
      }
    }

    const here = new Leaders(FOUND_HERE)
    const elsewhere = new Leaders(FOUND_ELSEWHERE)
    const inContext: number[] = []
    const region = scope.region === undefined ? EVERY : numberOf(scope.region)
    const isOpen = scope.exclude === undefined && scope.only === undefined
    const allows = (position: number): boolean => isOpen || isAllowed(targets[position] as Target, scope)
    const context = scope.context && new Set(Array.from(scope.context, (id) => catalog.byEntry.get(id)))
    for (let i = 0; i < count; i++) {
      const position = touched[i] as number
      const value = bound[position] as number
      bound[position] = 0
      const own = regions[position] as number
      const isNear = region === EVERY || own === EVERY || own === region
      const leaders = isNear ? here : elsewhere
      if (leaders.takes(value) && allows(position)) leaders.add(position, value)
      if (isNear && context?.has(position) && allows(position)) inContext.push(position)
    }
    return { here: here.positions, elsewhere: elsewhere.positions, inContext }
  }
}

/** Stands for all regions. */
const EVERY = 0

/** The region of each target by number: thousands are looked at for one question, and reading their entries takes long. */
function regionsOf(targets: readonly Target[]): {
  readonly numberOf: (region: string) => number
  readonly regions: Uint32Array
} {
  const numbers = new Map<string, number>()
  const regions = Uint32Array.from(targets, ({ entry: { region } }) => {
    if (region === undefined) return EVERY
    const number = numbers.get(region) ?? numbers.size + 1
    numbers.set(region, number)
    return number
  })
  return { numberOf: (region) => numbers.get(region) ?? numbers.size + 1, regions }
}

/** The best few of many. */
class Leaders {
  readonly positions: number[] = []
  private readonly values: number[] = []
  /** What is worth less is not among them; nothing is, while there is room. */
  private least = Number.NEGATIVE_INFINITY

  constructor(private readonly most: number) {}

  takes(value: number): boolean {
    return value > this.least
  }

  add(position: number, value: number): void {
    const { positions, values } = this
    if (values.length === this.most) {
      values.pop()
      positions.pop()
    }
    let low = 0
    let high = values.length
    while (low < high) {
      const middle = (low + high) >> 1
      if ((values[middle] as number) >= value) low = middle + 1
      else high = middle
    }
    values.splice(low, 0, value)
    positions.splice(low, 0, position)
    if (values.length === this.most) this.least = values[this.most - 1] as number
  }
}

export const isAllowed = ({ entry }: Target, scope: Scope): boolean =>
  !scope.exclude?.has(entry.id) && scope.only?.has(entry.id) !== false

export const isHere = ({ entry }: Target, scope: Scope): boolean =>
  scope.region === undefined || entry.region === undefined || entry.region === scope.region
