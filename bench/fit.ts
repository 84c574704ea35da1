import { writeFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { answerIn, buildCatalog, type Catalog } from '../src/answer/catalog.ts'
import { EVIDENCE, FEATURES, gather, type Ranking, ranker } from '../src/answer/rank.ts'
import current from '../src/answer/weights.json' with { type: 'json' }
import { loadContent } from '../src/content/load.ts'
import { normalize } from '../src/text/normalize.ts'
import { loadSegmenter } from '../src/text/segment.ts'
import { tokenizer } from '../src/text/views.ts'
import { type Labelled, type OutOfScope, readOutOfScope, readQuestions } from './labelled.ts'

/**
 * Fits `src/answer/weights.json` on our own labelled questions: the ranking weights by listwise logistic
 * regression, the probability that the base knows the thing by logistic regression, the thresholds by the
 * costs below. Everything is cross-validated by intent: no question is judged by weights that saw its intent.
 */

/** What each outcome costs the visitor, an ask-back being 1. */
const COST = {
  wrong: 10,
  askBack: 1,
  askBackInVain: 3,
  handOver: 3,
  outOfScopeAnswered: 10,
  outOfScopeAsked: 1,
}
const FOLDS = 5

interface Example {
  readonly question: Labelled
  readonly ranking: Ranking
  readonly fold: number
  /** Position of the right entry among the candidates, -1 when retrieval missed it. */
  readonly right: number
}

export interface Prepared {
  readonly catalog: Catalog
  readonly examples: readonly Example[]
  readonly strangers: readonly {
    readonly question: OutOfScope
    readonly ranking: Ranking
    readonly fold: number
  }[]
}

export async function prepare(): Promise<Prepared> {
  const { content, problems } = await loadContent('.')
  if (!content) throw new Error(`the content has errors: ${problems[0]?.message}`)
  const segmenter = loadSegmenter([...content.names, ...content.entries.flatMap(({ aliases }) => aliases)])
  const catalog = await buildCatalog(content, tokenizer(segmenter, content.concepts))
  const rank = ranker(catalog)
  const intents = new Map(content.intents.map((intent) => [intent.id, intent]))
  const examples = readQuestions().flatMap((question): Example[] => {
    const intent = intents.get(question.intent)
    const answer = intent && answerIn(intent, question.region)
    if (!answer) return []
    const ranking = rank(catalog.readQuestion(normalize(question.ask).text), { region: question.region })
    return [
      {
        question,
        ranking,
        fold: foldOf(question.intent),
        right: ranking.here.findIndex(({ entry }) => entry.id === answer),
      },
    ]
  })
  // Places and empty words are decided by rules before any probability; the fit is about the rest.
  const strangers = readOutOfScope().flatMap((question, i) => {
    const read = catalog.readQuestion(normalize(question.ask).text)
    if (read.unknownPlaces.length > 0 || read.rest === '') return []
    return [{ question, fold: i % FOLDS, ranking: rank(read, { region: question.region }) }]
  })
  return { catalog, examples, strangers }
}

function foldOf(intent: string): number {
  let hash = 0
  for (const character of intent) hash = (hash * 31 + (character.codePointAt(0) ?? 0)) >>> 0
  return hash % FOLDS
}

/** Listwise logistic regression: the right candidate against the others of its question. Weights stay at or above zero. */
export function fitRank(examples: readonly Example[]): number[] {
  const weights = FEATURES.map((feature) => current.rank[feature])
  const usable = examples.filter(({ right }) => right >= 0)
  const steps = 2000
  const momentum = FEATURES.map(() => 0)
  const scale = FEATURES.map(() => 1e-8)
  for (let step = 1; step <= steps; step++) {
    const gradient = weights.map((weight) => 0.0001 * weight)
    for (const { ranking, right } of usable) {
      const strengths = ranking.here.map(({ features }) => dot(features, weights))
      const top = Math.max(...strengths)
      const shares = strengths.map((strength) => Math.exp(strength - top))
      const sum = shares.reduce((a, b) => a + b, 0)
      ranking.here.forEach(({ features }, i) => {
        const pull = (shares[i] ?? 0) / sum - (i === right ? 1 : 0)
        for (let k = 0; k < weights.length; k++)
          gradient[k] = (gradient[k] ?? 0) + (pull * (features[k] ?? 0)) / usable.length
      })
    }
    // Nothing in single questions speaks of a conversation: its weight is set by hand.
    gradient[FEATURES.indexOf('context')] = 0
    descend(weights, gradient, momentum, scale, step, 0.15, true)
  }
  return weights
}

function fitKnown(rows: readonly { readonly evidence: readonly number[]; readonly known: boolean }[]): {
  bias: number
  weights: number[]
} {
  const weights = [...EVIDENCE.map(() => 0), -1]
  const momentum = weights.map(() => 0)
  const scale = weights.map(() => 1e-8)
  for (let step = 1; step <= 3000; step++) {
    const gradient = weights.map((weight, i) => (i < EVIDENCE.length ? 0.0001 * weight : 0))
    for (const { evidence, known } of rows) {
      const pull = 1 / (1 + Math.exp(-dot([...evidence, 1], weights))) - (known ? 1 : 0)
      const share = 1 / rows.length
      evidence.forEach((value, k) => {
        gradient[k] = (gradient[k] ?? 0) + pull * value * share
      })
      const last = EVIDENCE.length
      gradient[last] = (gradient[last] ?? 0) + pull * share
    }
    descend(weights, gradient, momentum, scale, step, 0.08, false)
  }
  return { bias: weights.at(-1) ?? 0, weights: weights.slice(0, -1) }
}

function descend(
  weights: number[],
  gradient: number[],
  momentum: number[],
  scale: number[],
  step: number,
  rate: number,
  positive: boolean,
): void {
  for (let k = 0; k < weights.length; k++) {
    const g = gradient[k] ?? 0
    const m = 0.9 * (momentum[k] ?? 0) + 0.1 * g
    const v = 0.999 * (scale[k] ?? 0) + 0.001 * g * g
    momentum[k] = m
    scale[k] = v
    const next =
      (weights[k] ?? 0) - (rate * (m / (1 - 0.9 ** step))) / (Math.sqrt(v / (1 - 0.999 ** step)) + 1e-6)
    weights[k] = positive ? Math.max(0, next) : next
  }
}

function dot(a: ArrayLike<number>, b: readonly number[]): number {
  let sum = 0
  for (let i = 0; i < a.length; i++) sum += (a[i] ?? 0) * (b[i] ?? 0)
  return sum
}

/** One question seen through given weights: its candidates' shares, and the evidence. */
function rerank(ranking: Ranking, weights: readonly number[]) {
  const scored = ranking.here.map((candidate, i) => ({
    i,
    target: candidate.target,
    features: candidate.features,
    strength: dot(candidate.features, weights),
  }))
  scored.sort((a, b) => b.strength - a.strength)
  const evidence = Array.from(gather(ranking.question, scored, ranking.unknownWords, ranking.latin))
  const top = scored[0]?.strength ?? 0
  const sum = scored.reduce((s, { strength }) => s + Math.exp(strength - top), 0)
  return {
    order: scored.map(({ i }) => i),
    shares: scored.map(({ strength }) => Math.exp(strength - top) / sum),
    evidence,
  }
}

interface Seen {
  readonly right: boolean
  readonly rightAmong: readonly number[]
  readonly shares: readonly number[]
  readonly known: number
  readonly stranger: boolean
}

function cost(seen: readonly Seen[], answer: number, askBack: number, worth: number) {
  let total = 0
  const tally = { right: 0, asked: 0, wrong: 0, handed: 0, oosAnswered: 0, oosAsked: 0 }
  const n = { in: 0, out: 0 }
  for (const one of seen) {
    const scores = one.shares.slice(0, 4).map((share) => share * one.known)
    const among = scores.filter((score) => score >= worth)
    const together = among.reduce((a, b) => a + b, 0)
    const kind = (scores[0] ?? 0) >= answer ? 'answer' : together >= askBack ? 'ask' : 'hand'
    if (one.stranger) {
      n.out++
      if (kind === 'answer') {
        tally.oosAnswered++
        total += COST.outOfScopeAnswered
      } else if (kind === 'ask') {
        tally.oosAsked++
        total += COST.outOfScopeAsked
      }
      continue
    }
    n.in++
    if (kind === 'answer') {
      if (one.right) tally.right++
      else {
        tally.wrong++
        total += COST.wrong
      }
    } else if (kind === 'ask') {
      const reached = one.rightAmong.some((position) => position < among.length)
      if (reached) tally.asked++
      else tally.handed++
      total += reached ? COST.askBack : COST.askBackInVain
    } else {
      tally.handed++
      total += COST.handOver
    }
  }
  return { total: total / seen.length, tally, n }
}

async function main(): Promise<void> {
  const { values } = parseArgs({ options: { write: { type: 'boolean' }, show: { type: 'string' } } })
  const { examples, strangers } = await prepare()
  const missed = examples.filter(({ right }) => right < 0)
  console.log(
    `${examples.length} questions, ${strangers.length} out of scope; retrieval misses ${missed.length}`,
  )
  console.log(
    `top-1 with the weights in force: ${share(examples.filter(({ right }) => right === 0).length, examples.length)}`,
  )

  const seen: Seen[] = []
  const wrong: string[] = []
  const strange: string[] = []
  const unsure: string[] = []
  const byStyle = new Map<string, [number, number]>()
  for (let fold = 0; fold < FOLDS; fold++) {
    const train = examples.filter((example) => example.fold !== fold)
    const weights = fitRank(train)
    const known = fitKnown(
      knownRows(
        train,
        strangers.filter((one) => one.fold !== fold),
        weights,
      ),
    )
    const probability = (evidence: readonly number[]) =>
      1 / (1 + Math.exp(-dot(evidence, known.weights) - known.bias))
    for (const { ranking, right, question } of examples.filter((example) => example.fold === fold)) {
      const { order, shares, evidence } = rerank(ranking, weights)
      seen.push({
        right: order[0] === right,
        rightAmong: [order.indexOf(right)].filter((i) => i >= 0),
        shares,
        known: probability(evidence),
        stranger: false,
      })
      const [good, all] = byStyle.get(question.style) ?? [0, 0]
      byStyle.set(question.style, [good + (order[0] === right ? 1 : 0), all + 1])
      const p = (shares[0] ?? 0) * probability(evidence)
      if (order[0] === right && p < 0.6)
        unsure.push(
          `${p.toFixed(2)} known ${probability(evidence).toFixed(2)} ${question.style} ${question.ask} → ${question.intent}`,
        )
      if (order[0] !== right)
        wrong.push(
          `${question.region} ${question.style} ${question.ask} | wanted ${question.intent} (${order.indexOf(right)}) got ${ranking.here[order[0] ?? 0]?.entry.id} p=${((shares[0] ?? 0) * probability(evidence)).toFixed(2)}`,
        )
    }
    for (const { ranking, question } of strangers.filter((one) => one.fold === fold)) {
      const { order, shares, evidence } = rerank(ranking, weights)
      const p = (shares[0] ?? 0) * probability(evidence)
      if (p >= 0.3)
        strange.push(
          `${p.toFixed(2)} ${question.kind} ${question.ask} → ${ranking.here[order[0] ?? 0]?.entry.id}`,
        )
      seen.push({ right: false, rightAmong: [], shares, known: probability(evidence), stranger: true })
    }
  }
  const top1 = seen.filter(({ right, stranger }) => right && !stranger).length
  console.log(`top-1, cross-validated by intent: ${share(top1, examples.length)}`)
  console.log([...byStyle].map(([style, [good, all]]) => `${style} ${share(good, all)}`).join('  '))

  let best = { total: Number.POSITIVE_INFINITY, answer: 0, askBack: 0, worth: 0 }
  for (let answer = 0.3; answer <= 0.95; answer += 0.025)
    for (let askBack = 0.1; askBack <= answer; askBack += 0.05)
      for (const worth of [0.03, 0.05, 0.08, 0.12]) {
        const { total } = cost(seen, answer, askBack, worth)
        if (total < best.total) best = { total, answer, askBack, worth }
      }
  const { tally, n } = cost(seen, best.answer, best.askBack, best.worth)
  console.log(
    `thresholds: answer ${best.answer.toFixed(3)}, ask back ${best.askBack.toFixed(2)}, worth asking ${best.worth}; cost ${best.total.toFixed(3)}`,
  )
  console.log(
    `right ${share(tally.right, n.in)}, one choice away ${share(tally.asked, n.in)}, wrong ${share(tally.wrong, n.in)}, handed over ${share(tally.handed, n.in)}; out of scope answered ${share(tally.oosAnswered, n.out)}, asked back ${share(tally.oosAsked, n.out)}`,
  )
  reliability(seen)
  if (values.show)
    for (const line of [...strange.sort().reverse(), ...unsure.sort()].slice(0, 3 * Number(values.show)))
      console.log(line)
  if (values.show) for (const line of wrong.slice(0, Number(values.show))) console.log(line)

  if (values.write) {
    const weights = fitRank(examples)
    const known = fitKnown(knownRows(examples, strangers, weights))
    const round = (value: number) => Math.round(value * 1000) / 1000
    writeFileSync(
      'src/answer/weights.json',
      `${JSON.stringify(
        {
          rank: Object.fromEntries(FEATURES.map((feature, k) => [feature, round(weights[k] ?? 0)])),
          known: {
            bias: round(known.bias),
            weights: Object.fromEntries(EVIDENCE.map((name, k) => [name, round(known.weights[k] ?? 0)])),
          },
          thresholds: {
            ...current.thresholds,
            answer: round(best.answer),
            askBack: round(best.askBack),
            worthAsking: best.worth,
          },
        },
        null,
        2,
      )}\n`,
    )
    console.log('written to src/answer/weights.json')
  }
}

function knownRows(
  examples: readonly Example[],
  strangers: Prepared['strangers'],
  weights: readonly number[],
) {
  return [
    ...examples.map(({ ranking }) => ({ evidence: rerank(ranking, weights).evidence, known: true })),
    ...strangers.map(({ ranking }) => ({ evidence: rerank(ranking, weights).evidence, known: false })),
  ]
}

function reliability(seen: readonly Seen[]): void {
  console.log('reliability: predicted → observed (n)')
  for (let bin = 0; bin < 10; bin++) {
    const inside = seen.filter(({ shares, known }) => {
      const score = (shares[0] ?? 0) * known
      return score >= bin / 10 && (score < (bin + 1) / 10 || (bin === 9 && score >= 1))
    })
    if (inside.length === 0) continue
    const predicted =
      inside.reduce((sum, { shares, known }) => sum + (shares[0] ?? 0) * known, 0) / inside.length
    console.log(
      `  ${predicted.toFixed(2)} → ${(inside.filter(({ right }) => right).length / inside.length).toFixed(2)} (${inside.length})`,
    )
  }
}

const share = (part: number, whole: number): string => `${((100 * part) / Math.max(1, whole)).toFixed(1)} %`

await main()
