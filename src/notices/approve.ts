import { createHash } from 'node:crypto'
import type { Content } from '../model/content.ts'
import { type Broadcast, type BroadcastState, type Notice, overAt, type Reach } from '../model/notice.ts'
import { audit } from '../store/audit.ts'
import { findBroadcast, saveApproved } from '../store/broadcasts.ts'
import type { Database } from '../store/database.ts'
import { renderNotice } from './render.ts'

/** What approving and correcting need to know. */
export interface Desk {
  readonly db: Database
  readonly content: Content
  /** The channels that can carry a notice. */
  readonly reaches: readonly Reach[]
  readonly publicUrl?: string | undefined
  /** Setting ONE_PERSON_OFFICE: nobody else is there to look at it. */
  readonly onePersonOffice: boolean
  readonly now: Date
}

export type Approval =
  | { readonly kind: 'approved'; readonly broadcast: Broadcast }
  | { readonly kind: 'refused'; readonly because: 'own-notice' | 'over' }
  | { readonly kind: 'refused'; readonly because: 'too-long'; readonly channel: string }
  | { readonly kind: 'refused'; readonly because: 'already'; readonly state: BroadcastState }

/** A second person stands for a notice: its text is frozen as it is now, for every channel, and goes out like that. */
export async function approve(desk: Desk, notice: Notice, approver: string): Promise<Approval> {
  const approval = await judge(desk, notice, approver)
  const refused = approval.kind === 'refused'
  await audit(
    desk.db,
    {
      who: approver,
      act: refused ? 'approval-refused' : 'approve',
      broadcast: notice.id,
      detail: refused ? approval.because : `hash ${approval.broadcast.contentHash.slice(0, 12)}`,
    },
    desk.now,
  )
  return approval
}

async function judge(desk: Desk, notice: Notice, approver: string): Promise<Approval> {
  const { db, content, now } = desk
  if (isSamePerson(notice.author, approver) && !desk.onePersonOffice)
    return { kind: 'refused', because: 'own-notice' }
  const texts: Record<string, string> = {}
  for (const reach of desk.reaches) {
    const text = renderNotice(notice, content, { reach, publicUrl: desk.publicUrl })
    if (text === undefined) return { kind: 'refused', because: 'too-long', channel: reach.channel }
    texts[reach.channel] = text
  }
  const broadcast: Broadcast = {
    id: notice.id,
    state: 'approved',
    title: notice.title,
    region: notice.region,
    topics: notice.topics,
    audience: notice.audience,
    starts: Date.parse(notice.starts),
    ends: Date.parse(notice.ends),
    sendAt: notice.sendAt === undefined ? undefined : Date.parse(notice.sendAt),
    expires: notice.expires === undefined ? undefined : Date.parse(notice.expires),
    texts,
    contentHash: hashOf(notice),
    author: notice.author,
    approver,
    approvedAt: now.getTime(),
    repeat: 'at-least-once',
    correctionOf: undefined,
    reminderOf: undefined,
    sentBy: undefined,
    orderedAt: undefined,
    startedAt: undefined,
    endedAt: undefined,
    why: undefined,
  }
  if (overAt(broadcast) <= now.getTime()) return { kind: 'refused', because: 'over' }
  if (await saveApproved(db, broadcast)) return { kind: 'approved', broadcast }
  const there = await findBroadcast(db, notice.id)
  return { kind: 'refused', because: 'already', state: there?.state ?? 'sending' }
}

/** Names are typed by hand. */
export const isSamePerson = (one: string, other: string): boolean => plain(one) === plain(other)
const plain = (name: string): string => name.normalize('NFKC').replace(/\s+/g, '').toLowerCase()

/** Everything of a notice that its readers or its audience depend on. */
export function hashOf({ file: _, ...notice }: Notice): string {
  const sorted = Object.fromEntries(Object.entries(notice).sort(([a], [b]) => (a < b ? -1 : 1)))
  return createHash('sha256').update(JSON.stringify(sorted)).digest('hex')
}

/** Whether the file says something else by now than what was approved. */
export function differsFromApproved(broadcast: Broadcast, notices: readonly Notice[]): boolean {
  const notice = notices.find(({ id }) => id === broadcast.id)
  return notice !== undefined && hashOf(notice) !== broadcast.contentHash
}
