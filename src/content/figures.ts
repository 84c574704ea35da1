import { existsSync, readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import type { Content, Problem } from '../model/content.ts'

/**
 * Figures an answer states that its source document does not contain. Documents whose text is not at hand
 * are passed over. A year in which the plan is valid, and the day of checking, are ours to say.
 */
export function checkFigures(content: Content, root: string): Problem[] {
  const problems: Problem[] = []
  const texts = new Map<string, string>()
  for (const source of content.sources) {
    if (source.text === undefined) continue
    const path = resolve(root, source.text)
    if (!existsSync(path)) continue
    const own = [source.title, source.date, source.number, source.valid?.from, source.valid?.until].join(' ')
    texts.set(source.id, plain(readFileSync(path, 'utf8') + own))
  }
  for (const entry of content.entries) {
    const text = entry.source && texts.get(entry.source.document)
    if (text === undefined) continue
    for (const part of [entry.title, entry.answer, ...Object.values(entry.facets)])
      for (const [figure] of plain(part).matchAll(
        /\d+(?:\.\d+)?(?:[%个家场名人条套道处项年月日岁]|公里|平方米|万元|亿元|人次)?/gu,
      ))
        if (!text.includes(figure))
          problems.push({
            severity: 'error',
            file: entry.file,
            line: lineOf(resolve(root, entry.file), figure),
            message: `答案里的“${figure}”在原文里找不到`,
            cure: `对照 ${entry.source?.document} 的${entry.source?.clause}，改成原文的数字和单位。`,
          })
  }
  return problems
}

function lineOf(path: string, figure: string): number | undefined {
  if (!existsSync(path)) return undefined
  const at = readFileSync(path, 'utf8')
    .split('\n')
    .findIndex((line) => plain(line).includes(figure))
  return at < 0 ? undefined : at + 1
}

const plain = (text: string): string => text.normalize('NFKC').replace(/\s+/g, '')
