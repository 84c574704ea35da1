import type { Message } from '../model/conversation.ts'
import type { Notice } from '../model/notice.ts'
import { reminderTime } from '../model/reminder.ts'
import type { Session } from '../model/session.ts'
import { DAY, HOUR, MINUTE, momentInWords, spanInWords, startOfDay } from '../model/when.ts'
import { callOff, noticesReceived, type Reminder, remind, remindersOf } from '../store/reminders.ts'
import { bare } from '../text/normalize.ts'
import { type Draft, plainDraft, say } from './compose.ts'
import type { Around, Outcome } from './converse.ts'
import { calendarOf, canRemind, eventsIn } from './events.ts'
import { spanIn } from './when.ts'

const MOST_CHOICES = 5
/** A notice that came this long ago is still what 「提醒我」 may be about. */
const RECEIVED_MS = 7 * DAY

/** What is known of the event a visitor wants to be reminded of. */
export interface Meaning {
  readonly text: string
  readonly region: string | undefined
  readonly topics: readonly string[]
}

/**
 * 「提醒我」: one reminder for one event, if the visitor can be written to at all; where not, that is said at once.
 * Undefined: the message is about no event, so it is a question.
 */
export async function askedToRemind(
  around: Around,
  message: Message,
  session: Session,
  meaning: Meaning,
): Promise<Outcome | undefined> {
  const { content } = around.knowledge
  const events = await eventsMeant(around, message, session, meaning)
  if (events === undefined) return undefined
  const [only, another] = events
  if (only === undefined) return { draft: plainDraft(content, 'act', 'noEvents'), session }
  if (another === undefined) return remindOf(around, message, session, only, leadIn(meaning.text, only))
  const some = events.slice(0, MOST_CHOICES)
  const cannot = whyNot(around, message, some)
  if (cannot) return { draft: cannot, session }
  return {
    draft: {
      ...plainDraft(content, 'act', 'remindWhich'),
      choices: some.map((event) => ({
        label: event.title,
        action: { do: 'remind', notice: event.id, lead: leadIn(meaning.text, event) },
      })),
    },
    session,
  }
}

/** Asking for it is the consent: the reply says when it comes and how to call it off. */
export async function remindOf(
  around: Around,
  message: Message,
  session: Session,
  event: Notice,
  lead: number | undefined,
): Promise<Outcome> {
  const { now, outgoing } = around
  const { content } = around.knowledge
  const starts = Date.parse(event.starts)
  const { id: notice, title } = event
  const time = spanInWords(starts, Date.parse(event.ends))
  const told = (draft: Draft): Outcome => ({ draft, session })

  const cannot = whyNot(around, message, [event])
  if (cannot) return told(cannot)
  const due = reminderTime(starts, now, outgoing?.quietHours ?? 'off', lead)
  if (due === undefined) return told(plainDraft(content, 'act', 'remindTooLate', { title, time }))
  const kept = await remind(around.db, message.address, { notice, title, starts, due, lead }, now)
  return told(
    kept
      ? plainDraft(content, 'act', 'remindSet', { due: momentInWords(due), title, time })
      : plainDraft(content, 'act', 'remindAlready', { title, time }),
  )
}

/** A group, or a channel that only answers: said before anything else is asked, with what helps instead. */
function whyNot(around: Around, { inGroup }: Message, events: readonly Notice[]): Draft | undefined {
  const { publicUrl } = around
  const { content } = around.knowledge
  if (inGroup) return plainDraft(content, 'act', 'remindInPrivate')
  if (canRemind(around)) return undefined
  return {
    decision: 'act',
    sections: [
      { kind: 'answer', text: say(content, 'remindCannot') },
      ...events.map((event) => {
        const { id: notice, title, place, starts, ends } = event
        const time = spanInWords(Date.parse(starts), Date.parse(ends))
        const text = publicUrl
          ? say(content, 'remindCalendar', { title, link: calendarOf(event, publicUrl) })
          : say(content, 'remindYourself', { title, time, place })
        return { kind: 'detail' as const, text, notice }
      }),
    ],
  }
}

/** 「取消提醒」, of one event or of all: like 退订, it never fails on a detail. */
export async function callOffReminders(
  around: Around,
  message: Message,
  session: Session,
  meaning: Meaning,
): Promise<Outcome> {
  const { content } = around.knowledge
  const waiting = await waitingReminders(around, message)
  if (waiting.length === 0) return { draft: plainDraft(content, 'act', 'remindNone'), session }
  const name = nameIn(meaning.text)
  const named = waiting.filter(({ title }) => name.length >= 2 && isNamed(title, name))
  const ended = named.length > 0 ? named : waiting
  if (named.length === 0) await callOff(around.db, message.address, around.now)
  for (const { notice } of named) await callOff(around.db, message.address, around.now, notice)
  return {
    draft: plainDraft(content, 'act', 'remindCalledOff', { list: inWords(ended) }),
    session,
  }
}

/** Those still to come. */
export async function waitingReminders({ db, now }: Around, { address }: Message): Promise<Reminder[]> {
  const reminders = await remindersOf(db, address)
  return reminders.filter(({ planned, starts }) => !planned && starts > now.getTime())
}

/** 「主播沙龙，2026年12月9日（周三）18:00；…」: what, and when the reminder comes. */
export const inWords = (reminders: readonly Reminder[]): string =>
  reminders.map(({ title, due }) => `${title}，${momentInWords(due)}`).join('；')

// ---- which event ----

/** Empty: none is announced. Undefined: something is named, but it is no event. */
async function eventsMeant(
  around: Around,
  message: Message,
  session: Session,
  { text, region, topics }: Meaning,
): Promise<Notice[] | undefined> {
  const { db, now } = around
  const { content } = around.knowledge
  const coming = eventsIn(content, { region: undefined, topics: [], text: '' }, now)
  const byId = (ids: readonly string[]): Notice[] =>
    ids.flatMap((id) => coming.find((event) => event.id === id) ?? [])
  const shown = byId(session.events?.notices ?? [])

  const position = positionIn(text)
  const chosen = position === undefined ? undefined : shown[position]
  if (chosen) return [chosen]
  const name = nameIn(text)
  if (name.length >= 2) {
    const named = coming.filter(({ title }) => isNamed(title, name))
    if (named.length > 0) return named
    const among = shown.length > 0 ? shown : coming.filter((event) => !region || event.region === region)
    const alike = among.filter((event) => event.topics.some((topic) => topics.includes(topic)))
    if (alike.length > 0) return alike
    const span = /活动|的$/.test(name) ? spanIn(text, now) : undefined
    if (span === undefined) return undefined
    return among.filter(({ starts, ends }) => Date.parse(starts) < span.to && Date.parse(ends) > span.from)
  }
  if (shown.length > 0) return shown
  const [latest] = byId(await noticesReceived(db, message.address, new Date(now.getTime() - RECEIVED_MS)))
  return latest ? [latest] : coming.filter((event) => !region || event.region === region)
}

/** What is left of a message when the asking itself is taken away. */
function nameIn(text: string): string {
  return bare(
    text
      .replace(LEAD, '')
      .replace(POSITION, '')
      .replace(/提醒(一下|下)?(我)?(一下|下)?|到(时候|时)?(再)?(叫|告诉|通知)(一下|下)?我|(叫|通知)我/g, '')
      .replace(
        /到时候|到时|记得|麻烦|请|可以|能不能|可不可以|帮我|给我|想要|取消|不用|不要|不必|别|所有|全部/g,
        '',
      )
      .replace(/^(就|把|对|要|设|加|个|在|再|也|还|的|了|吧|吗|呢|啊|嘛|好|那|这|它|场|次|一)+/g, '')
      .replace(/(就|要|设|加|个|在|再|也|了|吧|吗|呢|啊|嘛|它|啦|哦)+$/g, ''),
  ).replace(/^(刚才|上面|这个|那个|这场|那场)*(的)?(活动)?$/, '')
}

/** A title is named by any part of it, or by a longer saying that holds it. */
function isNamed(title: string, name: string): boolean {
  const plain = bare(title.normalize('NFKC').toLowerCase())
  return plain.includes(name) || name.includes(plain)
}

const POSITION = /第([1-9一二三四五六七八九])(?:个|场|项|条)?|([1-9])(?:号)?$/

function positionIn(text: string): number | undefined {
  const [, ordinal, digit] = POSITION.exec(text.replace(LEAD, '')) ?? []
  const said = ordinal ?? digit
  return said === undefined ? undefined : numberIn(said) - 1
}

// ---- how long before ----

const NUMBER = '(\\d+(?:\\.\\d+)?|[一二两三四五六七八九十]+|半)'
const UNIT = '(天|日|周|星期|礼拜|小时|钟头|分钟)'
const LEAD = new RegExp(
  `(?:提前|早)${NUMBER}个?(半)?${UNIT}|${NUMBER}个?(半)?${UNIT}(?:之|以)?前|前一天(晚上)?|(?:当|那)天(早上|上午|早晨)?`,
)
const UNITS: Readonly<Record<string, number>> = {
  天: DAY,
  日: DAY,
  周: 7 * DAY,
  星期: 7 * DAY,
  礼拜: 7 * DAY,
  小时: HOUR,
  钟头: HOUR,
  分钟: MINUTE,
}

/** How long before an event somebody wants to be reminded, in milliseconds; undefined: whenever it is sensible. */
export function leadIn(text: string, { starts }: Pick<Notice, 'starts'>): number | undefined {
  const found = LEAD.exec(text)
  if (found === null) return undefined
  const [said, one, oneHalf, oneUnit, other, otherHalf, otherUnit] = found
  const begins = Date.parse(starts)
  const unit = UNITS[oneUnit ?? otherUnit ?? '']
  const number = one ?? other
  if (unit !== undefined && number !== undefined) {
    const count = (number === '半' ? 0.5 : numberIn(number)) + (oneHalf || otherHalf ? 0.5 : 0)
    return Math.round(count * unit)
  }
  const day = startOfDay(begins)
  const at = said.startsWith('前一天')
    ? day - DAY + (said.includes('晚上') ? 20 : 18) * HOUR
    : day + 8.5 * HOUR
  return at < begins ? begins - at : undefined
}

/** 「12」, 「十二」, 「二十」; what people say of hours and days. */
function numberIn(said: string): number {
  if (/^[\d.]+$/.test(said)) return Number(said)
  const digit = (letter: string): number => '一二三四五六七八九'.indexOf(letter === '两' ? '二' : letter) + 1
  const [tens = '', ones = ''] = said.includes('十') ? said.split('十') : ['', said]
  return (said.includes('十') ? (tens === '' ? 1 : digit(tens)) * 10 : 0) + (ones === '' ? 0 : digit(ones))
}
