import { answerIn, buildCatalog } from '../src/answer/catalog.ts'
import { compileDailyLife, type HearDailyLife } from '../src/answer/daily-life.ts'
import { FEATURES } from '../src/answer/judge.ts'
import { type Candidate, gather, type Ranking, ranker } from '../src/answer/rank.ts'
import type { Content } from '../src/model/content.ts'
import { readModel } from '../src/text/linear.ts'
import { normalize } from '../src/text/normalize.ts'
import type { Segmenter } from '../src/text/segment.ts'
import { type Tokenizer, tokenizer } from '../src/text/views.ts'
import { learnDailyLife, withoutEachFold } from './daily-life.ts'
import { generate } from './generated.ts'
import {
  type Labelled,
  type OutOfScope,
  readMoreQuestions,
  readOutOfScope,
  readQuestions,
} from './labelled.ts'
import { oneIn, randomFrom } from './measure.ts'
import { slipsIn } from './noise.ts'

/**
 * Fits the ranking on our own labelled questions: the weights by listwise logistic regression, the probability
 * that the base knows the thing by logistic regression, the thresholds by the costs below. Everything is
 * cross-validated by intent: no question is judged by weights that saw its intent.
 */

/** What each outcome costs the visitor, an ask-back being 1. */
export const COST = {
  wrong: 10,
  askBack: 1,
  askBackInVain: 3,
  handOver: 3,
  outOfScopeAnswered: 10,
  outOfScopeAsked: 1,
}
export const FOLDS = 5

/** How strongly weights are held near zero, in units of what a weight moves over its feature's usual range. */
const HOLD_RANK = 0.0003
const HOLD_KNOWN = 0.0003

export interface Example {
  readonly question: Labelled
  readonly ranking: Ranking
  readonly fold: number
  /** What judges its words; it has not learned from it. */
  readonly hear: HearDailyLife
  /** Position of the right entry among the candidates, -1 when retrieval missed it. */
  readonly right: number
}

export interface Stranger {
  readonly question: OutOfScope
  readonly ranking: Ranking
  readonly fold: number
  readonly hear: HearDailyLife
}

export interface Prepared {
  readonly examples: readonly Example[]
  readonly strangers: readonly Stranger[]
  /** So many are out of scope, with those that rules turn away before any probability. */
  readonly outOfScope: number
  /** Fitted on, never measured on: the questions and messages of daily life kept in `bench/`. */
  readonly besides: readonly (Example | Stranger)[]
  /** All that is measured once more with a slip of the fingers, which should not make us unsure. */
  readonly slips: readonly (Example | Stranger)[]
  /** What was learned of daily life from those besides, as `src/answer/daily-life.tsv` holds it. */
  readonly dailyLife: string
  /** Questions to a base that is not ours, so that the order of candidates holds elsewhere, too. */
  readonly elsewhere: readonly Ranked[]
}

/** A ranked question of which the right entry is known. */
export type Ranked = Pick<Example, 'ranking' | 'right'>

/**
 * Ranks every labelled question once; what the weights make of it is worked out from the features.
 * @param many only one question in so many
 */
export async function prepare(
  content: Content,
  segmenter: Segmenter,
  words: Tokenizer = tokenizer(segmenter, content.concepts),
  many = 1,
): Promise<Prepared> {
  const catalog = await buildCatalog(content, words)
  const rank = ranker(catalog)
  const intents = new Map(content.intents.map((intent) => [intent.id, intent]))
  const seeExample = (question: Labelled): Omit<Example, 'hear'>[] => {
    const intent = intents.get(question.intent)
    const answer = intent && answerIn(intent, question.region)
    if (!answer) return []
    const ranking = rank(catalog.readQuestion(normalize(question.ask).text), { region: question.region })
    const right = ranking.here.findIndex(({ entry }) => entry.id === answer)
    return [{ question, ranking, fold: foldOf(question.intent), right }]
  }
  // Places and empty words are decided by rules before any probability; the fit is about the rest.
  const seeStranger = (question: OutOfScope, fold: number): Omit<Stranger, 'hear'>[] => {
    const read = catalog.readQuestion(normalize(question.ask).text)
    if (read.unknownPlaces.length > 0 || read.rest === '') return []
    return [{ question, fold, ranking: rank(read, { region: question.region }) }]
  }
  const slips = slipsIn(content)
  const slip = <T extends { readonly ask: string }>(question: T, i: number): T => ({
    ...question,
    ask: slips[i % slips.length]?.(question.ask, randomFrom(i + 1)) ?? question.ask,
  })

  const besides = [
    ...oneIn(many, readMoreQuestions()).flatMap(seeExample),
    ...oneIn(many, readOutOfScope(MORE_STRANGERS)).flatMap((one) => seeStranger(one, foldOf(one.ask))),
  ]
  const heard = besides.map((one) => ({ ...one, isLife: !('right' in one) }))
  const dailyLife = learnDailyLife(heard)
  const hear = compileDailyLife(readModel(dailyLife))
  const withoutFold = withoutEachFold(heard, FOLDS)

  const questions = oneIn(many, readQuestions())
  const outOfScope = oneIn(many, readOutOfScope())
  return {
    examples: questions.flatMap(seeExample).map((one) => ({ ...one, hear })),
    strangers: outOfScope
      .flatMap((one) => seeStranger(one, foldOf(one.ask)))
      .map((one) => ({ ...one, hear })),
    outOfScope: outOfScope.length,
    besides: besides.map((one) => ({ ...one, hear: withoutFold[one.fold] ?? hear })),
    slips: [
      ...questions.map(slip).flatMap(seeExample),
      ...outOfScope.flatMap((one, i) => seeStranger(slip(one, i), foldOf(one.ask))),
    ].map((one) => ({ ...one, hear })),
    dailyLife,
    elsewhere: [],
  }
}

const MORE_STRANGERS = 'bench/strangers.yaml'

/** The same, with the questions to a base that is not ours: everything the weights in force are fitted on. */
export async function prepareAll(content: Content, segmenter: Segmenter): Promise<Prepared> {
  return { ...(await prepare(content, segmenter)), elsewhere: await rankElsewhere(content, segmenter) }
}

/** Not one of the sizes that are measured: their questions stay unseen. */
const SIZE_ELSEWHERE = 6_000

async function rankElsewhere(shipped: Content, segmenter: Segmenter): Promise<Ranked[]> {
  const { content, questions } = generate(shipped, SIZE_ELSEWHERE)
  const catalog = await buildCatalog(content, tokenizer(segmenter, content.concepts))
  const rank = ranker(catalog)
  return questions.map(({ ask, region, wanted }) => {
    const ranking = rank(catalog.readQuestion(normalize(ask).text), { region })
    return { ranking, right: ranking.here.findIndex(({ entry }) => entry.id === wanted) }
  })
}

/** Where a question belongs in cross-validation: all of one intent, or a stranger and its copy with a slip, together. */
export function foldOf(intent: string): number {
  let hash = 0
  for (const character of intent) hash = (hash * 31 + (character.codePointAt(0) ?? 0)) >>> 0
  return hash % FOLDS
}

/** Everything that is fitted. */
export interface Model {
  readonly rank: readonly number[]
  readonly known: { readonly bias: number; readonly weights: readonly number[] }
}

export function fitModel(
  { examples, strangers, besides, slips, elsewhere }: Prepared,
  current: readonly number[],
): Model {
  const asked = besides.filter((one) => 'right' in one)
  const order = fitRank(examples, asked, elsewhere, current)
  const sharpness = fitSharpness(examples, order)
  const rank = order.map((weight, k) => (k === BY_HAND ? weight : weight * sharpness))
  const rowOf = (one: Example | Stranger): Row => ({
    evidence: rerank(one, rank).evidence,
    known: 'right' in one,
  })
  const measured = [...examples, ...strangers].map(rowOf)
  return {
    rank,
    known: calibrated(fitKnown([...measured, ...[...besides, ...slips].map(rowOf)]), measured),
  }
}

interface Row {
  readonly evidence: readonly number[]
  readonly known: boolean
}

/** What is fitted on besides is harder than what is asked: by itself it would make the scores promise too little. */
function calibrated({ bias, weights }: Model['known'], measured: readonly Row[]): Model['known'] {
  const oddsOf = (row: Row): number => row.evidence.reduce((sum, x, k) => sum + x * (weights[k] ?? 0), bias)
  const { bias: shift, weights: scale } = fitKnown(
    measured.map((row) => ({ evidence: [oddsOf(row)], known: row.known })),
  )
  const factor = scale[0] ?? 1
  return { bias: bias * factor + shift, weights: weights.map((weight) => weight * factor) }
}

const RIVALS = 10
/** How much the questions besides count: often a single string decided which entry is theirs. */
const SHARE_BESIDES = 0.3
/** How much the other base counts beside ours. */
const SHARE_ELSEWHERE = 0.6

/** Nothing in single questions speaks of a conversation: its weight is set by hand. */
const BY_HAND = FEATURES.indexOf('context')

/** The right candidate against the others of its question. Each feature speaks for an entry, so no weight falls below zero. */
function fitRank(
  examples: readonly Ranked[],
  besides: readonly Ranked[],
  elsewhere: readonly Ranked[],
  current: readonly number[],
): number[] {
  const width = FEATURES.length
  const listsOf = (ranked: readonly Ranked[], share: number) => {
    const found = ranked.filter(({ right }) => right >= 0)
    return found.map(({ ranking: { here }, right }) => {
      // The others are too far behind to pull at anything.
      const rivals = here.slice(0, RIVALS).filter((_, i) => i !== right)
      return {
        values: matrix([here[right], ...rivals].map((one) => one?.features ?? [])),
        counts: share / found.length,
      }
    })
  }
  const lists = [
    ...listsOf(examples, 1),
    ...listsOf(besides, SHARE_BESIDES),
    ...listsOf(elsewhere, SHARE_ELSEWHERE),
  ]
  const range = spread(
    lists.map(({ values }) => values),
    width,
  )
  // Not from the weights in force: they have seen every question.
  const weights = Float64Array.from(current, (weight, k) => (k === BY_HAND ? weight : 2))
  const shares = new Float64Array(64)
  descend(
    weights,
    200,
    0.25,
    (gradient) => {
      for (let k = 0; k < width; k++)
        gradient[k] = HOLD_RANK * (weights[k] as number) * (range[k] as number) ** 2
      for (const { values, counts } of lists) {
        const size = values.length / width
        let top = Number.NEGATIVE_INFINITY
        for (let i = 0; i < size; i++) {
          let strength = 0
          for (let k = 0; k < width; k++)
            strength += (values[i * width + k] as number) * (weights[k] as number)
          shares[i] = strength
          if (strength > top) top = strength
        }
        let sum = 0
        for (let i = 0; i < size; i++) sum += shares[i] = Math.exp((shares[i] as number) - top)
        for (let i = 0; i < size; i++) {
          const pull = ((shares[i] as number) / sum - (i === 0 ? 1 : 0)) * counts
          if (Math.abs(pull) < 1e-9) continue
          for (let k = 0; k < width; k++)
            gradient[k] = (gradient[k] as number) + pull * (values[i * width + k] as number)
        }
      }
      gradient[BY_HAND] = 0
    },
    (k, weight) => (k === BY_HAND ? (current[k] ?? 0) : Math.max(0, weight)),
  )
  return [...weights]
}

/** The factor that makes the strengths of our own candidates promise what they keep. */
function fitSharpness(examples: readonly Ranked[], weights: readonly number[]): number {
  const leads = examples
    .filter(({ right }) => right >= 0)
    .map(({ ranking: { here }, right }) => {
      const strengths = here.map((one) => strengthOf(one, weights))
      return strengths.map((strength) => strength - (strengths[right] as number))
    })
  let [best, least] = [1, Number.POSITIVE_INFINITY]
  for (let factor = 0.5; factor <= 3; factor += 0.05) {
    let loss = 0
    for (const lead of leads) loss += Math.log(lead.reduce((sum, one) => sum + Math.exp(one * factor), 0))
    if (loss < least) [best, least] = [factor, loss]
  }
  return best
}

function fitKnown(rows: readonly Row[]): Model['known'] {
  const width = rows[0]?.evidence.length ?? 0
  const values = matrix(rows.map(({ evidence }) => evidence))
  const range = spread([values], width)
  // The last weight is the bias.
  const weights = new Float64Array(width + 1)
  weights[width] = -1
  descend(weights, 1000, 0.15, (gradient) => {
    gradient.fill(0)
    for (let k = 0; k < width; k++)
      gradient[k] = HOLD_KNOWN * (weights[k] as number) * (range[k] as number) ** 2
    rows.forEach(({ known }, i) => {
      let sum = weights[width] as number
      for (let k = 0; k < width; k++) sum += (values[i * width + k] as number) * (weights[k] as number)
      const pull = (1 / (1 + Math.exp(-sum)) - (known ? 1 : 0)) / rows.length
      for (let k = 0; k < width; k++)
        gradient[k] = (gradient[k] as number) + pull * (values[i * width + k] as number)
      gradient[width] = (gradient[width] as number) + pull
    })
  })
  return { bias: weights[width] as number, weights: [...weights.subarray(0, width)] }
}

function matrix(rows: readonly ArrayLike<number>[]): Float64Array {
  return Float64Array.from(rows.flatMap((row) => Array.from(row)))
}

/** The standard deviation of each column. */
function spread(parts: readonly Float64Array[], width: number): Float64Array {
  const sums = new Float64Array(width)
  const squares = new Float64Array(width)
  let rows = 0
  for (const part of parts)
    for (let i = 0; i < part.length; i++) {
      const value = part[i] as number
      sums[i % width] = (sums[i % width] as number) + value
      squares[i % width] = (squares[i % width] as number) + value * value
      if (i % width === 0) rows++
    }
  return sums.map((sum, k) => Math.sqrt(Math.max(0, (squares[k] as number) / rows - (sum / rows) ** 2)))
}

/** Adam, with steps that grow smaller towards the end; `within` keeps a weight where it may be. */
function descend(
  weights: Float64Array,
  steps: number,
  rate: number,
  slope: (gradient: Float64Array) => void,
  within: (k: number, weight: number) => number = (_, weight) => weight,
): void {
  const gradient = new Float64Array(weights.length)
  const momentum = new Float64Array(weights.length)
  const scale = new Float64Array(weights.length).fill(1e-8)
  for (let step = 1; step <= steps; step++) {
    slope(gradient)
    const now = rate * (1 - step / (steps + 1)) ** 0.5
    for (let k = 0; k < weights.length; k++) {
      const g = gradient[k] as number
      const m = 0.9 * (momentum[k] as number) + 0.1 * g
      const v = 0.999 * (scale[k] as number) + 0.001 * g * g
      momentum[k] = m
      scale[k] = v
      weights[k] = within(
        k,
        (weights[k] as number) -
          (now * (m / (1 - 0.9 ** step))) / (Math.sqrt(v / (1 - 0.999 ** step)) + 1e-6),
      )
    }
  }
}

/** One question seen through given weights: its candidates best first, their shares, and the evidence. */
export function rerank({ ranking, hear }: Pick<Example, 'ranking' | 'hear'>, weights: readonly number[]) {
  const scored = ranking.here.map((candidate, i) => ({
    i,
    target: candidate.target,
    closest: candidate.closest,
    features: candidate.features,
    strength: strengthOf(candidate, weights),
  }))
  scored.sort((a, b) => b.strength - a.strength)
  const evidence = Array.from(gather(ranking.question, scored, ranking.unknownWords, ranking.latin, hear))
  const top = scored[0]?.strength ?? 0
  const sum = scored.reduce((s, { strength }) => s + Math.exp(strength - top), 0)
  return {
    order: scored.map(({ i }) => i),
    shares: scored.map(({ strength }) => Math.exp(strength - top) / sum),
    evidence,
  }
}

export function strengthOf({ features }: Candidate, weights: readonly number[]): number {
  return features.reduce((sum, value, k) => sum + value * (weights[k] ?? 0), 0)
}

/** What the fitted model makes of one question. */
export interface Seen {
  /** The labelled question; a stranger has none. */
  readonly example?: Example
  readonly stranger?: Stranger
  readonly right: boolean
  /** Place of the right entry, -1 when it is not among them. */
  readonly place: number
  /** Probability of each candidate, best first. */
  readonly scores: readonly number[]
  readonly known: number
  readonly first: string | undefined
}

export function look(model: Model, one: Example | Stranger): Seen {
  const { order, shares, evidence } = rerank(one, model.rank)
  const known =
    1 /
    (1 +
      Math.exp(
        -model.known.bias - evidence.reduce((sum, x, k) => sum + x * (model.known.weights[k] ?? 0), 0),
      ))
  const isExample = 'right' in one
  const place = isExample ? order.indexOf(one.right) : -1
  return {
    ...(isExample ? { example: one } : { stranger: one }),
    right: place === 0,
    place,
    scores: shares.map((share) => share * known),
    known,
    first: one.ranking.here[order[0] ?? -1]?.entry.id,
  }
}

/** Every question through weights fitted without its fold. */
export function crossValidate(prepared: Prepared, current: readonly number[]): Seen[] {
  const seen: Seen[] = []
  for (let fold = 0; fold < FOLDS; fold++) {
    const model = fitModel(
      {
        ...prepared,
        examples: prepared.examples.filter((one) => one.fold !== fold),
        strangers: prepared.strangers.filter((one) => one.fold !== fold),
        besides: prepared.besides.filter((one) => one.fold !== fold),
        slips: prepared.slips.filter((one) => one.fold !== fold),
      },
      current,
    )
    for (const one of [...prepared.examples, ...prepared.strangers])
      if (one.fold === fold) seen.push(look(model, one))
  }
  return seen
}

export interface Thresholds {
  readonly answer: number
  readonly askBack: number
  readonly worthAsking: number
}

/** What becomes of all questions under given thresholds, and what each of them costs the visitor. */
export function outcomes(seen: readonly Seen[], { answer, askBack, worthAsking }: Thresholds) {
  const tally = { right: 0, asked: 0, wrong: 0, handed: 0, strangersAnswered: 0, strangersAsked: 0 }
  const costs = seen.map(({ scores, place, right, stranger }) => {
    const among = scores.slice(0, 4).filter((score) => score >= worthAsking)
    const together = among.reduce((a, b) => a + b, 0)
    const kind = (scores[0] ?? 0) >= answer ? 'answer' : together >= askBack ? 'ask' : 'hand'
    if (stranger) {
      if (kind === 'hand') return 0
      tally[kind === 'answer' ? 'strangersAnswered' : 'strangersAsked']++
      return kind === 'answer' ? COST.outOfScopeAnswered : COST.outOfScopeAsked
    }
    if (kind === 'answer') {
      tally[right ? 'right' : 'wrong']++
      return right ? 0 : COST.wrong
    }
    if (kind === 'ask' && place >= 0 && place < among.length) {
      tally.asked++
      return COST.askBack
    }
    tally.handed++
    return kind === 'ask' ? COST.askBackInVain : COST.handOver
  })
  return { cost: mean(costs), costs, tally }
}

const mean = (values: readonly number[]): number =>
  values.reduce((sum, value) => sum + value, 0) / Math.max(1, values.length)

/**
 * Of the thresholds that keep what we promise about strangers, those that answer most, and then ask most, and cost visitors
 * no more than the cheapest do, as far as so many questions can tell: within one standard error of the least cost (Breiman
 * et al., Classification and Regression Trees, 1984). Over a wide range the cost hardly changes, and the least is chance.
 * @param outOfScope how many were asked that no document answers, with those that rules turn away
 */
export function cheapest(seen: readonly Seen[], outOfScope: number): Thresholds {
  const allowed: { readonly thresholds: Thresholds; readonly cost: number; readonly error: number }[] = []
  for (let answer = 0.5; answer <= 0.95; answer += 0.025)
    for (let askBack = LEAST_ASKED; askBack <= Math.min(answer, 0.6); askBack += 0.05)
      for (const worthAsking of [0.03, 0.06]) {
        const thresholds = { answer, askBack, worthAsking }
        const { cost, costs, tally } = outcomes(seen, thresholds)
        if (tally.strangersAnswered > MOST_STRANGERS_ANSWERED * outOfScope) continue
        const error = Math.sqrt(mean(costs.map((one) => (one - cost) ** 2)) / costs.length)
        allowed.push({ thresholds, cost, error })
      }
  const [least] = allowed.toSorted((a, b) => a.cost - b.cost)
  if (!least) throw new Error('no thresholds keep strangers from being answered, or there are no questions')
  const [most] = allowed
    .filter(({ cost }) => cost <= least.cost + least.error)
    .map(({ thresholds }) => thresholds)
    .toSorted((a, b) => a.answer - b.answer || a.askBack - b.askBack)
  return most ?? least.thresholds
}

/** Two in a hundred out of scope may be answered with a policy; lists of near misses take nearly twice as much. */
const MOST_STRANGERS_ANSWERED = 0.011
/** Nobody wants to choose from a list on which his matter stands once in six times. */
const LEAST_ASKED = 0.2

/** Ten bins of the score: how often it was right, beside what it promised. */
export function reliability(seen: readonly Seen[]) {
  return Array.from({ length: 10 }, (_, bin) => {
    const inside = seen.filter(({ scores }) => Math.min(9, Math.floor((scores[0] ?? 0) * 10)) === bin)
    return {
      bin: `${bin / 10}–${(bin + 1) / 10}`,
      n: inside.length,
      promised: inside.reduce((sum, { scores }) => sum + (scores[0] ?? 0), 0) / Math.max(1, inside.length),
      kept: inside.filter(({ right }) => right).length / Math.max(1, inside.length),
    }
  })
}
