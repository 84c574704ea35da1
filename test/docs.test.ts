import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { startBot } from '../src/bot.ts'
import { checkFigures } from '../src/content/figures.ts'
import { loadContent } from '../src/content/load.ts'
import { describe as inWords } from '../src/content/watch.ts'
import { plainText } from '../src/model/conversation.ts'
import { openDatabase } from '../src/store/database.ts'
import { checkWordings } from '../src/talk/wordings.ts'
import { type ContentFolder, filesOf, shippedContent, smallContent } from './fakes/content-folder.ts'
import { quiet } from './fakes/log.ts'

// What docs/ shows is done here to the letter: the examples are copied out of the pages, and each error message a
// page explains is made anew.

vi.setConfig({ testTimeout: 300_000, hookTimeout: 300_000 })

interface Block {
  /** The line of prose before it. */
  readonly lead: string
  readonly language: string
  readonly text: string
}

const PAGES = readdirSync('docs').filter((name) => name.endsWith('.md'))

function blocksOf(page: string): Block[] {
  const blocks: Block[] = []
  let lead = ''
  let open: { language: string; lines: string[] } | undefined
  for (const line of readFileSync(join('docs', page), 'utf8').split('\n')) {
    const fence = /^ *```(\w*)$/.exec(line)
    if (open !== undefined && fence) {
      blocks.push({ lead, language: open.language, text: open.lines.join('\n') })
      open = undefined
      lead = ''
    } else if (open !== undefined) open.lines.push(line)
    else if (fence) open = { language: fence[1] ?? '', lines: [] }
    else if (line.trim() !== '') lead = line
  }
  return blocks
}

/** Counts and line numbers move with the content, and the next steps with what is related; the rest must hold. */
const comparable = (text: string): string =>
  text
    .replace(/\d+ (条答案|个意图|种问法)/g, 'N $1')
    .replace(/(\.(?:ya?ml|md)):\d+/g, '$1:N')
    .replace(/^\d\. ([a-z0-9-]+) {2}[\d.]+$/gm, '$1')
    .split('\n')
    .filter((line) => !/^\d\. |^ +\d\.\d\d {2}/.test(line))
    .join('\n')
    .trim()

const pathIn = (lead: string): string => /`((?:knowledge|intents)\/[^`]+)`/.exec(lead)?.[1] ?? ''

async function withContent<T>(work: (folder: ContentFolder) => Promise<T>): Promise<T> {
  const folder = await shippedContent()
  try {
    return await work(folder)
  } finally {
    await folder.remove()
  }
}

/** Does what a block asks for. @returns what the page says the screen shows, and what it shows */
async function follow(
  folder: ContentFolder,
  blocks: readonly Block[],
): Promise<{ told: string; seen: string }[]> {
  const screens: { told: string; seen: string }[] = []
  let place: { file: string; find: string } | undefined
  let output: string | undefined
  for (const { lead, language, text } of blocks) {
    const file = pathIn(lead)
    if (language === 'sh' && !/npm (ci|start|test)/.test(text)) {
      output = (await command(text, folder.root)).trim()
    } else if (language === 'text' && output !== undefined) {
      const whole = comparable(output)
      const told = comparable(text)
      // 「屏幕上第一段」, and the pages that show the first lines only.
      screens.push({ told, seen: /第一段|开头/.test(lead) ? whole.slice(0, told.length) : whole })
      output = undefined
    } else if (/^(整个|.*新建)文件/.test(lead)) folder.write(file, `${text}\n`)
    else if (/末尾加上/.test(lead)) folder.write(file, `${folder.read(file)}${text}\n`)
    else if (/里找到/.test(lead)) place = { file, find: text }
    else if (/改成.*：$/.test(lead) && place) {
      const { find } = place
      const line = folder
        .read(place.file)
        .split('\n')
        .find((one) => one.startsWith(find))
      if (line === undefined) throw new Error(`${place.file} has no line that begins with ${find}`)
      const from = lead.includes('开头') ? find : line
      folder.edit(place.file, from, text.replaceAll('$', '$$$$'))
      place = undefined
    }
  }
  return screens
}

/** What `npm run -s ask -- "…" --region 莲都` and the like show; in this process, since each would load all content. */
async function command(line: string, root: string): Promise<string> {
  const words = [...line.matchAll(/"([^"]*)"|(\S+)/g)].map(([, quoted, bare]) => quoted ?? bare ?? '')
  const value = (option: string): string | undefined => words[words.indexOf(option) + 1 || words.length]
  if (words.includes('check')) {
    const { content, problems } = await problemsIn(root)
    if (problems.length > 0)
      return `${problems.map((one) => `${inWords(one)}\n\n`).join('')}${problems.length} 处错误，0 处提醒。改好后再运行一次 npm run check。`
    const phrasings = content?.intents.reduce((sum, intent) => sum + intent.phrasings.length, 0)
    return `没有错误。${content?.entries.length} 条答案，${content?.intents.length} 个意图，${phrasings} 种问法，0 处提醒。`
  }
  const asOf = value('--as-of')
  const db = await openDatabase(':memory:')
  const bot = await startBot({
    contentDir: root,
    db,
    log: quiet,
    now: () => new Date(asOf === undefined ? '2026-11-25T12:00:00+08:00' : `${asOf}T12:00:00+08:00`),
    segmenter: 'jieba',
  })
  const region = value('--region')
  const reply = await bot.respond({
    id: '1',
    address: { channel: 'terminal', chat: 'one' },
    text: words[words.indexOf('--') + 1] ?? '',
    ...(region ? { region } : {}),
  })
  await bot.stop()
  await db.destroy()
  if (reply === undefined) throw new Error('no reply')
  if (!words.includes('--explain')) return plainText(reply)
  return (reply.reasons ?? []).map(({ entry }, i) => `${i + 1}. ${entry}  0`).join('\n')
}

async function problemsIn(root: string) {
  const { content, problems } = await loadContent(root)
  return {
    content,
    problems: [...problems, ...(content ? [...checkWordings(content), ...checkFigures(content, root)] : [])],
  }
}

describe('the examples', () => {
  const pages = PAGES.filter((page) => blocksOf(page).some(({ language }) => language === 'sh'))
  it.for(pages)('of docs/%s do what the page says', async (page) => {
    const screens = await withContent((folder) => follow(folder, blocksOf(page)))
    expect(screens.length).toBeGreaterThan(0)
    expect(screens.map(({ seen }) => seen)).toEqual(screens.map(({ told }) => told))
  })
})

const FEE = 'knowledge/faq/liandu/finance/guarantee-fee.md'
const INTENT = 'intents/finance/cheaper-guarantee.yaml'
const SOURCES = 'knowledge/sources.yaml'
const PHRASES = 'knowledge/phrases.yaml'
const URGENT = 'intents/urgent.yaml'
const FIRST_PHRASING = /^ {2}- (.*)$/m

/** Every mistake the pages speak of. */
const MISTAKES: Readonly<Record<string, (folder: ContentFolder) => void>> = {
  'a colon of the Chinese keyboard': ({ edit }) => edit(FEE, 'title: ', 'title：'),
  'a colon in a title': ({ edit }) => edit(FEE, /^title: .*/m, 'title: 担保费: 减免'),
  'a heading of one’s own': ({ edit }) => edit(FEE, '## 标准', '## 补贴标准'),
  'a heading without a space': ({ edit }) => edit(FEE, '## 标准', '##标准'),
  'an empty section': ({ edit }) => edit(FEE, /## 标准\n[\s\S]*/, '## 标准\n'),
  'no direct answer': ({ edit }) => edit(FEE, /\n---\n[^#]+/, '\n---\n'),
  'no head': ({ edit }) => edit(FEE, /^---/, '\n---'),
  'a day in Chinese': ({ edit }) => edit(FEE, /^checked: .*/m, 'checked: 2026年12月1日'),
  'a figure that is not in the document': ({ edit, write }) => {
    write('knowledge/original.txt', '担保费率减免75%以上')
    edit(SOURCES, /^ {2}text: .*\n/m, '')
    edit(SOURCES, '- id: liandu-plan-2023', '- id: liandu-plan-2023\n  text: knowledge/original.txt')
    edit(FEE, '75%以上', '80%以上')
  },
  'an answer without phrasings': (folder) => folder.delete(INTENT),
  'an id nothing has': ({ edit }) => edit(INTENT, /: liandu-guarantee-fee$/m, ': liandu-guarantee'),
  'an id used twice': ({ read, write }) =>
    write('knowledge/faq/liandu/finance/guarantee-fee-副本.md', read(FEE)),
  'a phrasing that stands elsewhere': ({ edit }) => edit(INTENT, FIRST_PHRASING, '  - 租房'),
  'a document that is not registered': ({ edit }) => edit(FEE, 'liandu-plan-2023', 'liandu-plan-2027'),
  'an answer under another city': ({ edit }) => edit(INTENT, /liandu: (liandu-g.*)/, 'kunming: $1'),
  'a city misspelt': ({ edit }) => edit(FEE, 'region: liandu', 'region: liandou'),
  'neither city nor source': ({ edit }) => {
    edit(FEE, /^region: .*\n/m, '')
    edit(FEE, /^source: .*\n/m, '')
    edit(INTENT, /liandu: (liandu-g.*)/, 'everywhere: $1')
  },
  'a dash without a space': ({ edit }) => edit(INTENT, /(^ {2}- .*\n) {2}- (.*)/m, '$1  -$2'),
  'a phrasing out of line': ({ edit }) => edit(INTENT, /(^ {2}- .*\n) {2}(- .*)/m, '$1 $2'),
  'a tab': ({ edit }) => edit(INTENT, FIRST_PHRASING, '\t- $1'),
  'a phrasing that begins with #': ({ edit }) => edit(INTENT, FIRST_PHRASING, '  - #免不免'),
  'a word explained twice': ({ read, write }) =>
    write('intents/words.yaml', `${read('intents/words.yaml')}\n创业: [摆摊]\n创业: [开店]\n`),
  'a slot nothing fills': ({ edit }) => edit(PHRASES, /^notHere: .*$/m, "notHere: '{city}没有提到'"),
  'a slot in Chinese': ({ edit }) => edit(PHRASES, /^notHere: .*$/m, "notHere: '{地区}没有提到'"),
  'a sentence deleted': ({ edit }) => edit(PHRASES, /^sorry: .*\n/m, ''),
  'a sentence that begins with a brace': ({ edit }) =>
    edit(PHRASES, /^notHere: .*$/m, 'notHere: {region}的文件没有提到'),
  'phrases.yaml gone': (folder) => folder.delete(PHRASES),
  'an act of one’s own': ({ read, write }) =>
    write('intents/acts.yaml', `${read('intents/acts.yaml')}\n- id: my-act\n  exactly: [我的动作]\n`),
  'half a bracket in small talk': ({ edit }) =>
    edit('intents/small-talk.yaml', /(- id: hello\n(?: {2}.*\n)*? {2}contains: \[)/, '$1来找你(聊|唠, '),
  'a heading renamed for all': ({ edit }) =>
    edit('intents/facets.yaml', 'heading: 标准', 'heading: 补贴标准'),
  'half a pair of brackets': ({ edit }) => edit(FEE, /^(aliases: .*)\]$/m, '$1'),
  'half a pair of quotation marks': ({ edit }) => edit(FEE, /^title: /m, 'title: "'),
  'brackets of the Chinese keyboard': ({ edit }) => edit(FEE, /^aliases: .*/m, 'aliases: 【担保费减免】'),
  'a key misspelt': ({ edit }) => edit(FEE, /^title/m, 'titel'),
  'a topic that is not registered': ({ edit }) => edit(FEE, /^topics: .*/m, 'topics: [贷款]'),
  'a related id misspelt': ({ edit }) => edit(FEE, '[liandu-qingchuangdai', '[liandu-qingchuangdei'),
  'a period turned round': ({ edit }) =>
    edit(FEE, /^valid: .*/m, 'valid: { from: 2023-12-31, until: 2023-05-29 }'),
  'a hotline that is not registered': ({ edit }) =>
    edit(URGENT, /(- id: bullying\n[\s\S]*?hotlines: \[)/, "$1'12580', "),
  'half a bracket in urgent wordings': ({ edit }) =>
    edit(URGENT, /(- id: bullying\n[\s\S]*?contains:\n)/, '$1    - 被(霸凌|欺凌\n'),
  'an urgent wording that begins with #': ({ edit }) =>
    edit(URGENT, /(- id: bullying\n[\s\S]*?contains:\n)/, '$1    - #天没睡\n'),
  'an urgent wording out of line': ({ edit }) =>
    edit(URGENT, /(- id: bullying\n[\s\S]*?contains:\n {4}- .*\n) {4}/, '$1   '),
  'a file that is not UTF-8': ({ read, write }) =>
    write(FEE, Buffer.concat([Buffer.from(`${read(FEE)}\n`), Buffer.from([0xcb, 0xad, 0xc4, 0xdc])])),
  'a date with dots': ({ edit }) => edit(SOURCES, /^ {2}date: .*/m, '  date: 2027.1.15'),
  'no status': ({ edit }) => edit(SOURCES, /^ {2}status: .*\n/m, ''),
  'a document renamed': ({ edit }) => edit(SOURCES, 'id: liandu-plan-2023', 'id: liandu-plan-23'),
  'a day that is a number': ({ edit }) => edit(FEE, /^checked: .*/m, 'checked: 20261201'),
  'a city in capitals': ({ edit }) => edit(INTENT, /liandu: (liandu-g.*)/, 'Liandu: $1'),
  'a yes that is no true': ({ edit }) => edit('knowledge/topics.yaml', 'private: true', 'private: 是'),
  'a bracket left open in a map': ({ edit }) => edit(FEE, /^(source: .*)\}$/m, '$1'),
  'a text that begins with an at sign': ({ edit }) => edit(INTENT, FIRST_PHRASING, '  - @我'),
  'a text that begins with an asterisk': ({ edit }) => edit(INTENT, FIRST_PHRASING, '  - *免不免'),
}

describe('the messages', () => {
  let folder: ContentFolder
  const made = new Set<string>()
  beforeAll(async () => {
    folder = await smallContent(['finance', 'housing', 'about', 'city'])
    const sound = new Map(filesOf(folder.root).map((file) => [file, folder.read(file)]))
    expect((await problemsIn(folder.root)).problems).toEqual([])
    for (const make of Object.values(MISTAKES)) {
      make(folder)
      for (const problem of (await problemsIn(folder.root)).problems) made.add(comparable(inWords(problem)))
      for (const file of filesOf(folder.root)) if (!sound.has(file)) folder.delete(file)
      for (const [file, text] of sound) folder.write(file, text)
    }
  })
  afterAll(() => folder.remove())

  const shown = PAGES.flatMap((page) =>
    blocksOf(page)
      .filter(({ language, text }) => language === 'text' && /^\S+\.(ya?ml|md)\S* {2}/.test(text))
      .flatMap(({ text }) => text.split('\n\n'))
      .filter((message) => !/^\d+ 处错误/.test(message))
      .map((message) => ({ page, message: comparable(message) })),
  )
  it.each(shown)('docs/$page: $message', ({ message }) => {
    expect([...made]).toContain(message)
  })

  it('tell staff what to do in their own language', () => {
    for (const message of made) expect(message).toMatch(/^\S+ {2}.*\p{Script=Han}.*。\n {4}.*\p{Script=Han}/u)
  })
})
