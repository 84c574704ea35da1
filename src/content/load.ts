import { createHash } from 'node:crypto'
import { readdirSync, readFileSync, statSync } from 'node:fs'
import { basename, dirname, join, relative, sep } from 'node:path'
import type { z } from 'zod'
import type { Content, Entry, Intent, Problem } from '../model/content.ts'
import type { Notice } from '../model/notice.ts'
import { crossCheck, type Locate } from './cross-check.ts'
import { readEntry } from './entry.ts'
import { readNotice } from './notice.ts'
import * as schema from './schema.ts'
import { readYaml } from './yaml.ts'

/** What a content folder holds: the content when it is free of errors, and every problem found. */
export interface Loaded {
  readonly content?: Content
  readonly problems: readonly Problem[]
  /** Changes with any change of any file. */
  readonly version: string
}

/**
 * Reads `knowledge/` and `intents/` below a folder, all problems at once.
 * @param now tells which announced events are over
 * @param pause awaited between batches of files, so that a reload never blocks the replies
 */
export async function loadContent(
  root: string,
  pause: () => Promise<void> = async () => {},
  now: Date = new Date(),
): Promise<Loaded> {
  const problems: Problem[] = []
  const lines = new Map<string, Locate>()
  const version = createHash('sha256')

  const read = (file: string, found: Problem[] = problems): string | undefined => {
    try {
      const text = readFileSync(join(root, file), 'utf8')
      version.update(`${file}\0${text}\0`)
      if (text.includes('\uFFFD'))
        found.push({
          severity: 'error',
          file,
          message: '这个文件不是 UTF-8 编码，有些字读不出来',
          cure: '用记事本打开，另存为 UTF-8 编码。',
        })
      return text
    } catch {
      found.push({
        severity: 'error',
        file,
        message: '这个文件不见了或无法读取',
        cure: '恢复这个文件，或从备份、git 里找回。',
      })
      return undefined
    }
  }
  // What a broken file speaks of may well be right: it is not blamed until the file can be read.
  const doubtful = new Set<string>()
  const doubt = (text: string): void => {
    for (const [id] of text.matchAll(/[a-z0-9]+(?:-[a-z0-9]+)+/g)) doubtful.add(id)
  }
  const take = <T>(file: string, of: z.ZodType<T>): T | undefined => {
    const text = read(file)
    if (text === undefined) return undefined
    const parsed = readYaml(file, text, of)
    problems.push(...parsed.problems)
    if (parsed.value === undefined) doubt(text)
    lines.set(file, parsed.lineOf)
    return parsed.value
  }

  const places = take('knowledge/regions.yaml', schema.regionsFile)
  const sources = take('knowledge/sources.yaml', schema.sourcesFile)
  const topics = take('knowledge/topics.yaml', schema.topicsFile)
  const phrases = take('knowledge/phrases.yaml', schema.phrasesFile)
  const facets = take('intents/facets.yaml', schema.facetsFile)
  const acts = take('intents/acts.yaml', schema.actsFile)
  const smallTalk = take('intents/small-talk.yaml', schema.smallTalkFile)
  await pause()
  const urgent = take('intents/urgent.yaml', schema.urgentFile)
  await pause()
  const concepts = take('intents/words.yaml', schema.wordsFile)
  const filler = take('intents/filler.yaml', schema.fillerFile)
  const names = wordList(read('knowledge/words.txt'))
  const unknownPlaces = wordList(read('intents/places.txt'))
  const notOurs = wordList(read('intents/not-ours.txt'))
  await pause()

  const entries: Entry[] = []
  const intents: Intent[] = []
  let seen = 0
  for (const file of filesBelow(root, 'knowledge/faq', '.md')) {
    const text = read(file)
    if (text === undefined) continue
    const parsed = readEntry(file, text, facets ?? [])
    problems.push(...parsed.problems)
    lines.set(file, parsed.lineOf)
    if (parsed.value) entries.push(parsed.value)
    else doubt(text)
    if (++seen % BATCH === 0) await pause()
  }
  for (const file of filesBelow(root, 'intents', '.yaml')) {
    if (dirname(file) === 'intents') continue
    const head = take(file, schema.intentFile)
    if (head) {
      const { intent: id, ...rest } = head
      intents.push({ id, ...rest, topic: basename(dirname(file)), file })
    }
    if (++seen % BATCH === 0) await pause()
  }

  const notices: Notice[] = []
  const past: Notice[] = []
  const noticeProblems: Problem[] = []
  for (const file of filesBelow(root, 'knowledge/notices', '.md')) {
    const faults: Problem[] = []
    const text = read(file, faults)
    // What has been put away is nobody's work any more.
    if (!file.includes('/archive/')) noticeProblems.push(...faults)
    if (text === undefined || faults.length > 0) continue
    const parsed = readNotice(file, text, { regions: places?.regions ?? [], topics: topics ?? [] }, now)
    if (parsed.past) past.push(parsed.past)
    if (file.includes('/archive/')) continue
    noticeProblems.push(...parsed.problems)
    const notice = parsed.value
    const twin = notice && notices.find(({ id }) => id === notice.id)
    if (twin)
      noticeProblems.push({
        severity: 'error',
        file,
        line: 1,
        message: `已经有一个叫“${notice.id}”的通知(${twin.file})`,
        cure: '换一个文件名。',
      })
    else if (notice) notices.push(notice)
  }

  if (
    !places ||
    !sources ||
    !topics ||
    !phrases ||
    !facets ||
    !acts ||
    !smallTalk ||
    !urgent ||
    !concepts ||
    !filler
  )
    return { problems: [...problems, ...noticeProblems], version: version.digest('hex') }
  const content: Content = {
    regions: places.regions,
    hotlines: places.hotlines,
    sources,
    topics,
    notices,
    past,
    entries,
    intents,
    facets,
    acts,
    smallTalk,
    urgent,
    concepts,
    names,
    places: unknownPlaces,
    notOurs,
    filler,
    phrases,
  }
  await pause()
  problems.push(...crossCheck(content, (file) => lines.get(file), doubtful))
  const sound = !problems.some((problem) => problem.severity === 'error')
  // A bad notice is left out; it must not keep good answers from going live.
  return {
    ...(sound ? { content } : {}),
    problems: [...problems, ...noticeProblems],
    version: version.digest('hex'),
  }
}

const BATCH = 20

function wordList(text: string | undefined): string[] {
  return (text ?? '')
    .replace(/^\uFEFF/, '')
    .split(/\r?\n/)
    .filter((line) => !line.startsWith('#'))
    .flatMap((line) => line.split(/\s+/))
    .filter((word) => word !== '')
}

function filesBelow(root: string, folder: string, ending: string): string[] {
  const top = join(root, folder)
  try {
    if (!statSync(top).isDirectory()) return []
  } catch {
    return []
  }
  return readdirSync(top, { recursive: true, withFileTypes: true })
    .filter((item) => item.isFile() && item.name.endsWith(ending) && !item.name.startsWith('.'))
    .map((item) => relative(root, join(item.parentPath, item.name)).split(sep).join('/'))
    .sort()
}
