import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { isAlias, parseDocument, visit } from 'yaml'
import { readSimpleYaml } from '../src/content/simple-yaml.ts'

/** What the parser that knows all of YAML makes of a text; undefined when it complains, or meets an alias. */
function readAll(text: string): unknown {
  const document = parseDocument(text, { prettyErrors: false })
  let aliases = 0
  visit(document, (_, node) => void (isAlias(node) && aliases++))
  return document.errors.length > 0 || aliases > 0 ? undefined : document.toJS()
}

function shipped(): string[] {
  return ['knowledge', 'intents', 'test/questions'].flatMap((folder) =>
    readdirSync(folder, { recursive: true, withFileTypes: true }).flatMap((file) => {
      if (!file.isFile()) return []
      const text = readFileSync(join(file.parentPath, file.name), 'utf8')
      if (file.name.endsWith('.yaml')) return [text]
      const lines = text.split('\n')
      const end = lines.indexOf('---', 1)
      return lines[0] === '---' && end > 0 ? [lines.slice(1, end).join('\n')] : []
    }),
  )
}

describe('simple YAML', () => {
  it('is what the other parser reads, file by file of the content, and most files are simple', () => {
    const texts = shipped()
    let simple = 0
    for (const text of texts) {
      const value = readSimpleYaml(text)
      if (value === undefined) continue
      simple++
      expect(value).toEqual(readAll(text))
    }
    expect(simple / texts.length).toBeGreaterThan(0.8)
  })

  it.each([
    ['a day', 'checked: 2026-11-22', { checked: '2026-11-22' }],
    ['a number', 'hotlines: [12356, 0]', { hotlines: [12356, 0] }],
    ['what begins like a number', 'words: [3v3, 70th, 1块钱]', { words: ['3v3', '70th', '1块钱'] }],
    ['quotes', `a: '一''二'\nb: "三, [四] # 五"`, { a: "一'二", b: '三, [四] # 五' }],
    ['a list as deep as its key', 'a:\n- 一\n- 二\nb: 三', { a: ['一', '二'], b: '三' }],
    [
      'maps in a list',
      '- id: a\n  words: [一]\n- id: b\n  words: []',
      [
        { id: 'a', words: ['一'] },
        { id: 'b', words: [] },
      ],
    ],
    ['brackets in brackets', 'a: {b: [一, 二], c: "三"}', { a: { b: ['一', '二'], c: '三' } }],
    ['comments on lines of their own', '# 一\na:\n  # 二\n  - 三 \n\n    # 四\n  - 五', { a: ['三', '五'] }],
  ])('has %s', (_, text, value) => {
    expect(readSimpleYaml(text)).toEqual(value)
    expect(readAll(text)).toEqual(value)
  })

  it.each([
    ['a key twice', 'a: 一\na: 二'],
    ['a tab', 'a:\n\t- 一'],
    ['a text over two lines', 'a: 一\n  二'],
    ['a text in a block', 'a: |\n  一'],
    ['an alias', '- *一'],
    ['a comment behind a text', 'a: 一 # 二'],
    ['a colon in a text', 'a: 一: 二'],
    ['half a quote', 'a: "一'],
    ['half a bracket', 'a: [一, 二'],
    ['text behind a quote', 'a: "一"二'],
    ['nothing', 'a:'],
    ['a fraction', 'a: 1.50'],
    ['a number in another base', 'a: [0x10, 007]'],
    ['what is not there', 'a: null'],
    ['lines that do not stand below each other', 'a:\n    - 一\n  - 二'],
    ['a second document', 'a: 一\n---\nb: 二'],
    ['an empty file', ''],
  ])('is none with %s', (_, text) => {
    expect(readSimpleYaml(text)).toBeUndefined()
  })

  it('is never read where the other parser complains or reads something else', () => {
    const texts = shipped().map((text) => text.split('\n').slice(0, 40).join('\n'))
    const slip = fc.record({
      at: fc.double({ min: 0, max: 1, noNaN: true }),
      lost: fc.nat(3),
      typed: fc.oneof(
        fc.constantFrom(
          ...' |  |\n|\n  |\n- |: |:|- |-|#| #|[|]|{|}|,|, |"|\'|*|&|!|?|@|`|%|>|~|null|1|1.5|0x1|.5|\t|\r\n|…|，'.split(
            /(?<!^)\|/,
          ),
        ),
        fc.constantFrom('|', '\uFEFF', '\u0085', '\u00A0', '\u2028', 'a: b', '- a', '---\n', '__proto__: '),
        fc.string({ unit: 'binary', maxLength: 3 }),
      ),
    })
    fc.assert(
      fc.property(
        fc.constantFrom(...texts),
        fc.array(slip, { minLength: 1, maxLength: 3 }),
        (text, slips) => {
          let slipped = text
          for (const { at, lost, typed } of slips) {
            const place = Math.floor(at * slipped.length)
            slipped = slipped.slice(0, place) + typed + slipped.slice(place + lost)
          }
          const value = readSimpleYaml(slipped)
          if (value !== undefined) expect(value).toEqual(readAll(slipped))
        },
      ),
      { numRuns: Number(process.env.RUNS ?? 2000) },
    )
  })
})
