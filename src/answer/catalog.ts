import { type Content, type Entry, EVERYWHERE, type Intent } from '../model/content.ts'
import { normalize } from '../text/normalize.ts'
import { type Tokenize, VIEWS, type View } from '../text/views.ts'
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
  /** Every token of its phrasings, names and text, by view. */
  readonly vocabulary: Readonly<Record<'char' | 'word' | 'sound', ReadonlySet<number>>>
}

/** One view's inverted index: for each token the units that hold it and their weights. */
export interface ViewIndex {
  readonly ids: ReadonlyMap<string, number>
  readonly idf: Float32Array
  readonly start: Uint32Array
  readonly units: Uint32Array
  readonly weights: Float32Array
  /** The weight of a token that no unit holds. */
  readonly unknownIdf: number
}

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
  const units: Unit[] = []

  for (const intent of content.intents) {
    const targets = Object.values(intent.answers).flatMap((id) => byEntry.get(id) ?? [])
    for (const target of targets) intentsOf[target]?.push(intent)
    for (const phrasing of intent.phrasings)
      units.push({ kind: 'phrasing', text: normalize(phrasing).text, targets })
  }
  content.entries.forEach((entry, i) => {
    for (const name of namesOf(entry)) units.push({ kind: 'name', text: normalize(name).text, targets: [i] })
    units.push({
      kind: 'answer',
      text: normalize([entry.answer, ...Object.values(entry.facets)].join(' ')).text,
      targets: [i],
    })
  })

  const builders = Object.fromEntries(VIEWS.map((view) => [view, new ViewBuilder(units.length)])) as Record<
    View,
    ViewBuilder
  >
  const vocabularies = content.entries.map(() => ({
    char: new Set<number>(),
    word: new Set<number>(),
    sound: new Set<number>(),
  }))
  for (const [i, unit] of units.entries()) {
    const tokens = tokenize(unit.text)
    for (const view of VIEWS) {
      const ids = builders[view].add(
        i,
        tokens[view].map(({ token }) => token),
      )
      if (view !== 'pair')
        for (const target of unit.targets) for (const id of ids) vocabularies[target]?.[view].add(id)
    }
    if (i % BATCH === BATCH - 1) await pause()
  }

  const views = {} as Record<View, ViewIndex>
  for (const view of VIEWS) {
    views[view] = builders[view].finish()
    await pause()
  }
  const targets = content.entries.map(
    (entry, i): Target => ({
      entry,
      intents: intentsOf[i] ?? [],
      names: namesOf(entry).map((name) => normalize(name).text),
      vocabulary: vocabularies[i] ?? { char: new Set(), word: new Set(), sound: new Set() },
    }),
  )
  return {
    content,
    units,
    targets,
    byEntry,
    views,
    tokenize,
    findNamed: nameFinder(targets.map(({ names }) => names)),
    readQuestion: questionReader(content),
  }
}

/** The entry that fulfils an intent in a region. */
export function answerIn(intent: Intent, region: string | undefined): string | undefined {
  return (region === undefined ? undefined : intent.answers[region]) ?? intent.answers[EVERYWHERE]
}

function namesOf(entry: Entry): string[] {
  return [...new Set([entry.title, ...entry.aliases])]
}

const BATCH = 200

/** Collects one view's tokens unit by unit and turns them into normalised tf-idf weights. */
class ViewBuilder {
  private readonly ids = new Map<string, number>()
  private readonly frequency: number[] = []
  private readonly tokensOf: Uint32Array[] = []
  private readonly countsOf: Uint8Array[] = []

  constructor(private readonly size: number) {}

  /** @returns the ids of the unit's distinct tokens */
  add(unit: number, tokens: readonly string[]): Uint32Array {
    const counts = new Map<number, number>()
    for (const token of tokens) {
      let id = this.ids.get(token)
      if (id === undefined) {
        id = this.ids.size
        this.ids.set(token, id)
        this.frequency.push(0)
      }
      counts.set(id, (counts.get(id) ?? 0) + 1)
    }
    for (const id of counts.keys()) this.frequency[id] = (this.frequency[id] ?? 0) + 1
    const distinct = Uint32Array.from(counts.keys())
    this.tokensOf[unit] = distinct
    this.countsOf[unit] = Uint8Array.from(counts.values(), (count) => Math.min(count, 255))
    return distinct
  }

  finish(): ViewIndex {
    const idf = Float32Array.from(this.frequency, (df) => inverseFrequency(this.size, df))
    const start = new Uint32Array(this.frequency.length + 1)
    for (let id = 0; id < this.frequency.length; id++)
      start[id + 1] = (start[id] ?? 0) + (this.frequency[id] ?? 0)
    const total = start[this.frequency.length] ?? 0
    const units = new Uint32Array(total)
    const weights = new Float32Array(total)
    const next = start.slice()
    this.tokensOf.forEach((tokens, unit) => {
      const counts = this.countsOf[unit]
      let length = 0
      const own = Array.from(tokens, (id, k) => {
        const weight = dampen(counts?.[k] ?? 1) * (idf[id] ?? 0)
        length += weight * weight
        return weight
      })
      const scale = length === 0 ? 0 : 1 / Math.sqrt(length)
      tokens.forEach((id, k) => {
        const at = next[id] ?? 0
        units[at] = unit
        weights[at] = (own[k] ?? 0) * scale
        next[id] = at + 1
      })
    })
    return { ids: this.ids, idf, start, units, weights, unknownIdf: inverseFrequency(this.size, 0) }
  }
}

const inverseFrequency = (size: number, df: number): number => Math.log(1 + (size + 1) / (df + 0.5))
/** A word said twice says a little more than once. */
export const dampen = (count: number): number => 1 + Math.log(count)
