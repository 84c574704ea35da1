export const MINUTE = 60 * 1000
export const HOUR = 60 * MINUTE
export const DAY = 24 * HOUR
/** Asia/Shanghai has no summer time. */
const SHANGHAI = 8 * HOUR

/** Midnight before an instant, in Asia/Shanghai. */
export const startOfDay = (time: number): number => Math.floor((time + SHANGHAI) / DAY) * DAY - SHANGHAI

/** 「2026年12月10日（周四）14:00–16:30」, in Asia/Shanghai; the second day is written out when it is another. */
export function spanInWords(starts: number, ends: number): string {
  return startOfDay(starts) === startOfDay(ends)
    ? `${dayInWords(starts)}${clockTime(starts)}–${clockTime(ends)}`
    : `${momentInWords(starts)} 至 ${momentInWords(ends)}`
}

/** 「2026年12月10日（周四）14:00」 */
export const momentInWords = (time: number): string => `${dayInWords(time)}${clockTime(time)}`

function dayInWords(time: number): string {
  const there = new Date(time + SHANGHAI)
  const weekday = '日一二三四五六'[there.getUTCDay()]
  return `${there.getUTCFullYear()}年${there.getUTCMonth() + 1}月${there.getUTCDate()}日（周${weekday}）`
}

const clockTime = (time: number): string => new Date(time + SHANGHAI).toISOString().slice(11, 16)

/**
 * When the quiet hours that hold at a time will end; undefined when none hold.
 * @param hours `22:00-08:00` in Asia/Shanghai, or `off`
 */
export const quietUntil = (hours: string, time: number): number | undefined => quietSpan(hours, time)?.to

/** The quiet hours that hold at a time, from their beginning to their end; undefined when none hold. */
export function quietSpan(
  hours: string,
  time: number,
): { readonly from: number; readonly to: number } | undefined {
  const [, fromHour, fromMinute, toHour, toMinute] = /^(\d\d):(\d\d)-(\d\d):(\d\d)$/.exec(hours) ?? []
  if (toMinute === undefined) return undefined
  const from = (Number(fromHour) * 60 + Number(fromMinute)) * 60_000
  const to = (Number(toHour) * 60 + Number(toMinute)) * 60_000
  const midnight = startOfDay(time)
  const since = time - midnight
  if (from <= to)
    return since >= from && since < to ? { from: midnight + from, to: midnight + to } : undefined
  if (since >= from) return { from: midnight + from, to: midnight + DAY + to }
  return since < to ? { from: midnight - DAY + from, to: midnight + to } : undefined
}
