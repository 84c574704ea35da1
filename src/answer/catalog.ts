import { type Content, type Entry, EVERYWHERE, type Intent } from '../model/content.ts'
import { normalizedText } from '../text/normalize.ts'
import { type Token, type Tokenize, VIEWS, type View } from '../text/views.ts'
import { type FindNamed, nameFinder } from './named.ts'
import { questionReader, type ReadQuestion } from './question.ts'

/** Where an indexed text comes from. */
export type UnitKind = 'phrasing' | 'name' | 'answer'

/** One indexed text: a phrasing, a name, or an entry's own words. */
export interface Unit {
  readonly kind: UnitKind
  readonly text: string
  /** Positions in `Catalog.targets` of the entries it speaks for. */
  readonly targets: readonly number[]
}

/** One entry as a candidate, with what is known of it beforehand. */
export interface Target {
  readonly entry: Entry
  readonly intents: readonly Intent[]
  readonly names: readonly string[]
  /** Positions in `Catalog.units` of its phrasings, names and text. */
  readonly units: Uint32Array
}

/**
 * One view's index, both ways. Weights are tf-idf, of length one over a unit, in steps of 1 / `STEPS`.
 * By token it finds units, by unit it tells exactly how well one agrees, so that the long lists of frequent
 * tokens need not be read to the end.
 */
export interface ViewIndex {
  readonly ids: ReadonlyMap<string, number>
  readonly idf: Float32Array
  /** The weight of a token that no unit holds. */
  readonly unknownIdf: number
  readonly byToken: Postings
  readonly byUnit: Postings
}

/** The other side's numbers and weights for one number n: from `start[n]` up to `start[n + 1]`. */
export interface Postings {
  readonly start: Uint32Array
  readonly of: Uint32Array
  readonly weights: Uint16Array
}

/** The finest difference between two stored weights is 1 / STEPS. */
export const STEPS = 65_535

/** The searchable form of one content. Built whole, then never changed; a reload builds another. */
export interface Catalog {
  readonly content: Content
  readonly units: readonly Unit[]
  readonly targets: readonly Target[]
  readonly byEntry: ReadonlyMap<string, number>
  readonly views: Readonly<Record<View, ViewIndex>>
  readonly tokenize: Tokenize
  /** Positions in `targets` of the entries a text names. */
  readonly findNamed: FindNamed
  readonly readQuestion: ReadQuestion
}

/**
 * Indexes everything visitors may be looking for.
 * @param pause awaited now and then, so that building never blocks the replies for long
 */
export async function buildCatalog(
  content: Content,
  tokenize: Tokenize,
  pause: () => Promise<void> = async () => {},
): Promise<Catalog> {
  const byEntry = new Map(content.entries.map((entry, i) => [entry.id, i]))
  const intentsOf: Intent[][] = content.entries.map(() => [])
  const unitsOf: number[][] = content.entries.map(() => [])
  const namesOf: string[][] = []
  const units: Unit[] = []
  const builders = Object.fromEntries(VIEWS.map((view) => [view, new ViewBuilder()])) as Record<
    View,
    ViewBuilder
  >
  let sinceBreath = 0
  const breathe = async (work: number): Promise<void> => {
    sinceBreath += work
    if (sinceBreath < BREATH) return
    sinceBreath = 0
    await pause()
  }
  const add = (kind: UnitKind, text: string, targets: readonly number[]): Promise<void> => {
    for (const target of targets) unitsOf[target]?.push(units.length)
    units.push({ kind, text, targets })
    const tokens = tokenize(text)
    for (const view of VIEWS) builders[view].add(tokens[view])
    return breathe(text.length)
  }

  for (const intent of content.intents) {
    const targets = Object.values(intent.answers).flatMap((id) => byEntry.get(id) ?? [])
    for (const target of targets) intentsOf[target]?.push(intent)
    for (const phrasing of intent.phrasings) await add('phrasing', normalizedText(phrasing), targets)
  }
  for (const [i, entry] of content.entries.entries()) {
    const names = [...new Set([entry.title, ...entry.aliases])].map(normalizedText)
    namesOf.push(names)
    for (const name of names) await add('name', name, [i])
    await add('answer', normalizedText([entry.answer, ...Object.values(entry.facets)].join(' ')), [i])
  }

  const views = {} as Record<View, ViewIndex>
  for (const view of VIEWS) views[view] = await builders[view].finish(pause)
  const targets = content.entries.map(
    (entry, i): Target => ({
      entry,
      intents: intentsOf[i] ?? [],
      names: namesOf[i] ?? [],
      units: Uint32Array.from(unitsOf[i] ?? []),
    }),
  )
  await pause()
  const findNamed = await nameFinder(namesOf, pause)
  const readQuestion = await questionReader(content, pause)
  return { content, units, targets, byEntry, views, tokenize, findNamed, readQuestion }
}

/** So many characters are indexed between two pauses. */
const BREATH = 1500

/** The entry that fulfils an intent in a region. */
export function answerIn(intent: Intent, region: string | undefined): string | undefined {
  return (region === undefined ? undefined : intent.answers[region]) ?? intent.answers[EVERYWHERE]
}

/** Collects one view's tokens unit by unit and turns them into weights. */
class ViewBuilder {
  private readonly ids = new Map<string, number>()
  private readonly frequency: number[] = []
  /** The last unit each token was seen in, and where its count stands in `counts`. */
  private readonly lastUnit: number[] = []
  private readonly lastAt: number[] = []
  private tokens = new Uint32Array(1024)
  private counts = new Uint8Array(1024)
  private used = 0
  private readonly start = [0]

  /** Adds the next unit. */
  add(tokens: readonly Token[]): void {
    if (this.used + tokens.length > this.tokens.length) this.grow(this.used + tokens.length)
    const unit = this.start.length - 1
    for (const { token } of tokens) {
      let id = this.ids.get(token)
      if (id === undefined) {
        id = this.ids.size
        this.ids.set(token, id)
        this.frequency.push(0)
        this.lastUnit.push(-1)
        this.lastAt.push(0)
      }
      if (this.lastUnit[id] === unit) {
        const at = this.lastAt[id] ?? 0
        this.counts[at] = Math.min(255, (this.counts[at] ?? 0) + 1)
        continue
      }
      this.lastUnit[id] = unit
      this.lastAt[id] = this.used
      this.frequency[id] = (this.frequency[id] ?? 0) + 1
      this.tokens[this.used] = id
      this.counts[this.used++] = 1
    }
    this.start.push(this.used)
  }

  private grow(least: number): void {
    const size = Math.max(least, 2 * this.tokens.length)
    const tokens = new Uint32Array(size)
    const counts = new Uint8Array(size)
    tokens.set(this.tokens)
    counts.set(this.counts)
    this.tokens = tokens
    this.counts = counts
  }

  async finish(pause: () => Promise<void>): Promise<ViewIndex> {
    const size = this.start.length - 1
    const idf = Float32Array.from(this.frequency, (df) => inverseFrequency(size, df))
    const byUnit: Postings = {
      start: Uint32Array.from(this.start),
      of: this.tokens.slice(0, this.used),
      weights: new Uint16Array(this.used),
    }
    const byToken: Postings = {
      start: new Uint32Array(idf.length + 1),
      of: new Uint32Array(this.used),
      weights: new Uint16Array(this.used),
    }
    for (let id = 0; id < idf.length; id++)
      byToken.start[id + 1] = (byToken.start[id] ?? 0) + (this.frequency[id] ?? 0)
    await pause()

    const next = byToken.start.slice()
    const weigh = (at: number): number => dampen(this.counts[at] ?? 1) * (idf[byUnit.of[at] ?? 0] ?? 0)
    let sinceBreath = 0
    for (let unit = 0; unit < size; unit++) {
      const from = byUnit.start[unit] ?? 0
      const to = byUnit.start[unit + 1] ?? 0
      let length = 0
      for (let at = from; at < to; at++) length += weigh(at) ** 2
      const scale = length === 0 ? 0 : STEPS / Math.sqrt(length)
      for (let at = from; at < to; at++) {
        const weight = Math.max(1, Math.round(weigh(at) * scale))
        byUnit.weights[at] = weight
        const id = byUnit.of[at] ?? 0
        const there = next[id] ?? 0
        next[id] = there + 1
        byToken.of[there] = unit
        byToken.weights[there] = weight
      }
      sinceBreath += to - from
      if (sinceBreath > BREATH_OF_POSTINGS) {
        sinceBreath = 0
        await pause()
      }
    }
    return { ids: this.ids, idf, byToken, byUnit, unknownIdf: inverseFrequency(size, 0) }
  }
}

const BREATH_OF_POSTINGS = 100_000

const inverseFrequency = (size: number, df: number): number => Math.log(1 + (size + 1) / (df + 0.5))
const DAMPENED = Float64Array.from({ length: 256 }, (_, count) => 1 + Math.log(Math.max(1, count)))
/** A word said twice says a little more than once. */
export const dampen = (count: number): number => DAMPENED[Math.min(count, 255)] ?? 1
