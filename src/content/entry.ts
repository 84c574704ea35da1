import type { z } from 'zod'
import type { Entry, Facet, Problem } from '../model/content.ts'
import { entryHead } from './schema.ts'
import { closest, type Parsed, readYaml } from './yaml.ts'

/** Reads one answer file: front matter between two `---` lines, the direct answer, then `## ` sections by facet. */
export function readEntry(file: string, text: string, facets: readonly Facet[]): Parsed<Entry> {
  const lines = text.replace(/^\uFEFF/, '').split(/\r?\n/)
  const end = lines.indexOf('---', 1)
  if (lines[0] !== '---' || end < 0)
    return failure(
      file,
      1,
      '文件开头缺少两行“---”之间的说明部分',
      '照着同目录别的文件，把 id、title 等写在两行“---”之间。',
    )

  const head: Parsed<z.output<typeof entryHead>> = readYaml(
    file,
    lines.slice(1, end).join('\n'),
    entryHead,
    2,
  )
  const { answer, sections, problems } = readBody(file, lines, end + 1, facets)
  if (head.value === undefined || problems.length > 0)
    return { problems: [...head.problems, ...problems], lineOf: head.lineOf }
  return { value: { ...head.value, answer, facets: sections, file }, problems: [], lineOf: head.lineOf }
}

function readBody(file: string, lines: readonly string[], start: number, facets: readonly Facet[]) {
  const problems: Problem[] = []
  const sections: Record<string, string> = {}
  const paragraphs: string[][] = [[]]
  const facetIds: string[] = []
  const headingLines: number[] = []
  lines.slice(start).forEach((line, i) => {
    const heading = /^#+\s*(.*?)\s*$/.exec(line)?.[1]
    if (heading === undefined) {
      paragraphs.at(-1)?.push(line)
      return
    }
    const facet = facets.find((one) => one.heading === heading)
    const known = facets.flatMap((one) => one.heading ?? [])
    const fault =
      facets.length === 0
        ? undefined
        : !line.startsWith('## ')
          ? { message: `小标题“${line}”要用两个 #`, cure: `写成“## ${heading}”。` }
          : facet === undefined
            ? {
                message: `不认识的小标题“${heading}”`,
                cure: `可用的有：${known.join('、')}${suggest(heading, known)}`,
              }
            : facetIds.includes(facet.id)
              ? { message: `小标题“${heading}”出现了两次`, cure: '把两段合成一段。' }
              : undefined
    if (fault) problems.push({ severity: 'error', file, line: start + i + 1, ...fault })
    facetIds.push(facet?.id ?? '')
    headingLines.push(start + i + 1)
    paragraphs.push([])
  })
  const [answer = '', ...rest] = paragraphs.map((paragraph) => paragraph.join('\n').trim())
  if (answer === '')
    problems.push({
      severity: 'error',
      file,
      line: start + 1,
      message: '没有直接回答',
      cure: '在“---”下面写一两句直接的回答。',
    })
  rest.forEach((section, i) => {
    const facet = facetIds[i]
    if (facet === undefined || facet === '') return
    if (section === '')
      problems.push({
        severity: 'error',
        file,
        line: headingLines[i],
        message: `“${facet}”一节是空的`,
        cure: '写上内容，或删去这个小标题。',
      })
    sections[facet] = section
  })
  return { answer, sections, problems }
}

function suggest(heading: string, known: readonly string[]): string {
  const nearest = closest(heading, known)
  return nearest ? `。是不是想写“${nearest}”？` : '。'
}

function failure(file: string, line: number, message: string, cure: string): Parsed<Entry> {
  return { problems: [{ severity: 'error', file, line, message, cure }], lineOf: () => line }
}
