import { DAY, HOUR, MINUTE, quietSpan, startOfDay } from './when.ts'

/**
 * When to remind of an event: so long before it as was asked for, or else at six the evening before, or two hours, or
 * half an hour before it, whichever is first still to come. Never in quiet hours: rather earlier, the evening before.
 * @param lead milliseconds before the event
 * @returns undefined when the event begins too soon for any
 */
export function reminderTime(
  starts: number,
  now: Date,
  quietHours: string,
  lead?: number,
): number | undefined {
  const wanted = [
    ...(lead === undefined ? [] : [starts - lead]),
    startOfDay(starts) - DAY + 18 * HOUR,
    starts - 2 * HOUR,
    starts - HALF_AN_HOUR,
  ]
  return wanted
    .flatMap((time) => awake(time, quietHours))
    .find((time) => time > now.getTime() && time <= starts - SHORTEST)
}

/** The time itself, or those on both sides of the quiet hours it lies in, the earlier one first. */
function awake(time: number, quietHours: string): number[] {
  const quiet = quietSpan(quietHours, time)
  return quiet ? [quiet.from - HALF_AN_HOUR, quiet.to] : [time]
}

const HALF_AN_HOUR = 30 * MINUTE
/** A reminder later than this is none. */
const SHORTEST = 10 * MINUTE
