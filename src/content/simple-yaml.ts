/** What plain YAML says: texts, numbers, lists and maps. */
export type Plain = string | number | boolean | Plain[] | { [key: string]: Plain }

/**
 * Reads YAML as nearly every content file is written: maps and lists by indentation, texts on one line, plain or in
 * quotes, `[…]` and `{…}` on one line. For everything else, right or wrong, it gives undefined, and the parser that
 * knows all of YAML and every position in it is asked; it takes ten times as long, and most files need neither.
 */
export function readSimpleYaml(written: string): Plain | undefined {
  // As Windows ends lines.
  const text = written.replaceAll('\r\n', '\n')
  if (UNUSUAL.test(text)) return undefined
  const lines = linesOf(text)
  const first = lines[0]
  if (first === undefined || first.indent > 0) return undefined
  const reader = { lines, at: 0 }
  try {
    const value = readBlock(reader, 0)
    return reader.at === lines.length ? value : undefined
  } catch (error) {
    if (error === NOT_SIMPLE) return undefined
    throw error
  }
}

/** Thrown by the steps below, which are deep in each other, and caught above. */
const NOT_SIMPLE = new Error('not simple YAML')

function notSimple(): never {
  throw NOT_SIMPLE
}

/** Tabs, other controls, marks of byte order and line ends that only some readers take for one. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
const UNUSUAL = /[\u0000-\u0009\u000B-\u001F\u007F-\u009F\u2028\u2029\uFEFF\uFFFE\uFFFF]/

interface Line {
  readonly indent: number
  readonly text: string
}

interface Reader {
  readonly lines: readonly Line[]
  at: number
}

/** Without empty lines and comments. */
function linesOf(text: string): Line[] {
  const lines: Line[] = []
  for (const line of text.split('\n')) {
    let indent = 0
    while (line.charAt(indent) === ' ') indent++
    let end = line.length
    while (end > indent && line.charAt(end - 1) === ' ') end--
    if (end > indent && line.charAt(indent) !== '#') lines.push({ indent, text: line.slice(indent, end) })
  }
  return lines
}

function readBlock(reader: Reader, indent: number): Plain {
  return reader.lines[reader.at]?.text.startsWith('- ') ? readList(reader, indent) : readMap(reader, indent)
}

function readList(reader: Reader, indent: number): Plain[] {
  const list: Plain[] = []
  for (let line = reader.lines[reader.at]; line?.indent === indent && line.text.startsWith('- '); ) {
    const item = line.text.slice(2)
    if (KEY.test(item)) list.push(readMap(reader, indent + 2, item))
    else {
      list.push(readValue(item))
      reader.at++
    }
    line = reader.lines[reader.at]
    if (line && line.indent > indent) return notSimple()
  }
  return list
}

/** @param begun the first pair, where it stands behind the dash of a list */
function readMap(reader: Reader, indent: number, begun?: string): { [key: string]: Plain } {
  const map: { [key: string]: Plain } = {}
  let pair = begun ?? reader.lines[reader.at]?.text
  while (pair !== undefined) {
    const { key, value } = readPair(pair, map)
    reader.at++
    map[key] = value === '' ? readBelow(reader, indent) : readValue(value)
    const next = reader.lines[reader.at]
    if (next && next.indent > indent) return notSimple()
    pair = next?.indent === indent && !next.text.startsWith('- ') ? next.text : undefined
  }
  return map
}

/** What stands below a key: deeper, or a list as deep as the key itself. */
function readBelow(reader: Reader, indent: number): Plain {
  const next = reader.lines[reader.at]
  if (next && (next.indent > indent || (next.indent === indent && next.text.startsWith('- '))))
    return readBlock(reader, next.indent)
  return notSimple()
}

/** A key and what stands behind it; a key in quotes is one that holds signs. */
const KEY = /^(?:([\p{L}_][\p{L}\p{N}_-]{0,99})|"([^"\\]{1,100})"):(?: +(.+))?$/u
const RESERVED = /^(?:null|true|false)$/i

function readPair(pair: string, map: { readonly [key: string]: Plain }): { key: string; value: string } {
  const [, plain, quoted, value = ''] = KEY.exec(pair) ?? notSimple()
  const key = plain ?? quoted ?? ''
  if ((plain !== undefined && RESERVED.test(plain)) || Object.hasOwn(map, key) || key === '__proto__')
    return notSimple()
  return { key, value }
}

function readValue(text: string): Plain {
  if (!/^[[{]/.test(text)) return readScalar(text)
  const flow = { text, at: 0 }
  const value = readFlow(flow)
  return flow.at === text.length ? value : notSimple()
}

interface Flow {
  readonly text: string
  at: number
}

/** A list or a map in brackets, or a text in one. */
function readFlow(flow: Flow): Plain {
  const start = flow.text.charAt(flow.at)
  if (start === '[') {
    const list: Plain[] = []
    readItems(flow, ']', () => void list.push(readFlow(flow)))
    return list
  }
  if (start === '{') {
    const map: { [key: string]: Plain } = {}
    readItems(flow, '}', () => {
      const pair = /[^,[\]{}"' ]+: +/y
      pair.lastIndex = flow.at
      const [found = notSimple()] = pair.exec(flow.text) ?? []
      flow.at += found.length
      const { key } = readPair(found.trimEnd(), map)
      map[key] = readFlow(flow)
    })
    return map
  }
  const end = start === '"' || start === "'" ? QUOTED : UNQUOTED
  end.lastIndex = flow.at
  const [found = notSimple()] = end.exec(flow.text) ?? []
  flow.at += found.length
  return readScalar(found.replace(/ +$/, ''))
}

const QUOTED = /"[^"\\]*"|'(?:[^']|'')*'/y
const UNQUOTED = /[^,[\]{}]+/y

/** What stands between brackets and commas. */
function readItems(flow: Flow, end: ']' | '}', readItem: () => void): void {
  const skip = (): string => {
    while (flow.text.charAt(flow.at) === ' ') flow.at++
    return flow.text.charAt(flow.at)
  }
  flow.at++
  if (skip() !== end)
    for (;;) {
      readItem()
      const next = skip()
      if (next === end) break
      if (next !== ',') notSimple()
      flow.at++
      skip()
    }
  flow.at++
}

function readScalar(text: string): Plain {
  const start = text.charAt(0)
  if (start === '"') return /^"([^"\\]*)"$/.exec(text)?.[1] ?? notSimple()
  if (start === "'") return /^'((?:[^']|'')*)'$/.exec(text)?.[1]?.replaceAll("''", "'") ?? notSimple()
  if (
    text === '' ||
    INDICATOR.test(start) ||
    text.endsWith(':') ||
    text.includes(': ') ||
    text.includes(' #')
  )
    return notSimple()
  if (NUMBER.test(text)) return Number(text)
  if (text === 'true') return true
  if (text === 'false') return false
  if (RESERVED.test(text) || (LIKE_A_NUMBER.test(text) && !DAY.test(text))) return notSimple()
  return text
}

const INDICATOR = /[-?:,[\]{}#&*!|>'"%@`~+. ]/
const NUMBER = /^(?:0|[1-9]\d{0,14})$/
/** Whole numbers are read above; fractions, powers and other bases are left to the other parser. */
const LIKE_A_NUMBER = /^\d[\da-fox.+-]*$/i
const DAY = /^\d{4}-\d{2}-\d{2}$/
