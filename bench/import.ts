import { spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parse } from 'yaml'
import { buildCatalog } from '../src/answer/catalog.ts'
import { startBot } from '../src/bot.ts'
import { importedFolder, type Shipped, TAKEN_OVER } from '../src/content/imported-folder.ts'
import { loadContent } from '../src/content/load.ts'
import { checkRows, findHeads } from '../src/content/question-rows.ts'
import { regionsFile } from '../src/content/schema.ts'
import { openTable } from '../src/content/table.ts'
import { createLog } from '../src/log.ts'
import { type Content, EVERYWHERE } from '../src/model/content.ts'
import { openDatabase } from '../src/store/database.ts'
import { normalize } from '../src/text/normalize.ts'
import { loadSegmenter } from '../src/text/segment.ts'
import { tokenizer } from '../src/text/views.ts'
import { docsOf, ENGINES, type EngineName, shareFor } from './engines.ts'
import { generate, PHRASINGS_OF_ONE } from './generated.ts'
import { readQuestions } from './labelled.ts'
import { type Lap, percentile, randomFrom, round, stopwatch } from './measure.ts'

/** A row of a table of questions as somebody else would keep it. */
interface Row {
  readonly id: string
  readonly question: string
  readonly similar: readonly string[]
  readonly answer: string
  readonly region?: string
}

interface Asked {
  readonly ask: string
  readonly wanted: string
  readonly region?: string | undefined
}

const FOLDS = 2
const BIG = 5000

/**
 * Tables of questions that come in by `npm run import`, and questions that are not in them. No public table is
 * at hand, so they are made of the shipped content: what is compared is how far an imported table is understood
 * by our ranker and by others that see the very same texts.
 */
export async function benchImport(): Promise<Record<string, unknown>> {
  const { content } = await loadContent('.')
  if (!content) throw new Error('the content has errors: npm run check')
  const folder = mkdtempSync(join(tmpdir(), 'qingda-bench-import-'))
  try {
    const folds = await Promise.all(
      Array.from({ length: FOLDS }, (_, fold) =>
        imported(join(folder, `fold-${fold}`), heldOut(content, fold)),
      ),
    )
    const divided = [await imported(join(folder, 'divided'), dividedByFacet(content))]
    return {
      [`one phrasing of each row held out, ${FOLDS} tables of ${folds[0]?.rows} rows, ${count(folds)} questions`]:
        await compare(folds),
      [`a row for each facet of each entry, ${divided[0]?.rows} rows, ${count(divided)} questions by people who saw neither`]:
        await compare(divided),
      [`a table of ${BIG} rows`]: { 'npm run import': await measureBig(content, folder) },
    }
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

interface Imported {
  readonly dir: string
  readonly content: Content
  readonly rows: number
  readonly asked: readonly Asked[]
}

const count = (tables: readonly Imported[]): number =>
  tables.reduce((sum, { asked }) => sum + asked.length, 0)

/** Each intent is a row whose first phrasing is the standard question; one of the others is asked and not imported. */
function heldOut(content: Content, fold: number): { rows: Row[]; asked: Asked[] } {
  const random = randomFrom(fold + 1)
  const answers = new Map(content.entries.map(({ id, answer }) => [id, answer]))
  const asked: Asked[] = []
  const rows = content.intents.flatMap(
    ({ id, phrasings: [question = '', ...others], answers: entries }): Row[] => {
      const [entry] = Object.values(entries)
      if (others.length < 2) return []
      const held = Math.floor(random() * others.length)
      asked.push({ ask: others[held] ?? '', wanted: id })
      return [{ id, question, similar: others.toSpliced(held, 1), answer: answers.get(entry ?? '') ?? '' }]
    },
  )
  return { rows, asked }
}

/** 「青创贷」, 「青创贷谁能享受」, 「青创贷怎么办理」: rows that differ by nothing but what is asked about the thing. */
function dividedByFacet(content: Content): { rows: Row[]; asked: Asked[] } {
  const rowOf = (entry: string, facet: string): string =>
    `${entry}.${content.facets.findIndex(({ id }) => id === facet)}`
  const told = new Set<string>()
  const rows = content.intents.flatMap(({ title, phrasings, answers }) =>
    Object.entries(answers).flatMap(([region, id]): Row[] => {
      const entry = content.entries.find((one) => one.id === id)
      if (entry === undefined || told.has(id)) return []
      told.add(id)
      const name = entry.aliases[0] ?? entry.title
      const divided = content.facets.flatMap((facet): Row[] => {
        const answer = entry.facets[facet.id]
        if (answer === undefined) return []
        const plain = facet.cues.filter((cue) => !/[…(]/.test(cue))
        return [
          {
            id: rowOf(id, facet.id),
            question: `${title}：${facet.label}`,
            similar: plain.slice(0, 4).map((cue) => `${name}${cue}`),
            answer,
            region,
          },
        ]
      })
      const whole = { id, question: title, similar: phrasings.slice(0, 6), answer: entry.answer, region }
      return [whole, ...divided]
    }),
  )
  const ids = new Set(rows.map(({ id }) => id))
  const asked = readQuestions().flatMap(({ ask, intent, region, facet }): Asked[] => {
    const entry = content.intents.find(({ id }) => id === intent)?.answers[region]
    if (entry === undefined) return []
    const divided = rowOf(entry, facet ?? '')
    return [{ ask, region, wanted: facet !== undefined && ids.has(divided) ? divided : entry }]
  })
  return { rows, asked }
}

async function imported(dir: string, { rows, asked }: { rows: Row[]; asked: Asked[] }): Promise<Imported> {
  await runImport(rows, dir)
  const { content } = await loadContent(dir)
  if (!content) throw new Error(`${dir} was imported with errors`)
  return { dir, content, rows: content.entries.length, asked }
}

function csv(rows: readonly Row[]): string {
  const quoted = (cell: string): string => `"${cell.replaceAll('"', '""')}"`
  return [
    'id,question,similar,answer,region',
    ...rows.map(({ id, question, similar, answer, region = '' }) =>
      [id, question, similar.join('|'), answer, region].map(quoted).join(','),
    ),
  ].join('\r\n')
}

/** The command as an operator runs it. */
async function runImport(rows: readonly Row[], dir: string): Promise<Lap> {
  writeFileSync(`${dir}.csv`, csv(rows))
  const start = performance.now()
  const tellCpu = `data:text/javascript,process.on('exit',()=>{const{user,system}=process.cpuUsage();console.log(user+system)})`
  const child = spawn(
    process.execPath,
    ['--import', 'tsx', '--import', tellCpu, 'src/cli/import.ts', `${dir}.csv`, '--to', dir],
    { stdio: ['ignore', 'pipe', 'ignore'] },
  )
  let printed = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    printed += text
  })
  await new Promise((resolve) => child.once('close', resolve))
  return { wall: performance.now() - start, cpu: Number(printed.trim().split('\n').at(-1)) / 1000 }
}

/** The same steps in this process, to see where the command spends its time. */
async function stepsOf(rows: readonly Row[], dir: string): Promise<Record<string, number>> {
  const read = stopwatch()
  const table = await openTable(readFileSync(`${dir}.csv`))
  const sheet = table.kind === 'readings' ? [...table.readings][0] : undefined
  const heads = sheet && findHeads(sheet)
  if (!sheet || !heads) throw new Error(`${dir}.csv cannot be read`)
  const reading = read()
  const shipped = Object.fromEntries(TAKEN_OVER.map((path) => [path, readFileSync(path, 'utf8')])) as Shipped
  const { regions } = regionsFile.parse(parse(shipped['knowledge/regions.yaml']))
  const check = stopwatch()
  const checked = checkRows(sheet, heads, regions)
  const checking = check()
  if (checked.rows.length !== rows.length) throw new Error(`rows of ${dir}.csv were left out`)
  const make = stopwatch()
  importedFolder(checked.rows, shipped)
  const making = make()
  return {
    'of this: read the table': round(reading.cpu / 1000),
    'of this: check the rows': round(checking.cpu / 1000),
    'of this: make the files': round(making.cpu / 1000),
  }
}

async function compare(tables: readonly Imported[]): Promise<Record<string, unknown>> {
  const figures: Record<string, unknown> = {}
  for (const name of Object.keys(ENGINES) as EngineName[]) {
    if (name === 'ours, without the answers’ text') continue
    const places: number[] = []
    const times: number[] = []
    let build = 0
    for (const { content, asked } of tables) {
      const engine = ENGINES[name]({ content, segmenter: loadSegmenter(content.names) })
      const start = performance.now()
      await engine.build(docsOf(content))
      build += performance.now() - start
      for (const { ask, region = EVERYWHERE, wanted } of shareFor(name, asked)) {
        const { text } = normalize(ask)
        const before = performance.now()
        const hits = await engine.search(text, region)
        times.push(performance.now() - before)
        places.push(hits.findIndex(({ entry }) => entry === wanted))
      }
    }
    const share = (counts: (place: number) => boolean): number =>
      round((100 * places.filter(counts).length) / places.length, 1)
    console.error(`${name} is measured`)
    figures[name] = {
      questions: places.length,
      'top-1, %': share((place) => place === 0),
      'top-3, %': share((place) => place >= 0 && place < 3),
      'build, ms': Math.round(build / tables.length),
      'p50, ms': round(percentile(times, 0.5)),
      'p99, ms': round(percentile(times, 0.99)),
    }
  }
  return { ...figures, ...(await decisions(tables)) }
}

/** What visitors are told: a ranking may be right and still too unsure to be told. */
async function decisions(tables: readonly Imported[]): Promise<Record<string, unknown>> {
  const tally = { right: 0, nearby: 0, wrong: 0, none: 0 }
  for (const { dir, asked } of tables) {
    const db = await openDatabase(':memory:')
    const bot = await startBot({ contentDir: dir, db, log: createLog('silent'), unlimited: true })
    for (const [i, { ask, region, wanted }] of asked.entries()) {
      const chat = String(i)
      const reply = await bot.respond({
        id: chat,
        address: { channel: 'bench', chat },
        text: ask,
        ...(region ? { region } : {}),
      })
      if (reply?.decision === 'answer') tally[reply.entries[0] === wanted ? 'right' : 'wrong']++
      else tally[reply?.choices.some(({ entry }) => entry === wanted) ? 'nearby' : 'none']++
    }
    await bot.stop()
    await db.destroy()
  }
  const all = count(tables)
  return {
    'ours, as it is told': {
      'answered right, %': round((100 * tally.right) / all, 1),
      'one choice away, %': round((100 * tally.nearby) / all, 1),
      'answered wrong, %': round((100 * tally.wrong) / all, 1),
      'handed over, %': round((100 * tally.none) / all, 1),
    },
  }
}

/** Thousands of rows with their phrasings, and how soon they are answered from. */
async function measureBig(shipped: Content, folder: string): Promise<Record<string, unknown>> {
  const { content } = generate(shipped, BIG * PHRASINGS_OF_ONE)
  const phrasings = new Map(
    content.intents.flatMap(({ answers, phrasings: list }) => Object.values(answers).map((id) => [id, list])),
  )
  const rows = content.entries.map(({ id, title, answer }) => ({
    id,
    question: title,
    similar: (phrasings.get(id) ?? []).slice(0, 6),
    answer,
  }))
  const dir = join(folder, 'big')
  const importing = await runImport(rows, dir)
  const load = stopwatch()
  const { content: loaded } = await loadContent(dir)
  const loading = load()
  if (!loaded) throw new Error('the big table was imported with errors')
  const build = stopwatch()
  await buildCatalog(loaded, tokenizer(loadSegmenter(loaded.names), loaded.concepts))
  const building = build()
  const start = performance.now()
  const child = spawn(process.execPath, ['--import', 'tsx', 'src/cli/ask.ts', rows[0]?.question ?? ''], {
    env: { ...process.env, CONTENT_DIR: dir },
    stdio: 'ignore',
  })
  await new Promise((resolve) => child.once('close', resolve))
  return {
    rows: loaded.entries.length,
    phrasings: loaded.intents.reduce((sum, intent) => sum + intent.phrasings.length, 0),
    'import, s': round(importing.wall / 1000),
    'import, s of CPU': round(importing.cpu / 1000),
    ...(await stepsOf(rows, dir)),
    'read the folder, s of CPU': round(loading.cpu / 1000),
    'build the index, s of CPU': round(building.cpu / 1000),
    'ask, from start to end, s': round((performance.now() - start) / 1000),
  }
}
