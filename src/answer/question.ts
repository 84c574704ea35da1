import type { Content, Facet } from '../model/content.ts'
import { type FoundWord, wordFinder } from '../text/views.ts'

/** What a message asks, taken apart: intent × facet × region. */
export interface Question {
  /** The normalised message without politeness and particles. */
  readonly text: string
  /** How much each UTF-16 unit of `text` says about the thing asked for: 0 for a region's name, little for a facet. */
  readonly weights: Float32Array
  /** Regions named, in order. */
  readonly regions: readonly string[]
  /** Places named that the base knows nothing about. */
  readonly unknownPlaces: readonly string[]
  /** Matters named that none of the documents deals with. */
  readonly notOurs: readonly string[]
  readonly facet: Facet | undefined
  /** What is left when regions, facets and empty words are taken away; empty for a bare 「那昆明呢」 or 「要什么材料」. */
  readonly rest: string
}

export type ReadQuestion = (normalized: string) => Question

const FACET_WEIGHT = 0.3
const NAMES_AT_ONCE = 1000

/**
 * Prepares the reading of questions for one content.
 * @param pause awaited now and then
 */
export async function questionReader(content: Content, pause: () => Promise<void>): Promise<ReadQuestion> {
  const lead = longestFirst(content.filler.lead)
  const tail = longestFirst(content.filler.tail)
  const regionNames = content.regions.flatMap((region) =>
    [region.name, region.full, ...region.aliases].map((name) => ({
      name: name.toLowerCase(),
      id: region.id,
    })),
  )
  const regionsByName = longestNameFirst(regionNames)
  const regionNamesIn = wordFinder(regionNames.map(({ name }) => name))
  const namesWithRegion: string[] = []
  for (const [i, name] of properNames(content).entries()) {
    if (regionNamesIn(name).some(({ word }) => word !== name)) namesWithRegion.push(name)
    if (i % NAMES_AT_ONCE === NAMES_AT_ONCE - 1) await pause()
  }
  const namesIn = wordFinder(namesWithRegion)
  const facetOf = new Map<string, number>()
  for (const [i, facet] of content.facets.entries())
    for (const cue of facet.cues.flatMap((cue) => withoutParticle(cue.toLowerCase(), tail)))
      if (!facetOf.has(cue)) facetOf.set(cue, i)
  const cuesIn = wordFinder(facetOf.keys())
  const notOursIn = wordFinder(content.notOurs.map((word) => word.toLowerCase()))
  const placesIn = wordFinder(content.places.map((place) => place.toLowerCase()))
  const emptyWords = longestFirst(content.filler.empty).map((word) =>
    word.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'),
  )
  const empty = new RegExp(`^(?:${emptyWords.join('|')})+$`, 'u')

  return (normalized) => {
    const text = strip(normalized, lead, tail)
    const weights = new Float32Array(text.length).fill(1)

    const regions: string[] = []
    if (regionNamesIn(text).length > 0) {
      const named = namesIn(text)
      for (const { name, id } of regionsByName)
        for (const at of occurrences(text, name)) {
          if (weights[at] === 0) continue
          regions.push(id)
          if (!named.some((own) => own.at <= at && at + name.length <= own.at + own.word.length))
            weights.fill(0, at, at + name.length)
        }
    }

    let longest = ''
    for (const { word: cue, at } of cuesIn(text)) {
      for (let i = at; i < at + cue.length; i++) weights[i] = Math.min(weights[i] ?? 1, FACET_WEIGHT)
      const earlier = (facetOf.get(cue) ?? 0) - (facetOf.get(longest) ?? 0)
      if (cue.length > longest.length || (cue.length === longest.length && earlier < 0)) longest = cue
    }
    const facet = content.facets[facetOf.get(longest) ?? -1]

    const unknownPlaces = wordsNamed(
      text,
      placesIn(text).filter(({ at }) => weights[at] !== 0),
    )
    const foreign = wordsNamed(text, notOursIn(text))
    let rest = ''
    for (let i = 0; i < text.length; i++) if (weights[i] === 1) rest += text[i]
    rest = rest.replace(/[^\p{L}\p{N}]+/gu, '')
    return {
      text,
      weights,
      regions: [...new Set(regions)],
      unknownPlaces,
      notOurs: foreign,
      facet,
      rest: empty.test(rest) || (rest.length < 2 && (facet !== undefined || regions.length > 0)) ? '' : rest,
    }
  }
}

/** A cue as it is written and as it stands after the particles at the end of a message were taken away. */
function withoutParticle(cue: string, tail: readonly string[]): string[] {
  const particle = tail.find((word) => cue.endsWith(word) && cue.length >= word.length + 2)
  return particle === undefined ? [cue] : [cue, cue.slice(0, -particle.length)]
}

function strip(text: string, lead: readonly string[], tail: readonly string[]): string {
  let rest = text.replace(/^[\p{P}\s]+|[\p{P}\s]+$/gu, '')
  for (let changed = true; changed; ) {
    changed = false
    const start = lead.find((word) => rest.startsWith(word) && rest.length > word.length)
    const end = tail.find((word) => rest.endsWith(word) && rest.length > word.length + 1)
    const shorter = rest
      .slice(start?.length ?? 0, end ? -end.length : undefined)
      .replace(/^[\p{P}\s]+|[\p{P}\s]+$/gu, '')
    if (shorter !== '' && shorter !== rest) {
      rest = shorter
      changed = true
    }
  }
  return rest
}

function properNames(content: Content): string[] {
  return [...content.names, ...content.entries.flatMap((entry) => [entry.title, ...entry.aliases])].map(
    (name) => name.toLowerCase(),
  )
}

/** Words that stand in the text; one in Latin letters must not be a part of a longer one. */
function wordsNamed(text: string, found: readonly FoundWord[]): string[] {
  const whole = found.filter(
    ({ word, at }) =>
      !/^[a-z]/.test(word) ||
      !(/[a-z]/.test(text.charAt(at - 1)) || /[a-z]/.test(text.charAt(at + word.length))),
  )
  return [...new Set(whole.map(({ word }) => word))]
}

function occurrences(text: string, word: string): number[] {
  const found: number[] = []
  for (let at = text.indexOf(word); at >= 0 && word !== ''; at = text.indexOf(word, at + word.length))
    found.push(at)
  return found
}

const longestFirst = (words: readonly string[]): string[] =>
  words.map((word) => word.toLowerCase()).sort((a, b) => b.length - a.length)
const longestNameFirst = <T extends { name: string }>(list: readonly T[]): T[] =>
  [...list].sort((a, b) => b.name.length - a.name.length)
