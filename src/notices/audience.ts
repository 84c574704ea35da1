import type { Reach } from '../model/notice.ts'
import { type AudienceCount, countAudience, type Target } from '../store/audience.ts'
import type { Database } from '../store/database.ts'

/** Whom a notice will reach on one channel, and how long that takes. */
export interface Forecast extends AudienceCount {
  /** The channel cannot be written to first; its subscribers will be listed as withheld. */
  readonly carries: boolean
  /** At the channel's own pace, without pauses. */
  readonly seconds: number
}

/** Counted where the subscriptions are, however many there are. */
export async function forecast(db: Database, target: Target, reaches: readonly Reach[]): Promise<Forecast[]> {
  const counts = await countAudience(db, target)
  return counts.map((count) => {
    const reach = reaches.find(({ channel }) => channel === count.channel)
    return { ...count, carries: reach !== undefined, seconds: reach ? secondsFor(count.reachable, reach) : 0 }
  })
}

/** At the channel's own pace, nights between two days included. */
export function secondsFor(count: number, { perSecond, perDay = Number.POSITIVE_INFINITY }: Reach): number {
  const days = Math.max(0, Math.ceil(count / perDay) - 1)
  return days === 0 ? count / perSecond : days * 86_400 + (count - days * perDay) / perSecond
}
