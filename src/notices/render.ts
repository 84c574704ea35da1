import type { Content, PhraseName } from '../model/content.ts'
import { lengthOn, type Notice, pageOf, type Reach } from '../model/notice.ts'
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
  if (fits(whole, reach)) return whole
  const more = publicUrl ? say('noticeMore', { link: pageOf(notice, publicUrl) }) : say('noticeAsk')
  const short = [head, more, ...link, say('noticeLeave')].join('\n\n')
  return fits(short, reach) ? short : undefined
}

/** What somebody asked to be reminded of, as its file says it now. @returns undefined when it does not fit */
export function renderReminder(
  notice: Notice,
  content: Content,
  { reach, publicUrl }: RenderOptions,
): string | undefined {
  const say = sayer(content)
  const head = [
    say('reminderHead', { title: notice.title }),
    say('eventTime', { time: spanInWords(Date.parse(notice.starts), Date.parse(notice.ends)) }),
    say('eventPlace', { place: notice.place }),
  ].join('\n')
  const more = publicUrl
    ? [say('noticeMore', { link: pageOf(notice, publicUrl) })]
    : notice.link === undefined
      ? []
      : [say('noticeLink', { link: notice.link })]
  const whole = [head, ...more, say('reminderLeave')].join('\n\n')
  return fits(whole, reach) ? whole : undefined
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
  return fits(whole, reach) ? whole : undefined
}

const fits = (text: string, reach: Reach): boolean => lengthOn(reach, text) <= reach.longest

const sayer =
  ({ phrases }: Content) =>
  (name: PhraseName, slots: Readonly<Record<string, string>> = {}): string =>
    phrases[name].replace(/\{(\w+)\}/g, (_, slot: string) => slots[slot] ?? '')
