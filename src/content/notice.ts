import { basename } from 'node:path'
import type { Content, Problem } from '../model/content.ts'
import type { Notice } from '../model/notice.ts'
import { noticeHead } from './schema.ts'
import { closest, type Parsed, readYaml } from './yaml.ts'

type Known = Pick<Content, 'regions' | 'topics'>

/** Longer titles do not fit the first line of a notification on a phone. */
const LONGEST_TITLE = 40
const LONGEST_BODY = 1500

/**
 * Reads one event notice: front matter, then the text.
 * @param now decides whether the event is over; an announcement of the past is a mistake
 */
export function readNotice(file: string, text: string, known: Known, now: Date): Parsed<Notice> {
  const lines = text.replace(/^\uFEFF/, '').split(/\r?\n/)
  const end = lines.indexOf('---', 1)
  if (lines[0] !== '---' || end < 0)
    return {
      problems: [
        {
          severity: 'error',
          file,
          line: 1,
          message: '文件开头缺少两行“---”之间的说明部分',
          cure: '照着 docs/notices.md 的例子写。',
        },
      ],
      lineOf: () => 1,
    }
  const head = readYaml(file, lines.slice(1, end).join('\n'), noticeHead, 2)
  if (head.value === undefined) return { problems: head.problems, lineOf: head.lineOf }

  const body = lines
    .slice(end + 1)
    .join('\n')
    .trim()
  const { 'send-at': sendAt, ...rest } = head.value
  const notice: Notice = { ...rest, sendAt, id: basename(file, '.md'), body, file }
  const problems = faultsOf(notice, known, now).map(
    ({ at, message, cure }): Problem => ({
      severity: 'error',
      file,
      line: at === 'body' ? end + 2 : head.lineOf([at]),
      message,
      cure,
    }),
  )
  return { ...(problems.length === 0 ? { value: notice } : {}), problems, lineOf: head.lineOf }
}

interface Fault {
  readonly at: string
  readonly message: string
  readonly cure: string
}

function faultsOf(notice: Notice, known: Known, now: Date): Fault[] {
  const faults: Fault[] = []
  const fault = (wrong: boolean, at: string, message: string, cure: string): void => {
    if (wrong) faults.push({ at, message, cure })
  }
  const starts = Date.parse(notice.starts)
  const ends = Date.parse(notice.ends)
  const sendAt = notice.sendAt === undefined ? undefined : Date.parse(notice.sendAt)
  const expires = notice.expires === undefined ? undefined : Date.parse(notice.expires)

  fault(ends <= starts, 'ends', '结束时间早于开始时间', '对调 starts 和 ends,或改成正确的时间。')
  fault(
    ends > starts && ends <= now.getTime(),
    'ends',
    '活动时间已经过了',
    '改成将来的时间;办完的活动移到 knowledge/notices/archive/ 里。',
  )
  fault(sendAt !== undefined && sendAt >= ends, 'send-at', '发送时间晚于活动结束', '改成活动开始以前的时间。')
  fault(
    expires !== undefined && sendAt !== undefined && expires <= sendAt,
    'expires',
    '失效时间早于发送时间',
    '改成发送时间之后。',
  )
  fault(
    Array.from(notice.title).length > LONGEST_TITLE,
    'title',
    `标题有 ${Array.from(notice.title).length} 个字,最多 ${LONGEST_TITLE} 个`,
    '缩短标题,细节写进正文。',
  )
  fault(
    notice.body.length > LONGEST_BODY,
    'body',
    `正文有 ${notice.body.length} 个字,最多 ${LONGEST_BODY} 个`,
    '缩短正文,或把详情放到 link 的网页里。',
  )
  const oddLine = notice.body.split('\n').find((line) => UNPLAIN.test(line))
  fault(
    oddLine !== undefined,
    'body',
    `正文里的“${oddLine?.slice(0, 20)}”在各平台上显示不一样`,
    '只用普通文字:不用 Markdown 记号、HTML 标签和表格。',
  )
  fault(
    UNPLAIN.test(notice.title),
    'title',
    '标题里有 Markdown 或 HTML 记号,各平台显示不一样',
    '只用普通文字。',
  )

  const regions = known.regions.map(({ id }) => id)
  fault(
    !regions.includes(notice.region),
    'region',
    `没有叫“${notice.region}”的地区`,
    nearest(notice.region, regions),
  )
  const topics = known.topics.map(({ name }) => name)
  for (const topic of notice.topics)
    fault(!topics.includes(topic), 'topics', `没有叫“${topic}”的主题`, nearest(topic, topics))
  return faults
}

// Plain text looks the same everywhere; these would be shown raw on one channel and swallowed by another.
const UNPLAIN = /^#{1,6}\s|\*\*|__|^\s*\||<\/?[a-z][^>]*>|\]\(|`/i

function nearest(word: string, candidates: readonly string[]): string {
  const like = closest(word, candidates)
  return like ? `是不是想写“${like}”?` : `可用的有:${candidates.join('、')}。`
}
