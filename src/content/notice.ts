import { basename } from 'node:path'
import type { Content, Problem } from '../model/content.ts'
import type { Notice } from '../model/notice.ts'
import { noticeHead } from './schema.ts'
import { closest, type Parsed, readYaml } from './yaml.ts'

type Known = Pick<Content, 'regions' | 'topics'>

/** Longer titles do not fit the first line of a notification on a phone. */
const LONGEST_TITLE = 40
const LONGEST_BODY = 1500

/** A notice, or the one thing that is wrong with it is that its event is over. */
export interface ReadNotice extends Parsed<Notice> {
  readonly past?: Notice
}

/**
 * Reads one event notice: front matter, then the text.
 * @param now decides whether the event is over; an announcement of the past is a mistake
 */
export function readNotice(file: string, text: string, known: Known, now: Date): ReadNotice {
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
          cure: '照着 docs/send-notice.md 的例子写。',
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
  const { 'send-at': sendAt, link, ...rest } = head.value
  // Written out as browsers send it, so that no channel and no script conversion changes it.
  const whole = link === undefined ? {} : { link: new URL(link).href }
  const notice: Notice = { ...rest, ...whole, sendAt, id: basename(file, '.md'), body, file }
  const faults = faultsOf(notice, known, now)
  const problems = faults.map(({ at, line, message, cure }): Problem => {
    const inBody = line === undefined ? 0 : lines.slice(end + 1).indexOf(line)
    return {
      severity: 'error',
      file,
      line: at === 'body' ? end + 2 + inBody : head.lineOf([at]),
      message,
      cure,
    }
  })
  const { lineOf } = head
  if (faults.length === 0) return { value: notice, problems, lineOf }
  return faults.every((fault) => fault.over) ? { past: notice, problems, lineOf } : { problems, lineOf }
}

interface Fault {
  readonly at: string
  /** The line of the body that is meant. */
  readonly line?: string | undefined
  /** Nothing is wrong but that the event is over. */
  readonly over?: boolean
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

  fault(ends <= starts, 'ends', '结束时间早于开始时间', '对调 starts 和 ends，或改成正确的时间。')
  if (ends > starts && ends <= now.getTime())
    faults.push({
      at: 'ends',
      message: '活动时间已经过了',
      cure: '改成将来的时间；办完的活动移到 knowledge/notices/archive/ 里。',
      over: true,
    })
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
    `标题有 ${Array.from(notice.title).length} 个字，最多 ${LONGEST_TITLE} 个`,
    '缩短标题，细节写进正文。',
  )
  fault(
    notice.body.length > LONGEST_BODY,
    'body',
    `正文有 ${notice.body.length} 个字，最多 ${LONGEST_BODY} 个`,
    '缩短正文，或把详情放到 link 的网页里。',
  )
  for (const at of ['title', 'place'] as const) {
    const name = at === 'title' ? '标题' : '地点'
    fault(/\n/.test(notice[at]), at, `${name}写了不止一行`, '写成一行，细节写进正文。')
    const odd = unplainIn(notice[at])
    fault(odd !== undefined, at, `${name}里有${odd?.what}，各平台显示不一样`, odd?.cure ?? '')
  }
  for (const line of notice.body.split('\n')) {
    const odd = unplainIn(line)
    if (odd)
      faults.push({
        at: 'body',
        line,
        message: `正文里的“${line.trim().slice(0, 20)}”有${odd.what}，各平台显示不一样`,
        cure: odd.cure,
      })
  }

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

interface Unplain {
  readonly pattern: RegExp
  readonly what: string
  readonly cure: string
}

/** Plain text looks the same everywhere; these would be shown raw on one channel, and as something else on another. */
const UNPLAIN: readonly Unplain[] = [
  {
    pattern: /^#{1,6}\s|\*\*|__|~~|^\s*\||\]\(|`/,
    what: ' Markdown 记号或表格',
    cure: '只用普通文字，去掉 # ** __ ~~ | ` 这些记号;网址直接写出来。',
  },
  {
    pattern: /<\/?[a-z][^>]*>|<!--|&(?:[a-z]+|#\d+|#x[\da-f]+);/i,
    what: ' HTML 标签或代码',
    cure: '只用普通文字，去掉尖括号里的标签;&nbsp; 这样的代码换成它代表的字。',
  },
  {
    // WeChat shows [微笑] as a picture, other channels as the word.
    pattern: /\[\p{Script=Han}{1,4}\]/u,
    what: '微信表情代码',
    cure: '去掉方括号里的表情，或改用【】和系统自带的表情符号。',
  },
  {
    // The joiner holds emoji together; the rest of the invisible ones turn up by copying from a web page.
    pattern: /[^\P{C}\u200D]/u,
    what: '看不见的控制字符',
    cure: '多半是从网页或 Word 复制带来的，把这一行删掉重新打一遍。',
  },
]

const unplainIn = (line: string): Unplain | undefined =>
  UNPLAIN.find(({ pattern }) => pattern.test(line.replace(/\n/g, '')))

function nearest(word: string, candidates: readonly string[]): string {
  const like = closest(word, candidates)
  return like ? `是不是想写“${like}”？` : `可用的有：${candidates.join('、')}。`
}
