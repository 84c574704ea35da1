import type { Content, Facet } from '../model/content.ts'
import { clausesOf } from '../text/clauses.ts'
import { WordList, wordFinder } from '../text/find.ts'
import { NamesBySound } from '../text/names-by-sound.ts'
import { normalizedText } from '../text/normalize.ts'
import { compileFinder, compileWording } from '../text/pattern.ts'
import { Neighbours } from '../text/repair.ts'
import { workload } from './token-index.ts'

/** What a message asks, taken apart: intent × facet × region. */
export interface Question {
  /** The normalised message without politeness and particles, slips of the fingers mended, foreign words said with ours. */
  readonly text: string
  /** The same as it was written. */
  readonly written: string
  /** How much each UTF-16 unit of `text` says about the thing asked for: 0 for a region's name, little for a facet. */
  readonly weights: Float32Array
  /** Regions named, in order. */
  readonly regions: readonly string[]
  /** Places asked about that the base knows nothing about; one said in passing (「我在杭州上班,想回莲都」) is none. */
  readonly unknownPlaces: readonly string[]
  /** Matters named that none of the documents deals with. */
  readonly notOurs: readonly string[]
  /** What is asked about the thing, the plainest first. */
  readonly facets: readonly Facet[]
  /** What is left when regions, facets and empty words are taken away; empty for a bare 「那昆明呢」 or 「要什么材料」. */
  readonly rest: string
  /** The same without the empty words in it: what is said at all. */
  readonly gist: string
  /** All that is said goes with anything: 「服务哪些方面」. */
  readonly isGeneral: boolean
}

export type ReadQuestion = (normalized: string) => Question

const FACET_WEIGHT = 0.3
/** 「规划」 in 「夜市有什么规划」 says little of what the thing is. */
const GENERAL_WEIGHT = 0.3
/** Who names more places than this does not ask about one. */
const MOST_PLACES = 8
/** Stands for a place's name in the wordings of `filler.passing`. */
const PLACE = '地名'

/** A shorter name is too easily found by swapping two characters. */
const SHORTEST_NAME = 3
/** So many names are gone through between two pauses. */
const NAMES_AT_ONCE = 500

/**
 * Prepares the reading of questions for one content.
 * @param said everything the base says, normalised: what stands beside what there tells slips from words
 * @param sayForeign says foreign words with ours
 * @param cut finds the words of a text
 * @param pause awaited now and then
 */
export async function questionReader(
  content: Content,
  said: readonly { readonly text: string }[],
  sayForeign: (text: string) => string,
  cut: (text: string) => readonly string[],
  pause: () => Promise<void>,
): Promise<ReadQuestion> {
  const lead = longestFirst(content.filler.lead)
  const tail = longestFirst(content.filler.tail)
  const regionNames = content.regions.flatMap((region) =>
    [region.name, region.full, ...region.aliases].map((name) => ({
      name: name.toLowerCase(),
      id: region.id,
    })),
  )
  const regionsByName = longestNameFirst(regionNames)
  const general = wordFinder(content.filler.general.map((word) => word.toLowerCase()))
  const holdsGeneral = (name: string): boolean => general(name).some(({ word }) => word.length < name.length)
  const namesWithRegion = new WordList()
  const namesWithGeneral = new WordList()
  const names = new WordList()
  const heard = new NamesBySound()
  const due = workload(NAMES_AT_ONCE)
  for (const name of properNames(content)) {
    if (regionNames.some((region) => name.includes(region.name) && name !== region.name))
      namesWithRegion.add(name)
    if (holdsGeneral(name)) namesWithGeneral.add(name)
    if (name.length >= SHORTEST_NAME) {
      const plain = normalizedText(name)
      names.add(plain)
      heard.add(plain)
    }
    if (due(1)) await pause()
  }
  for (const [concept, words] of Object.entries(content.concepts))
    for (const word of [concept, ...words])
      if (holdsGeneral(word.toLowerCase())) namesWithGeneral.add(word.toLowerCase())
  const findCues = compileFinder<{ facet: Facet; endsText: boolean }>(
    content.facets.flatMap((facet) =>
      facet.cues
        .map((cue) => cue.toLowerCase())
        .flatMap((cue) => [
          [{ facet, endsText: false }, cue],
          ...withoutParticle(cue, tail).map((short) => [{ facet, endsText: true }, short] as const),
        ]),
    ),
  )
  const findUnless = compileFinder<Facet>(
    content.facets.flatMap((facet) => facet.unless.map((cue) => [facet, cue.toLowerCase()] as const)),
  )
  await pause()
  const findNotOurs = wordFinder(content.notOurs.map((word) => word.toLowerCase()))
  const findPlaces = wordFinder(content.places.map((place) => place.toLowerCase()))
  await pause()
  const inPassing = compileWording(content.filler.passing, 'anywhere')
  const comesHome = compileWording(content.filler.home, 'anywhere')
  const emptyWords = longestFirst(content.filler.empty).map((word) =>
    word.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'),
  )
  const empty = new RegExp(`^(?:${emptyWords.join('|')})+$`, 'u')
  const emptyAnywhere = new RegExp(emptyWords.join('|'), 'gu')
  await pause()
  const neighbours = new Neighbours()
  for (const { name } of regionNames) neighbours.add(normalizedText(name))
  const isMuch = workload(BREATH)
  for (const { text } of said) {
    neighbours.add(text)
    if (isMuch(text.length)) await pause()
  }
  const repair = await neighbours.repairer(names, heard, pause)

  /** Lets general words weigh little, where something else says what is meant. */
  const makeLight = (text: string, weights: Float32Array): void => {
    const found = general(text)
    if (found.length === 0) return
    const longer = namesWithGeneral.findIn(text)
    const light = found.filter(({ from, to }) => !longer.some((one) => one.from <= from && to <= one.to))
    let others = ''
    for (let i = 0; i < text.length; i++)
      if (weights[i] === 1 && !light.some(({ from, to }) => from <= i && i < to)) others += text[i]
    others = others.replace(/[^\p{L}\p{N}]+/gu, '')
    if (others.length < 2 || empty.test(others)) return
    for (const { from, to } of light)
      for (let i = from; i < to; i++) weights[i] = Math.min(weights[i] as number, GENERAL_WEIGHT)
  }

  const saysNothingElse = (text: string): boolean => {
    const found = general(text)
    if (found.length === 0) return false
    const others = Array.from(text).filter((_, i) => !found.some(({ from, to }) => from <= i && i < to))
    const left = others.join('').replace(/[^\p{L}\p{N}]+/gu, '')
    return left === '' || empty.test(left)
  }

  return (normalized) => {
    const written = withoutTurnedDown(strip(normalized, lead, tail))
    const mended = repair(written, () => {
      // What the documents do not speak of is no slip for something they do, and a name as it is written is none.
      const kept = [...findPlaces(written), ...findNotOurs(written), ...names.findIn(written)]
      return (at) => kept.some(({ from, to }) => from <= at && at < to)
    })
    const text = sayForeign(mended === written ? written : strip(mended, lead, tail))
    const weights = new Float32Array(text.length).fill(1)

    const named = namesWithRegion.findIn(text)
    const regions: string[] = []
    /** A region named for itself, not as a part of a name such as 春城青居. */
    let isOurs = false
    for (const { name, id } of regionsByName)
      for (const at of occurrences(text, name)) {
        if (weights[at] === 0) continue
        regions.push(id)
        if (!named.some(({ from, to }) => from <= at && at + name.length <= to)) {
          weights.fill(0, at, at + name.length)
          isOurs = true
        }
      }

    const asked = new Map<Facet, number>()
    const isTold = storyIn(text)
    const excused = findUnless(text)
    for (const { owner, from, to } of findCues(text)) {
      if (owner.endsText && to < text.length) continue
      if (excused.some((one) => one.owner === owner.facet && one.from < to && from < one.to)) continue
      // 「多少钱」 is understood also where no text of the base says it; then it tells nothing apart.
      const weight = neighbours.hold(text.slice(from, to)) ? FACET_WEIGHT : 0
      for (let i = from; i < to; i++) weights[i] = Math.min(weights[i] ?? 1, weight)
      if (!isTold(from)) asked.set(owner.facet, Math.max(asked.get(owner.facet) ?? 0, to - from))
    }
    const facets = [...asked].sort((a, b) => b[1] - a[1]).map(([facet]) => facet)

    const unknownPlaces = findPlaces(text)
      .filter(({ from }) => weights[from] !== 0)
      .slice(0, MOST_PLACES)
      .filter((place) => !isAcrossWords(place, text, cut))
      .filter(({ from, to }) => {
        const around = `${text.slice(0, from)}${PLACE}${text.slice(to)}`
        return !isOurs && !(inPassing(around) && comesHome(around))
      })
      .map(({ word }) => word)
    const foreign = findNotOurs(text).flatMap(({ word, from }) => (isTold(from) ? [] : [word]))
    let rest = ''
    for (let i = 0; i < text.length; i++) if (weights[i] === 1) rest += text[i]
    rest = rest.replace(/[^\p{L}\p{N}]+/gu, '')
    makeLight(text, weights)
    if (empty.test(rest) || (rest.length < 2 && (facets.length > 0 || regions.length > 0))) rest = ''
    return {
      text,
      written,
      weights,
      regions: [...new Set(regions)],
      unknownPlaces: [...new Set(unknownPlaces)],
      notOurs: [...new Set(foreign)],
      facets,
      rest,
      gist: rest.replace(emptyAnywhere, ''),
      isGeneral: saysNothingElse(rest),
    }
  }
}

/**
 * Whether what stands at a place is told and not asked: 「我在材料公司上班,…」 asks for no papers. A story ends with what is
 * asked, from 「想问」 on if that is said, and a question mark shows it anywhere.
 */
function storyIn(text: string): (at: number) => boolean {
  const clauses = text.length < STORY ? [] : clausesOf(text)
  if (clauses.length <= ASKING) return () => false
  const ending = clauses.slice(-ASKING)
  const end = (ending.findLast((clause) => SAYS_IT_ASKS.test(clause.text)) ?? ending[0])?.from ?? 0
  const asked = clauses.filter(({ isQuestion }) => isQuestion)
  return (at) => at < end && !asked.some(({ from, to }) => from <= at && at < to)
}

/** From this length on people tell a story before they ask, mostly in the last clauses. */
export const STORY = 30
const ASKING = 3
const SAYS_IT_ASKS = /想问|请问|想知道|想晓得|想了解|问一?下|咨询/u

/** So many characters are learned from between two pauses. */
const BREATH = 5000

/** No place is meant by 「商都」 in 「招商都看什么」 and by 「上海」 in 「上海外平台」. */
function isAcrossWords(
  { from, to }: { readonly from: number; readonly to: number },
  text: string,
  cut: (text: string) => readonly string[],
): boolean {
  let end = 0
  return cut(text).some((word) => {
    // Words inside a longer one come before it, so the search goes back a little.
    const start = text.indexOf(word, Math.max(0, end - LONGEST_WORD))
    if (start < 0) return false
    end = start + word.length
    return (start < from && from < end && end < to) || (from < start && start < to && to < end)
  })
}

const LONGEST_WORD = 8

/** A cue as it stands at the end of a message, where particles were taken away. */
function withoutParticle(cue: string, tail: readonly string[]): string[] {
  const particle = tail.find((word) => cue.endsWith(word) && cue.length >= word.length + 2)
  return particle === undefined ? [] : [cue.slice(0, -particle.length)]
}

function strip(text: string, lead: readonly string[], tail: readonly string[]): string {
  let rest = withoutEdges(text.replace(LIST_MARK, '').replace(SAID_TWICE, '$1'))
  for (let changed = true; changed; ) {
    changed = false
    const start = lead.find((word) => rest.startsWith(word) && rest.length > word.length)
    const end = WHOLE_WORD.test(rest)
      ? undefined
      : tail.find((word) => rest.endsWith(word) && rest.length > word.length + 1)
    const shorter = withoutEdges(rest.slice(start?.length ?? 0, end ? -end.length : undefined))
    if (shorter !== '' && shorter !== rest) {
      rest = shorter
      changed = true
    }
  }
  return rest
}

/**
 * 「…，别跟我说贷款」, 「除了青创贷，…」 and 「不是夜市，…」 name what is not meant; a message that says nothing else is left
 * as it is.
 */
function withoutTurnedDown(text: string): string {
  const rest = withoutEdges(text.replace(TURNED_DOWN, ''))
  return rest.length >= FEWEST_LEFT ? rest : text
}

const TURNED_DOWN =
  /(?:别|不要|不用|不想)(?:再|跟我|给我|和我)*(?:说|提|讲|推荐|介绍)[^\p{P}\s]{1,8}$|^除了[^\p{P}\s]{2,8}?(?:以外|之外|外|[,，、]|(?=还有|别的|其他))|^(?:不是|我?不(?:要|想要|想问|问|是问))[^\p{P}\s]{2,6}[,，]|除了[^\p{P}\s]{2,8}?(?:以外|之外|外)?(?=还)|[,，]\s*(?:而)?不是[^\p{P}\s]{1,6}$|^(?:算了[,，\s]*)?先?不[^\p{P}\s]{1,4}了[,，]\s*(?:我?想?问问?)?/gu
const FEWEST_LEFT = 2

/** A pattern for the end would look at every place of a long text, and strip() asks again for each word it takes away. */
function withoutEdges(text: string): string {
  let from = 0
  let to = text.length
  while (from < to && EDGE.test(text[from] ?? '')) from++
  while (to > from && EDGE.test(text[to - 1] ?? '')) to--
  return text.slice(from, to)
}

/** The 么 and the 啥的 at the end are no particles here. */
const WHOLE_WORD = /[什怎那这多]么$|[干做搞弄管是]啥的$/u
const EDGE = /[\p{P}\s]/u
/** 「老挝呢老挝呢」 */
const SAID_TWICE = /^(\p{Script=Han}{2,12})[,，\s]*\1+$/u
/** 「1. 」 and 「(2)」 before a question copied out of a list. */
const LIST_MARK = /^\(?\d{1,2}[.、)]\s*(?=[\p{P}\s]*\p{L})/u

function* properNames(content: Content): Generator<string> {
  for (const name of content.names) yield name.toLowerCase()
  for (const { title, aliases } of content.entries)
    for (const name of [title, ...aliases]) yield name.toLowerCase()
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
