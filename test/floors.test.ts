import { readdirSync, readFileSync } from 'node:fs'
import { isBuiltin } from 'node:module'
import { join, posix, sep } from 'node:path'
import ts from 'typescript'
import { describe, expect, it } from 'vitest'

/** What a folder may import besides itself. The builders and commands at the top are not listed: they may import anything. */
const FLOORS: Readonly<Record<string, readonly string[]>> = {
  model: [],
  text: ['model'],
  content: ['model'],
  store: ['model'],
  channels: ['model'],
  answer: ['text', 'model'],
  talk: ['text', 'answer', 'store', 'model'],
  notices: ['content', 'store', 'model'],
  outbox: ['store', 'model'],
  console: ['content', 'store', 'answer', 'talk', 'notices', 'model'],
  'config.ts': [],
  'log.ts': ['model'],
}
const ANYTHING = ['cli', 'main.ts', 'bot.ts', 'server.ts']

/** Each library's one door. */
const DOORS: readonly { library: RegExp; door: RegExp; says: string }[] = [
  { library: /^grammy$|^@grammyjs\//, door: /^channels\/telegram\.ts$/, says: 'channels/telegram.ts' },
  {
    library: /^wechaty/,
    door: /^channels\/wechat-[\w-]+\.ts$/,
    says: 'the WeChat child process, channels/wechat-*.ts',
  },
  { library: /^nodejieba$/, door: /^text\/segment\.ts$/, says: 'text/segment.ts' },
  { library: /^fuse\.js$/, door: /^text\/similarity\.ts$/, says: 'text/similarity.ts' },
  { library: /^pinyin-pro$/, door: /^text\/pinyin\.ts$/, says: 'text/pinyin.ts' },
  { library: /^opencc-js$/, door: /^text\/script\.ts$/, says: 'text/script.ts' },
  { library: /^(csv-parse|hucre)$/, door: /^content\/table\.ts$/, says: 'content/table.ts' },
  { library: /^(kysely|better-sqlite3|pg)$/, door: /^store\//, says: 'store/' },
]
// The WeChat channel hands the environment to its child process.
const ENVIRONMENT_DOOR = /^(config\.ts|channels\/wechat[\w-]*\.ts)$/

/** Everything in a tree of sources that breaks the floors or goes past a door. @param files path below src/ → text */
function trespasses(files: ReadonlyMap<string, string>): string[] {
  return [...files].flatMap(([file, text]) => [
    ...importsOf(text).flatMap((specifier) => judge(file, specifier)),
    ...(/\bprocess\s*(\.|\[\s*['"])env\b|\bloadEnvFile\b|\{[^}]*\benv\b[^}]*\}\s*from\s*['"](node:)?process['"]/.test(
      text,
    ) && !ENVIRONMENT_DOOR.test(file)
      ? [`${file} reads the environment: only config.ts does`]
      : []),
  ])
}

function judge(file: string, specifier: string): string[] {
  if (!specifier.startsWith('.')) {
    const library = packageOf(specifier)
    return DOORS.filter((door) => door.library.test(library) && !door.door.test(file)).map(
      ({ says }) => `${file} imports ${library}: its door is ${says}`,
    )
  }
  const from = floorOf(file)
  const target = posix.join(posix.dirname(file), specifier)
  if (target.startsWith('..')) return [`${file} imports ${target}: sources import sources only`]
  const to = floorOf(target)
  if (from === to || ANYTHING.includes(from)) return []
  const allowed = FLOORS[from]
  if (allowed === undefined)
    return [`${file} stands on no floor: add ${from} to the table in style.md and here`]
  if (allowed.includes(to)) return []
  return [`${file} imports ${target}: ${from} may import ${allowed.join(', ') || 'nothing'}`]
}

const floorOf = (file: string): string => file.split('/')[0] ?? file

function packageOf(specifier: string): string {
  const parts = specifier.split('/')
  return specifier.startsWith('@') ? parts.slice(0, 2).join('/') : (parts[0] ?? specifier)
}

/** Imports of every kind: static, type-only, re-exported, dynamic, and what is handed to a required `require`. */
function importsOf(text: string): string[] {
  const { importedFiles } = ts.preProcessFile(text, true, true)
  const required = Array.from(text.matchAll(/\)\(\s*['"]([^'"\s]+)['"]\s*\)/g), (match) => match[1] ?? '')
  return [...new Set([...importedFiles.map(({ fileName }) => fileName), ...required])]
}

function sources(): Map<string, string> {
  const items = readdirSync('src', { recursive: true, withFileTypes: true })
  const paths = items
    .filter((item) => item.isFile() && /\.tsx?$/.test(item.name))
    .map((item) => join(item.parentPath, item.name))
  return new Map(paths.map((path) => [path.split(sep).slice(1).join('/'), readFileSync(path, 'utf8')]))
}

describe('the house', () => {
  it('keeps to its floors, and to one door for each library', () => {
    expect(trespasses(sources())).toEqual([])
  })

  it('is what is looked at: files on every floor are read', () => {
    const files = sources()
    const floors = new Set([...files.keys()].map(floorOf))
    expect([...floors]).toEqual(
      expect.arrayContaining(['model', 'text', 'content', 'store', 'answer', 'talk', 'cli']),
    )
    expect(importsOf(files.get('text/segment.ts') ?? '')).toContain('nodejieba')
    expect(importsOf(files.get('talk/turn.ts') ?? '')).toEqual(
      expect.arrayContaining(['../text/normalize.ts', 'node:crypto']),
    )
  })

  it('imports nothing that package.json does not name', () => {
    const { dependencies, optionalDependencies } = JSON.parse(readFileSync('package.json', 'utf8')) as Record<
      string,
      object
    >
    const named = Object.keys({ ...dependencies, ...optionalDependencies })
    const used = [...sources()].flatMap(([file, text]) =>
      importsOf(text)
        .filter((specifier) => !specifier.startsWith('.') && !isBuiltin(specifier))
        .map((specifier) => ({ file, library: packageOf(specifier) })),
    )
    expect(used.filter(({ library }) => !named.includes(library))).toEqual([])
  })
})

describe('the checker', () => {
  it.each([
    ['a channel that calls talk', 'channels/web.ts', "import { createTurn } from '../talk/turn.ts'"],
    ['a channel below a folder', 'channels/web/page.tsx', "import { say } from '../../talk/compose.ts'"],
    ['a model that imports text', 'model/reply.ts', "import { normalize } from '../text/normalize.ts'"],
    ['a type-only import', 'text/views.ts', "import type { Catalog } from '../answer/catalog.ts'"],
    ['a re-export', 'store/index.ts', "export { loadContent } from '../content/load.ts'"],
    ['a dynamic import', 'answer/rank.ts', "const { say } = await import('../talk/compose.ts')"],
    ['an import type', 'answer/rank.ts', "type Say = import('../talk/compose.ts').Draft"],
    ['talk that knows the outbox', 'talk/acts.ts', "import { run } from '../outbox/run.ts'"],
    ['notices that know talk', 'notices/plan.ts', "import { say } from '../talk/compose.ts'"],
    ['an outbox that reads content', 'outbox/run.ts', "import { loadContent } from '../content/load.ts'"],
    ['anything below that reads the settings', 'talk/turn.ts', "import { loadConfig } from '../config.ts'"],
    ['a floor that calls the bot', 'console/page.tsx', "import { startBot } from '../bot.ts'"],
    ['a folder that is in no table', 'helpers/text.ts', "import { say } from '../talk/compose.ts'"],
    ['a source that imports a test', 'text/pinyin.ts', "import { quiet } from '../../test/fakes/log.ts'"],
    ['grammy in the web channel', 'channels/web.ts', "import { Bot } from 'grammy'"],
    ['a plugin of grammy elsewhere', 'outbox/pace.ts', "import { autoRetry } from '@grammyjs/auto-retry'"],
    ['wechaty in the process that serves', 'channels/wechat.ts', "import { WechatyBuilder } from 'wechaty'"],
    ['a puppet in the process that serves', 'channels/wechat.ts', "await import('wechaty-puppet-mock')"],
    ['jieba by require', 'text/views.ts', "const jieba = createRequire(import.meta.url)('nodejieba')"],
    ['Fuse in the ranking', 'answer/rank.ts', "import Fuse from 'fuse.js'"],
    ['pinyin in the urgent lane', 'talk/urgent.ts', "import { pinyin } from 'pinyin-pro'"],
    ['a path inside opencc', 'talk/compose.ts', "import { Converter } from 'opencc-js/t2cn'"],
    ['a workbook in a command', 'cli/import.ts', "import { readXlsx } from 'hucre/xlsx'"],
    ['SQL in talk', 'talk/turn.ts', "import { sql } from 'kysely'"],
    ['a type of Kysely in notices', 'notices/plan.ts', "import type { Kysely } from 'kysely'"],
    ['SQLite in the bot', 'bot.ts', "import Sqlite from 'better-sqlite3'"],
    ['the environment in a command', 'cli/ask.ts', 'const level = process.env.LOG_LEVEL'],
    ['the environment by bracket', 'talk/turn.ts', "const level = process['env']"],
    ['the environment by import', 'server.ts', "import { env } from 'node:process'"],
  ])('sees %s', (_, file, text) => {
    expect(trespasses(new Map([[file, text]]))).toHaveLength(1)
  })

  it.each([
    [
      'talk that uses text, answer, store and model',
      'talk/turn.ts',
      "import '../text/a.ts'\nimport '../answer/b.ts'\nimport '../store/c.ts'\nimport '../model/d.ts'\nimport './e.ts'",
    ],
    [
      'a command that uses everything',
      'cli/ask.ts',
      "import '../bot.ts'\nimport '../config.ts'\nimport '../channels/web.ts'\nimport '../outbox/run.ts'",
    ],
    [
      'the doors themselves',
      'channels/telegram.ts',
      "import { Bot } from 'grammy'\nimport type { Update } from 'grammy/types'",
    ],
    [
      'the WeChat child process',
      'channels/wechat-child.ts',
      "import { WechatyBuilder } from 'wechaty'\nconst env = process.env",
    ],
    ['zod, wherever it is needed', 'channels/web.ts', "import { z } from 'zod'"],
    [
      'the name of a puppet as a value',
      'config.ts',
      "const puppets = ['wechaty-puppet-service']\nconst env = process.env",
    ],
  ])('lets pass %s', (_, file, text) => {
    expect(trespasses(new Map([[file, text]]))).toEqual([])
  })

  it('says which file, what it imports and what it may', () => {
    const files = new Map([
      ['answer/rank.ts', "import { say } from '../talk/compose.ts'\nimport Fuse from 'fuse.js'"],
      ['talk/turn.ts', 'process.env.PORT'],
    ])
    expect(trespasses(files)).toEqual([
      'answer/rank.ts imports talk/compose.ts: answer may import text, model',
      'answer/rank.ts imports fuse.js: its door is text/similarity.ts',
      'talk/turn.ts reads the environment: only config.ts does',
    ])
  })
})
