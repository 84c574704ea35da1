import {
  type ErrorCode,
  isMap,
  isNode,
  isScalar,
  LineCounter,
  parseDocument,
  visit,
  type YAMLError,
  YAMLParseError,
} from 'yaml'
import type { z } from 'zod'
import type { Problem } from '../model/content.ts'
import { readSimpleYaml } from './simple-yaml.ts'

/** A file's value when it is sound, its problems, and where in the file each part stands. */
export interface Parsed<T> {
  readonly value?: T
  readonly problems: readonly Problem[]
  lineOf(path: readonly PropertyKey[]): number
}

/**
 * Reads YAML and checks it. Every problem names file, line and cure.
 * @param firstLine the line of the file at which `written` begins (front matter begins at 2)
 */
export function readYaml<T>(file: string, written: string, schema: z.ZodType<T>, firstLine = 1): Parsed<T> {
  // As Notepad writes it. The parser takes a byte order mark before a list for an indentation.
  const text = written.replace(/^\uFEFF/, '')
  const simple = readSimpleYaml(text)
  const checked = simple === undefined ? undefined : schema.safeParse(simple)
  if (!checked?.success) return readWithPositions(file, text, schema, firstLine)
  // Where the parts stand is asked only when the files do not fit each other.
  let positions: Parsed<T> | undefined
  const lineOf = (path: readonly PropertyKey[]): number => {
    positions ??= readWithPositions(file, text, schema, firstLine)
    return positions.lineOf(path)
  }
  return { value: checked.data, problems: [], lineOf }
}

function readWithPositions<T>(
  file: string,
  text: string,
  schema: z.ZodType<T>,
  firstLine: number,
): Parsed<T> {
  const lines = new LineCounter()
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false })
  // Nobody here means an anchor: a text that begins with an asterisk is one. Only toJS() would notice, by throwing.
  visit(document, {
    Alias: (_, alias) =>
      void document.errors.push(
        new YAMLParseError(
          alias.range ? [alias.range[0], alias.range[1]] : [0, 0],
          'BAD_ALIAS',
          `“*${alias.source}”`,
        ),
      ),
  })
  const lineAt = (offset: number): number => lines.linePos(offset).line + firstLine - 1

  const lineOf = (path: readonly PropertyKey[]): number => {
    for (let depth = path.length; depth > 0; depth--) {
      const parent = document.getIn(path.slice(0, depth - 1), true)
      const last = path[depth - 1]
      if (isMap(parent)) {
        const pair = parent.items.find(
          (item) => isScalar(item.key) && String(item.key.value) === String(last),
        )
        if (pair && isNode(pair.key) && pair.key.range) return lineAt(pair.key.range[0])
      }
      const node = document.getIn(path.slice(0, depth), true)
      if (isNode(node) && node.range) return lineAt(node.range[0])
    }
    return firstLine
  }

  if (document.errors.length > 0)
    return {
      lineOf,
      problems: document.errors
        .map((error) => ({ line: lineAt(error.pos[0]), ...inPlainWords(error) }))
        // One slip confuses the reader of YAML several times over; the first complaint about a line is the true one.
        .filter(({ line }, i, all) => all.findIndex((other) => other.line === line) === i)
        .map(({ line, message, cure }) => ({
          severity: 'error',
          file,
          line,
          message: `YAML 写法有误：${message}`,
          cure,
        })),
    }

  const checked = schema.safeParse(document.toJS() ?? {}, { reportInput: true })
  if (checked.success) return { value: checked.data, problems: [], lineOf }
  return {
    lineOf,
    problems: checked.error.issues.flatMap((issue) =>
      explain(issue, schema).map(({ path, message, cure }) => ({
        severity: 'error' as const,
        file,
        line: lineOf(path),
        message,
        cure,
      })),
    ),
  }
}

/** The parser's words are English and for programmers. The first row that fits is told. */
function inPlainWords({ code, message }: YAMLError): { readonly message: string; readonly cure: string } {
  const row = SLIPS.find(
    ({ codes, words }) => codes.includes(code) && (words === undefined || words.test(message)),
  )
  return row ?? { message: '这一行读不懂', cure: '检查这一行和上一行的缩进、冒号和引号，照着别的行写。' }
}

const QUOTE = '用英文单引号把整句括起来。'
const SLIPS: readonly {
  readonly codes: readonly ErrorCode[]
  readonly words?: RegExp
  readonly message: string
  readonly cure: string
}[] = [
  { codes: ['TAB_AS_INDENT'], message: '缩进用了 Tab 键', cure: '缩进请用空格，不要用 Tab。' },
  { codes: ['DUPLICATE_KEY'], message: '同一个键写了两次', cure: '删去一个，或合成一行。' },
  { codes: ['BAD_ALIAS'], message: '文字以“*”开头', cure: QUOTE },
  {
    codes: ['BAD_SCALAR_START', 'UNEXPECTED_TOKEN'],
    message: '文字以符号开头，或引号、括号后面还有字',
    cure: QUOTE,
  },
  {
    codes: ['BLOCK_AS_IMPLICIT_KEY'],
    words: /Nested mappings/,
    message: '文字里有“冒号加空格”',
    cure: '用英文单引号把整句括起来，或把里面的冒号换成中文的。',
  },
  {
    codes: ['MISSING_CHAR'],
    words: /quote/,
    message: '引号少了一半',
    cure: '补上成对的那一个，两个都要是英文引号。行号常常偏后，往上找只有一个引号的那一行。',
  },
  {
    codes: ['MULTILINE_IMPLICIT_KEY', 'MISSING_CHAR'],
    words: /Implicit/,
    message: '这一行少了英文冒号，或冒号、短横后面少了空格',
    cure: '冒号用英文的，冒号和短横后面都空一格。',
  },
  {
    codes: ['BAD_INDENT', 'MISSING_CHAR', 'BLOCK_IN_FLOW'],
    words: /[Ff]low/,
    message: '方括号或花括号少了一半',
    cure: '补上 ] 或 }。行号常常偏后，连上一行一起看。',
  },
  {
    codes: ['BAD_INDENT', 'BLOCK_AS_IMPLICIT_KEY'],
    message: '这一行和上下行没有对齐，或短横后面少了空格',
    cure: '照上下行写：开头的空格一样多，短横后面空一格。',
  },
]

const EXPECTED: Readonly<Record<string, string>> = {
  array: '一串词，写成 [一, 二] 或一行一条',
  string: '文字',
  number: '数字',
  boolean: 'true 或 false',
  object: '下一级的“名称: 内容”',
  record: '下一级的“名称: 内容”',
}

interface Explained {
  readonly path: readonly PropertyKey[]
  readonly message: string
  readonly cure: string
}

function explain(issue: z.core.$ZodIssue, schema: z.ZodType): Explained[] {
  const path = issue.path
  const place =
    path.length === 0 ? '这个文件' : `“${path.filter((part) => typeof part === 'string').join('.')}”`
  switch (issue.code) {
    case 'unrecognized_keys':
      return issue.keys.map((key) => {
        const nearest = closest(key, knownKeys(schema, path))
        return {
          path: [...path, key],
          message: `不认识的键“${key}”`,
          cure: nearest ? `是不是想写“${nearest}”？` : '删去它，或对照 docs/ 里的例子改正。',
        }
      })
    case 'invalid_type':
      if (issue.input === undefined)
        return [{ path, message: `缺少${place}`, cure: `补上一行“${String(path.at(-1) ?? '')}: …”。` }]
      // A list item that begins with # is empty too, but there it is the # that is to be seen to.
      if (issue.input === null && typeof issue.path.at(-1) === 'string')
        return [{ path, message: `${place}空着`, cure: '在冒号后面写上内容。' }]
      return [
        {
          path,
          // Where the schema has no words of its own, zod speaks English.
          message: issue.message.startsWith('Invalid input')
            ? `${place}的写法不对，应当是${EXPECTED[issue.expected] ?? '别的写法'}`
            : `${place}:${issue.message}`,
          cure: '对照 docs/ 里的例子改正。',
        },
      ]
    case 'invalid_key':
      return [{ path, message: `${place}:${ownWords(issue.issues[0])}`, cure: '对照 docs/ 里的例子改正。' }]
    default:
      return [{ path, message: `${place}:${ownWords(issue)}`, cure: '对照 docs/ 里的例子改正。' }]
  }
}

/** The schema says in Chinese what it wants wherever it wants more than a type; zod's own words are English. */
function ownWords(issue: z.core.$ZodIssue | undefined): string {
  return issue && /\p{Script=Han}/u.test(issue.message) ? issue.message : '写法不对'
}

/** The keys that may stand where the unknown one stands. */
function knownKeys(schema: z.ZodType, path: readonly PropertyKey[]): string[] {
  let at: unknown = schema
  for (const part of path) {
    at = unwrap(at)
    at =
      typeof part === 'number'
        ? (at as { element?: unknown }).element
        : (at as { shape?: Record<PropertyKey, unknown> }).shape?.[part]
  }
  return Object.keys((unwrap(at) as { shape?: object } | undefined)?.shape ?? {})
}

function unwrap(schema: unknown): unknown {
  let at = schema as { unwrap?: () => unknown } | undefined
  // Arrays unwrap to their element as well; they are told by it.
  while (at !== undefined && typeof at.unwrap === 'function' && !('element' in at))
    at = at.unwrap() as typeof at
  return at
}

/** The candidate most like a mistyped word, if any is like it at all. */
export function closest(word: string, candidates: Iterable<string>): string | undefined {
  let best: string | undefined
  let least = Math.max(2, Math.ceil(word.length * 0.4)) + 1
  for (const candidate of candidates) {
    const distance = editDistance(word, candidate)
    // With every character another one, two short words are as far apart as can be.
    if (distance >= Math.max(word.length, candidate.length)) continue
    if (distance < least) [best, least] = [candidate, distance]
  }
  return best
}

function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, i) => i)
  for (let i = 1; i <= a.length; i++) {
    const next = [i]
    for (let j = 1; j <= b.length; j++)
      next[j] = Math.min(
        (row[j] ?? 0) + 1,
        (next[j - 1] ?? 0) + 1,
        (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1),
      )
    row = next
  }
  return row[b.length] ?? 0
}
