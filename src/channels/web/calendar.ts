import { type Notice, pageOf } from '../../model/notice.ts'

/**
 * An event as a calendar file (RFC 5545), with an alarm two hours before it. Times are in UTC, which needs no time
 * zone component and shows as the local time everywhere.
 */
export function calendarFile(notice: Notice, publicUrl: string | undefined, now: Date): string {
  const { id, title, place, body, link, starts, ends, quota } = notice
  const page = publicUrl === undefined ? undefined : pageOf(notice, publicUrl)
  const host = publicUrl === undefined ? 'qingda' : new URL(publicUrl).host
  const about = [body, quota === undefined ? '' : `名额：${quota} 人`, link ?? '', page ?? ''].filter(Boolean)
  const url = link ?? page
  return [
    'BEGIN:VCALENDAR',
    'VERSION:2.0',
    'PRODID:-//Qingda//Events//ZH',
    'CALSCALE:GREGORIAN',
    'BEGIN:VEVENT',
    // The same at every download, so that a changed event replaces the one already in the calendar.
    `UID:${text(`${id}@${host}`)}`,
    `DTSTAMP:${utc(now)}`,
    `DTSTART:${utc(new Date(starts))}`,
    `DTEND:${utc(new Date(ends))}`,
    `SUMMARY:${text(title)}`,
    `LOCATION:${text(place)}`,
    ...(about.length > 0 ? [`DESCRIPTION:${text(about.join('\n\n'))}`] : []),
    ...(url === undefined ? [] : [`URL:${new URL(url).href}`]),
    'BEGIN:VALARM',
    'ACTION:DISPLAY',
    'TRIGGER:-PT2H',
    `DESCRIPTION:${text(title)}`,
    'END:VALARM',
    'END:VEVENT',
    'END:VCALENDAR',
  ]
    .map((line) => `${fold(line)}\r\n`)
    .join('')
}

/** §3.3.11: backslash, semicolon, comma and line breaks are escaped; other control characters have no place in a text. */
export const text = (value: string): string =>
  value
    .toWellFormed()
    .replace(/[\\;,]/g, '\\$&')
    .replace(/\r\n|\r|\n/g, '\\n')
    // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is taken out
    .replace(/[\u0000-\u0008\u000B-\u001F\u007F]/g, '')

/** §3.1: no line above 75 octets; the rest goes on behind a line break and a space. No character is cut in two. */
export function fold(line: string): string {
  const lines: string[] = []
  let current = ''
  let room = LONGEST
  for (const character of line) {
    const octets = Buffer.byteLength(character)
    if (octets > room) {
      lines.push(current)
      current = ' '
      room = LONGEST - 1
    }
    current += character
    room -= octets
  }
  return [...lines, current].join('\r\n')
}

const LONGEST = 75

/** §3.3.5, form 2: 20261210T060000Z */
const utc = (time: Date): string => time.toISOString().replace(/[-:]|\.\d{3}/g, '')
