import { createHash } from 'node:crypto'
import type { Log } from '../model/channel.ts'
import type { Content } from '../model/content.ts'
import type { Broadcast, Notice, Reach } from '../model/notice.ts'
import { reminderTime } from '../model/reminder.ts'
import { saveApproved } from '../store/broadcasts.ts'
import type { Database } from '../store/database.ts'
import {
  forgetOldReminders,
  isAnyDue,
  planReminders,
  remindedEvents,
  reschedule,
} from '../store/reminders.ts'
import { hashOf } from './approve.ts'
import { renderReminder } from './render.ts'

/** Who stands in the ledger for those who have asked for it themselves. */
export const VISITOR = 'visitor'

/** What planning reminders needs to know. */
export interface ReminderDesk {
  readonly db: Database
  readonly log: Log
  readonly content: Content
  /** The channels that can carry one. */
  readonly reaches: readonly Reach[]
  readonly publicUrl?: string | undefined
  readonly quietHours: string
  readonly now: Date
}

/**
 * Hands the reminders that are due to the outbox, told from the file as it is now. An event whose file is gone, or
 * cannot be read, is nobody reminded of: it may be called off, and silence is better than a wrong word. One that was
 * moved is told anew, also to those who were told the old time.
 */
export async function remindOfEvents(desk: ReminderDesk): Promise<void> {
  const { db, content, quietHours, now } = desk
  const channels = desk.reaches.map(({ channel }) => channel)
  for (const { notice: id, starts: known, waiting } of await remindedEvents(db)) {
    const notice = content.notices.find((one) => one.id === id)
    if (notice === undefined) continue
    const starts = Date.parse(notice.starts)
    if (starts !== known)
      await reschedule(
        db,
        { notice: id, starts: known },
        starts,
        (lead) => reminderTime(starts, now, quietHours, lead) ?? now.getTime(),
        now,
      )
    else if (!waiting) continue
    const inTime = starts > now.getTime() && channels.length > 0
    if (inTime && (await isAnyDue(db, id, channels, now))) await plan(desk, notice)
  }
  await forgetOldReminders(db, now)
}

async function plan(
  { db, log, content, reaches, publicUrl, now }: ReminderDesk,
  notice: Notice,
): Promise<void> {
  const texts: Record<string, string> = {}
  for (const reach of reaches) {
    const text = renderReminder(notice, content, { reach, publicUrl })
    if (text !== undefined) texts[reach.channel] = text
    else
      log.error(
        { channel: reach.channel, notice: notice.id },
        'a reminder is too long for this channel: shorten the title, the place or the link of the notice',
      )
  }
  if (Object.keys(texts).length === 0) return
  const broadcast = broadcastOf(notice, texts, now)
  await saveApproved(db, broadcast)
  await planReminders(db, broadcast, now)
}

/** Each wording is a broadcast of its own, so that those reminded later read the file as it is then. */
function broadcastOf(notice: Notice, texts: Readonly<Record<string, string>>, now: Date): Broadcast {
  const wording = createHash('sha256')
    .update(JSON.stringify([notice.starts, texts]))
    .digest('hex')
    .slice(0, 8)
  const starts = Date.parse(notice.starts)
  return {
    id: `${notice.id}-reminder-${wording}`,
    state: 'sending',
    title: notice.title,
    region: notice.region,
    topics: notice.topics,
    audience: notice.audience,
    starts,
    ends: Date.parse(notice.ends),
    sendAt: undefined,
    // Once it has begun, nobody needs to be reminded.
    expires: starts,
    texts,
    contentHash: hashOf(notice),
    author: notice.author,
    approver: VISITOR,
    approvedAt: now.getTime(),
    repeat: 'at-least-once',
    correctionOf: undefined,
    reminderOf: notice.id,
    sentBy: VISITOR,
    orderedAt: now.getTime(),
    startedAt: undefined,
    endedAt: undefined,
    why: undefined,
  }
}
