import type { Content } from '../model/content.ts'
import type { Notice } from '../model/notice.ts'
import { type Draft, plainDraft, regionName, say } from './compose.ts'
import { spanIn, spanInWords } from './when.ts'

const MOST_SHOWN = 5

/** Announced events that are not over, by the time, topics and region a message speaks of; soonest first. */
export function eventsIn(
  content: Content,
  wanted: { readonly region: string | undefined; readonly topics: readonly string[]; readonly text: string },
  now: Date,
): Notice[] {
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

/** The list as a reply; honest when nothing is announced, and then what is announced for another time. */
export function composeEvents(
  content: Content,
  wanted: { readonly region: string | undefined; readonly topics: readonly string[]; readonly text: string },
  now: Date,
): Draft {
  const found = eventsIn(content, wanted, now)
  const shown = found.length > 0 ? found : eventsIn(content, { ...wanted, text: '' }, now)
  if (shown.length === 0) return plainDraft(content, 'act', 'noEvents')
  const lead =
    found.length > 0 ? say(content, 'events', { count: String(found.length) }) : say(content, 'noEventsThen')
  const lines = shown.slice(0, MOST_SHOWN).map((event) => inWords(content, event))
  return {
    decision: 'act',
    sections: [
      { kind: 'answer', text: lead },
      ...lines.map((text) => ({ kind: 'detail' as const, text })),
      { kind: 'note', text: say(content, 'eventsSubscribe') },
    ],
    region: wanted.region,
  }
}

function inWords(content: Content, { title, region, starts, ends, place, quota, link }: Notice): string {
  return [
    `【${regionName(content, region)}】${title}`,
    say(content, 'eventTime', { time: spanInWords(Date.parse(starts), Date.parse(ends)) }),
    say(content, 'eventPlace', { place }),
    ...(quota === undefined ? [] : [say(content, 'eventQuota', { quota: String(quota) })]),
    ...(link === undefined ? [] : [link]),
  ].join('\n')
}
