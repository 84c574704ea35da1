import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { type Bot, startBot } from '../src/bot.ts'
import { plainText, type Reply } from '../src/model/conversation.ts'
import type { Notice } from '../src/model/notice.ts'
import { type Database, openDatabase } from '../src/store/database.ts'
import { subscriptionsOf } from '../src/store/subscriptions.ts'
import { type ContentFolder, smallContent } from './fakes/content-folder.ts'
import { quiet } from './fakes/log.ts'
import { at, NOW, noticeFile } from './fakes/notices.ts'

// Tuesday, December 1st, 2026; the weekend is the 5th and the 6th.
const on = (day: string, from: string, to: string): Partial<Notice> => ({
  starts: `${day}T${from}:00+08:00`,
  ends: `${day}T${to}:00+08:00`,
})
const NOTICES: Readonly<Record<string, Partial<Notice>>> = {
  dianshang: { title: '主播沙龙', ...on('2026-12-02', '14:00', '16:30'), link: 'https://example.org/a' },
  zaoqi: { title: '晨跑团', topics: ['体育'], ...on('2026-12-02', '06:30', '07:30') },
  zhiyuan: { title: '护河志愿行', topics: ['志愿'], ...on('2026-12-06', '09:00', '11:00'), quota: 30 },
  zhaopin: { title: '新年招聘会', topics: ['就业'], ...on('2027-01-09', '09:00', '12:00') },
  kunming: {
    title: '翠湖读书会',
    region: 'kunming',
    topics: ['文化'],
    ...on('2026-12-05', '19:00', '21:00'),
  },
}

let folder: ContentFolder
let db: Database
let bot: Bot
let now = NOW
let message = 0
beforeAll(async () => {
  folder = await smallContent(['jobs', 'volunteer'])
  for (const [id, more] of Object.entries(NOTICES))
    folder.write(`knowledge/notices/${id}.md`, noticeFile(more))
  db = await openDatabase(':memory:')
  bot = await startBot({
    contentDir: folder.root,
    db,
    log: quiet,
    now: () => now,
    segmenter: 'intl',
    unlimited: true,
    outgoing: { channels: () => ['telegram'], quietHours: 'off' },
  })
})
afterAll(async () => {
  await bot.stop()
  await db.destroy()
  await folder.remove()
})
afterEach(async () => {
  now = NOW
  for (const table of ['session', 'subscription', 'consent'] as const) await db.deleteFrom(table).execute()
})

async function reply(
  text: string,
  more: { inGroup?: boolean; region?: string; channel?: string } = {},
): Promise<Reply> {
  const { channel = 'telegram', ...rest } = more
  const said = { id: String(++message), address: { channel, chat: '1' }, text, region: '莲都', ...rest }
  const answer = await bot.respond(said)
  if (answer === undefined) throw new Error(`no reply to ${text}`)
  return answer
}
const say = async (...of: Parameters<typeof reply>): Promise<string> => plainText(await reply(...of))
/** The events a reply tells of, by id. */
const told = ({ sections }: Reply): string[] => sections.flatMap(({ notice }) => notice ?? [])

describe('asking for events', () => {
  it.each([
    ['近期活动', ['zaoqi', 'dianshang', 'zhiyuan', 'zhaopin']],
    ['最近有什么活动', ['zaoqi', 'dianshang', 'zhiyuan', 'zhaopin']],
    ['周末有啥', ['zhiyuan']],
    ['这周末有什么活动', ['zhiyuan']],
    ['周日有活动吗', ['zhiyuan']],
    ['12月6号有活动吗', ['zhiyuan']],
    ['明天有什么活动', ['zaoqi', 'dianshang']],
    ['明天下午有活动吗', ['dianshang']],
    ['明天早上有活动吗', ['zaoqi']],
    ['下个月的招聘会', ['zhaopin']],
    ['下个月有招聘会吗', ['zhaopin']],
    ['最近有招聘会吗', ['zhaopin']],
    ['最近有什么志愿活动', ['zhiyuan']],
    ['这周有没有主播活动', ['dianshang']],
    ['明天下午有活動嗎', ['dianshang']],
    ['昆明最近有什么活动', ['kunming']],
    ['昆明周六晚上有活动吗', ['kunming']],
  ])('%s', async (asked, events) => {
    expect(told(await reply(asked))).toEqual(events)
  })

  it('without a city tells of all', async () => {
    expect(told(await reply('周末有啥', { region: '' }))).toEqual(['kunming', 'zhiyuan'])
  })

  it('tells one event whole, with its time and weekday in words', async () => {
    expect(await say('明天下午有活动吗')).toBe(`找到 1 个活动：

【莲都】主播沙龙
时间：2026年12月2日（周三）14:00–16:30
地点：白桥双创园2楼路演厅
报名或详情：https://example.org/a

两位本地主播讲选品、话术和起号。

想第一时间收到新活动的通知，发“订阅”。

1. 到时候提醒我`)
  })

  it('lets one of several be chosen', async () => {
    const list = await reply('近期活动')
    expect(list.choices.map(({ label }) => label)).toEqual(['晨跑团', '主播沙龙', '护河志愿行', '新年招聘会'])
    expect(await say('第三个')).toContain('名额：30 人\n\n两位本地主播')
  })

  it('says when nothing is announced for that time, and what is for another', async () => {
    const text = await say('今天有什么活动')
    expect(text).toContain('这个时间没有登记的活动。别的时间有这些：')
    expect(text).toContain('晨跑团')
  })

  it('never tells of what is over, also when it was over after the files were read', async () => {
    now = at('02T16:30:00')
    expect(told(await reply('近期活动'))).toEqual(['zhiyuan', 'zhaopin'])
    expect(await say('今天有什么活动')).toContain('这个时间没有登记的活动')
    now = at('02T16:29:59')
    expect(told(await reply('近期活动'))).toEqual(['dianshang', 'zhiyuan', 'zhaopin'])
  })

  it('asked for a kind that nobody has announced is a question about the documents', async () => {
    expect((await reply('昆明最近有什么志愿活动')).entries.length).toBeGreaterThan(0)
  })

  it('offers no reminder where nobody can be written to', async () => {
    expect((await reply('明天下午有活动吗', { channel: 'web' })).choices).toEqual([])
  })

  it('an offer is no promise: the event may be gone when it is chosen', async () => {
    await reply('近期活动')
    now = at('02T08:00:00')
    await db
      .updateTable('session')
      .set({ data: await menuNow() })
      .execute()
    expect(await say('1')).toContain('选项已经过期')
  })
})

/** The stored session, with its menu made young again. */
async function menuNow(): Promise<string> {
  const { data } = await db.selectFrom('session').select('data').executeTakeFirstOrThrow()
  const session = JSON.parse(data)
  return JSON.stringify({ ...session, menu: { ...session.menu, at: now.getTime() } })
}

describe('subscribing', () => {
  const address = { channel: 'telegram', chat: '1' }
  const consents = () => db.selectFrom('consent').selectAll().execute()

  it('shows what comes, how often, what is kept and how to leave, before it holds', async () => {
    const text = await say('订阅志愿活动')
    for (const part of [
      '莲都·志愿',
      '每周一般不超过两条',
      '晚上十点到早上八点不打扰',
      '会话编号',
      '退订',
      '删除我的数据',
    ])
      expect(text).toContain(part)
    expect(await subscriptionsOf(db, address)).toEqual([])
    expect(await consents()).toEqual([])
  })

  it('keeps the text word for word as it was read, with its version, the time and the channel', async () => {
    const shown = (await reply('訂閱志願活動')).sections[0]?.text
    now = at('01T10:05:00')
    await reply('同意')
    const [consent, ...more] = await consents()
    expect(more).toEqual([])
    expect(consent).toMatchObject({ ...address, text: shown, given_at: now.getTime(), withdrawn_at: null })
    expect(shown).toContain('訂閱說明')
    await reply('订阅电商活动')
    await reply('1')
    const versions = (await consents()).map(({ version }) => version)
    expect(versions[0]).toMatch(/^[0-9a-f]{8}$/)
    expect(versions[1]).toBe(versions[0])
  })

  it.each([
    '退订',
    '退訂',
    '退订！',
    '我要退订',
    'TD',
    'td',
    'ＴＤ',
    'STOP',
    'stop',
    '取消订阅',
    '取消我的订阅',
    '别再发了',
    '不要再给我推送了',
    '退订回td',
  ])('ends with %s, at once and for all', async (word) => {
    for (const text of ['订阅志愿活动', '同意', '订阅电商活动', '同意']) await reply(text)
    expect(await say(word)).toMatch(/已退[订訂].+·志[愿願]、[电電]商.+立即生效/)
    expect(await subscriptionsOf(db, address)).toEqual([])
    expect((await consents()).every(({ withdrawn_at }) => withdrawn_at === now.getTime())).toBe(true)
  })

  it('in a group is done in private, and so is leaving', async () => {
    expect(await say('订阅', { inGroup: true })).toContain('请私聊我')
    expect(await say('同意', { inGroup: true })).not.toContain('已订阅')
    expect(await say('退订', { inGroup: true })).toContain('请私聊我发“退订”')
    expect(await subscriptionsOf(db, address)).toEqual([])
  })

  it('by buttons', async () => {
    const { choices } = await reply('订阅')
    expect(choices.map(({ label }) => label)).toEqual(['同意订阅', '不订了'])
    expect(await say('1')).toContain('已订阅：莲都·全部主题')
  })
})
