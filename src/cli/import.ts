import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { basename, dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { parse } from 'yaml'
import { importedFolder, type Shipped, TAKEN_OVER } from '../content/imported-folder.ts'
import {
  type CheckedRows,
  checkRows,
  findHeads,
  type Heads,
  keyOf,
  missingHeads,
  type RowProblem,
} from '../content/question-rows.ts'
import { regionsFile } from '../content/schema.ts'
import { openTable, type Sheet, type TableFile } from '../content/table.ts'
import { EnvironmentError, EXIT, InputError, runCommand, UsageError } from './command.ts'

const HELP = `把一张问答表(CSV 或 XLSX)做成一个内容文件夹，用 CONTENT_DIR 指过去就能用。

  npm run -s import -- FILE.csv|FILE.xlsx --to DIR [--force]

  --to DIR   写到这个文件夹；它要还不存在，或是空的
  --force    DIR 是以前导入的，就换成新的；旧的留在 DIR.previous
  --help     显示这段说明

表头(第一行)：标准问题、答案必须有；编号、相似问法、地区、主题、来源可有可无。
英文表头也行:id, question, similar, answer, region, topic, source。
几种相似问法之间用 | 或换行隔开。写了编号的，编号就是答案的编号。
没有写地区的答案各地通用；没有写来源的，回复里会说明没有登记出处。
CSV 可以是 UTF-8 或 GB18030(GBK)，用英文逗号、分号或制表符隔开。

有问题的行按行号列出，不写入；其余的照常写入。
退出码：0 每行都写入了；1 有的行没有写入，或没有一行能用(那就什么都不写)；2 命令写错；3 文件夹不能写。`

/** By this file a folder is known as one of our imports. */
const MARK = 'imported.json'
const MOST_BYTES = 100_000_000
const BATCH = 100

await runCommand(HELP, async () => {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      to: { type: 'string' },
      force: { type: 'boolean' },
      help: { type: 'boolean', short: 'h' },
    },
  })
  const [file, ...others] = positionals
  if (file === undefined || others.length > 0) throw new UsageError('写一个要导入的文件。')
  if (!values.to) throw new UsageError('用 --to 写明放到哪个文件夹。')
  const target = resolve(values.to)
  mustBeFree(target, values.to, values.force ?? false)

  const table = await openTable(readInput(file))
  if (table.kind === 'unreadable') throw new InputError(`${file}: ${table.message}。\n    ${table.cure}`)
  const { sheet, heads } = findReading(file, table)
  const shipped = readShipped()
  const { regions } = regionsFile.parse(parse(shipped['knowledge/regions.yaml']))
  const checked = checkRows(sheet, heads, regions)
  for (const problem of checked.problems) console.error(inWords(problem))
  if (checked.rows.length === 0)
    throw new InputError(
      `${file}: ${checked.seen} 行里没有一行能用，什么都没有写。${checked.seen === 0 ? '在表头下面写上问题和答案。' : '改好上面列出的再导入。'}`,
    )

  const { files, newRegions } = importedFolder(checked.rows, shipped)
  await writeFolder(target, files, { from: basename(file), rows: checked.rows.length })
  for (const line of summary(file, values.to, sheet, table.sheets, checked, newRegions)) console.log(line)
  return checked.problems.some(({ leftOut }) => leftOut) ? EXIT.input : EXIT.fine
})

/** Nothing that somebody else has put there is ever touched. */
function mustBeFree(target: string, name: string, force: boolean): void {
  const held = contentsOf(target)
  if (held === 'a file') throw new InputError(`${name} 是一个文件。换一个文件夹名。`)
  if (held.length === 0) return
  if (!held.includes(MARK))
    throw new InputError(`${name} 里已经有别的东西，没有动它。换一个还不存在的文件夹名。`)
  if (!force)
    throw new InputError(
      `${name} 是以前导入的，没有动它。要换成新的，加上 --force(旧的会留在 ${name}.previous)。`,
    )
  const kept = contentsOf(`${target}.previous`)
  if (kept === 'a file' || (kept.length > 0 && !kept.includes(MARK)))
    throw new InputError(`${name}.previous 里有别的东西，旧的没有地方放。先给它换个名字。`)
}

function contentsOf(path: string): 'a file' | string[] {
  try {
    return statSync(path).isDirectory() ? readdirSync(path) : 'a file'
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return []
    throw new EnvironmentError(`${path} 读不到(${reasonOf(error)})。换一个文件夹，或改它的权限。`)
  }
}

function readInput(file: string): Uint8Array {
  try {
    if (statSync(file).size > MOST_BYTES)
      throw new InputError(`${file} 超过 ${MOST_BYTES / 1e6} MB。拆成几个文件，分别导入。`)
    return readFileSync(file)
  } catch (error) {
    if (error instanceof InputError) throw error
    throw new InputError(`${file} 读不到(${reasonOf(error)})。看看文件名和路径对不对。`)
  }
}

function findReading(
  file: string,
  { readings }: Extract<TableFile, { kind: 'readings' }>,
): { sheet: Sheet; heads: Heads } {
  for (const sheet of readings) {
    const heads = findHeads(sheet)
    if (heads === undefined) continue
    if (heads.twice.length > 0)
      throw new InputError(`${file}: 表头“${heads.twice.join('”“')}”不止一列。留下一列，其余的改名或删去。`)
    return { sheet, heads }
  }
  const { message, cure } = missingHeads(readings)
  throw new InputError(`${file}: ${message}。\n    ${cure}`)
}

/** The content this program comes with, whatever CONTENT_DIR points to. */
function readShipped(): Shipped {
  const root = fileURLToPath(new URL('../../', import.meta.url))
  return Object.fromEntries(
    TAKEN_OVER.map((path) => {
      try {
        return [path, readFileSync(join(root, path), 'utf8')]
      } catch (error) {
        throw new EnvironmentError(`程序自带的 ${path} 读不到(${reasonOf(error)})。从 git 里恢复它。`)
      }
    }),
  ) as Shipped
}

/** The whole folder or none of it: written beside, then put in place by one rename. */
async function writeFolder(
  target: string,
  files: ReadonlyMap<string, string>,
  mark: Readonly<Record<string, unknown>>,
): Promise<void> {
  const beside = `${target}.importing-${process.pid}`
  const clear = (): void => rmSync(beside, { recursive: true, force: true })
  const stop = (signal: NodeJS.Signals): void => {
    clear()
    console.error('停下了，什么都没有写。')
    process.exit(signal === 'SIGINT' ? 130 : 143)
  }
  process.once('SIGINT', stop).once('SIGTERM', stop)
  try {
    mkdirSync(beside, { recursive: true })
    let shown = performance.now()
    let written = 0
    const made = new Set<string>()
    for (const [path, text] of files) {
      const folder = dirname(join(beside, path))
      if (!made.has(folder)) mkdirSync(folder, { recursive: true })
      made.add(folder)
      writeFileSync(join(beside, path), text)
      if (++written % BATCH !== 0) continue
      // Ctrl-C is heard between batches only.
      await new Promise((next) => setImmediate(next))
      if (performance.now() - shown < 1000) continue
      console.error(`已写 ${written} / ${files.size} 个文件`)
      shown = performance.now()
    }
    writeFileSync(join(beside, MARK), `${JSON.stringify(mark)}\n`)
    putInPlace(beside, target)
  } catch (error) {
    clear()
    throw new EnvironmentError(`${target} 写不进去(${reasonOf(error)})。换一个文件夹，或改权限、腾出空间。`)
  } finally {
    process.off('SIGINT', stop).off('SIGTERM', stop)
  }
}

function putInPlace(beside: string, target: string): void {
  if (contentsOf(target).length === 0) {
    rmSync(target, { recursive: true, force: true })
    renameSync(beside, target)
    return
  }
  const previous = `${target}.previous`
  rmSync(previous, { recursive: true, force: true })
  renameSync(target, previous)
  try {
    renameSync(beside, target)
  } catch (error) {
    renameSync(previous, target)
    throw error
  }
}

function summary(
  file: string,
  to: string,
  sheet: Sheet,
  sheets: readonly string[],
  { rows, problems, seen, unknownHeads }: CheckedRows,
  newRegions: readonly string[],
): string[] {
  const leftOut = new Set(problems.filter((problem) => problem.leftOut).map(({ row }) => row)).size
  const nowhere = rows.filter(({ region }) => region === undefined).length
  const sourceless = rows.filter(({ source }) => source === undefined).length
  const unread = sheets.filter((name) => name !== sheet.name)
  const questions = new Set(rows.map(({ question }) => keyOf(question))).size
  const phrasings = rows.reduce((sum, { similar }) => sum + similar.length, questions)
  return [
    `${file}${sheet.name === '' ? '' : `“${sheet.name}”`}: ${seen} 行，写入 ${rows.length} 条答案、${phrasings} 种问法，放在 ${to}。`,
    leftOut > 0 ? `${leftOut} 行没有写入，原因见上。` : '',
    nowhere > 0 ? `${nowhere} 条没有写地区，当作各地通用。` : '',
    sourceless > 0 ? `${sourceless} 条没有写来源，回复里会说明没有登记出处。` : '',
    newRegions.length > 0
      ? `新的地区：${newRegions.join('、')}。在 ${join(to, 'knowledge/regions.yaml')} 里补上别名和负责的单位。`
      : '',
    unknownHeads.length > 0 ? `不认识的列没有读：${unknownHeads.join('、')}。` : '',
    unread.length > 0 ? `别的工作表没有读：${unread.join('、')}。` : '',
    `试一试: CONTENT_DIR=${to} npm run -s ask -- "${rows[0]?.question.replaceAll('"', '') ?? ''}"`,
  ].filter((line) => line !== '')
}

function inWords({ row, leftOut, about, message, cure }: RowProblem): string {
  return `第 ${row} 行${about === '' ? '' : `“${about}”`}  ${leftOut ? '' : '(提醒)'}${message}。\n    ${cure}`
}

/** What the file system says. Anything else is a fault of ours and goes on its way. */
function reasonOf(error: unknown): string {
  if (error instanceof Error && 'code' in error) return String(error.code)
  throw error
}
