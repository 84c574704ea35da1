import type { Content } from '../model/content.ts'
import { type Notice, pageOf } from '../model/notice.ts'
import type { Session } from '../model/session.ts'
import { spanInWords } from '../model/when.ts'
import { plainDraft, regionName, say } from './compose.ts'
import type { Around, Outcome } from './converse.ts'
import { spanIn } from './when.ts'

const MOST_SHOWN = 5

/** What a message says of the events it asks for. */
export interface Wanted {
  readonly region: string | undefined
  readonly topics: readonly string[]
  readonly text: string
}

/** Announced events that are not over, by the time, topics and region a message speaks of; soonest first. */
export function eventsIn(content: Content, wanted: Wanted, now: Date): Notice[] {
  const span = spanIn(wanted.text, now)
  return content.notices
    .filter(({ starts, ends, region, topics }) => {
      const from = Date.parse(starts)
      const to = Date.parse(ends)
      return (
        to > now.getTime() &&
        (span === undefined || (from < span.to && to > span.from)) &&
        (wanted.region === undefined || region === wanted.region) &&
        (wanted.topics.length === 0 || topics.some((topic) => wanted.topics.includes(topic)))
      )
    })
    .sort((a, b) => Date.parse(a.starts) - Date.parse(b.starts))
}

/**
 * The events as a reply: one is told whole, of several each can be chosen. Honest when nothing is announced, and then
 * what is announced for another time.
 */
export function showEvents(around: Around, session: Session, wanted: Wanted): Outcome {
  const { now } = around
  const { content } = around.knowledge
  const found = eventsIn(content, wanted, now)
  const shown = found.length > 0 ? found : eventsIn(content, { ...wanted, text: '' }, now)
  const [only, another] = shown
  if (only === undefined) return { draft: plainDraft(content, 'act', 'noEvents'), session }
  const lead =
    found.length > 0 ? say(content, 'events', { count: String(found.length) }) : say(content, 'noEventsThen')
  const some = shown.slice(0, MOST_SHOWN)
  const remembered = { ...session, events: shownNow(some, now) }
  if (another === undefined) {
    const { draft } = showEvent(around, remembered, only)
    return {
      draft: { ...draft, sections: [{ kind: 'answer', text: lead }, ...draft.sections] },
      session: remembered,
    }
  }
  return {
    draft: {
      decision: 'act',
      sections: [
        { kind: 'answer', text: lead },
        ...some.map((event) => ({
          kind: 'detail' as const,
          text: linesOf(content, event).join('\n'),
          notice: event.id,
        })),
        { kind: 'note', text: say(content, 'eventsSubscribe') },
      ],
      choices: some.map(({ id, title }) => ({ label: title, action: { do: 'show-event', notice: id } })),
      region: wanted.region,
    },
    session: remembered,
  }
}

/** All that is announced of one event. */
export function showEvent(around: Around, session: Session, event: Notice): Outcome {
  const { content } = around.knowledge
  return {
    draft: {
      decision: 'act',
      sections: [
        {
          kind: 'detail',
          text: [linesOf(content, event).join('\n'), event.body].filter(Boolean).join('\n\n'),
          notice: event.id,
        },
        { kind: 'note', text: say(content, 'eventsSubscribe') },
      ],
      choices: canRemind(around)
        ? [{ label: say(content, 'remindLabel'), action: { do: 'remind', notice: event.id } }]
        : [],
      region: event.region,
    },
    session: { ...session, events: shownNow([event], around.now) },
  }
}

/** An announced event that is not over. */
export const eventBy = (content: Content, id: string, now: Date): Notice | undefined =>
  content.notices.find((event) => event.id === id && Date.parse(event.ends) > now.getTime())

/** Whether this visitor can be written to first. */
export const canRemind = ({ channel, outgoing }: Around): boolean =>
  outgoing?.channels().includes(channel) ?? false

/** Where the event's calendar file is, if visitors can open our pages. */
export const calendarOf = (event: Notice, publicUrl: string): string => `${pageOf(event, publicUrl)}.ics`

const shownNow = (events: readonly Notice[], now: Date): Session['events'] => ({
  notices: events.map(({ id }) => id),
  at: now.getTime(),
})

function linesOf(content: Content, { title, region, starts, ends, place, quota, link }: Notice): string[] {
  return [
    `【${regionName(content, region)}】${title}`,
    say(content, 'eventTime', { time: spanInWords(Date.parse(starts), Date.parse(ends)) }),
    say(content, 'eventPlace', { place }),
    ...(quota === undefined ? [] : [say(content, 'eventQuota', { quota: String(quota) })]),
    ...(link === undefined ? [] : [say(content, 'eventLink', { link })]),
  ]
}
