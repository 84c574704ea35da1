import { type CsvError, parse } from 'csv-parse/sync'
import { readXlsx } from 'hucre/xlsx'

/** One cell as text, and what is wrong with how it came to be. */
export interface Cell {
  readonly text: string
  readonly fault?: 'formula' | 'error' | undefined
}

export interface TableRow {
  /** As the spreadsheet program numbers it; the first is 1. */
  readonly number: number
  readonly cells: readonly Cell[]
}

/** One way to read a file: a sheet of a workbook, or a text cut at one kind of separator. */
export interface Sheet {
  readonly name: string
  readonly rows: readonly TableRow[]
  /** The row from which nothing could be read any more. */
  readonly brokenAt?: number | undefined
}

export type TableFile =
  | { readonly kind: 'readings'; readonly readings: Iterable<Sheet>; readonly sheets: readonly string[] }
  | { readonly kind: 'unreadable'; readonly message: string; readonly cure: string }

/** Opens a CSV or XLSX file by what is in it, whatever it is called. Which reading is meant shows in its heads. */
export async function openTable(bytes: Uint8Array): Promise<TableFile> {
  if (bytes.length === 0) return unreadable('文件是空的', '在表格里写上表头和内容，保存后再导入。')
  if (startsWith(bytes, OLE))
    return unreadable(
      '这是旧版的 .xls 文件，或设了密码的文件',
      '用 Excel 或 WPS 打开，去掉密码，另存为“Excel 工作簿 (.xlsx)”。',
    )
  if (startsWith(bytes, ZIP)) return openWorkbook(bytes)
  const text = decode(bytes)
  if (text.includes('\0'))
    return unreadable('这不是 CSV，也不是 XLSX 文件', '用 Excel 或 WPS 打开，另存为 .xlsx 或“CSV UTF-8”。')
  return { kind: 'readings', readings: { [Symbol.iterator]: () => readingsOf(text) }, sheets: [] }
}

const ZIP = [0x50, 0x4b]
const OLE = [0xd0, 0xcf, 0x11, 0xe0]

function unreadable(message: string, cure: string): TableFile {
  return { kind: 'unreadable', message, cure }
}

function startsWith(bytes: Uint8Array, magic: readonly number[]): boolean {
  return magic.every((byte, i) => bytes[i] === byte)
}

async function openWorkbook(bytes: Uint8Array): Promise<TableFile> {
  let workbook: Awaited<ReturnType<typeof readXlsx>>
  try {
    workbook = await readXlsx(bytes, { sheets: (sheet) => !sheet.hidden && !sheet.veryHidden })
  } catch {
    // The library's reasons speak of XML parts; nobody who keeps a table can act on them.
    return unreadable('这个 .xlsx 文件打不开，可能损坏了', '用 Excel 或 WPS 打开，另存一份 .xlsx 再导入。')
  }
  const sheets = workbook.sheets.map(
    ({ name, rows, cells }): Sheet => ({
      name,
      rows: rows.map((row, r) => ({
        number: r + 1,
        cells: row.map((value, c) => {
          const cell = cells?.get(`${r},${c}`)
          const fault = cell?.formula !== undefined ? 'formula' : cell?.type === 'error' ? 'error' : undefined
          return { text: textOf(value), fault }
        }),
      })),
    }),
  )
  return { kind: 'readings', readings: sheets, sheets: sheets.map(({ name }) => name) }
}

function textOf(value: string | number | boolean | Date | null): string {
  if (value === null) return ''
  if (value instanceof Date) return value.toISOString().slice(0, 10)
  return String(value)
}

/** Excel in China saves GB18030 unless told otherwise; other programs save UTF-8, with or without a mark. */
function decode(bytes: Uint8Array): string {
  if (startsWith(bytes, [0xff, 0xfe])) return new TextDecoder('utf-16le').decode(bytes)
  if (startsWith(bytes, [0xfe, 0xff])) return new TextDecoder('utf-16be').decode(bytes)
  const utf8 = new TextDecoder('utf-8').decode(bytes)
  const broken = utf8.split('\uFFFD').length - 1
  if (broken === 0) return utf8
  // A few unreadable bytes in a UTF-8 file spoil their rows; in a GB18030 file nearly every character is unreadable.
  const han = utf8.match(/\p{Script=Han}/gu)?.length ?? 0
  return broken * 4 < han ? utf8 : new TextDecoder('gb18030').decode(bytes)
}

/** Cut one way after the other, and only as far as somebody asks. */
function* readingsOf(text: string): Iterator<Sheet> {
  for (const delimiter of [',', '\t', ';']) yield readCsv(text, delimiter)
}

function readCsv(text: string, delimiter: string): Sheet {
  const read = (to?: number): string[][] =>
    parse(text, {
      delimiter,
      record_delimiter: ['\r\n', '\n', '\r'],
      relax_column_count: true,
      relax_quotes: true,
      skip_empty_lines: false,
      ...(to === undefined ? {} : { to }),
    })
  let records: string[][]
  let brokenAt: number | undefined
  try {
    records = read()
  } catch (error) {
    const { records: sound = 0 } = error as CsvError & { records?: number }
    brokenAt = sound + 1
    records = sound === 0 ? [] : read(sound)
  }
  return {
    name: '',
    rows: records.map((record, i) => ({ number: i + 1, cells: record.map((cell) => ({ text: cell })) })),
    brokenAt,
  }
}
