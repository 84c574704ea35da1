import type { Content, PhraseName } from '../model/content.ts'
import type { Notice, Reach } from '../model/notice.ts'
import { spanInWords } from '../model/when.ts'

export interface RenderOptions {
  readonly reach: Reach
  /** Where visitors reach our web pages; the whole text stands at `/notices/<id>` there. */
  readonly publicUrl?: string | undefined
}

/**
 * The notice as its readers will see it: nothing in it is markup, and it always says how to leave. What is too long
 * for the channel goes without its body and says where the whole text stands; it is never cut.
 * @returns undefined when even that does not fit
 */
export function renderNotice(
  notice: Notice,
  content: Content,
  { reach, publicUrl }: RenderOptions,
): string | undefined {
  const region = content.regions.find(({ id }) => id === notice.region)?.name ?? notice.region
  const say = sayer(content)
  const head = [
    say('noticeHead', { region, title: notice.title }),
    say('eventTime', { time: spanInWords(Date.parse(notice.starts), Date.parse(notice.ends)) }),
    say('eventPlace', { place: notice.place }),
    ...(notice.quota === undefined ? [] : [say('eventQuota', { quota: String(notice.quota) })]),
  ].join('\n')
  const link = notice.link === undefined ? [] : [say('noticeLink', { link: notice.link })]
  const whole = [head, notice.body, ...link, say('noticeLeave')].filter(Boolean).join('\n\n')
  if (whole.length <= reach.longest) return whole
  const more = publicUrl
    ? say('noticeMore', { link: `${publicUrl.replace(/\/+$/, '')}/notices/${notice.id}` })
    : say('noticeAsk')
  const short = [head, more, ...link, say('noticeLeave')].join('\n\n')
  return short.length <= reach.longest ? short : undefined
}

/** What is wrong in an earlier notice, and how it is right. @returns undefined when it does not fit */
export function renderCorrection(
  title: string,
  text: string,
  content: Content,
  { reach }: RenderOptions,
): string | undefined {
  const say = sayer(content)
  const whole = [say('correctionHead', { title }), text.trim(), say('noticeLeave')].join('\n\n')
  return whole.length <= reach.longest ? whole : undefined
}

const sayer =
  ({ phrases }: Content) =>
  (name: PhraseName, slots: Readonly<Record<string, string>> = {}): string =>
    phrases[name].replace(/\{(\w+)\}/g, (_, slot: string) => slots[slot] ?? '')
