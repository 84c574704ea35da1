import { DAY, HOUR, startOfDay } from '../model/when.ts'

/** A stretch of time a visitor speaks of: from inclusive, to exclusive, epoch milliseconds. */
export interface Span {
  readonly from: number
  readonly to: number
}

/** Asia/Shanghai has no summer time. */
const SHANGHAI = 8 * HOUR

/**
 * The time a message speaks of: 今天, 明天下午, 周末, 下周三, 下个月, 12月10日 … Undefined when it names none
 * (最近, 近期). A weekday means the next one; 下周 is the week after this one, weeks begin on Monday.
 */
export function spanIn(text: string, now: Date): Span | undefined {
  const days = daysIn(text, now)
  if (days === undefined) return undefined
  const hours = HOURS.find(({ words }) => words.test(text))
  if (hours === undefined || days.to - days.from > DAY) return days
  return { from: days.from + hours.from * HOUR, to: days.from + hours.to * HOUR }
}

const HOURS = [
  { words: /上午|早上|早晨/, from: 5, to: 12 },
  { words: /中午/, from: 11, to: 14 },
  { words: /下午/, from: 12, to: 18 },
  { words: /晚上|今晚|明晚|夜里/, from: 18, to: 24 },
]

function daysIn(text: string, now: Date): Span | undefined {
  const today = startOfDay(now.getTime())
  const monday = today - ((weekdayOf(today) + 6) % 7) * DAY
  const days = (from: number, count: number): Span => ({
    from: today + from * DAY,
    to: today + (from + count) * DAY,
  })

  const date = /(\d{1,2})月(\d{1,2})[日号]?/.exec(text)
  if (date) return oneDate(Number(date[1]), Number(date[2]), today)
  if (/大后天/.test(text)) return days(3, 1)
  if (/后天/.test(text)) return days(2, 1)
  if (/明天|明晚|明儿/.test(text)) return days(1, 1)
  if (/今天|今晚|今儿/.test(text)) return days(0, 1)

  const next = /下(?:个)?(?:周|星期|礼拜)/.test(text) ? 7 * DAY : 0
  if (/周末|双休/.test(text)) return { from: monday + next + 5 * DAY, to: monday + next + 7 * DAY }
  const weekday = /(?:周|星期|礼拜)([一二三四五六日天])/.exec(text)?.[1]
  if (weekday !== undefined) {
    const start = monday + next + '一二三四五六日'.indexOf(weekday === '天' ? '日' : weekday) * DAY
    const from = start < today ? start + 7 * DAY : start
    return { from, to: from + DAY }
  }
  if (next > 0) return { from: monday + next, to: monday + next + 7 * DAY }
  if (/[这本](?:个)?(?:周|星期|礼拜)/.test(text)) return { from: today, to: monday + 7 * DAY }
  if (/下(?:个)?月/.test(text)) return month(today, 1)
  if (/[这本](?:个)?月/.test(text)) return { from: today, to: month(today, 0).to }
  return undefined
}

function oneDate(monthNumber: number, day: number, today: number): Span | undefined {
  const year = new Date(today + SHANGHAI).getUTCFullYear()
  for (const candidate of [year, year + 1]) {
    const from = Date.UTC(candidate, monthNumber - 1, day) - SHANGHAI
    const real = new Date(from + SHANGHAI).getUTCDate() === day
    if (real && from >= today) return { from, to: from + DAY }
  }
  return undefined
}

function month(today: number, later: number): Span {
  const here = new Date(today + SHANGHAI)
  const at = (months: number): number =>
    Date.UTC(here.getUTCFullYear(), here.getUTCMonth() + months, 1) - SHANGHAI
  return { from: at(later), to: at(later + 1) }
}

const weekdayOf = (time: number): number => new Date(time + SHANGHAI).getUTCDay()
