import { type Content, type Entry, EVERYWHERE, type Problem } from '../model/content.ts'
import { closest } from './yaml.ts'

/** Finds the line on which part of a file stands. */
export type Locate = (path: readonly PropertyKey[]) => number

/** What only shows when the files are seen together: double ids, references to nothing, answers nobody reaches. */
export function crossCheck(
  content: Content,
  locate: (file: string) => Locate | undefined,
  /** Ids that broken files speak of. */
  doubtful: ReadonlySet<string> = new Set(),
): Problem[] {
  const problems: Problem[] = []
  const report: Report = (severity, file, path, message, cure) => {
    problems.push({ severity, file, line: locate(file)?.(path), message, cure })
  }
  const entries = new Map<string, Entry>()
  const regions = new Set(content.regions.map((region) => region.id))
  const sources = new Map(content.sources.map((source) => [source.id, source]))
  const topics = new Set(content.topics.map((topic) => topic.name))

  for (const entry of content.entries) {
    const twin = entries.get(entry.id)
    if (twin)
      report('error', entry.file, ['id'], `编号“${entry.id}”已经用在 ${twin.file}`, '换一个没有用过的编号。')
    else entries.set(entry.id, entry)
  }

  reportImported(content, report)
  for (const entry of content.entries) {
    const { file } = entry
    if (entry.region === undefined && !entry.imported)
      report('warning', file, ['id'], '没有写地区，会当作所有地区通用', '如果只适用于一地，补上“region: …”。')
    else if (entry.region !== undefined && !regions.has(entry.region))
      report(
        'error',
        file,
        ['region'],
        `没有叫“${entry.region}”的地区`,
        orNearest(entry.region, regions, '在 knowledge/regions.yaml 里能找到的编号'),
      )
    for (const topic of entry.topics)
      if (!topics.has(topic))
        report(
          'error',
          file,
          ['topics'],
          `没有叫“${topic}”的主题`,
          orNearest(topic, topics, '在 knowledge/topics.yaml 里能找到的主题'),
        )
    if (entry.source === undefined && !entry.imported)
      report(
        'warning',
        file,
        ['id'],
        '没有写出处，回复里会说明没有出处',
        '补上“source: { document: …, clause: … }”。',
      )
    else if (entry.source && !sources.has(entry.source.document))
      report(
        'error',
        file,
        ['source'],
        `没有编号为“${entry.source.document}”的文件`,
        orNearest(entry.source.document, sources.keys(), '在 knowledge/sources.yaml 里能找到的编号'),
      )
    for (const id of entry.related)
      if (!entries.has(id) && !doubtful.has(id))
        report(
          'error',
          file,
          ['related'],
          `related 里的“${id}”没有这条答案`,
          orNearest(id, entries.keys(), '已有答案的编号'),
        )
  }

  const led = new Set<string>()
  const claimed = new Map<string, { intent: string; file: string }>()
  const intentIds = new Map<string, string>()
  for (const intent of content.intents) {
    const { file } = intent
    const twin = intentIds.get(intent.id)
    if (twin)
      report('error', file, ['intent'], `意图“${intent.id}”已经写在 ${twin}`, '换一个名字，或把两份合起来。')
    intentIds.set(intent.id, file)
    for (const [region, id] of Object.entries(intent.answers)) {
      const entry = entries.get(id)
      led.add(id)
      if (region !== EVERYWHERE && !regions.has(region))
        report(
          'error',
          file,
          ['answers', region],
          `没有叫“${region}”的地区`,
          orNearest(region, regions, '在 knowledge/regions.yaml 里能找到的编号'),
        )
      if (entry === undefined && doubtful.has(id)) continue
      if (entry === undefined)
        report(
          'error',
          file,
          ['answers', region],
          `指向“${id}”，但没有这条答案`,
          orNearest(id, entries.keys(), '已有答案的编号'),
        )
      else if (entry.region !== undefined && entry.region !== region)
        report(
          'error',
          file,
          ['answers', region],
          `“${id}”是 ${entry.region} 的答案，却写在 ${region} 下`,
          `写成“${entry.region}: ${id}”。`,
        )
    }
    intent.phrasings.forEach((phrasing, i) => {
      const key = phrasing
        .normalize('NFKC')
        .toLowerCase()
        .replace(/[^\p{L}\p{N}]+/gu, '')
      const before = claimed.get(key)
      if (before !== undefined)
        report(
          'error',
          file,
          ['phrasings', i],
          `问法“${phrasing}”已经写在“${before.intent}”(${before.file})`,
          '一种问法只能属于一个意图，删去一处。',
        )
      else claimed.set(key, { intent: intent.id, file })
    })
  }
  for (const entry of content.entries)
    if (!led.has(entry.id) && !doubtful.has(entry.id))
      report(
        'error',
        entry.file,
        ['id'],
        `没有任何意图指向“${entry.id}”，访客问不到它`,
        '在 intents/ 里给它加一个意图，或把它加进已有意图的 answers。',
      )

  const hotlines = new Set(content.hotlines.map((hotline) => hotline.number))
  content.urgent.forEach((kind, i) => {
    for (const number of kind.hotlines)
      if (!hotlines.has(number))
        report(
          'error',
          'intents/urgent.yaml',
          [i, 'hotlines'],
          `热线“${number}”没有登记`,
          '在 knowledge/regions.yaml 的 hotlines 里补上它和服务时间。',
        )
  })
  return problems
}

type Report = (
  severity: Problem['severity'],
  file: string,
  path: readonly PropertyKey[],
  message: string,
  cure: string,
) => void

/** A table of thousands of rows lacks the same thing thousands of times: once is enough. */
function reportImported({ entries }: Content, report: Report): void {
  const imported = entries.filter((entry) => entry.imported)
  const nowhere = imported.filter(({ region }) => region === undefined)
  const sourceless = imported.filter(({ source }) => source === undefined)
  if (nowhere[0])
    report(
      'warning',
      nowhere[0].file,
      ['id'],
      `从表格导入的答案里有 ${nowhere.length} 条没有写地区，会当作所有地区通用`,
      '如果只适用于一地，在表格的“地区”一列写明，重新导入。',
    )
  if (sourceless[0])
    report(
      'warning',
      sourceless[0].file,
      ['id'],
      `从表格导入的答案里有 ${sourceless.length} 条没有写出处，回复里会说明没有出处`,
      '在表格的“来源”一列写明，重新导入。',
    )
}

function orNearest(word: string, candidates: Iterable<string>, otherwise: string): string {
  const nearest = closest(word, candidates)
  return nearest ? `是不是想写“${nearest}”？` : `改成${otherwise}。`
}
