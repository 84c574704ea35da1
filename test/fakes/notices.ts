import type { Content } from '../../src/model/content.ts'
import type { Broadcast, Notice, NoticeSender, Reach, SendOutcome } from '../../src/model/notice.ts'
import { approve } from '../../src/notices/approve.ts'
import { send } from '../../src/notices/plan.ts'
import { findBroadcast } from '../../src/store/broadcasts.ts'
import type { Database } from '../../src/store/database.ts'
import { report } from '../../src/store/ledger.ts'

/** Tuesday, ten in the morning in Asia/Shanghai, outside the quiet hours. */
export const NOW = new Date('2026-12-01T10:00:00+08:00')
export const at = (time: string): Date => new Date(`2026-12-${time}+08:00`)

export const TELEGRAM: Reach = { channel: 'telegram', longest: 4096, perSecond: 30 }

export const notice = (more: Partial<Notice> = {}): Notice => ({
  id: '2026-12-10-zhubo',
  title: '主播沙龙第3期',
  region: 'liandu',
  topics: ['电商'],
  starts: '2026-12-10T14:00:00+08:00',
  ends: '2026-12-10T16:30:00+08:00',
  place: '白桥双创园2楼路演厅',
  audience: 'topics',
  author: '王芳',
  body: '两位本地主播讲选品、话术和起号。',
  file: 'knowledge/notices/2026-12-10-zhubo.md',
  ...more,
})

/** The same notice as staff write it. */
export const noticeFile = (more: Partial<Notice> = {}): string => {
  const { id: _, file: __, body, sendAt, ...head } = notice(more)
  const lines = Object.entries({ ...head, ...(sendAt ? { 'send-at': sendAt } : {}) })
    .filter(([, value]) => value !== undefined)
    .map(([key, value]) => `${key}: ${JSON.stringify(value)}`)
  return `---\n${lines.join('\n')}\n---\n${body}\n`
}

/** Just what notices need of the content. */
export const content = {
  regions: [{ id: 'liandu', name: '莲都' }],
  notices: [],
  phrases: {
    noticeHead: '【{region}活动】{title}',
    eventTime: '时间：{time}',
    eventPlace: '地点：{place}',
    eventQuota: '名额：{quota} 人',
    noticeLink: '报名或详情：{link}',
    noticeLeave: '发“退订”不再接收',
    noticeMore: '全文：{link}',
    noticeAsk: '想看全文，发“近期活动”。',
    correctionHead: '【更正】{title}',
    reminderHead: '【活动提醒】{title}',
    reminderLeave: '这是你让我提醒的，只发这一次。',
  },
} as unknown as Content

/** Subscribers of 莲都 with the chats from `first` on. */
export async function subscribers(
  db: Database,
  count: number,
  { first = 1, topic = '电商', channel = 'telegram', region = 'liandu' } = {},
): Promise<string[]> {
  const chats = Array.from({ length: count }, (_, i) => String(first + i))
  await db.transaction().execute(async (transaction) => {
    for (let i = 0; i < count; i += 5000)
      await transaction
        .insertInto('subscription')
        .values(chats.slice(i, i + 5000).map((chat) => ({ channel, chat, region, topic, created_at: 0 })))
        .execute()
  })
  return chats
}

/** Approves a notice and orders it to be sent. */
export async function order(
  db: Database,
  what: Notice = notice(),
  {
    now = NOW,
    repeat = 'at-least-once',
    reaches = [TELEGRAM],
  }: { now?: Date; repeat?: Broadcast['repeat']; reaches?: readonly Reach[] } = {},
): Promise<Broadcast> {
  const desk = { db, content, reaches, onePersonOffice: false, now }
  const approval = await approve(desk, what, '李强')
  if (approval.kind !== 'approved') throw new Error(`not approved: ${approval.because}`)
  const sending = await send(db, what.id, { by: '李强', repeat }, now)
  if (sending.kind !== 'sending') throw new Error(`not sent: ${sending.because}`)
  return sending.broadcast
}

/** A channel that answers as it is told, and remembers what it was handed. */
export function scripted(
  answer: (chat: string, number: number) => SendOutcome | Promise<SendOutcome> = () => ({ kind: 'sent' }),
  more: Partial<NoticeSender> = {},
) {
  const handed: { readonly chat: string; readonly text: string }[] = []
  const sender: NoticeSender = {
    ...TELEGRAM,
    parallel: 1,
    send: async (chat, text) => {
      handed.push({ chat, text })
      return answer(chat, handed.filter((one) => one.chat === chat).length)
    },
    ...more,
  }
  return { sender, handed, chats: () => handed.map(({ chat }) => chat) }
}

/** What the ledger says of each chat: `sent`, `failed blocked`, … */
export async function ledger(db: Database, id = notice().id): Promise<Record<string, string>> {
  const rows = await db
    .selectFrom('delivery')
    .select(['chat', 'state', 'reason'])
    .where('broadcast', '=', id)
    .orderBy('chat')
    .execute()
  return Object.fromEntries(
    rows.map(({ chat, state, reason }) => [chat, reason ? `${state} ${reason}` : state]),
  )
}

export async function figures(db: Database, id = notice().id) {
  const broadcast = await findBroadcast(db, id)
  if (broadcast === undefined) throw new Error(`no broadcast ${id}`)
  return report(db, broadcast)
}
