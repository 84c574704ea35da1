import { type Content, type Entry, EVERYWHERE, type Intent } from '../model/content.ts'
import { foreignSayer } from '../text/foreign.ts'
import { normalizedText } from '../text/normalize.ts'
import type { Tokenizer } from '../text/views.ts'
import { type FindNamed, nameFinder } from './named.ts'
import { questionReader, type ReadQuestion } from './question.ts'
import { type TokenIndex, TokenIndexBuilder, workload } from './token-index.ts'

/** Where an indexed text comes from. */
export const KINDS = ['phrasing', 'name', 'answer'] as const
export type UnitKind = (typeof KINDS)[number]

/** One indexed text: a phrasing, a name, or an entry's own words. */
export interface Unit {
  readonly kind: UnitKind
  readonly text: string
}

/** One entry as a candidate, with what is known of it beforehand. */
export interface Target {
  readonly entry: Entry
  readonly intents: readonly Intent[]
  readonly names: readonly string[]
  /** Positions in `Catalog.units` of its phrasings, names and text. */
  readonly units: Uint32Array
  /** Of what kind each of them is: its place in `KINDS`. */
  readonly kinds: Uint8Array
}

/** The searchable form of one content. Built whole, then never changed; a reload builds another. */
export interface Catalog {
  readonly content: Content
  readonly units: readonly Unit[]
  readonly targets: readonly Target[]
  readonly byEntry: ReadonlyMap<string, number>
  /** The texts of the index are `units`, their owners `targets`. */
  readonly index: TokenIndex
  readonly tokenizer: Tokenizer
  /** Positions in `targets` of the entries a text names. */
  readonly findNamed: FindNamed
  readonly readQuestion: ReadQuestion
}

/** An answer is long: that it holds the question's words says half as much. */
export const ANSWER_SHARE = 0.5

/**
 * Indexes everything visitors may be looking for.
 * @param pause awaited now and then, so that building never blocks the replies for long
 */
export async function buildCatalog(
  content: Content,
  tokenizer: Tokenizer,
  pause: () => Promise<void> = async () => {},
): Promise<Catalog> {
  const byEntry = new Map(content.entries.map((entry, i) => [entry.id, i]))
  const intentsOf: Intent[][] = content.entries.map(() => [])
  const unitsOf: number[][] = content.entries.map(() => [])
  const namesOf: string[][] = []
  const units: Unit[] = []
  const builder = new TokenIndexBuilder(tokenizer)
  const due = workload(BREATH)
  const sayForeign = foreignSayer(content.concepts)
  /** @returns whether so much has come together that it should be indexed */
  const add = (kind: UnitKind, written: string, targets: readonly number[]): boolean => {
    const text = kind === 'phrasing' ? sayForeign(normalizedText(written)) : normalizedText(written)
    for (const target of targets) unitsOf[target]?.push(units.length)
    units.push({ kind, text })
    return due(text.length)
  }
  let indexed = 0
  const indexAdded = async (): Promise<void> => {
    // All of them are cut before any is indexed: the dictionary and the index are both larger than the cache.
    const words: (readonly string[])[] = []
    for (let i = indexed; i < units.length; i++) words.push(tokenizer.cut((units[i] as Unit).text))
    await pause()
    for (const own of words) builder.add((units[indexed++] as Unit).text, own)
    await pause()
  }

  for (const intent of content.intents) {
    const targets = Object.values(intent.answers).flatMap((id) => byEntry.get(id) ?? [])
    for (const target of targets) intentsOf[target]?.push(intent)
    for (const phrasing of intent.phrasings) if (add('phrasing', phrasing, targets)) await indexAdded()
  }
  for (const [i, entry] of content.entries.entries()) {
    const names = [...new Set([entry.title, ...entry.aliases])].map(normalizedText)
    namesOf.push(names)
    for (const name of names) if (add('name', name, [i])) await indexAdded()
    if (add('answer', [entry.answer, ...Object.values(entry.facets)].join(' '), [i])) await indexAdded()
  }
  await indexAdded()

  const index = await builder.finish(
    unitsOf,
    (unit) => (units[unit]?.kind === 'answer' ? ANSWER_SHARE : 1),
    pause,
  )
  const targets: Target[] = []
  for (const [i, entry] of content.entries.entries()) {
    const own = unitsOf[i] ?? []
    targets.push({
      entry,
      intents: intentsOf[i] ?? [],
      names: namesOf[i] ?? [],
      units: Uint32Array.from(own),
      kinds: Uint8Array.from(own, (unit) => KINDS.indexOf(units[unit]?.kind ?? 'answer')),
    })
    if (due(own.length)) await pause()
  }
  const findNamed = await nameFinder(namesOf, pause)
  const readQuestion = await questionReader(content, units, sayForeign, tokenizer.cut, pause)
  return { content, units, targets, byEntry, index, tokenizer, findNamed, readQuestion }
}

/** So many characters are indexed at once. */
const BREATH = 3000

/** The entry that fulfils an intent in a region. */
export function answerIn(intent: Intent, region: string | undefined): string | undefined {
  return (region === undefined ? undefined : intent.answers[region]) ?? intent.answers[EVERYWHERE]
}
