import type { Entry } from '../model/content.ts'
import type { Reason } from '../model/conversation.ts'
import { isPinyin } from '../text/pinyin.ts'
import type { Catalog, Target, Unit } from './catalog.ts'
import { type Compared, comparer } from './compare.ts'
import { dailyLife, type HearDailyLife } from './daily-life.ts'
import { FEATURES, type Judged, judge, type ToJudge, weighted } from './judge.ts'
import type { Question } from './question.ts'
import { isAllowed, isHere, retriever } from './retrieve.ts'
import { readQuery, unknownWordsOf } from './token-index.ts'
import fitted from './weights.json' with { type: 'json' }

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

const JUDGED_HERE = 14
const JUDGED_ELSEWHERE = 6

/** Prepares ranking over a catalog. The returned function is synchronous and not re-entrant: it reuses its buffers. */
export function ranker(catalog: Catalog): Rank {
  const { index, tokenizer, targets } = catalog
  const retrieve = retriever(catalog)
  const compare = comparer(catalog)

  return (question, scope) => {
    const query = readQuery(index, tokenizer, question)
    const latin = isPinyin(question.text)
    const named = catalog.findNamed(question.text)
    const { here, elsewhere, inContext } = retrieve(query, latin, scope)
    const extra = [...inContext, ...named.keys()].filter((position) => {
      const target = targets[position] as Target
      return isAllowed(target, scope) && isHere(target, scope)
    })
    const compared = new Map(
      compare(query, latin, [...new Set([...here, ...elsewhere, ...extra])]).map((one) => [
        one.position,
        one,
      ]),
    )
    const closest = new Set([
      ...bestOf(here, JUDGED_HERE, compared),
      ...bestOf(elsewhere, JUDGED_ELSEWHERE, compared),
      ...extra,
    ])
    const candidates = [...closest].map((position): ToJudge => {
      const target = targets[position] as Target
      return {
        target,
        compared: compared.get(position) as Compared,
        named: named.get(position) ?? 0,
        inContext: scope.context?.has(target.entry.id) ?? false,
      }
    })
    return score(question, judge(question, candidates, latin), scope, unknownWordsOf(query, index), latin)
  }
}

function bestOf(
  positions: readonly number[],
  most: number,
  compared: ReadonlyMap<number, Compared>,
): number[] {
  const agrees = (position: number): number => compared.get(position)?.best ?? 0
  return positions.toSorted((a, b) => agrees(b) - agrees(a)).slice(0, most)
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
  'daily-life', // what this entry leaves unexplained sounds like daily life
] as const

function score(
  question: Question,
  judged: readonly Judged[],
  scope: Scope,
  unknownWords: number,
  latin: boolean,
): Ranking {
  const sorted = judged.toSorted(
    (a, b) => b.strength - a.strength || (a.target.entry.id < b.target.entry.id ? -1 : 1),
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
  return 1 / (1 + Math.exp(-fitted.known.bias - weighted(evidence, KNOWN)))
}

/** The evidence of one ranked list, in the order of `EVIDENCE`. */
export function gather(
  question: Question,
  ranked: readonly Judged[],
  unknownWords: number,
  latin: boolean,
  hearDailyLife: HearDailyLife = dailyLife,
): Float32Array {
  const [first, second] = ranked
  let said = 0
  for (const weight of question.weights) said += weight
  const evidence = new Float32Array(EVIDENCE.length)
  if (first) evidence.set(first.features)
  evidence.set(
    [
      (first?.strength ?? 0) / 10,
      Math.min(1, ((first?.strength ?? 0) - (second?.strength ?? 0)) / 5),
      Math.min(3, unknownWords),
      Math.min(said, 20) / 20,
      said < 4 ? 1 : 0,
      latin ? 1 : 0,
      first && question.notOurs.some((word) => !holds(first.target.entry, word)) ? 1 : 0,
      first ? hearDailyLife(question, first) : 0,
    ],
    FEATURES.length,
  )
  return evidence
}

/** Whether an entry itself speaks of something; 「三支一扶没考上，西部计划可以不」 is no reason to tell who asks for 三支一扶. */
export function holds({ title, answer, aliases, facets }: Entry, word: string): boolean {
  return [title, answer, ...aliases, ...Object.values(facets)].some((text) =>
    text.toLowerCase().includes(word),
  )
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
