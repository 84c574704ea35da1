import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { sql } from 'kysely'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import { type Bot, type BotOptions, startBot } from '../src/bot.ts'
import { loadContent } from '../src/content/load.ts'
import type { Content } from '../src/model/content.ts'
import { plainText, type Reply } from '../src/model/conversation.ts'
import type { Notice, SendOutcome } from '../src/model/notice.ts'
import { reminderTime } from '../src/model/reminder.ts'
import { momentInWords } from '../src/model/when.ts'
import { type ReminderDesk, remindOfEvents } from '../src/notices/remind.ts'
import { cancel } from '../src/notices/stop.ts'
import { startOutbox } from '../src/outbox/run.ts'
import { virtualClock } from '../src/outbox/virtual-clock.ts'
import { moveAddress } from '../src/store/addresses.ts'
import { listBroadcasts } from '../src/store/broadcasts.ts'
import { type Database, openDatabase } from '../src/store/database.ts'
import { claim } from '../src/store/ledger.ts'
import { remindersOf } from '../src/store/reminders.ts'
import { leadIn } from '../src/talk/remind.ts'
import { type ContentFolder, smallContent } from './fakes/content-folder.ts'
import { quiet } from './fakes/log.ts'
import { at, figures, NOW, noticeFile, order, scripted, subscribers, TELEGRAM } from './fakes/notices.ts'

const ZHUBO = '2026-12-10-zhubo'
const FAIR = '2026-12-12-zhaopin'
const FAIR_FILE: Partial<Notice> = {
  title: '冬季招聘会',
  topics: ['就业'],
  starts: '2026-12-12T09:00:00+08:00',
  ends: '2026-12-12T12:00:00+08:00',
  place: '人才市场一楼',
  body: '六十家企业到场。',
}
const TOLD = '2026年12月10日（周四）14:00–16:30'

let folder: ContentFolder
let db: Database
let bot: Bot
/** The bot as every test finds it. */
let usual: Bot
let now = NOW
let message = 0
function writeNotices(): void {
  folder.write(`knowledge/notices/${ZHUBO}.md`, noticeFile())
  folder.write(`knowledge/notices/${FAIR}.md`, noticeFile(FAIR_FILE))
}
beforeAll(async () => {
  folder = await smallContent(['finance'])
  writeNotices()
  db = await openDatabase(':memory:')
  usual = await started()
})
afterAll(async () => {
  await usual.stop()
  await db.destroy()
  await folder.remove()
})
beforeEach(() => {
  now = NOW
  bot = usual
})
afterEach(async () => {
  for (const table of TABLES) await db.deleteFrom(table).execute()
  if (bot !== usual) await bot.stop()
  writeNotices()
})
const TABLES = [
  'session',
  'consent',
  'subscription',
  'reminder',
  'inbound',
  'broadcast',
  'delivery',
  'audit',
  'heartbeat',
] as const

function started(more: Partial<BotOptions> = {}): Promise<Bot> {
  return startBot({
    contentDir: folder.root,
    db,
    log: quiet,
    now: () => now,
    segmenter: 'intl',
    unlimited: true,
    outgoing: { channels: () => ['telegram'], quietHours: '22:00-08:00' },
    ...more,
  })
}

const address = (chat = '1', channel = 'telegram') => ({ channel, chat })
async function reply(
  text: string,
  { chat = '1', channel = 'telegram', inGroup = false } = {},
): Promise<Reply> {
  const said = { id: String(++message), address: address(chat, channel), text, inGroup, region: '莲都' }
  const answer = await bot.respond(said)
  if (answer === undefined) throw new Error(`no reply to ${text}`)
  return answer
}
const say = async (...of: Parameters<typeof reply>): Promise<string> => plainText(await reply(...of))

/** Everything that went out since the last look, as it was handed to the channel. */
let sent: ReturnType<typeof scripted>
let answer: (chat: string) => SendOutcome
beforeEach(() => {
  answer = () => ({ kind: 'sent' })
  sent = scripted((chat) => answer(chat))
})
const texts = () => sent.handed.map(({ text }) => text)

const desk = async (more: Partial<ReminderDesk> = {}): Promise<ReminderDesk> => ({
  db,
  log: quiet,
  content: (await loadContent(folder.root, undefined, now)).content as Content,
  reaches: [TELEGRAM],
  quietHours: '22:00-08:00',
  now,
  ...more,
})

const waiting = async () =>
  (await db.selectFrom('delivery').select('chat').where('not_before', 'is not', null).execute()).length

/** The process runs at a time: what is due is planned and sent, until so many still wait. */
async function runAt(
  time: Date,
  { stillWaiting = 0, more = {} as Partial<ReminderDesk> } = {},
): Promise<void> {
  now = time
  await remindOfEvents(await desk(more))
  const outbox = startOutbox({
    db,
    log: quiet,
    senders: [sent.sender],
    quietHours: '22:00-08:00',
    clock: virtualClock(now, new Date(now.getTime() + 5000)),
    random: () => 0,
  })
  await vi.waitFor(async () => {
    const broadcasts = await listBroadcasts(db)
    expect([await waiting(), broadcasts.filter(({ state }) => state === 'sending').length]).toEqual([
      stillWaiting,
      stillWaiting === 0 ? 0 : 1,
    ])
  })
  await outbox.stop()
}

describe('提醒我', () => {
  it('is kept, comes once, the evening before, and says what, when and where', async () => {
    expect(await say('最近有什么电商活动')).toContain('主播沙龙第3期')
    expect(await say('到时候提醒我')).toBe(
      `好的，2026年12月9日（周三）18:00提醒你“主播沙龙第3期”，活动时间是${TOLD}。只提醒这一次；不用提醒了，发“取消提醒”。`,
    )
    await runAt(at('09T17:59:00'))
    expect(texts()).toEqual([])
    await runAt(at('09T18:00:00'))
    expect(texts()).toEqual([
      `【活动提醒】主播沙龙第3期\n时间：${TOLD}\n地点：白桥双创园2楼路演厅\n\n这是你让我提醒的，只发这一次。`,
    ])
    await runAt(at('09T18:00:15'))
    await runAt(at('10T08:00:00'))
    expect(texts()).toHaveLength(1)
    expect(await say('主播沙龙提醒我')).toBe(`“主播沙龙第3期”已经提醒过你了，活动时间是${TOLD}。`)
  })

  it.each([
    ['shown alone', ['最近有什么电商活动'], '提醒我', ZHUBO],
    ['chosen from the list', ['近期活动', '2'], '提醒我', FAIR],
    ['by its place in the list', ['近期活动'], '提醒我第二个', FAIR],
    ['by its number', ['近期活动'], '提醒我1', ZHUBO],
    ['by its name', [], '主播沙龙到时候提醒我', ZHUBO],
    ['by part of its name, after a list', ['近期活动'], '那个招聘会提醒我一下', FAIR],
    ['by its topic', ['近期活动'], '电商的那个记得提醒我', ZHUBO],
    ['by its day', ['近期活动'], '12月12号的活动提醒我', FAIR],
    ['in traditional script', ['近期活動'], '提醒我第二個', FAIR],
    ['with a button', ['近期活动', '1'], '1', ZHUBO],
  ])('is about the event %s', async (_, before, asked, notice) => {
    for (const text of before) await say(text)
    await say(asked)
    expect((await remindersOf(db, address())).map((one) => one.notice)).toEqual([notice])
  })

  it('is about the notice that came', async () => {
    await subscribers(db, 1)
    const content = (await desk()).content
    const [zhubo] = content.notices.filter(({ id }) => id === ZHUBO)
    if (zhubo) await order(db, zhubo)
    await runAt(NOW)
    expect(texts()[0]).toContain('【莲都活动】主播沙龙第3期')
    expect(await say('提醒我')).toContain('提醒你“主播沙龙第3期”')
  })

  it('asks which when several may be meant, and keeps how long before', async () => {
    expect((await reply('提前一天提醒我')).choices.map(({ label }) => label)).toEqual([
      '主播沙龙第3期',
      '冬季招聘会',
    ])
    expect(await say('2')).toContain('2026年12月11日（周五）09:00提醒你“冬季招聘会”')
  })

  it('is one for each event: asked again, the later wish holds', async () => {
    await say('最近有什么电商活动')
    expect(await say('提醒我')).toContain('2026年12月9日（周三）18:00提醒')
    expect(await say('提前两小时提醒我')).toContain('2026年12月10日（周四）12:00提醒')
    expect(await remindersOf(db, address())).toHaveLength(1)
  })

  it('is no event when nothing announced is named: the question is answered', async () => {
    const { decision, entries } = await reply('提醒我一下担保费减免的标准')
    expect([decision === 'act', entries[0]]).toEqual([false, 'liandu-guarantee-fee'])
    folder.delete('knowledge/notices')
    bot = await started()
    expect(await say('提醒我')).toContain('目前没有登记近期活动')
  })

  it('that comes too late is refused', async () => {
    now = at('10T13:55:00')
    await say('最近有什么电商活动')
    expect(await say('提醒我')).toContain('来不及再提醒')
    expect(await remindersOf(db, address())).toEqual([])
  })

  it.each(['web', 'terminal', 'api', 'wechat'])(
    'is refused at once where nobody can be written to (%s), with the calendar file',
    async (channel) => {
      await say('最近有什么电商活动', { channel })
      expect(await say('提醒我', { channel })).toBe(
        `这里没法主动给你发消息，到时候提醒不了你。\n\n请自己记一下：主播沙龙第3期，${TOLD}，白桥双创园2楼路演厅。`,
      )
      bot = await started({ publicUrl: 'https://youth.example.org/' })
      const said = await reply('提醒我', { channel })
      expect(plainText(said)).toContain(`https://youth.example.org/notices/${ZHUBO}.ics`)
      expect(said.sections[1]?.notice).toBe(ZHUBO)
      // Asked of several, it is said at once too, not after a choice.
      const several = await reply('提醒我', { channel, chat: '2' })
      expect([several.choices, several.sections.map(({ notice }) => notice)]).toEqual([
        [],
        [undefined, ZHUBO, FAIR],
      ])
      expect(await remindersOf(db, address('1', channel))).toEqual([])
    },
  )

  it('is private', async () => {
    await say('近期活动', { inGroup: true })
    expect(await say('提醒我第一个', { inGroup: true })).toContain('请私聊我')
    expect(await remindersOf(db, address())).toEqual([])
  })
})

describe('the time of a reminder', () => {
  const on = (time: string) => at(time).getTime()
  it.each([
    ['the evening before', '10T14:00:00', '01T10:00:00', undefined, '09T18:00:00'],
    ['two hours before, when that is over', '10T14:00:00', '10T09:00:00', undefined, '10T12:00:00'],
    ['half an hour before, when that is over', '10T14:00:00', '10T12:30:00', undefined, '10T13:30:00'],
    ['none, when that is over', '10T14:00:00', '10T13:45:00', undefined, undefined],
    ['as long before as was asked', '10T14:00:00', '01T10:00:00', 3, '10T11:00:00'],
    ['the next best when that is over', '10T14:00:00', '10T12:30:00', 3, '10T13:30:00'],
    ['the evening before rather than in the night', '10T09:00:00', '01T10:00:00', 2, '09T21:30:00'],
    ['eight in the morning when the evening is over', '10T09:00:00', '09T22:00:00', 2, '10T08:00:00'],
    ['none in the night for what begins at eight', '10T08:05:00', '09T23:00:00', undefined, undefined],
  ])('is %s', (_, starts, from, hours, due) => {
    const lead = hours === undefined ? undefined : hours * 3600_000
    const time = reminderTime(on(starts), at(from), '22:00-08:00', lead)
    expect(time && momentInWords(time)).toBe(due && momentInWords(on(due)))
  })

  it.each([
    ['提前一天提醒我', 24],
    ['提前2小时叫我', 2],
    ['提前半小时提醒我', 0.5],
    ['提前一个半小时提醒我', 1.5],
    ['十五分钟前提醒我', 0.25],
    ['提前1.5小时提醒我', 1.5],
    ['提前一周提醒我', 168],
    ['前一天晚上提醒我', 18],
    ['前一天提醒我', 20],
    ['当天早上提醒我', 5.5],
    ['提醒我', undefined],
    ['提醒我第二个', undefined],
  ])('%s is %s hours before 14:00', (text, hours) => {
    expect(leadIn(text, { starts: '2026-12-10T14:00:00+08:00' })).toBe(hours && hours * 3600_000)
  })
})

describe('an event that changes', () => {
  beforeEach(async () => {
    await say('最近有什么电商活动')
    await say('提醒我')
  })

  it('is told as its file says it then', async () => {
    folder.write(`knowledge/notices/${ZHUBO}.md`, noticeFile({ place: '图书馆报告厅' }))
    await runAt(at('09T18:00:00'))
    expect(texts()[0]).toContain('地点：图书馆报告厅')
  })

  it('of which the file is gone, or broken, is nobody reminded of', async () => {
    folder.write(`knowledge/notices/${ZHUBO}.md`, noticeFile({ place: '' }))
    await runAt(at('09T18:00:00'))
    folder.delete(`knowledge/notices/${ZHUBO}.md`)
    await runAt(at('09T18:30:00'))
    expect(texts()).toEqual([])
    // Mended in time, it is told after all.
    folder.write(`knowledge/notices/${ZHUBO}.md`, noticeFile())
    await runAt(at('09T19:00:00'))
    expect(texts()).toHaveLength(1)
  })

  it('and begins later is told before the new time', async () => {
    const later = { starts: '2026-12-20T14:00:00+08:00', ends: '2026-12-20T16:00:00+08:00' }
    folder.write(`knowledge/notices/${ZHUBO}.md`, noticeFile(later))
    await runAt(at('09T18:00:00'))
    expect(texts()).toEqual([])
    await runAt(at('19T18:00:00'))
    expect(texts()[0]).toContain('2026年12月20日（周日）14:00–16:00')
  })

  it('and begins sooner is told at once when it is late already, but not in the night', async () => {
    const sooner = { starts: '2026-12-02T08:30:00+08:00', ends: '2026-12-02T10:00:00+08:00' }
    folder.write(`knowledge/notices/${ZHUBO}.md`, noticeFile(sooner))
    await runAt(at('01T22:30:00'), { stillWaiting: 0 })
    expect(texts()).toEqual([])
    await runAt(at('02T08:00:00'))
    expect(texts()[0]).toContain('2026年12月2日（周三）08:30–10:00')
  })

  it('after it was told is told again at once', async () => {
    await runAt(at('09T18:00:00'))
    const moved = { starts: '2026-12-11T14:00:00+08:00', ends: '2026-12-11T16:00:00+08:00' }
    folder.write(`knowledge/notices/${ZHUBO}.md`, noticeFile(moved))
    await runAt(at('09T20:00:00'))
    expect(texts()).toHaveLength(2)
    expect(texts()[1]).toContain('2026年12月11日（周五）14:00–16:00')
    await runAt(at('10T18:00:00'))
    expect(texts()).toHaveLength(2)
  })

  it('is not told once it has begun, however long the channel was out of reach', async () => {
    await runAt(at('10T14:00:00'))
    expect(texts()).toEqual([])
    await runAt(at('12T00:00:00'))
    expect(await remindersOf(db, address())).toEqual([])
  })

  it('is withheld when it begins while the reminder still waits in the outbox', async () => {
    now = at('10T13:59:00')
    await remindOfEvents(await desk())
    await runAt(at('10T14:00:00'))
    expect(texts()).toEqual([])
    const [broadcast] = await listBroadcasts(db)
    expect(await figures(db, broadcast?.id)).toMatchObject({ withheld: 1, byReason: { 'event-over': 1 } })
  })
})

describe('calling it off', () => {
  beforeEach(async () => {
    for (const text of ['近期活动', '提醒我第一个', '提醒我第二个']) await say(text)
  })

  it.each([
    ['取消提醒', []],
    ['不用提醒了', []],
    ['招聘会取消提醒', [ZHUBO]],
    ['主播沙龙不用提醒我了', [FAIR]],
  ])('%s', async (asked, left) => {
    expect(await say(asked)).toContain('已取消提醒')
    expect((await remindersOf(db, address())).map(({ notice }) => notice)).toEqual(left)
  })

  it('says so when there is none', async () => {
    await say('取消提醒')
    expect(await say('取消提醒')).toBe('你现在没有等着提醒的活动。')
  })

  it('reaches what waits in the outbox, and asking anew brings it back', async () => {
    now = at('09T18:00:00')
    await remindOfEvents(await desk())
    await say('取消提醒')
    await runAt(now)
    expect(texts()).toEqual([])
    await say('主播沙龙提醒我')
    await runAt(at('10T12:00:00'))
    expect(texts()).toHaveLength(1)
  })

  it.each(['退订', 'TD', 'STOP', '取消订阅'])('by %s, with or without a subscription', async (word) => {
    const told = await say(word)
    expect(told).toContain('已取消提醒：主播沙龙第3期，2026年12月9日（周三）18:00；冬季招聘会')
    await runAt(at('09T18:00:00'))
    expect(texts()).toEqual([])
    expect(await say('退订')).toContain('没有订阅任何通知')
  })

  it('not by leaving one topic: what stays is told', async () => {
    for (const text of ['订阅志愿活动', '同意', '订阅电商活动', '同意']) await say(text)
    expect(await say('退订志愿')).toContain('提醒还在：主播沙龙第3期')
    expect(await remindersOf(db, address())).toHaveLength(2)
    expect(await say('我的订阅')).toContain('等着提醒你的活动：主播沙龙第3期')
  })

  it('我的数据 shows them, 删除我的数据 takes them away, also from the outbox', async () => {
    expect(await say('我的数据')).toContain('活动提醒：主播沙龙第3期，2026年12月9日（周三）18:00')
    now = at('09T18:00:00')
    await remindOfEvents(await desk())
    for (const text of ['删除我的数据', '确认删除']) await say(text)
    await runAt(now)
    expect(texts()).toEqual([])
    expect(await db.selectFrom('reminder').selectAll().execute()).toEqual([])
    expect(JSON.stringify(await db.selectFrom('delivery').selectAll().execute())).toContain('erased-1')
  })

  it('by staff holds for all', async () => {
    now = at('09T18:00:00')
    await remindOfEvents(await desk())
    const [broadcast] = await listBroadcasts(db)
    await cancel(db, broadcast?.id ?? '', '李强', now)
    await runAt(now)
    await say('主播沙龙提醒我', { chat: '2' })
    await runAt(at('10T12:00:00'))
    expect(texts()).toEqual([])
    expect(await figures(db, broadcast?.id)).toMatchObject({ planned: 2, withheld: 2 })
  })
})

describe('the ledger', () => {
  it('has one row for each reminder, whenever it is due, and tells what became of it', async () => {
    answer = (chat) => (chat === '2' ? { kind: 'unreachable', reason: 'blocked' } : { kind: 'sent' })
    await say('主播沙龙提醒我', { chat: '1' })
    await say('主播沙龙提醒我', { chat: '2' })
    await say('主播沙龙提前两小时提醒我', { chat: '3' })
    await runAt(at('09T18:00:00'))
    await runAt(at('10T12:00:00'))
    const [broadcast] = await listBroadcasts(db)
    expect(broadcast).toMatchObject({ reminderOf: ZHUBO, approver: 'visitor', state: 'done' })
    expect(await figures(db, broadcast?.id)).toMatchObject({ planned: 3, sent: 2, failed: 1, waiting: 0 })
  })

  it('knows after a kill what may have been sent, and sends it once more', async () => {
    await say('主播沙龙提醒我')
    now = at('09T18:00:00')
    await remindOfEvents(await desk())
    const [broadcast] = await listBroadcasts(db)
    await claim(db, broadcast?.id ?? '', 'telegram', 9, now)
    await runAt(now)
    expect(texts()).toHaveLength(1)
    expect(await figures(db, broadcast?.id)).toMatchObject({
      unknown: 1,
      byReason: { 'repeated-after-interruption': 1 },
    })
  })

  it('has nothing while its channel is off; when that comes back in time, the reminder is sent', async () => {
    await say('主播沙龙提醒我')
    await runAt(at('09T18:00:00'), { more: { reaches: [] } })
    await runAt(at('09T18:30:00'), { more: { reaches: [{ ...TELEGRAM, channel: 'wechat' }] } })
    expect(await listBroadcasts(db)).toEqual([])
    await runAt(at('10T09:00:00'))
    expect(texts()).toHaveLength(1)
  })

  it('lets reminders go before a notice to many', async () => {
    await subscribers(db, 50, { first: 100 })
    await say('主播沙龙提醒我')
    const content = (await desk()).content
    const [fair] = content.notices.filter(({ id }) => id === FAIR)
    now = at('09T18:00:00')
    if (fair) await order(db, { ...fair, topics: ['电商'] }, { now })
    await runAt(now)
    expect(texts()).toHaveLength(51)
    expect(texts()[0]).toContain('【活动提醒】')
  })

  it('is brought up to date by a start that an earlier one was cut short in', async () => {
    const data = await mkdtemp(join(tmpdir(), 'qingda-reminders-'))
    const file = join(data, 'qingda.sqlite')
    const first = await openDatabase(file)
    await sql`delete from kysely_migration where name = '004-reminders'`.execute(first)
    await first.destroy()
    const second = await openDatabase(file)
    expect(await remindersOf(second, address())).toEqual([])
    await second.destroy()
    await rm(data, { recursive: true, force: true })
  })

  it('follows a chat to its new id', async () => {
    await say('主播沙龙提醒我', { chat: '5' })
    await say('主播沙龙提醒我', { chat: '-1005' })
    await say('招聘会提醒我', { chat: '5' })
    await moveAddress(db, 'telegram', '5', '-1005', 'any', now)
    expect((await remindersOf(db, address('-1005'))).map(({ notice }) => notice)).toEqual([ZHUBO, FAIR])
    expect(await remindersOf(db, address('5'))).toEqual([])
  })
})
