import { parse, parseDocument, stringify } from 'yaml'
import type { z } from 'zod'
import { EVERYWHERE } from '../model/content.ts'
import { keyOf, type QuestionRow } from './question-rows.ts'
import { type regionsFile, STRICT_ID, type sourcesFile, type topicsFile } from './schema.ts'

/** What an imported folder takes over from the shipped content: everything but entries, intents and notices. */
export const TAKEN_OVER = [
  'knowledge/regions.yaml',
  'knowledge/topics.yaml',
  'knowledge/phrases.yaml',
  'knowledge/words.txt',
  'intents/acts.yaml',
  'intents/facets.yaml',
  'intents/filler.yaml',
  'intents/small-talk.yaml',
  'intents/urgent.yaml',
  'intents/words.yaml',
  'intents/places.txt',
  'intents/not-ours.txt',
] as const
export type Shipped = Readonly<Record<(typeof TAKEN_OVER)[number], string>>

export interface ImportedFolder {
  /** Text by path. */
  readonly files: ReadonlyMap<string, string>
  /** Names of regions that the shipped content does not know. */
  readonly newRegions: readonly string[]
}

type Region = z.output<typeof regionsFile>['regions'][number]
type Topic = z.output<typeof topicsFile>[number]
type Source = z.input<typeof sourcesFile>[number]

/**
 * A content folder that says what a table of questions says. The bot's own sentences, the urgent lane, acts,
 * facets and general words are the shipped ones; what speaks of the shipped documents gives way.
 */
export function importedFolder(rows: readonly QuestionRow[], shipped: Shipped): ImportedFolder {
  const before = {
    ...(parse(shipped['knowledge/regions.yaml']) as z.output<typeof regionsFile>),
    topics: parse(shipped['knowledge/topics.yaml']) as Topic[],
  }
  const regions = regionsOf(rows, before.regions)
  const topics = topicsOf(rows, before.topics)
  const sources = sourcesOf(rows)
  const regionOf = ({ region }: QuestionRow): string =>
    region === undefined
      ? EVERYWHERE
      : (regions.find(({ id, name }) => region === id || region === name)?.id ?? region)
  const folderOf = (row: QuestionRow): string =>
    topics.find(({ name }) => name === topicsIn(row)[0])?.folder ?? OTHER.folder

  const files = new Map<string, string>()
  for (const path of AS_THEY_ARE) files.set(path, shipped[path])
  files.set('knowledge/regions.yaml', yaml({ regions, hotlines: before.hotlines }))
  files.set(
    'knowledge/topics.yaml',
    withTopics(shipped['knowledge/topics.yaml'], topics.slice(before.topics.length)),
  )
  files.set('knowledge/sources.yaml', yaml([...sources.values()]))
  const own = speakOf(rows, regions, before.regions, before.topics)
  files.set('knowledge/phrases.yaml', withSuggestions(own(shipped['knowledge/phrases.yaml']), rows))
  for (const path of ['intents/acts.yaml', 'intents/small-talk.yaml'] as const)
    files.set(path, own(shipped[path]))
  for (const [path, text] of Object.entries(keepFittingWords(rows, shipped))) files.set(path, own(text))

  for (const row of rows) {
    const source = row.source === undefined ? undefined : sources.get(splitSource(row.source).title)
    files.set(
      `knowledge/faq/${regionOf(row)}/${folderOf(row)}/${row.id}.md`,
      entryFile(row, regionOf(row), source),
    )
  }
  const intentIds = new Set(rows.map(({ id }) => id))
  for (const wish of wishesOf(rows)) {
    const [first] = wish
    if (first === undefined) continue
    const intent = {
      intent: STRICT_ID.test(first.id) ? first.id : unused(`row-${first.number}`, intentIds),
      title: first.question,
      answers: Object.fromEntries(wish.map((row) => [regionOf(row), row.id])),
      phrasings: [first.question, ...wish.flatMap(({ similar }) => similar)],
    }
    files.set(`intents/${folderOf(first)}/${first.id}.yaml`, lines(intent))
  }
  const known = new Set(before.regions.map(({ id }) => id))
  return {
    files,
    newRegions: regions.filter(({ id }) => id !== EVERYWHERE && !known.has(id)).map(({ name }) => name),
  }
}

const AS_THEY_ARE = [
  'intents/facets.yaml',
  'intents/filler.yaml',
  'intents/urgent.yaml',
  'intents/words.yaml',
] as const

const yaml = (value: unknown): string => stringify(value, { lineWidth: 0 })

type Scalar = string | boolean
interface Simple {
  readonly [key: string]: Scalar | readonly string[] | Readonly<Record<string, string>>
}

/** The same as `yaml`, without its tree of nodes: a table of thousands of rows becomes two files for each. */
function lines(record: Simple): string {
  return Object.entries(record)
    .map(([key, value]) => {
      if (typeof value !== 'object') return `${key}: ${scalar(value)}\n`
      if (Array.isArray(value)) return `${key}:\n${value.map((one) => `  - ${scalar(one)}\n`).join('')}`
      const own = Object.entries(value).map(([name, one]) => `  ${scalar(name)}: ${scalar(one)}\n`)
      return `${key}:\n${own.join('')}`
    })
    .join('')
}

/** What needs quotes, or may need them, is left to the library. */
function scalar(value: Scalar): string {
  return typeof value === 'string' && (!PLAIN.test(value) || /^(?:null|true|false)$/i.test(value))
    ? yaml(value).trimEnd()
    : String(value)
}

const PLAIN = /^\p{L}(?:[\p{L}\p{N}，。？！、；：（）“”‘’《》…%+/_.-]| (?=[\p{L}\p{N}]))*$/u

/** The regions the rows name. A table that names none still needs a name for where it holds. */
function regionsOf(rows: readonly QuestionRow[], known: readonly Region[]): Region[] {
  const named = [...new Set(rows.flatMap(({ region }) => region ?? []))]
  if (named.length === 0) return [newRegion(EVERYWHERE, '各地')]
  const ids = new Set(known.map(({ id }) => id))
  return named.map((name) => known.find(({ id }) => id === name) ?? newRegion(unused('region-1', ids), name))
}

function newRegion(id: string, name: string): Region {
  return { id, name, full: name, aliases: [], office: '当地有关部门' }
}

const OTHER: Topic = { name: '其他', folder: 'other', words: ['其他'], private: false, details: [] }

/** The shipped topics, which subscriptions go by, and those that only the table has. */
function topicsOf(rows: readonly QuestionRow[], known: readonly Topic[]): Topic[] {
  const topics = known.some(({ name }) => name === OTHER.name) ? [...known] : [...known, OTHER]
  const folders = new Set(topics.map(({ folder }) => folder))
  for (const name of new Set(rows.flatMap(topicsIn)))
    if (!topics.some((topic) => topic.name === name))
      topics.push({ name, folder: unused('topic-1', folders), words: [name], private: false, details: [] })
  return topics
}

function withTopics(text: string, more: readonly Topic[]): string {
  const lines = more.map(({ name, folder, words }) => `- ${JSON.stringify({ name, folder, words })}\n`)
  return `${text.trimEnd()}\n${lines.join('')}`
}

function topicsIn(row: QuestionRow): readonly string[] {
  return row.topics.length > 0 ? row.topics : [OTHER.name]
}

/** The documents the rows name, by title. What a table does not tell of them is said not to be told. */
function sourcesOf(rows: readonly QuestionRow[]): Map<string, Source> {
  const sources = new Map<string, Source>()
  for (const { source } of rows) {
    if (source === undefined) continue
    const { title } = splitSource(source)
    if (!sources.has(title))
      sources.set(title, {
        id: `source-${sources.size + 1}`,
        title,
        issuer: '发文机关未写明',
        status: '请以官方最新的说法为准。',
      })
  }
  return sources
}

/** 「《青年公寓管理办法》第三条」 names a document and a place in it. */
function splitSource(source: string): { title: string; clause?: string } {
  const [, title = source, rest = ''] = /^《([^《》]+)》(.*)$/.exec(source) ?? []
  const clause = rest.replace(/^[\s,，:：;；]+/, '')
  return clause === '' ? { title } : { title, clause }
}

function entryFile(row: QuestionRow, region: string, source: Source | undefined): string {
  const clause = row.source === undefined ? undefined : splitSource(row.source).clause
  const head = {
    id: row.id,
    title: row.question,
    ...(region === EVERYWHERE ? {} : { region }),
    topics: topicsIn(row),
    ...(source ? { source: { document: source.id, ...(clause === undefined ? {} : { clause }) } } : {}),
    imported: true,
  }
  return `---\n${lines(head)}---\n\n${row.answer}\n`
}

/** Rows that ask the same, each for another region. */
function wishesOf(rows: readonly QuestionRow[]): QuestionRow[][] {
  const wishes = new Map<string, QuestionRow[]>()
  for (const row of rows) {
    const key = keyOf(row.question)
    wishes.set(key, [...(wishes.get(key) ?? []), row])
  }
  return [...wishes.values()]
}

/** A name nobody has yet; it is taken from now on. */
function unused(name: string, taken: Set<string>): string {
  const [, stem = name, from = '1'] = /^(.*)-(\d+)$/.exec(name) ?? []
  let free = name
  for (let n = Number(from) + 1; taken.has(free); n++) free = `${stem}-${n}`
  taken.add(free)
  return free
}

/**
 * Lets the shipped sentences speak of this base: the regions they name, the examples they give and the matters
 * they list become its own. Signs around them stay, so that staff can go on editing.
 */
function speakOf(
  rows: readonly QuestionRow[],
  regions: readonly Region[],
  shippedRegions: readonly Region[],
  shippedTopics: readonly Topic[],
): (text: string) => string {
  const names = regions.map(({ name }) => name)
  const shippedNames = shippedRegions.flatMap(({ name, full, aliases }) => [full, ...aliases, name])
  const anyName = shippedNames.sort((a, b) => b.length - a.length).join('|')
  const runOfNames = new RegExp(`(?:${anyName})(?:([、|])(?:${anyName})(?:\\1(?:${anyName}))*)?`, 'g')

  const topics = [...new Set(rows.flatMap((row) => row.topics))].slice(0, 8)
  const topicWords = shippedTopics.flatMap(({ name, words }) => [name, ...words])
  const lists = /(想查|[:：]|)((?:[^\s、,，。:：“”"]{1,8}、){2,}[^\s、,，。:：“”"]{1,12}?)(等?)(?=[,，。])/g

  const examples = rows
    .map(({ question }) => question)
    .filter((question) => /^[^"“”{}\\|]{2,20}$/.test(question))
  return (text) => {
    let next = 0
    return text
      .replace(runOfNames, (_, separator: string | undefined) =>
        separator === undefined ? (names[0] ?? '') : names.join(separator),
      )
      .replace(lists, (whole, lead: string, list: string, more: string) => {
        const shippedMatters = list
          .split(/[、或]/)
          .filter((one) => topicWords.some((word) => one.includes(word)))
        if (shippedMatters.length < 3) return whole
        if (topics.length === 0) return lead === '想查' ? '想查什么' : ''
        return `${lead}${topics.join('、')}${more}`
      })
      .replace(
        /(比如|例如)((?:“[^”]+”)+)/g,
        (_, lead: string, list: string) =>
          `${lead}${list.replace(/“[^”]+”/g, (example) => (examples.length === 0 ? example : `“${examples[next++ % examples.length]}”`))}`,
      )
      .replace(/三(?:份文件|地)/g, (three) => (three === '三地' ? '本地' : '文件'))
  }
}

const MOST_SUGGESTIONS = 5

function withSuggestions(phrases: string, rows: readonly QuestionRow[]): string {
  const document = parseDocument(phrases)
  const short = rows.map(({ question }) => question).filter((question) => /^[^|{}]{2,20}$/.test(question))
  const shown = short.length > 0 ? short : rows.map(({ question }) => question.replace(/[|{}]/g, ' '))
  document.set('suggestions', shown.slice(0, MOST_SUGGESTIONS).join('|'))
  return document.toString({ lineWidth: 0 })
}

/** Of the shipped lists of words, those that fit: names the table uses, and places and matters it does not speak of. */
function keepFittingWords(rows: readonly QuestionRow[], shipped: Shipped): Record<string, string> {
  const said = rows
    .map(({ question, similar, answer, region = '' }) => [question, ...similar, answer, region].join('\n'))
    .join('\n')
    .toLowerCase()
  const mayHold = pairFilter(said)
  const speaksOf = (word: string): boolean => {
    const lower = word.toLowerCase()
    return mayHold(lower) && said.includes(lower)
  }
  // Rows that hold everywhere answer for any place.
  const anywhere = rows.some(({ region }) => region === undefined)
  return {
    'knowledge/words.txt': keepWords(shipped['knowledge/words.txt'], speaksOf),
    'intents/places.txt': keepWords(shipped['intents/places.txt'], (word) => !anywhere && !speaksOf(word)),
    'intents/not-ours.txt': keepWords(shipped['intents/not-ours.txt'], (word) => !speaksOf(word)),
  }
}

/** Tells at once of most words that a long text does not hold them: it lacks some pair of their characters. */
function pairFilter(text: string): (word: string) => boolean {
  const seen = new Uint8Array(1 << 22)
  const placeOf = (of: string, at: number): number =>
    ((of.charCodeAt(at) * 0x9e3b) ^ of.charCodeAt(at + 1)) & (seen.length - 1)
  for (let i = 0; i + 1 < text.length; i++) seen[placeOf(text, i)] = 1
  return (word) => {
    for (let i = 0; i + 1 < word.length; i++) if (seen[placeOf(word, i)] === 0) return false
    return true
  }
}

function keepWords(text: string, keep: (word: string) => boolean): string {
  return text
    .split('\n')
    .map((line) =>
      line.startsWith('#')
        ? line
        : line
            .split(' ')
            .filter((word) => word !== '' && keep(word))
            .join(' '),
    )
    .filter((line) => line !== '')
    .map((line) => `${line}\n`)
    .join('')
}
