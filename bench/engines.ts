import { createRequire } from 'node:module'
import { create, insertMultiple, search as searchOrama } from '@orama/orama'
import { Charset, Index, type SearchOptions } from 'flexsearch'
import Fuse, { type IFuseOptions } from 'fuse.js'
import MiniSearch from 'minisearch'
import { buildCatalog } from '../src/answer/catalog.ts'
import { ranker } from '../src/answer/rank.ts'
import type { Content } from '../src/model/content.ts'
import type { Segmenter } from '../src/text/segment.ts'
import { type Tokenizer, tokenizer } from '../src/text/views.ts'
import { oneIn } from './measure.ts'
import type { Parts } from './parts.ts'

/** One text an entry can be found by: a phrasing of its intent, its title or an alias. */
export interface Doc {
  readonly text: string
  readonly entry: string
}

export interface Hit {
  readonly entry: string
  /** On the engine's own scale; higher is better. */
  readonly score: number
}

/** What every ranker looks like from the outside. Only entries of the region asked for may be found. */
export interface Engine {
  build(docs: ReadonlyMap<string, readonly Doc[]>): Promise<void>
  /** Entries, best first, each once. */
  search(question: string, region: string): Hit[] | Promise<Hit[]>
}

/** Every ranker that is compared, by the name it has in the tables. */
export const ENGINES = {
  ours: ({ content, segmenter }) => ours(content, tokenizer(segmenter, content.concepts)),
  'ours, without the answers’ text': ({ content, segmenter }) =>
    ours(withoutAnswers(content), tokenizer(segmenter, content.concepts)),
  'Fuse.js as it comes': () => fuse({}),
  'Fuse.js tokens, pairs': () => fuse({ ignoreLocation: true, useTokenSearch: true, tokenize: pairs }),
  'MiniSearch, jieba': ({ segmenter }) => miniSearch(segmenter),
  'FlexSearch, CJK': () => flexSearch(),
  'Orama, jieba': ({ segmenter }) => orama(segmenter),
  'nlp.js, lang-zh': () => nlpJs(),
  'BM25, jieba': ({ segmenter }) => bm25((text) => segmenter.cut(text)),
  'BM25, pairs': () => bm25(pairs),
} as const satisfies Readonly<Record<string, (parts: Parts) => Engine>>
export type EngineName = keyof typeof ENGINES

/** Engines that read every text for every question get one question in so many; the others get all. */
const ONE_IN: Partial<Record<EngineName, number>> = { 'Fuse.js as it comes': 10, 'Fuse.js tokens, pairs': 10 }

/** What an engine is asked out of a list: the same part of it in every run. */
export function shareFor<T>(engine: EngineName, list: readonly T[]): readonly T[] {
  return oneIn(ONE_IN[engine] ?? 1, list)
}

/** The texts of a content by region, the same for every engine. */
export function docsOf(content: Content): Map<string, Doc[]> {
  const docs = new Map<string, Doc[]>(content.regions.map(({ id }) => [id, []]))
  for (const { answers, phrasings } of content.intents)
    for (const [region, entry] of Object.entries(answers))
      for (const text of phrasings) docs.get(region)?.push({ text, entry })
  for (const { id, region, title, aliases } of content.entries)
    for (const text of new Set([title, ...aliases])) docs.get(region ?? '')?.push({ text, entry: id })
  return docs
}

/** Our own ranker, the way the bot uses it. */
export function ours(content: Content, words: Tokenizer): Engine {
  let find: (question: string, region: string) => Hit[]
  return {
    build: async () => {
      const catalog = await buildCatalog(content, words)
      const rank = ranker(catalog)
      find = (question, region) =>
        rank(catalog.readQuestion(question), { region }).here.map(({ entry, score }) => ({
          entry: entry.id,
          score,
        }))
    },
    search: (question, region) => find(question, region),
  }
}

/** The others find an entry by phrasings and names only; ours reads its answer as well unless it is blank. */
function withoutAnswers(content: Content): Content {
  return { ...content, entries: content.entries.map((entry) => ({ ...entry, answer: '', facets: {} })) }
}

function fuse(options: IFuseOptions<Doc>): Engine {
  const index = forEachRegion((docs: readonly Doc[]) => {
    const fuse = new Fuse(docs, { keys: ['text'], includeScore: true, ...options })
    return (question: string) =>
      fuse.search(question).map(({ item, score = 1 }) => ({ entry: item.entry, score: 1 - score }))
  })
  return index
}

function miniSearch(segmenter: Segmenter): Engine {
  return forEachRegion((docs) => {
    const index = new MiniSearch<Doc & { id: number }>({
      fields: ['text'],
      storeFields: ['entry'],
      tokenize: (text) => segmenter.cut(text),
    })
    index.addAll(docs.map((doc, id) => ({ ...doc, id })))
    return (question) => index.search(question).map(({ entry, score }) => ({ entry: entry as string, score }))
  })
}

/** FlexSearch gives no scores, only steps of relevance; documents of one step keep the order of the content. */
function flexSearch(): Engine {
  return forEachRegion((docs) => {
    const index = new Index({ tokenize: 'strict', encoder: Charset.CJK })
    docs.forEach(({ text }, id) => {
      index.add(id, text)
    })
    const options: SearchOptions<false> = { suggest: true, resolve: false, limit: 1000 }
    return (question) => {
      const steps = index.search(question, options).result as unknown as (number[] | undefined)[]
      return steps.flatMap((ids = [], step) =>
        ids.flatMap((id) => ({ entry: docs[id]?.entry ?? '', score: 1 / (1 + step) })),
      )
    }
  })
}

function orama(segmenter: Segmenter): Engine {
  return forEachRegion(async (docs) => {
    const index = create({
      schema: { text: 'string', entry: 'enum' },
      components: {
        tokenizer: {
          language: 'jieba',
          normalizationCache: new Map(),
          tokenize: (text) => [...new Set(segmenter.cut(text))],
        },
      },
    })
    await insertMultiple(index, [...docs])
    return async (question) => {
      const { hits } = await searchOrama(index, { term: question, properties: ['text'], limit: 100 })
      return hits.map(({ document, score }) => ({ entry: document.entry as string, score }))
    }
  })
}

interface NlpJs {
  readonly settings: Record<string, unknown>
  addLanguage(locale: string): void
  addDocument(locale: string, text: string, intent: string): void
  train(): Promise<void>
  process(locale: string, text: string): Promise<{ classifications: { intent: string; score: number }[] }>
}

/**
 * By itself it trains until an epoch changes next to nothing, some ninety epochs on these texts; after the first
 * twenty its top-1 only falls (83 % to 80 % on one region).
 */
const EPOCHS = 20

/** A classifier whose intents are the entries of the region. The packages bring no types. */
function nlpJs(): Engine {
  const require = createRequire(import.meta.url)
  const { containerBootstrap } = require('@nlpjs/core')
  const { Nlp } = require('@nlpjs/nlp')
  const { LangZh } = require('@nlpjs/lang-zh')
  return forEachRegion(async (docs) => {
    const container = await containerBootstrap()
    container.use(LangZh)
    container.use(Nlp)
    // Only what is registered before the language is added reaches the training; the rest is as it comes.
    container.registerConfiguration('nlu-zh', {
      keepStopwords: true,
      nonefeatureValue: 1,
      nonedeltaMultiplier: 1.2,
      spellCheck: false,
      spellCheckDistance: 1,
      filterZeros: true,
      log: false,
      iterations: EPOCHS,
    })
    const nlp = container.get('nlp') as NlpJs
    Object.assign(nlp.settings, { autoSave: false, autoLoad: false, calculateSentiment: false })
    nlp.addLanguage('zh')
    for (const { text, entry } of docs) nlp.addDocument('zh', text, entry)
    await silently(() => nlp.train())
    return async (question) => {
      const { classifications } = await nlp.process('zh', question)
      return classifications
        .filter(({ intent }) => intent !== 'None')
        .map(({ intent, score }) => ({ entry: intent, score }))
    }
  })
}

/** It tells about its dictionary on standard output, which is for the figures. */
async function silently(work: () => Promise<void>): Promise<void> {
  const { log } = console
  console.log = () => {}
  try {
    await work()
  } finally {
    console.log = log
  }
}

const K1 = 1.2
const B = 0.75

/** Okapi BM25 as in the textbook. */
function bm25(tokenize: (text: string) => string[]): Engine {
  return forEachRegion((docs) => {
    const postings = new Map<string, { at: number[]; count: number[] }>()
    const lengths = docs.map(({ text }, at) => {
      const tokens = tokenize(text)
      for (const [token, count] of counted(tokens)) {
        let posting = postings.get(token)
        if (posting === undefined) {
          posting = { at: [], count: [] }
          postings.set(token, posting)
        }
        posting.at.push(at)
        posting.count.push(count)
      }
      return tokens.length
    })
    const mean = lengths.reduce((sum, length) => sum + length, 0) / Math.max(1, docs.length)
    const sums = new Float64Array(docs.length)
    return (question) => {
      const touched: number[] = []
      for (const token of new Set(tokenize(question))) {
        const posting = postings.get(token)
        if (posting === undefined) continue
        const df = posting.at.length
        const idf = Math.log(1 + (docs.length - df + 0.5) / (df + 0.5))
        posting.at.forEach((at, i) => {
          if (sums[at] === 0) touched.push(at)
          const tf = posting.count[i] ?? 0
          const norm = K1 * (1 - B + (B * (lengths[at] ?? 0)) / mean)
          sums[at] = (sums[at] ?? 0) + (idf * tf * (K1 + 1)) / (tf + norm)
        })
      }
      const hits = touched.map((at) => ({ entry: docs[at]?.entry ?? '', score: sums[at] ?? 0 }))
      for (const at of touched) sums[at] = 0
      return hits.sort((a, b) => b.score - a.score)
    }
  })
}

type Search = (question: string) => Hit[] | Promise<Hit[]>

/** One index a region: what another region's entries are called has no say in it. */
function forEachRegion(buildOne: (docs: readonly Doc[]) => Search | Promise<Search>): Engine {
  const indices = new Map<string, Search>()
  return {
    build: async (docs) => {
      for (const [region, list] of docs) indices.set(region, await buildOne(list))
    },
    search: (question, region) => {
      const hits = indices.get(region)?.(question) ?? []
      return Array.isArray(hits) ? firstOfEach(hits) : hits.then(firstOfEach)
    },
  }
}

function firstOfEach(hits: readonly Hit[]): Hit[] {
  const seen = new Set<string>()
  return hits.filter(({ entry }) => {
    if (seen.has(entry)) return false
    seen.add(entry)
    return true
  })
}

function pairs(text: string): string[] {
  const characters = Array.from(text.toLowerCase().replace(/[^\p{L}\p{N}]+/gu, ''))
  if (characters.length < 2) return characters
  return characters.slice(1).map((character, i) => `${characters[i]}${character}`)
}

function counted(tokens: readonly string[]): Map<string, number> {
  const counts = new Map<string, number>()
  for (const token of tokens) counts.set(token, (counts.get(token) ?? 0) + 1)
  return counts
}
