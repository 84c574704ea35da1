import type { Entry } from '../model/content.ts'
import type { Reason } from '../model/conversation.ts'
import { bare } from '../text/normalize.ts'
import { isPinyin } from '../text/pinyin.ts'
import { nearestNames } from '../text/similarity.ts'
import { VIEWS, type View } from '../text/views.ts'
import { type Catalog, dampen, STEPS, type Target, type Unit } from './catalog.ts'
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
  'name-held', // share of the characters of a name that the question holds, for the name held best
  'name-run', // the same for its longest stretch
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
/**
 * So many postings are read before the rest of the lists, those of the most frequent tokens, is left unread.
 * A question therefore costs the same in a base of any size; the entries it finds are judged exactly.
 */
const READ_MOST = 12_000

/** Prepares ranking over a catalog. The returned function is synchronous and not re-entrant: it reuses its buffers. */
export function ranker(catalog: Catalog): Rank {
  const retrieve = retriever(catalog)
  const compare = comparer(catalog)

  return (question, scope) => {
    const query = weigh(catalog, question)
    const latin = isPinyin(question.text)
    const asked = readAsked(question)
    compare.begin(query)
    const named = catalog.findNamed(question.text)
    const judged = retrieve(query, latin, named.keys(), scope).map((position) =>
      judge(catalog, asked, compare.with(position, latin), named.get(position) ?? 0, latin, scope),
    )
    compare.end()
    forgiveTypos(asked, judged)
    return score(question, judged, scope, unknownWordsOf(query, catalog), latin)
  }
}

interface QueryToken {
  readonly id: number
  /** tf-idf, normalised over the whole question: words nobody knows make the rest count less. */
  weight: number
  /** Information the token carries, for coverage. */
  readonly information: number
}
type Query = Readonly<Record<View, readonly QueryToken[]>>

function weigh(catalog: Catalog, question: Question): Query {
  const tokens = catalog.tokenize(question.text, question.weights)
  const query = {} as Record<View, readonly QueryToken[]>
  for (const view of VIEWS) {
    const index = catalog.views[view]
    const merged = new Map<string, { count: number; weight: number }>()
    for (const { token, weight } of tokens[view]) {
      const known = merged.get(token)
      if (known) {
        known.count++
        known.weight = Math.max(known.weight, weight)
      } else merged.set(token, { count: 1, weight })
    }
    let squares = 0
    const list = Array.from(merged, ([token, { count, weight }]): QueryToken => {
      const id = index.ids.get(token) ?? -1
      // A concept nobody's text holds says nothing: its everyday word counts already.
      const idf = id >= 0 ? (index.idf[id] ?? 0) : token.startsWith('=') ? 0 : index.unknownIdf
      const whole = dampen(count) * idf * weight
      squares += whole * whole
      return { id, weight: whole, information: idf * weight }
    })
    if (squares > 0) for (const token of list) token.weight /= Math.sqrt(squares)
    query[view] = list
  }
  return query
}

/** Words of at least two characters that no text of the base holds: how many, in units of a wholly unknown word. */
function unknownWordsOf(query: Query, catalog: Catalog): number {
  let information = 0
  for (const token of query.word) if (token.id < 0) information += token.information
  return information / catalog.views.word.unknownIdf
}

type Retrieve = (query: Query, latin: boolean, named: Iterable<number>, scope: Scope) => number[]

/** Finds the few targets worth a closer look: the best of the region asked for, and the best that only others have. */
function retriever(catalog: Catalog): Retrieve {
  const { units, targets } = catalog
  const agreement = new Float32Array(units.length)
  const touched = new Uint32Array(units.length)
  const best = new Float32Array(targets.length)
  const found = new Uint32Array(targets.length)

  return (query, latin, named, scope) => {
    const lists = VIEWS.flatMap((view) => {
      const { start } = catalog.views[view].byToken
      const share = latin ? (view === 'sound' ? 1 : 1 / 3) : 1 / 4
      return query[view].flatMap(({ id, weight }) =>
        id < 0 || weight === 0
          ? []
          : [{ view, weight: weight * share, from: start[id] ?? 0, to: start[id + 1] ?? 0 }],
      )
    }).sort((a, b) => a.to - a.from - (b.to - b.from))

    let count = 0
    let read = 0
    // The best of all would hide the few that come into question.
    const most = scope.only ? Number.POSITIVE_INFINITY : READ_MOST
    for (const { view, weight, from, to } of lists) {
      if (read >= most) break
      read += to - from
      const { of, weights } = catalog.views[view].byToken
      const step = weight / STEPS
      for (let at = from; at < to; at++) {
        const unit = of[at] as number
        const before = agreement[unit] as number
        if (before === 0) touched[count++] = unit
        agreement[unit] = before + step * (weights[at] as number)
      }
    }

    let candidates = 0
    for (let i = 0; i < count; i++) {
      const unit = touched[i] as number
      const { kind, targets: own } = units[unit] as Unit
      // An answer is long: that it holds the question's words says half as much.
      const whole = (agreement[unit] as number) * (kind === 'answer' ? 0.5 : 1)
      agreement[unit] = 0
      for (const target of own) {
        const before = best[target] as number
        if (before === 0) found[candidates++] = target
        if (whole > before) best[target] = whole
      }
    }

    const here = new Leaders(JUDGED)
    const elsewhere = new Leaders(JUDGED / 2)
    const inContext: number[] = []
    for (let i = 0; i < candidates; i++) {
      const position = found[i] as number
      const value = best[position] as number
      best[position] = 0
      const target = targets[position] as Target
      if (!isAllowed(target, scope)) continue
      if (isHere(target, scope)) {
        here.add(position, value)
        if (scope.context?.has(target.entry.id)) inContext.push(position)
      } else elsewhere.add(position, value)
    }
    const namedHere = [...named].filter((position) => {
      const target = targets[position] as Target
      return isAllowed(target, scope) && isHere(target, scope)
    })
    return [...new Set([...here.positions, ...inContext, ...namedHere, ...elsewhere.positions])]
  }
}

/** The best few of many. */
class Leaders {
  readonly positions: number[] = []
  private readonly values: number[] = []

  constructor(private readonly most: number) {}

  add(position: number, value: number): void {
    let at = this.values.length
    if (at === this.most && value <= (this.values[at - 1] ?? 0)) return
    while (at > 0 && value > (this.values[at - 1] ?? 0)) at--
    this.values.splice(at, 0, value)
    this.positions.splice(at, 0, position)
    if (this.values.length > this.most) {
      this.values.pop()
      this.positions.pop()
    }
  }
}

/** How one target agrees with the question, view by view. */
interface Agreement {
  readonly position: number
  readonly phrasing: Record<View, number>
  readonly name: Record<View, number>
  readonly answer: Record<View, number>
  /** Share of the question's information that any text of the target holds. */
  readonly covered: Record<View, number>
  /** The closest phrasing or name. */
  readonly closest: Unit | undefined
}

/** Compares the question with all texts of a target, exactly. */
function comparer(catalog: Catalog) {
  // For each token of the base its place in the question, counted from one.
  const place = perView((view) => new Uint16Array(catalog.views[view].idf.length))
  const weight = perView(() => new Float32Array(0))
  const information = perView(() => new Float32Array(0))
  const coveredFor = perView(() => new Uint32Array(0))
  const all = perView(() => 0)
  let query: Query | undefined
  let round = 0
  const none = perView(() => 0)

  return {
    begin(asked: Query): void {
      query = asked
      for (const view of VIEWS) {
        const tokens = asked[view]
        weight[view] = Float32Array.from(tokens, (token) => token.weight / STEPS)
        information[view] = Float32Array.from(tokens, (token) => token.information)
        coveredFor[view] = new Uint32Array(tokens.length)
        all[view] = tokens.reduce((sum, token) => sum + token.information, 0)
        tokens.forEach(({ id }, i) => {
          if (id >= 0) place[view][id] = i + 1
        })
      }
      round = 0
    },

    with(position: number, latin: boolean): Agreement {
      round++
      let [phrasing, name, answer] = [none, none, none]
      let [phrasingScore, nameScore] = [0, 0]
      let [closestPhrasing, closestName] = [-1, -1]
      const covered = perView(() => 0)
      for (const unit of (catalog.targets[position] as Target).units) {
        const own = perView(() => 0)
        for (const view of VIEWS) {
          const { start, of, weights } = catalog.views[view].byUnit
          const places = place[view]
          const seen = coveredFor[view]
          let sum = 0
          const to = start[unit + 1] as number
          for (let at = start[unit] as number; at < to; at++) {
            const there = places[of[at] as number] as number
            if (there === 0) continue
            sum += (weight[view][there - 1] as number) * (weights[at] as number)
            if (seen[there - 1] !== round) {
              seen[there - 1] = round
              covered[view] += information[view][there - 1] as number
            }
          }
          own[view] = sum
        }
        const written = (own.char + own.pair + own.word) / 3
        const agreement = latin ? Math.max(own.sound, written) : 0.75 * written + 0.25 * own.sound
        const { kind } = catalog.units[unit] as Unit
        if (kind === 'answer') answer = own
        else if (kind === 'phrasing' && agreement > phrasingScore)
          [phrasing, phrasingScore, closestPhrasing] = [own, agreement, unit]
        else if (kind === 'name' && agreement > nameScore)
          [name, nameScore, closestName] = [own, agreement, unit]
      }
      for (const view of VIEWS) covered[view] = all[view] === 0 ? 0 : covered[view] / all[view]
      const closest = catalog.units[phrasingScore >= nameScore ? closestPhrasing : closestName]
      return { position, phrasing, name, answer, covered, closest }
    },

    end(): void {
      for (const view of VIEWS) for (const { id } of query?.[view] ?? []) if (id >= 0) place[view][id] = 0
    },
  }
}

function perView<T>(make: (view: View) => T): Record<View, T> {
  return { char: make('char'), pair: make('pair'), word: make('word'), sound: make('sound') }
}

const isAllowed = ({ entry }: Target, scope: Scope): boolean =>
  !scope.exclude?.has(entry.id) && scope.only?.has(entry.id) !== false

const isHere = ({ entry }: Target, scope: Scope): boolean =>
  scope.region === undefined || entry.region === undefined || entry.region === scope.region

/** The question in the forms the features look at. */
interface Asked {
  readonly text: string
  /** Its letters and digits. */
  readonly topic: string
  readonly characters: ReadonlySet<string>
  /** How much is said, in characters. */
  readonly said: number
}

function readAsked({ text, weights }: Question): Asked {
  const topic = bare(text)
  return {
    text,
    topic,
    characters: new Set(topic),
    said: weights.reduce((sum, weight) => sum + weight, 0),
  }
}

interface Judged {
  readonly target: Target
  readonly closest: Unit | undefined
  readonly features: Float32Array
  strength: number
}

const RANK = Float64Array.from(FEATURES, (feature) => fitted.rank[feature])
const NEAR_NAME = FEATURES.indexOf('near-name')

/** Lets Fuse.js look at the names of the few best, where a typo may still change the order. */
function forgiveTypos(asked: Asked, judged: readonly Judged[]): void {
  const best = [...judged].sort((a, b) => b.strength - a.strength).slice(0, JUDGED_BY_FUSE)
  const near = nearestNames(
    asked.topic,
    best.map(({ target }) => target.names),
  )
  best.forEach((one, i) => {
    one.features[NEAR_NAME] = near[i] ?? 0
    one.strength += (near[i] ?? 0) * fitted.rank['near-name']
  })
}

function judge(
  catalog: Catalog,
  asked: Asked,
  { position, phrasing, name, answer, covered, closest }: Agreement,
  named: number,
  latin: boolean,
  scope: Scope,
): Judged {
  const target = catalog.targets[position] as Target
  const { topic, characters } = asked
  const text = bare(closest?.text ?? '')
  const values: Record<Feature, number> = {
    'phrasing-char': phrasing.char,
    'phrasing-pair': phrasing.pair,
    'phrasing-word': phrasing.word,
    'phrasing-sound': phrasing.sound,
    name: (name.char + name.pair + name.word) / 3,
    'name-sound': name.sound,
    'answer-word': answer.word,
    'covered-word': covered.word,
    'covered-char': covered.char,
    'covered-sound': covered.sound,
    'covered-by-best': shared(topic, new Set(text)),
    'covers-best': shared(text, characters),
    'name-inside': nameInside(asked, target.names),
    named,
    'name-held': bestOf(target.names, (own) => shared(own, characters)),
    'name-run': bestOf(target.names, (own) => longestRun(own, topic) / Math.max(2, own.length)),
    'near-name': 0,
    run: longestRun(topic, text) / Math.max(2, Math.min(topic.length, text.length)),
    same: topic === text ? 1 : 0,
    'latin-sound': latin ? Math.max(phrasing.sound, name.sound) : 0,
    context: scope.context?.has(target.entry.id) ? 1 : 0,
  }
  const features = Float32Array.from(FEATURES, (feature) => values[feature])
  return { target, closest, features, strength: dot(features, RANK) }
}

function dot(a: Float32Array, b: Float64Array): number {
  let sum = 0
  for (let i = 0; i < a.length; i++) sum += (a[i] as number) * (b[i] as number)
  return sum
}

function shared(of: string, held: ReadonlySet<string>): number {
  if (of === '') return 0
  let count = 0
  for (const character of of) if (held.has(character)) count++
  return count / of.length
}

function nameInside({ text, said }: Asked, names: readonly string[]): number {
  let best = 0
  for (const name of names)
    if (name.length >= 2 && name.length > best && text.includes(name)) best = name.length
  return said === 0 ? 0 : Math.min(1, best / said)
}

function bestOf(names: readonly string[], agreement: (name: string) => number): number {
  return names.reduce((best, name) => Math.max(best, agreement(name)), 0)
}

const LONGEST_RUN = 64
const row = new Uint8Array(LONGEST_RUN + 1)

/** The longest stretch of characters that stands in both. */
function longestRun(a: string, b: string): number {
  const [left, right] = [a.slice(0, LONGEST_RUN), b.slice(0, LONGEST_RUN)]
  let best = 0
  row.fill(0)
  for (let i = 0; i < left.length; i++) {
    const code = left.charCodeAt(i)
    // From the end, so that what stands before in the row is still of the character before.
    for (let j = right.length; j > 0; j--) {
      const run = right.charCodeAt(j - 1) === code ? (row[j - 1] as number) + 1 : 0
      row[j] = run
      if (run > best) best = run
    }
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

const KNOWN = Float64Array.from(EVIDENCE, (name) => fitted.known.weights[name])

function probability(judged: readonly Judged[], evidence: Float32Array): number {
  if (judged.length === 0) return 0
  return 1 / (1 + Math.exp(-fitted.known.bias - dot(evidence, KNOWN)))
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
