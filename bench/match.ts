import { fork } from 'node:child_process'
import { Converter } from 'opencc-js/cn2t'
import { pinyin } from 'pinyin-pro'
import { answerIn, buildCatalog } from '../src/answer/catalog.ts'
import { FEATURES, ranker } from '../src/answer/rank.ts'
import fitted from '../src/answer/weights.json' with { type: 'json' }
import type { Content } from '../src/model/content.ts'
import { normalize } from '../src/text/normalize.ts'
import { type Tokenize, type Tokens, tokenizer } from '../src/text/views.ts'
import { docsOf, ENGINES, type EngineName, type Hit } from './engines.ts'
import { crossValidate, prepare } from './fitting.ts'
import { type Labelled, readOutOfScope, readQuestions } from './labelled.ts'
import { percentile, randomFrom, round } from './measure.ts'
import { loadParts, type Parts } from './parts.ts'

/**
 * Our ranker beside others on the same texts and the same questions. All of them get the normalised question,
 * so that what is compared is the ranking. Ours stands there twice: as it is in use, with weights fitted on
 * these very questions, and, which is the fair comparison, with weights that have not seen a question's intent.
 */
export async function benchMatch(): Promise<Record<string, unknown>> {
  const parts = await loadParts()
  const questions = wantedOf(parts.content, readQuestions())
  const engines: Record<string, unknown> = {}
  const styles: Record<string, unknown> = {}
  for (const name of Object.keys(ENGINES) as EngineName[]) {
    const { figures, byStyle } = await measure(name, parts, questions)
    engines[name] = { ...figures, 'memory, MB': await memoryOf(name) }
    styles[name] = byStyle
    if (name === 'ours') {
      const unseen = await measureUnseen(parts)
      engines[UNSEEN] = unseen.figures
      styles[UNSEEN] = unseen.byStyle
    }
    console.error(`${name} is measured`)
  }
  return {
    [`engines, ${questions.length} questions`]: engines,
    'top-1 by style, %': styles,
    'ours with something taken away': await measureAblation(parts, questions),
    'ours under noise': await measureNoise(parts, questions),
  }
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

  for (const { ask, region } of questions.slice(0, WARM_UP)) await engine.search(normalize(ask).text, region)
  const times: number[] = []
  const seen: { question: Question; hits: Hit[] }[] = []
  for (const question of questions) {
    const { text } = normalize(question.ask)
    const before = performance.now()
    const hits = await engine.search(text, question.region)
    times.push(performance.now() - before)
    seen.push({ question, hits })
  }
  // Strangers who name no region are asked of each region in turn.
  const regions = [...docs.keys()]
  const strange: number[] = []
  for (const [i, { ask, region }] of readOutOfScope().entries()) {
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
  const seen = crossValidate(await prepare(content, segmenter), current)
  const judged = seen.flatMap(({ example, place, scores }) =>
    example ? [{ style: example.question.style, place, score: scores[0] ?? 0 }] : [],
  )
  const strange = seen.flatMap(({ stranger, scores }) => (stranger ? [scores[0] ?? 0] : []))
  return { figures: accuracy(judged, strange), byStyle: byStyle(judged) }
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

/** Top-1 with one thing taken away and the remaining weights as they are. */
async function measureAblation({ content, segmenter }: Parts, questions: readonly Question[]) {
  const tokenize = tokenizer(segmenter, content.concepts)
  const without = (change: (tokens: Tokens) => Partial<Tokens>): Tokenize => {
    return (text, weights) => {
      const tokens = tokenize(text, weights)
      return { ...tokens, ...change(tokens) }
    }
  }
  const entries = (change: object): Content => ({
    ...content,
    entries: content.entries.map((entry) => ({ ...entry, ...change })),
  })
  const variants: Record<string, Variant> = {
    nothing: { content, tokenize },
    characters: { content, tokenize: without(() => ({ char: [] })) },
    'pairs of characters': { content, tokenize: without(() => ({ pair: [] })) },
    words: {
      content,
      tokenize: without(({ word }) => ({ word: word.filter(({ token }) => token.startsWith('=')) })),
    },
    concepts: { content, tokenize: tokenizer(segmenter, {}) },
    sounds: { content, tokenize: without(() => ({ sound: [] })) },
    names: { content: entries({ title: '', aliases: [] }), tokenize },
    'the answers’ text': { content: entries({ answer: '', facets: {} }), tokenize },
    'Fuse.js': { content, tokenize, zero: 'near-name' },
    phrasings: {
      content: { ...content, intents: content.intents.map((intent) => ({ ...intent, phrasings: [] })) },
      tokenize,
    },
    'phrasings and aliases': {
      content: {
        ...entries({ aliases: [] }),
        intents: content.intents.map((intent) => ({ ...intent, phrasings: [] })),
      },
      tokenize,
    },
  }
  const rows: Record<string, unknown> = {}
  let whole = 0
  for (const [name, variant] of Object.entries(variants)) {
    const first = await prepareFirst(variant)
    const top1 = percent(questions, ({ ask, region, wanted }) => first(ask, region) === wanted)
    if (name === 'nothing') whole = top1
    rows[name] = { 'top-1, %': top1, change: round(top1 - whole, 1) }
  }
  return rows
}

interface Variant {
  readonly content: Content
  readonly tokenize: Tokenize
  /** A feature that is not counted. */
  readonly zero?: keyof typeof fitted.rank
}

/** Prepares asking for the best entry alone. */
async function prepareFirst({ content, tokenize, zero }: Variant) {
  const catalog = await buildCatalog(content, tokenize)
  const rank = ranker(catalog)
  const feature = zero ? FEATURES.indexOf(zero) : -1
  const weight = zero ? fitted.rank[zero] : 0
  return (ask: string, region: string): string | undefined => {
    const { here } = rank(catalog.readQuestion(normalize(ask).text), { region })
    const strengths = here.map(({ strength, features }) => strength - weight * (features[feature] ?? 0))
    return here[strengths.indexOf(Math.max(...strengths))]?.entry.id
  }
}

/** Top-1 before and after each disturbance, over the questions it changes. */
async function measureNoise({ content, segmenter }: Parts, questions: readonly Question[]) {
  const first = await prepareFirst({ content, tokenize: tokenizer(segmenter, content.concepts) })
  const right = (ask: string, { region, wanted }: Question): boolean => first(ask, region) === wanted
  const rows: Record<string, unknown> = {}
  for (const [name, disturb] of Object.entries(disturbances(content))) {
    const changed = questions.flatMap((question) => {
      const ask = disturb(question.ask)
      return ask === question.ask ? [] : [{ question, ask }]
    })
    rows[name] = {
      questions: changed.length,
      'before, %': percent(changed, ({ question }) => right(question.ask, question)),
      'after, %': percent(changed, ({ question, ask }) => right(ask, question)),
    }
  }
  return rows
}

function disturbances(content: Content): Record<string, (ask: string) => string> {
  const random = randomFrom(7)
  const traditional = Converter({ from: 'cn', to: 'tw' })
  const homophones = homophonesIn(content)
  /** Changes one place, chosen at random from those that can be changed. */
  const once = (ask: string, change: (characters: string[], at: number) => string[] | undefined): string => {
    const characters = Array.from(ask)
    const start = Math.floor(random() * characters.length)
    for (let i = 0; i < characters.length; i++) {
      const changed = change([...characters], (start + i) % characters.length)
      if (changed) return changed.join('')
    }
    return ask
  }
  return {
    traditional,
    'full width': (ask) =>
      ask.replace(/[!-~]/g, (character) => String.fromCharCode(character.charCodeAt(0) + 0xfee0)),
    'a space between all characters': (ask) => (HAN.test(ask) ? Array.from(ask).join(' ') : ask),
    'two neighbours swapped': (ask) =>
      once(ask, (characters, at) => {
        const [left = '', right = ''] = characters.slice(at, at + 2)
        if (!HAN.test(left) || !HAN.test(right) || left === right) return undefined
        return characters.with(at, right).with(at + 1, left)
      }),
    'one homophone': (ask) =>
      once(ask, (characters, at) => {
        const character = characters[at] ?? ''
        const others = HAN.test(character)
          ? (homophones.get(syllable(character)) ?? []).filter((other) => other !== character)
          : []
        const other = others[Math.floor(random() * others.length)]
        return other === undefined ? undefined : characters.with(at, other)
      }),
    'politely wrapped': (ask) => `你好请问一下${ask}谢谢`,
  }
}

/** The characters of the content by syllable, tones aside, as an input method offers them. */
function homophonesIn({ intents, entries }: Content): Map<string, string[]> {
  const texts = [...intents.flatMap(({ phrasings }) => phrasings), ...entries.map(({ answer }) => answer)]
  const bySyllable = new Map<string, string[]>()
  for (const character of new Set(texts.join('')))
    if (HAN.test(character))
      bySyllable.set(syllable(character), [...(bySyllable.get(syllable(character)) ?? []), character])
  return bySyllable
}

const HAN = /\p{Script=Han}/u
const syllable = (character: string): string => pinyin(character, { toneType: 'none' })

function percent<T>(list: readonly T[], counts: (one: T) => boolean): number {
  return round((100 * list.filter(counts).length) / Math.max(1, list.length), 1)
}
