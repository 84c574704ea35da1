import type { Region } from '../model/content.ts'
import type { Cell, Sheet, TableRow } from './table.ts'
import { closest } from './yaml.ts'

/** One row of a table of questions, checked. */
export interface QuestionRow {
  /** As the spreadsheet program numbers it. */
  readonly number: number
  readonly id: string
  readonly question: string
  /** Other phrasings, without those that another answer claims. */
  readonly similar: readonly string[]
  readonly answer: string
  /** Id of a known region, or the name of one that is not known yet; absent when the row holds everywhere. */
  readonly region?: string | undefined
  readonly topics: readonly string[]
  readonly source?: string | undefined
}

/** Something wrong in a row, told so that whoever keeps the table can mend it. */
export interface RowProblem {
  readonly row: number
  /** Whether the row was left out because of it. */
  readonly leftOut: boolean
  /** The beginning of the row's question, to find it by. */
  readonly about: string
  readonly message: string
  readonly cure: string
}

export interface CheckedRows {
  readonly rows: readonly QuestionRow[]
  readonly problems: readonly RowProblem[]
  /** Rows that hold anything at all. */
  readonly seen: number
  /** Heads nobody knows; their columns were not read. */
  readonly unknownHeads: readonly string[]
}

/** The columns of a table of questions, and what their heads may be called. The first is the name we tell. */
const HEADS = {
  id: ['编号', '序号', '问题编号', 'id', 'no'],
  question: ['标准问题', '标准问', '标准问法', '问题', 'question'],
  similar: ['相似问法', '相似问', '相似问题', '扩展问', '扩展问法', 'similar'],
  answer: ['答案', '回答', '回复', '标准答案', 'answer'],
  region: ['地区', '城市', '适用地区', 'region'],
  topic: ['主题', '分类', '类别', 'topic', 'topics'],
  source: ['来源', '出处', 'source'],
} as const satisfies Readonly<Record<string, readonly string[]>>
type Column = keyof typeof HEADS

export interface Heads {
  readonly row: TableRow
  /** Positions of each column; only phrasings may stand in several. */
  readonly at: Readonly<Record<Column, readonly number[]>>
  readonly unknown: readonly string[]
  readonly twice: readonly string[]
}

/** A title may stand above the heads. */
const ROWS_ABOVE = 10

/** The row that names the columns, if the sheet has one. */
export function findHeads(sheet: Sheet): Heads | undefined {
  for (const row of sheet.rows.slice(0, ROWS_ABOVE)) {
    const at = Object.fromEntries(Object.keys(HEADS).map((column) => [column, [] as number[]])) as Record<
      Column,
      number[]
    >
    const unknown: string[] = []
    row.cells.forEach(({ text }, i) => {
      const column = columnOf(text)
      if (column) at[column].push(i)
      else if (text.trim() !== '') unknown.push(text.trim())
    })
    if (at.question.length > 0 && at.answer.length > 0) {
      const twice = (Object.keys(at) as Column[]).filter(
        (column) => column !== 'similar' && at[column].length > 1,
      )
      return { row, at, unknown, twice: twice.map((column) => HEADS[column][0]) }
    }
  }
  return undefined
}

/** What is wrong with a file none of whose readings has the heads that are needed. */
export function missingHeads(readings: Iterable<Sheet>): { message: string; cure: string } {
  const wanted = '第一行写上表头：编号(可以没有)、标准问题、相似问法、答案，还可以有地区、主题、来源。'
  const sheets = [...readings]
  const first = sheets
    .map((sheet) => sheet.rows.find(({ cells }) => cells.some(({ text }) => text.trim() !== '')))
    .find((row) => row !== undefined)
  if (first === undefined) return { message: '表格里没有内容', cure: wanted }
  const texts = first.cells.map(({ text }) => text.trim()).filter((text) => text !== '')
  if (
    texts.length === 1 &&
    /[,，;；、|]/.test(texts[0] ?? '') &&
    columnOf(texts[0]?.split(/[,，;；、|]/)[0] ?? '')
  )
    return {
      message: `表头“${shortened(texts[0] ?? '')}”挤在一格里`,
      cure: 'CSV 各格之间要用英文逗号、分号或制表符隔开，不能用中文逗号。',
    }
  const known = Object.values(HEADS).flat()
  const meant = texts.flatMap((text) => {
    const near = columnOf(text) ? undefined : closest(text, known)
    return near ? `“${shortened(text)}”是不是想写“${near}”？` : []
  })
  return {
    message: `没有找到“标准问题”和“答案”两个表头，看到的是：${texts.slice(0, 8).map(shortened).join('、')}`,
    cure: `${meant.join('')}${wanted}`,
  }
}

function columnOf(head: string): Column | undefined {
  const plain = head
    .normalize('NFKC')
    .toLowerCase()
    .replace(/\(.*?\)|\*|\s|:/g, '')
  const name = plain.replace(/\d+$/, '')
  return (Object.keys(HEADS) as Column[]).find((column) =>
    (HEADS[column] as readonly string[]).includes(column === 'similar' ? name : plain),
  )
}

export const LONGEST = { id: 64, question: 200, answer: 3000, topic: 20, region: 30, source: 200 } as const
/** A cell that holds more than this is a pasted article, not a list of phrasings. */
const MOST_PHRASINGS = 500

interface Draft extends Omit<QuestionRow, 'id'> {
  readonly givenId: string
}

/** Checks every row below the heads. Good rows are kept whatever is wrong with others. */
export function checkRows(sheet: Sheet, heads: Heads, regions: readonly Region[]): CheckedRows {
  const problems: RowProblem[] = []
  const drafts: Draft[] = []
  const ids = new Map<string, number>()
  const wishes = new Map<string, Draft[]>()
  let seen = 0

  for (const row of sheet.rows) {
    if (row.number <= heads.row.number || row.cells.every(({ text }) => text.trim() === '')) continue
    seen++
    const read = readRow(row, heads, regions)
    const refuse = (message: string, cure: string): void => {
      const about = shortened(clean(cellsOf(row, heads, 'question')[0]?.text ?? ''))
      problems.push({ row: row.number, leftOut: true, about, message, cure })
    }
    if ('message' in read) {
      refuse(read.message, read.cure)
      continue
    }
    const id = read.givenId.toLowerCase()
    const sameId = id === '' ? undefined : ids.get(id)
    if (sameId !== undefined) {
      refuse(
        `编号“${read.givenId}”和第 ${sameId} 行的一样`,
        '改成没有用过的编号(大小写不同也算一样)，或留空。',
      )
      continue
    }
    const key = keyOf(read.question)
    const same = wishes.get(key) ?? []
    const twin = same.find(({ region }) => region === read.region)
    if (twin) {
      refuse(
        `标准问题和第 ${twin.number} 行的一样`,
        '两行合成一行，或改写其中一个问题；各地答案不同时，在“地区”一列分别写明。',
      )
      continue
    }
    if (id !== '') ids.set(id, row.number)
    wishes.set(key, [...same, read])
    drafts.push(read)
  }
  if (sheet.brokenAt !== undefined)
    problems.push({
      row: sheet.brokenAt,
      leftOut: true,
      about: '',
      message: '这一行有个引号没有成对，从这里到文件末尾都读不出来',
      cure: '补上或删去多出的英文双引号；正文里的双引号要写成两个。用 Excel 或 WPS 保存就不会出错。',
    })

  const named = nameAll(drafts, ids)
  const rows = named.map((draft) => ({ ...draft, similar: [] as string[] }))
  // A row's own question goes before what other rows list as similar, wherever they stand.
  const claimed = new Map<string, Draft>(drafts.map((draft) => [keyOf(draft.question), draft]))
  named.forEach((draft, i) => {
    const own = keyOf(draft.question)
    for (const phrasing of draft.similar) {
      const key = keyOf(phrasing)
      const owner = claimed.get(key)
      if (owner === undefined) {
        claimed.set(key, draft)
        rows[i]?.similar.push(phrasing)
      } else if (keyOf(owner.question) !== own)
        problems.push({
          row: draft.number,
          leftOut: false,
          about: shortened(draft.question),
          message: `相似问法“${shortened(phrasing)}”和第 ${owner.number} 行的重复，没有写入`,
          cure: '一种问法只能属于一个答案，在其中一行删去它。',
        })
    }
  })
  return {
    rows,
    problems: problems.sort((a, b) => a.row - b.row),
    seen,
    unknownHeads: heads.unknown,
  }
}

type Fault = { readonly message: string; readonly cure: string }

function readRow(row: TableRow, heads: Heads, regions: readonly Region[]): Draft | Fault {
  for (const column of Object.keys(HEADS) as Column[])
    for (const cell of cellsOf(row, heads, column)) {
      const fault = cellFault(cell, HEADS[column][0])
      if (fault) return fault
    }
  const beyond = row.cells.slice(heads.row.cells.length).find(({ text }) => text.trim() !== '')
  if (beyond)
    return {
      message: `这一行比表头多出一格“${shortened(beyond.text.trim())}”`,
      cure: '正文里有英文逗号时，整格要用英文双引号括起来；或用 Excel、WPS 保存。',
    }

  const text = (column: Column): string => clean(cellsOf(row, heads, column)[0]?.text ?? '')
  const question = oneLine(text('question'))
  const answer = text('answer').replace(/^#/gm, '＃')
  const givenId = text('id')
  const source = oneLine(text('source'))
  if (question === '')
    return {
      message: '没有标准问题',
      cure: answer === '' ? '删去这一行，或补上问题和答案。' : '补上问题；合并的单元格要先拆开，每行都填。',
    }
  if (keyOf(question) === '')
    return { message: `标准问题“${shortened(question)}”里没有字`, cure: '写成一句话。' }
  if (answer === '') return { message: '没有答案', cure: '补上答案；合并的单元格要先拆开，每行都填。' }
  const long =
    tooLong('标准问题', question, LONGEST.question) ??
    tooLong('答案', answer, LONGEST.answer) ??
    tooLong('来源', source, LONGEST.source)
  if (long) return long

  const wrongId = givenId === '' ? undefined : idFault(givenId)
  if (wrongId) return wrongId
  const region = readRegion(oneLine(text('region')), regions)
  if (typeof region === 'object') return region
  const topics = text('topic')
    .split(SEVERAL)
    .map(oneLine)
    .filter((topic) => topic !== '')
  for (const topic of topics) {
    const fault = tooLong('主题', topic, LONGEST.topic)
    if (fault) return fault
  }

  const own = new Set([keyOf(question)])
  const similar: string[] = []
  for (const { text: listed } of cellsOf(row, heads, 'similar'))
    for (const one of clean(listed).split(/[|｜\n]/)) {
      const phrasing = oneLine(one)
      const key = keyOf(phrasing)
      if (key === '' || own.has(key)) continue
      const fault = tooLong('相似问法', phrasing, LONGEST.question)
      if (fault) return { ...fault, cure: '几种问法之间用 | 或换行隔开，一种问法写一句话。' }
      own.add(key)
      similar.push(phrasing)
    }
  if (similar.length > MOST_PHRASINGS)
    return {
      message: `相似问法有 ${similar.length} 种，最多 ${MOST_PHRASINGS} 种`,
      cure: '删去意思和字面都很接近的。',
    }
  return {
    number: row.number,
    givenId,
    question,
    similar,
    answer,
    topics: [...new Set(topics)],
    ...(region === undefined ? {} : { region }),
    ...(source === '' ? {} : { source }),
  }
}

function cellsOf(row: TableRow, heads: Heads, column: Column): Cell[] {
  return heads.at[column].flatMap((i) => row.cells[i] ?? [])
}

function cellFault({ text, fault }: Cell, head: string): Fault | undefined {
  const plain = text.trim()
  if (fault === 'formula' || /^=[A-Za-z("]/.test(plain))
    return {
      message: `“${head}”这一格是公式`,
      cure: '复制这一格，选择性粘贴为“数值”，再保存。',
    }
  if (fault === 'error' || /^#(?:N\/A|REF!|NAME\?|VALUE!|DIV\/0!|NUM!|NULL!)$|^#{3,}$/.test(plain))
    return {
      message: `“${head}”这一格是“${shortened(plain)}”`,
      cure: '改正表格里出错的公式，或直接写上文字。',
    }
  if (!text.isWellFormed() || text.includes('\uFFFD'))
    return {
      message: `“${head}”里有读不出来的字`,
      cure: '重新输入这一格，另存为 .xlsx 或“CSV UTF-8”。',
    }
  if (text.startsWith('"') && text.includes('\n'))
    return {
      message: `“${head}”里有个引号没有成对，可能把后面几行也并了进来`,
      cure: '补上或删去多出的英文双引号；正文里的双引号要写成两个。',
    }
  const tag = /<\/?[a-z][a-z0-9]*(?:\s[^<>]*)?\/?>|&(?:nbsp|lt|gt|amp|quot);/i.exec(text)?.[0]
  if (tag)
    return {
      message: `“${head}”里有网页代码“${shortened(tag)}”`,
      cure: '改成纯文字，各平台才显示得一样。',
    }
  return undefined
}

function tooLong(head: string, text: string, most: number): Fault | undefined {
  const length = Array.from(text).length
  if (length <= most) return undefined
  return { message: `“${head}”有 ${length} 个字，最多 ${most} 个`, cure: '缩短，或拆成几行。' }
}

function idFault(id: string): Fault | undefined {
  const cure = '用字母、数字、汉字和 - _ . 组成编号，例如 FAQ-001；或留空，由导入时编号。'
  const wrong = /[^\p{L}\p{N}._-]/u.exec(id)?.[0]
  if (wrong) return { message: `编号“${shortened(id)}”里的“${wrong}”不能用在文件名里`, cure }
  if (/^[._-]|\.$/.test(id) || /^(?:con|prn|aux|nul|com\d|lpt\d)(?:\.|$)/i.test(id))
    return { message: `编号“${id}”不能用作文件名`, cure }
  return tooLong('编号', id, LONGEST.id)
}

function readRegion(text: string, regions: readonly Region[]): string | undefined | Fault {
  if (text === '' || /^(?:通用|全部|所有|各地|全国|不限|all|everywhere)$/i.test(text)) return undefined
  if (SEVERAL.test(text))
    return { message: `“地区”写了不止一个：“${shortened(text)}”`, cure: '一行写一个地区；各地都一样就留空。' }
  const known = regions.find(({ id, name, full, aliases }) => [id, name, full, ...aliases].includes(text))
  return known?.id ?? tooLong('地区', text, LONGEST.region) ?? text
}

/** Rows without a number get one that tells the row. */
function nameAll(drafts: readonly Draft[], given: ReadonlyMap<string, number>): (Draft & { id: string })[] {
  const taken = new Set(given.keys())
  return drafts.map((draft) => {
    let id = draft.givenId
    for (let n = 1; id === ''; n++) {
      const candidate = `row-${draft.number}${n === 1 ? '' : `-${n}`}`
      if (!taken.has(candidate)) id = candidate
    }
    taken.add(id.toLowerCase())
    return { ...draft, id }
  })
}

const SEVERAL = /[|｜、,，;；\n]/

/** What makes two phrasings one: the check of a content folder goes by the same. */
export function keyOf(text: string): string {
  return text
    .normalize('NFKC')
    .toLowerCase()
    .replace(/[^\p{L}\p{N}]+/gu, '')
}

function clean(text: string): string {
  return (
    text
      .replace(/\r\n?/g, '\n')
      .replace(/[\u2028\u2029\u0085]/g, '\n')
      // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is taken out
      .replace(/[\u0000-\u0008\u000b-\u001f\u007f\ufeff\u200b]/g, '')
      .replace(/[ \t\u00a0\u3000]+$/gm, '')
      .trim()
  )
}

const oneLine = (text: string): string => text.replace(/\s+/g, ' ').trim()

function shortened(text: string): string {
  const characters = Array.from(oneLine(text))
  return characters.length > 20 ? `${characters.slice(0, 20).join('')}…` : characters.join('')
}
