import type { Entry } from '../model/content.ts'
import type { Reason } from '../model/conversation.ts'
import { bare } from '../text/normalize.ts'
import { isPinyin } from '../text/pinyin.ts'
import { nearestNames } from '../text/similarity.ts'
import { VIEWS, type View } from '../text/views.ts'
import { type Catalog, dampen, type Target, type Unit } from './catalog.ts'
import type { Question } from './question.ts'
import fitted from './weights.json' with { type: 'json' }

/** What speaks for an entry, each between 0 and 1; `weights.json` says how much each counts. */
export const FEATURES = [
  'phrasing-char', // cosine of tf-idf over characters with the closest phrasing
  'phrasing-pair', // the same over pairs of characters
  'phrasing-word', // the same over segmented words and concepts
  'phrasing-sound', // the same over syllables
  'name', // closest title or alias: mean of the three written views
  'name-sound',
  'answer-word', // cosine with the entry's own text
  'covered-word', // share of the question's words, by information, that the entry knows in any of its texts
  'covered-char',
  'covered-sound',
  'covered-by-best', // share of the question's characters that the closest text holds
  'covers-best', // share of the closest text's characters that the question holds
  'name-inside', // longest name found whole in the question, as a share of what the question says
  'named', // a name is written out in the question, or sounds so; less when others share it
  'near-name', // Fuse.js: a name is in the question but for a typo
  'run', // longest common run with the closest text
  'same', // the question is the phrasing
  'latin-sound', // sound agreement once more when the question is typed in Latin letters
  'context', // the conversation is about this or something next to it
] as const
export type Feature = (typeof FEATURES)[number]

export interface Candidate {
  readonly entry: Entry
  readonly target: Target
  readonly features: Float32Array
  /** Sum of weighted features; comparable within one question only. */
  readonly strength: number
  /** Probability that this entry is what the visitor wants. */
  readonly score: number
  readonly closest: Unit | undefined
}

export interface Ranking {
  readonly question: Question
  /** Candidates of the region asked for (of all regions when none is known), best first. */
  readonly here: readonly Candidate[]
  /** Candidates that only other regions have, best first. */
  readonly elsewhere: readonly Candidate[]
  /** Probability that anything in the base is meant. */
  readonly known: number
  /** The same, had the other regions' candidates been allowed. */
  readonly knownElsewhere: number
  /** What `known` was computed from, in the order of `EVIDENCE`. */
  readonly evidence: Float32Array
  /** The question is Chinese typed in Latin letters. */
  readonly latin: boolean
  readonly unknownWords: number
}

export interface Scope {
  readonly region?: string | undefined
  /** Entries the conversation has just been about. */
  readonly context?: ReadonlySet<string>
  /** Entries the visitor has just turned down. */
  readonly exclude?: ReadonlySet<string>
  /** Nothing but these comes into question. */
  readonly only?: ReadonlySet<string>
}

export type Rank = (question: Question, scope: Scope) => Ranking

const JUDGED = 20
const JUDGED_BY_FUSE = 8

/** Prepares ranking over a catalog. The returned function is synchronous and not re-entrant: it reuses its buffers. */
export function ranker(catalog: Catalog): Rank {
  const size = catalog.units.length
  const sums = Object.fromEntries(VIEWS.map((view) => [view, new Float32Array(size)])) as Record<
    View,
    Float32Array
  >
  const touched = new Uint32Array(size)
  const isTouched = new Uint8Array(size)

  return (question, scope) => {
    const query = weigh(catalog, question)
    let count = 0
    for (const view of VIEWS) {
      const index = catalog.views[view]
      const sum = sums[view]
      for (const { id, weight } of query[view]) {
        if (id < 0) continue
        const end = index.start[id + 1] ?? 0
        for (let at = index.start[id] ?? 0; at < end; at++) {
          const unit = index.units[at] ?? 0
          sum[unit] = (sum[unit] ?? 0) + weight * (index.weights[at] ?? 0)
          if (isTouched[unit] === 0) {
            isTouched[unit] = 1
            touched[count++] = unit
          }
        }
      }
    }

    const latin = isPinyin(question.text)
    const best = bestUnits(catalog, touched.subarray(0, count), sums, latin)
    const named = catalog.findNamed(question.text)
    const said = bare(question.text)
    const topic: Topic = { text: said, characters: new Set(said) }
    const judged = pick(catalog, best, named, scope).map(([target, found]) =>
      judge(catalog, question, topic, query, target, found, named.get(target) ?? 0, sums, latin, scope),
    )
    forgiveTypos(question, judged)
    for (let i = 0; i < count; i++) {
      const unit = touched[i] ?? 0
      isTouched[unit] = 0
      for (const view of VIEWS) sums[view][unit] = 0
    }
    return score(question, judged, scope, unknownWordsOf(query, catalog), latin)
  }
}

interface QueryToken {
  readonly id: number
  /** tf-idf, normalised over the whole question: words nobody knows make the rest count less. */
  readonly weight: number
  /** Information the token carries, for coverage. */
  readonly information: number
}
type Query = Readonly<Record<View, readonly QueryToken[]>>

function weigh(catalog: Catalog, question: Question): Query {
  const tokens = catalog.tokenize(question.text, question.weights)
  return Object.fromEntries(
    VIEWS.map((view) => {
      const index = catalog.views[view]
      const merged = new Map<string, { count: number; weight: number }>()
      for (const { token, weight } of tokens[view]) {
        const known = merged.get(token)
        if (known) {
          known.count++
          known.weight = Math.max(known.weight, weight)
        } else merged.set(token, { count: 1, weight })
      }
      const list = Array.from(merged, ([token, { count, weight }]) => {
        const id = index.ids.get(token) ?? -1
        // A concept nobody's text holds says nothing: its everyday word counts already.
        const idf = id >= 0 ? (index.idf[id] ?? 0) : token.startsWith('=') ? 0 : index.unknownIdf
        return { id, weight: dampen(count) * idf * weight, information: idf * weight }
      })
      const length = Math.sqrt(list.reduce((sum, { weight }) => sum + weight * weight, 0))
      return [view, list.map((token) => ({ ...token, weight: length === 0 ? 0 : token.weight / length }))]
    }),
  ) as unknown as Query
}

/** Words of at least two characters that no text of the base holds: how many, in units of a wholly unknown word. */
function unknownWordsOf(query: Query, catalog: Catalog): number {
  let information = 0
  for (const token of query.word) if (token.id < 0) information += token.information
  return information / catalog.views.word.unknownIdf
}

interface Found {
  preliminary: number
  phrasing: number
  phrasingScore: number
  name: number
  nameScore: number
  answer: number
}

function bestUnits(
  catalog: Catalog,
  touched: Uint32Array,
  sums: Record<View, Float32Array>,
  latin: boolean,
): Map<number, Found> {
  const best = new Map<number, Found>()
  for (const unit of touched) {
    const written = ((sums.char[unit] ?? 0) + (sums.pair[unit] ?? 0) + (sums.word[unit] ?? 0)) / 3
    const sound = sums.sound[unit] ?? 0
    const agreement = latin ? Math.max(sound, written) : 0.75 * written + 0.25 * sound
    const { kind, targets } = catalog.units[unit] as Unit
    for (const target of targets) {
      let found = best.get(target)
      if (found === undefined) {
        found = { preliminary: 0, phrasing: -1, phrasingScore: 0, name: -1, nameScore: 0, answer: -1 }
        best.set(target, found)
      }
      if (kind === 'phrasing' && agreement > found.phrasingScore) {
        found.phrasing = unit
        found.phrasingScore = agreement
      } else if (kind === 'name' && agreement > found.nameScore) {
        found.name = unit
        found.nameScore = agreement
      } else if (kind === 'answer') found.answer = unit
      const whole = kind === 'answer' ? 0.5 * agreement : agreement
      if (whole > found.preliminary) found.preliminary = whole
    }
  }
  return best
}

/** The few targets worth a closer look: the best of the region asked for, and the best that only others have. */
function pick(
  catalog: Catalog,
  best: Map<number, Found>,
  named: ReadonlyMap<number, number>,
  scope: Scope,
): [number, Found][] {
  const here: [number, Found][] = []
  const elsewhere: [number, Found][] = []
  for (const item of best) {
    const target = catalog.targets[item[0]] as Target
    if (scope.exclude?.has(target.entry.id) || scope.only?.has(target.entry.id) === false) continue
    const list = isHere(target, scope) ? here : elsewhere
    list.push(item)
  }
  const top = (list: [number, Found][], limit: number): [number, Found][] =>
    list.sort((a, b) => b[1].preliminary - a[1].preliminary || a[0] - b[0]).slice(0, limit)
  const surely = here.filter(
    ([target]) => named.has(target) || scope.context?.has((catalog.targets[target] as Target).entry.id),
  )
  return [...new Map([...top(here, JUDGED), ...surely, ...top(elsewhere, JUDGED / 2)])]
}

const isHere = ({ entry }: Target, scope: Scope): boolean =>
  scope.region === undefined || entry.region === undefined || entry.region === scope.region

interface Judged {
  readonly target: Target
  readonly closest: Unit | undefined
  readonly features: Float32Array
  strength: number
}

/** The question's letters and digits, looked at once for all candidates. */
interface Topic {
  readonly text: string
  readonly characters: ReadonlySet<string>
}

const NEAR_NAME = FEATURES.indexOf('near-name')

/** Lets Fuse.js look at the names of the few best, where a typo may still change the order. */
function forgiveTypos(question: Question, judged: readonly Judged[]): void {
  const best = [...judged].sort((a, b) => b.strength - a.strength).slice(0, JUDGED_BY_FUSE)
  const near = nearestNames(
    bare(question.text),
    best.map(({ target }) => target.names),
  )
  best.forEach((one, i) => {
    one.features[NEAR_NAME] = near[i] ?? 0
    one.strength += (near[i] ?? 0) * fitted.rank['near-name']
  })
}

function judge(
  catalog: Catalog,
  question: Question,
  topic: Topic,
  query: Query,
  position: number,
  found: Found,
  named: number,
  sums: Record<View, Float32Array>,
  latin: boolean,
  scope: Scope,
): Judged {
  const target = catalog.targets[position] as Target
  const at = (view: View, unit: number): number => (unit < 0 ? 0 : (sums[view][unit] ?? 0))
  const closestUnit = found.phrasingScore >= found.nameScore ? found.phrasing : found.name
  const closest = catalog.units[closestUnit]
  const text = bare(closest?.text ?? '')
  const values: Record<Feature, number> = {
    'phrasing-char': at('char', found.phrasing),
    'phrasing-pair': at('pair', found.phrasing),
    'phrasing-word': at('word', found.phrasing),
    'phrasing-sound': at('sound', found.phrasing),
    name: (at('char', found.name) + at('pair', found.name) + at('word', found.name)) / 3,
    'name-sound': at('sound', found.name),
    'answer-word': at('word', found.answer),
    'covered-word': coverage(query.word, target.vocabulary.word),
    'covered-char': coverage(query.char, target.vocabulary.char),
    'covered-sound': coverage(query.sound, target.vocabulary.sound),
    'covered-by-best': shared(topic.text, new Set(text)),
    'covers-best': shared(text, topic.characters),
    'name-inside': nameInside(question, target.names),
    named,
    'near-name': 0,
    run: longestRun(topic.text, text) / Math.max(2, Math.min(topic.text.length, text.length)),
    same: topic.text === text ? 1 : 0,
    'latin-sound': latin ? Math.max(at('sound', found.phrasing), at('sound', found.name)) : 0,
    context: scope.context?.has(target.entry.id) ? 1 : 0,
  }
  const features = Float32Array.from(FEATURES, (feature) => values[feature])
  let strength = 0
  FEATURES.forEach((feature, i) => {
    strength += (features[i] ?? 0) * fitted.rank[feature]
  })
  return { target, closest, features, strength }
}

function coverage(tokens: readonly QueryToken[], vocabulary: ReadonlySet<number>): number {
  let all = 0
  let covered = 0
  for (const { id, information } of tokens) {
    all += information
    if (vocabulary.has(id)) covered += information
  }
  return all === 0 ? 0 : covered / all
}

function shared(of: string, held: ReadonlySet<string>): number {
  if (of === '') return 0
  let count = 0
  for (const character of of) if (held.has(character)) count++
  return count / of.length
}

function nameInside(question: Question, names: readonly string[]): number {
  let said = 0
  for (const weight of question.weights) said += weight
  let best = 0
  for (const name of names)
    if (name.length >= 2 && name.length > best && question.text.includes(name)) best = name.length
  return said === 0 ? 0 : Math.min(1, best / said)
}

function longestRun(a: string, b: string): number {
  const left = a.slice(0, 64)
  let best = 0
  let row = new Uint8Array(b.length + 1)
  for (let i = 0; i < left.length; i++) {
    const next = new Uint8Array(b.length + 1)
    for (let j = 0; j < b.length; j++)
      if (left[i] === b[j]) {
        const run = (row[j] ?? 0) + 1
        next[j + 1] = run
        if (run > best) best = run
      }
    row = next
  }
  return best
}

/** What decides whether the base knows the thing at all; `weights.json` says how much each counts. */
export const EVIDENCE = [
  ...FEATURES, // of the best candidate
  'strength',
  'lead', // over the second
  'unknown-words', // information in words that no text of the base holds, 1 for one such word
  'length', // of what is said, 1 for twenty characters
  'short', // fewer than four characters are said
  'latin',
  'not-ours', // a matter is named that no document deals with, and this entry does not either
] as const

function score(
  question: Question,
  judged: readonly Judged[],
  scope: Scope,
  unknownWords: number,
  latin: boolean,
): Ranking {
  const sorted = [...judged].sort(
    (a, b) => b.strength - a.strength || a.target.entry.id.localeCompare(b.target.entry.id),
  )
  const here = sorted.filter(({ target }) => isHere(target, scope))
  const elsewhere = sorted.filter(({ target }) => !isHere(target, scope))
  const evidence = gather(question, here, unknownWords, latin)
  const known = probability(here, evidence)
  const knownElsewhere = probability(elsewhere, gather(question, elsewhere, unknownWords, latin))
  return {
    question,
    known,
    knownElsewhere,
    evidence,
    latin,
    unknownWords,
    here: shareOut(here, known),
    elsewhere: shareOut(elsewhere, knownElsewhere),
  }
}

function probability(judged: readonly Judged[], evidence: Float32Array): number {
  if (judged.length === 0) return 0
  let sum = fitted.known.bias
  EVIDENCE.forEach((name, i) => {
    sum += (evidence[i] ?? 0) * fitted.known.weights[name]
  })
  return 1 / (1 + Math.exp(-sum))
}

/** The evidence of one ranked list, in the order of `EVIDENCE`. */
export function gather(
  question: Question,
  ranked: readonly Pick<Judged, 'features' | 'strength' | 'target'>[],
  unknownWords: number,
  latin: boolean,
): Float32Array {
  const [first, second] = ranked
  let said = 0
  for (const weight of question.weights) said += weight
  return Float32Array.from([
    ...(first?.features ?? FEATURES.map(() => 0)),
    (first?.strength ?? 0) / 10,
    Math.min(1, ((first?.strength ?? 0) - (second?.strength ?? 0)) / 5),
    Math.min(3, unknownWords),
    Math.min(said, 20) / 20,
    said < 4 ? 1 : 0,
    latin ? 1 : 0,
    first && question.notOurs.some((word) => !mentions(first.target, word)) ? 1 : 0,
  ])
}

/** Whether any of an entry's own texts or phrasings holds a word. */
export function mentions({ entry, intents }: Target, word: string): boolean {
  return [
    entry.title,
    entry.answer,
    ...entry.aliases,
    ...Object.values(entry.facets),
    ...intents.flatMap(({ phrasings }) => phrasings),
  ].some((text) => text.toLowerCase().includes(word))
}

/** Shares the probability that anything is known among the candidates, by strength. Entries of one intent in several regions do not compete. */
function shareOut(judged: readonly Judged[], known: number): Candidate[] {
  const top = judged[0]?.strength ?? 0
  const seen = new Set<string>()
  let sum = 0
  const weights = judged.map(({ target, strength }) => {
    const weight = Math.exp(strength - top)
    const wish = target.intents[0]?.id ?? target.entry.id
    if (!seen.has(wish)) sum += weight
    seen.add(wish)
    return weight
  })
  return judged.map(({ target, features, strength, closest }, i) => ({
    entry: target.entry,
    target,
    features,
    strength,
    closest,
    score: (known * (weights[i] ?? 0)) / sum,
  }))
}

/** Why a candidate stands where it stands, strongest reason first. */
export function reasonsOf(candidate: Candidate): Reason {
  const because = FEATURES.map((feature, i) => ({
    view: feature as string,
    detail:
      feature.startsWith('phrasing') || feature.includes('best') || feature === 'run'
        ? (candidate.closest?.text ?? '')
        : '',
    weight: (candidate.features[i] ?? 0) * fitted.rank[feature],
  }))
  return {
    entry: candidate.entry.id,
    score: candidate.score,
    because: because
      .filter(({ weight }) => Math.abs(weight) >= 0.05)
      .sort((a, b) => Math.abs(b.weight) - Math.abs(a.weight)),
  }
}
