import { fork } from 'node:child_process'
import { answerIn } from '../src/answer/catalog.ts'
import { FEATURES, type Feature } from '../src/answer/judge.ts'
import fitted from '../src/answer/weights.json' with { type: 'json' }
import type { Content } from '../src/model/content.ts'
import { normalize } from '../src/text/normalize.ts'
import { type Tokenizer, tokenizer, type View } from '../src/text/views.ts'
import { docsOf, ENGINES, type EngineName, type Hit, shareFor } from './engines.ts'
import { cheapest, crossValidate, outcomes, prepare, prepareAll } from './fitting.ts'
import { type Labelled, readOutOfScope, readQuestions } from './labelled.ts'
import { percentile, round } from './measure.ts'
import { measureNoise } from './noise.ts'
import { loadParts, type Parts } from './parts.ts'

/**
 * Our ranker beside others on the same texts and the same questions. All of them get the normalised question,
 * so that what is compared is the ranking. Ours stands there twice: as it is in use, with weights fitted on
 * these very questions, and, which is the fair comparison, with weights that have not seen a question's intent.
 */
export async function benchMatch({ part }: { readonly part?: string | undefined }) {
  const parts = await loadParts()
  const wants = (one: MatchPart): boolean => part === undefined || part === one
  return {
    ...(wants('engines') ? await measureEngines(parts) : {}),
    ...(wants('ablation')
      ? {
          'ours with something taken away, weights fitted anew on other intents':
            await measureAblation(parts),
        }
      : {}),
    ...(wants('noise')
      ? {
          'ours under noise': await measureNoise(ONE_IN, (name, row) =>
            progress(`under noise, ${name}`, row),
          ),
        }
      : {}),
  }
}

/** What can be measured on its own. */
export const MATCH_PARTS = ['engines', 'ablation', 'noise'] as const
type MatchPart = (typeof MATCH_PARTS)[number]

async function measureEngines(parts: Parts): Promise<Record<string, unknown>> {
  const questions = wantedOf(parts.content, readQuestions())
  const engines: Record<string, unknown> = {}
  const styles: Record<string, unknown> = {}
  for (const name of Object.keys(ENGINES) as EngineName[]) {
    const { figures, byStyle } = await measure(name, parts, questions)
    engines[name] = { ...figures, 'memory, MB': await memoryOf(name) }
    styles[name] = byStyle
    progress(name, figures)
    if (name === 'ours') {
      const unseen = await measureUnseen(parts)
      engines[UNSEEN] = unseen.figures
      styles[UNSEEN] = unseen.byStyle
      progress(UNSEEN, unseen.figures)
    }
  }
  return { 'engines on the same texts and questions': engines, 'top-1 by style, %': styles }
}

interface Question extends Labelled {
  /** The entry it must lead to. */
  readonly wanted: string
}

function wantedOf(content: Content, questions: readonly Labelled[]): Question[] {
  const intents = new Map(content.intents.map((intent) => [intent.id, intent]))
  return questions.flatMap((question) => {
    const intent = intents.get(question.intent)
    const wanted = intent && answerIn(intent, question.region)
    return wanted ? [{ ...question, wanted }] : []
  })
}

const WARM_UP = 50

async function measure(name: EngineName, parts: Parts, questions: readonly Question[]) {
  const engine = ENGINES[name](parts)
  const docs = docsOf(parts.content)
  const start = performance.now()
  await engine.build(docs)
  const build = performance.now() - start

  const asked = shareFor(name, questions)
  for (const { ask, region } of asked.slice(0, WARM_UP)) await engine.search(normalize(ask).text, region)
  const times: number[] = []
  const seen: { question: Question; hits: Hit[] }[] = []
  for (const question of asked) {
    const { text } = normalize(question.ask)
    const before = performance.now()
    const hits = await engine.search(text, question.region)
    times.push(performance.now() - before)
    seen.push({ question, hits })
  }
  // Strangers who name no region are asked of each region in turn.
  const regions = [...docs.keys()]
  const strange: number[] = []
  for (const [i, { ask, region }] of shareFor(name, readOutOfScope()).entries()) {
    const [first] = await engine.search(normalize(ask).text, region ?? regions[i % regions.length] ?? '')
    strange.push(first?.score ?? Number.NEGATIVE_INFINITY)
  }

  const judged = seen.map(({ question, hits }) => ({
    style: question.style,
    place: hits.findIndex(({ entry }) => entry === question.wanted),
    score: hits[0]?.score ?? 0,
  }))
  return {
    figures: {
      questions: judged.length,
      ...accuracy(judged, strange),
      'build, ms': Math.round(build),
      'p50, ms': round(percentile(times, 0.5)),
      'p99, ms': round(percentile(times, 0.99)),
    },
    byStyle: byStyle(judged),
  }
}

const UNSEEN = 'ours, weights from other intents'

/** Ours with weights fitted without the intents it is asked about. */
async function measureUnseen({ content, segmenter }: Parts) {
  const current = FEATURES.map((feature) => fitted.rank[feature])
  const seen = crossValidate(await prepareAll(content, segmenter), current)
  const judged = seen.flatMap(({ example, place, scores }) =>
    example ? [{ style: example.question.style, place, score: scores[0] ?? 0 }] : [],
  )
  const strange = seen.flatMap(({ stranger, scores }) => (stranger ? [scores[0] ?? 0] : []))
  return { figures: { questions: judged.length, ...accuracy(judged, strange) }, byStyle: byStyle(judged) }
}

interface Judged {
  readonly style: string
  /** Place of the right entry, -1 when it was not found. */
  readonly place: number
  /** What the engine thinks of its first. */
  readonly score: number
}

/** @param strange the first score of each question that no document answers */
function accuracy(judged: readonly Judged[], strange: readonly number[]) {
  const threshold = percentile(
    judged.filter(({ place }) => place === 0).map(({ score }) => score),
    0.05,
  )
  const reciprocal = judged.reduce(
    (sum, { place }) => sum + (place >= 0 && place < 5 ? 1 / (1 + place) : 0),
    0,
  )
  return {
    'top-1, %': percent(judged, ({ place }) => place === 0),
    'top-3, %': percent(judged, ({ place }) => place >= 0 && place < 3),
    'MRR@5': round(reciprocal / judged.length, 3),
    'strangers rejected, %': percent(strange, (score) => score < threshold),
  }
}

function byStyle(judged: readonly Judged[]): Record<string, number> {
  return Object.fromEntries(
    [...new Set(judged.map(({ style }) => style))].map((style) => [
      style,
      percent(
        judged.filter((one) => one.style === style),
        ({ place }) => place === 0,
      ),
    ]),
  )
}

/** What an engine's index adds to a fresh process that has the content and the segmenter already. */
function memoryOf(engine: EngineName): Promise<number> {
  return new Promise((resolve, reject) => {
    const child = fork('bench/match-memory.ts', [engine], {
      execArgv: ['--import', 'tsx', '--expose-gc'],
    })
    child.once('message', (megabytes) => resolve(megabytes as number))
    child.once('exit', (code) => reject(new Error(`${engine} ended with ${code} before it told its memory`)))
  })
}

/**
 * What is left of the ranking with one thing taken away. The weights are fitted anew each time, without the intents
 * they are measured on: the others may take over what the missing one did.
 */
async function measureAblation({ content, segmenter }: Parts) {
  const all = tokenizer(segmenter, content.concepts)
  const without = (leftOut: View): Tokenizer => ({
    ...all,
    handOut: (text, words, weights, numbering, take) =>
      all.handOut(text, words, weights, numbering, (view, token, weight, next) => {
        if (view !== leftOut) take(view, token, weight, next)
      }),
  })
  const entries = (change: object): Content => ({
    ...content,
    entries: content.entries.map((entry) => ({ ...entry, ...change })),
  })
  const withoutPhrasings = (from: Content): Content => ({
    ...from,
    intents: from.intents.map((intent) => ({ ...intent, phrasings: [] })),
  })
  const variants: Record<string, Variant> = {
    nothing: {},
    characters: { tokenizer: without('char') },
    'pairs of characters': { tokenizer: without('pair') },
    words: { tokenizer: tokenizer({ ...segmenter, cut: () => [] }, content.concepts) },
    'everyday words (concepts)': { tokenizer: tokenizer(segmenter, {}) },
    'words and concepts': { tokenizer: without('word') },
    sounds: { tokenizer: without('sound') },
    'what the texts share as they are written': { zero: WRITTEN },
    names: { content: entries({ title: '', aliases: [] }) },
    'the answers’ text': { content: entries({ answer: '', facets: {} }) },
    phrasings: { content: withoutPhrasings(content) },
    'phrasings and aliases': { content: withoutPhrasings(entries({ aliases: [] })) },
  }
  const start = FEATURES.map((feature) => fitted.rank[feature])
  const rows: Record<string, unknown> = {}
  let whole: number | undefined
  for (const [name, variant] of Object.entries(variants)) {
    const prepared = await prepare(variant.content ?? content, segmenter, variant.tokenizer ?? all, ONE_IN)
    for (const { ranking } of [...prepared.examples, ...prepared.strangers])
      for (const feature of variant.zero ?? [])
        for (const { features } of [...ranking.here, ...ranking.elsewhere])
          features[FEATURES.indexOf(feature)] = 0
    const seen = crossValidate(prepared, start)
    const asked = seen.filter(({ example }) => example)
    const strangers = seen.length - asked.length
    const top1 = percent(asked, ({ right }) => right)
    whole ??= top1
    const { tally } = outcomes(seen, cheapest(seen, prepared.outOfScope))
    rows[name] = {
      'top-1, %': top1,
      change: round(top1 - whole, 1),
      'answered right, %': round((100 * tally.right) / asked.length, 1),
      'answered wrong, %': round((100 * tally.wrong) / asked.length, 1),
      'strangers answered, %': round((100 * tally.strangersAnswered) / strangers, 1),
    }
    progress(`without ${name}`, { 'top-1, %': top1 })
  }
  return rows
}

interface Variant {
  readonly content?: Content
  readonly tokenizer?: Tokenizer
  /** Features that are not there. */
  readonly zero?: readonly Feature[]
}

const WRITTEN: readonly Feature[] = [
  'covered-by-best',
  'covers-best',
  'name-inside',
  'named',
  'name-held',
  'name-run',
  'run',
  'same',
]

/** Every variant and every disturbance asks its questions anew; one in three is enough for them. */
const ONE_IN = 3

const started = process.cpuUsage()

/** Tells on standard error how far it is, with what is known already. */
function progress(what: string, figures: Readonly<Record<string, number>>): void {
  const { user, system } = process.cpuUsage(started)
  const seconds = String(Math.round((user + system) / 1e6)).padStart(4)
  console.error(`${seconds} s of CPU  ${what}: top-1 ${figures['top-1, %']} %`)
}

function percent<T>(list: readonly T[], counts: (one: T) => boolean): number {
  return round((100 * list.filter(counts).length) / Math.max(1, list.length), 1)
}
