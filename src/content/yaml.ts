import { isMap, isNode, isScalar, LineCounter, parseDocument, visit, YAMLParseError } from 'yaml'
import type { z } from 'zod'
import type { Problem } from '../model/content.ts'

/** A file's value when it is sound, its problems, and where in the file each part stands. */
export interface Parsed<T> {
  readonly value?: T
  readonly problems: readonly Problem[]
  lineOf(path: readonly PropertyKey[]): number
}

/**
 * Reads YAML and checks it. Every problem names file, line and cure.
 * @param firstLine the line of the file at which `text` begins (front matter begins at 2)
 */
export function readYaml<T>(file: string, text: string, schema: z.ZodType<T>, firstLine = 1): Parsed<T> {
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
      problems: document.errors.map((error) => ({
        severity: 'error',
        file,
        line: lineAt(error.pos[0]),
        message: `YAML 写法有误:${error.message.split('\n', 1)[0]}`,
        cure:
          YAML_CURE[error.code] ??
          '检查这一行和上一行的缩进、冒号和引号;含有“: ”或以符号开头的文字要用单引号括起来。',
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

const YAML_CURE: Readonly<Record<string, string>> = {
  TAB_AS_INDENT: '缩进请用空格,不要用 Tab。',
  DUPLICATE_KEY: '同一个键写了两次,删去一个。',
  MISSING_CHAR: '少了引号或括号,补上成对的那一个。',
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
          cure: nearest ? `是不是想写“${nearest}”?` : '删去它,或对照 docs/ 里的例子改正。',
        }
      })
    case 'invalid_type':
      if (issue.input === undefined)
        return [{ path, message: `缺少${place}`, cure: `补上一行“${String(path.at(-1) ?? '')}: …”。` }]
      if (issue.input === null) return [{ path, message: `${place}空着`, cure: '在冒号后面写上内容。' }]
      return [
        {
          path,
          // Where the schema has no words of its own, zod speaks English.
          message: issue.message.startsWith('Invalid input')
            ? `${place}的写法不对(应为 ${issue.expected})`
            : `${place}:${issue.message}`,
          cure: '对照 docs/ 里的例子改正。',
        },
      ]
    default:
      return [{ path, message: `${place}:${issue.message}`, cure: '对照 docs/ 里的例子改正。' }]
  }
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
