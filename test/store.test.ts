import { spawn } from 'node:child_process'
import { mkdtemp, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { sql } from 'kysely'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { type Bot, startBot } from '../src/bot.ts'
import { plainText } from '../src/model/conversation.ts'
import { type Database, openDatabase } from '../src/store/database.ts'
import { forgetOldReplies } from '../src/store/inbound.ts'
import { migrate } from '../src/store/migrations.ts'
import { forgetOldSessions } from '../src/store/sessions.ts'
import { type ContentFolder, smallContent } from './fakes/content-folder.ts'
import { listening } from './fakes/log.ts'

const START = new Date('2026-11-22T04:00:00Z')
const DAY = 24 * 3600 * 1000

let folder: ContentFolder
let data: string
let db: Database
let bot: Bot
let log: ReturnType<typeof listening>
let now: Date
let count = 0
beforeAll(async () => {
  folder = await smallContent(['finance', 'housing', 'volunteer'])
})
afterAll(() => folder.remove())
beforeEach(async () => {
  data = await mkdtemp(join(tmpdir(), 'qingda-data-'))
  now = START
  await open()
})
afterEach(async () => {
  await close()
  await rm(data, { recursive: true, force: true })
})

const file = () => join(data, 'deep', 'qingda.sqlite')
async function open(): Promise<void> {
  db = await openDatabase(file())
  log = listening()
  bot = await startBot({
    contentDir: folder.root,
    db,
    log,
    now: () => now,
    segmenter: 'intl',
    unlimited: true,
  })
}
async function close(): Promise<void> {
  await bot.stop()
  await db.destroy()
}
const reopen = () => close().then(open)

async function say(text: string, { chat = 'lin', id = `m${++count}`, inGroup = false } = {}) {
  const reply = await bot.respond({ id, address: { channel: 'test', chat }, text, inGroup })
  if (reply === undefined) throw new Error(`no reply to ${text}`)
  return { ...reply, text: plainText(reply) }
}

/** Every row of every table, whatever tables there are. */
async function everything(of: Database = db): Promise<Record<string, object[]>> {
  const tables = await sql<{
    name: string
  }>`select name from sqlite_master where type = 'table' and name not like 'sqlite_%'`.execute(of)
  const rows = await Promise.all(
    tables.rows.map(
      async ({ name }) =>
        [name, (await sql<object>`select * from ${sql.table(name)}`.execute(of)).rows] as const,
    ),
  )
  return Object.fromEntries(rows.filter(([name]) => !name.startsWith('kysely_')))
}
const whole = async (): Promise<string> => JSON.stringify(await everything())

describe('the database', () => {
  it('lets a consent lapse that an older version asked for and stored in its own way', async () => {
    await say('订阅莲都志愿')
    const pending = { for: 'consent', region: 'liandu', topics: ['志愿'], shown: '', at: now.getTime() }
    await db
      .updateTable('session')
      .set({ data: JSON.stringify({ region: 'liandu', pending }) })
      .execute()
    expect((await say('我的订阅')).text).toContain('没有订阅')
    expect((await say('志愿')).text).not.toContain('undefined')
  })

  it('is made with its folder, for nobody else to read', async () => {
    expect((await stat(join(data, 'deep'))).mode & 0o077).toBe(0)
  })

  it('brought up to date twice is as it was', async () => {
    await say('订阅昆明的志愿活动')
    await say('同意')
    const before = await everything()
    await migrate(db)
    await reopen()
    await migrate(db)
    expect(await everything()).toEqual(before)
  })
})

describe('a conversation', () => {
  it('goes on over a restart: the region, the topic and the open menu', async () => {
    await say('换城市')
    await reopen()
    expect((await say('1')).text).toContain('莲都')
    expect((await say('担保费减免')).entries[0]).toBe('liandu-guarantee-fee')
    await reopen()
    const follow = await say('要什么材料')
    expect([follow.decision, follow.entries[0]]).toEqual(['answer', 'liandu-guarantee-fee'])
  })

  it('of one visitor is none of another', async () => {
    await say('我在莲都')
    await say('担保费减免')
    expect((await say('要什么材料', { chat: 'wang' })).decision).not.toBe('answer')
  })
})

describe('a subscription', () => {
  const subscriptions = () =>
    db.selectFrom('subscription').select(['chat', 'region', 'topic']).orderBy('topic').execute()
  const consents = () => db.selectFrom('consent').selectAll().execute()

  it('asked for but not agreed to is none', async () => {
    await say('订阅昆明的志愿活动')
    expect(await subscriptions()).toEqual([])
    expect(await consents()).toEqual([])
  })

  it('agreed to is recorded with the consent, word for word as it was shown', async () => {
    const shown = await say('订阅昆明的志愿活动')
    now = new Date(now.getTime() + 60_000)
    const done = await say('同意')
    expect(done.text).toContain('已订阅：昆明·志愿')
    expect(await subscriptions()).toEqual([{ chat: 'lin', region: 'kunming', topic: '志愿' }])
    expect(await consents()).toMatchObject([
      {
        channel: 'test',
        chat: 'lin',
        text: shown.sections[0]?.text,
        given_at: now.getTime(),
        withdrawn_at: null,
      },
    ])
  })

  it('of a visitor who writes traditional characters keeps the text that visitor read', async () => {
    const shown = await say('訂閱昆明的志願活動通知')
    expect(shown.text).toContain('訂閱')
    await say('同意')
    expect((await consents())[0]?.text).toBe(shown.sections[0]?.text)
  })

  it('is recorded by choice 1 as well', async () => {
    await say('订阅昆明的志愿活动')
    expect((await say('1')).text).toContain('已订阅')
    expect(await subscriptions()).toHaveLength(1)
  })

  it('declined is none', async () => {
    await say('订阅昆明的志愿活动')
    await say('2')
    await say('同意')
    expect(await subscriptions()).toEqual([])
    expect(await consents()).toEqual([])
  })

  it('survives a restart, and so does what waits for a consent', async () => {
    await say('订阅昆明的志愿活动')
    await reopen()
    expect((await say('同意')).text).toContain('已订阅')
    await reopen()
    expect((await say('我的订阅')).text).toContain('昆明·志愿')
  })

  it('ends at once with 退订; the consent stays on record as withdrawn', async () => {
    await say('订阅昆明的志愿活动')
    await say('同意')
    now = new Date(now.getTime() + DAY)
    expect((await say('退订')).text).toContain('已退订昆明·志愿')
    expect(await subscriptions()).toEqual([])
    expect(await consents()).toMatchObject([{ given_at: START.getTime(), withdrawn_at: now.getTime() }])
    expect((await say('退订')).text).toContain('没有订阅')
  })

  it('ends for one region while another goes on, with its consent', async () => {
    for (const text of ['订阅昆明的志愿活动', '同意', '订阅莲都的志愿活动', '同意', '退订昆明的'])
      await say(text)
    expect(await subscriptions()).toEqual([{ chat: 'lin', region: 'liandu', topic: '志愿' }])
    expect((await consents()).every(({ withdrawn_at }) => withdrawn_at === null)).toBe(true)
  })

  it('of one visitor is untouched by the 退订 of another', async () => {
    for (const chat of ['lin', 'wang']) {
      await say('订阅昆明的志愿活动', { chat })
      await say('同意', { chat })
    }
    await say('退订', { chat: 'wang' })
    expect(await subscriptions()).toEqual([{ chat: 'lin', region: 'kunming', topic: '志愿' }])
  })

  it('acknowledged survives kill -9', { timeout: 90_000 }, async () => {
    const database = join(data, 'killed.sqlite')
    const child = spawn(
      process.execPath,
      ['--import', 'tsx', 'test/fakes/subscriber.ts', database, folder.root],
      {
        stdio: ['ignore', 'pipe', 'inherit'],
      },
    )
    const ended = new Promise<NodeJS.Signals | null>((resolve) => {
      child.on('close', (_, signal) => resolve(signal))
    })
    const replies: string[] = []
    for await (const line of createInterface({ input: child.stdout })) {
      replies.push(JSON.parse(line) as string)
      if (replies.length === 2) child.kill('SIGKILL')
    }
    expect(replies[1]).toContain('已订阅')
    expect(await ended).toBe('SIGKILL')

    const after = await openDatabase(database)
    const kept = await everything(after)
    await after.destroy()
    expect(kept.subscription).toMatchObject([{ chat: 'killed', region: 'kunming', topic: '志愿' }])
    expect(kept.consent).toMatchObject([{ chat: 'killed', withdrawn_at: null }])
  })
})

describe('the same message twice', () => {
  it('yields the same reply and no second effect: a question is handed over once', async () => {
    await say('人工')
    const first = await say('我的申请三个月没有回音', { id: 'twice' })
    const second = await say('我的申请三个月没有回音', { id: 'twice' })
    expect(second).toEqual(first)
    expect(await db.selectFrom('inquiry').selectAll().execute()).toHaveLength(1)
  })

  it('is recognised while the first is still being answered, and after a restart', async () => {
    await say('人工')
    const [first, second] = await Promise.all([
      say('我的申请三个月没有回音', { id: 'twice' }),
      say('我的申请三个月没有回音', { id: 'twice' }),
    ])
    await reopen()
    const third = await say('我的申请三个月没有回音', { id: 'twice' })
    expect(second).toEqual(first)
    expect(third).toEqual(first)
    expect(await db.selectFrom('inquiry').selectAll().execute()).toHaveLength(1)
  })

  it('keeps its menu: a choice made after the repetition still counts', async () => {
    const first = await say('换城市', { id: 'menu' })
    expect((await say('换城市', { id: 'menu' })).menu).toBe(first.menu)
    expect((await say('2')).text).toContain('昆明')
  })

  it('after two days is a new message, and nothing of the old one is kept', async () => {
    await say('担保费减免', { id: 'old' })
    await forgetOldReplies(db, new Date(now.getTime() + 2 * DAY - 1))
    expect(await db.selectFrom('inbound').selectAll().execute()).toHaveLength(1)
    await forgetOldReplies(db, new Date(now.getTime() + 2 * DAY + 1))
    expect(await db.selectFrom('inbound').selectAll().execute()).toEqual([])
  })
})

describe('a database that fails while the bot runs', () => {
  const cannotBeWritten = () => sql`pragma query_only = on`.execute(db)
  const damaged = async () => {
    for (const table of ['session', 'inbound']) await sql`drop table ${sql.table(table)}`.execute(db)
  }

  it.each([
    ['that cannot be written', cannotBeWritten],
    ['that is damaged', damaged],
  ])(
    '%s: questions and what is urgent are answered all the same, and the log says what to do',
    async (_, fail) => {
      await fail()
      expect((await say('我不想活了')).text).toContain('12356')
      const answer = await bot.respond({
        id: `m${++count}`,
        address: { channel: 'test', chat: 'lin' },
        text: '担保费能减多少',
        region: '莲都',
      })
      expect(answer).toMatchObject({
        decision: 'answer',
        entries: expect.arrayContaining(['liandu-guarantee-fee']),
      })
      expect(JSON.stringify(log.lines)).toMatch(/DATA_DIR/)
      expect(JSON.stringify(log.lines)).not.toMatch(/不想活|担保费/)
    },
  )

  it('claims nothing that was not kept: a consent that cannot be stored is no subscription', async () => {
    await say('莲都的创业活动我要订阅')
    await cannotBeWritten()
    await expect(say('同意')).rejects.toThrow()
    await sql`pragma query_only = off`.execute(db)
    expect(await db.selectFrom('subscription').selectAll().execute()).toEqual([])
  })
})

describe('what is handed over', () => {
  it.each([
    ['a mobile number', '请打13872196053找我', ['13872196053'], '[手机号]'],
    ['a mobile number in groups', '请打 138 7219 6053 找我', ['7219', '6053'], '[手机号]'],
    [
      'a mobile number with dashes and country code',
      '请打+86-138-7219-6053找我',
      ['7219', '6053'],
      '[手机号]',
    ],
    [
      'a mobile number in full width',
      '请打１３８７２１９６０５３找我',
      ['１３８７２１９６０５３', '13872196053'],
      '[手机号]',
    ],
    [
      'a mobile number with invisible marks inside',
      '请打138\u200B7219\u200B6053找我',
      ['7219', '6053'],
      '[手机号]',
    ],
    ['a mobile number with dots', '请打138.7219.6053找我', ['7219', '6053'], '[手机号]'],
    ['a mobile number with long dashes', '请打138—7219—6053找我', ['7219', '6053'], '[手机号]'],
    ['a mobile number digit by digit', '请打1 3 8 7 2 1 9 6 0 5 3找我', ['6 0 5 3'], '[手机号]'],
    [
      'a mobile number in bracketed country code',
      '请打(+86)13872196053找我',
      ['13872196053', '86'],
      '[手机号]',
    ],
    ['a mobile number with 0086', '请打0086-138-7219-6053找我', ['7219', '6053'], '[手机号]'],
    ['a mobile number in characters', '请打一三八七二一九六零五三找我', ['七二一九', '零五三'], '[手机号]'],
    ['a mobile number half in characters', '请打138七二一九6053找我', ['七二一九', '6053'], '[手机号]'],
    ['a mobile number in circles', '请打①③⑧⑦②①⑨⑥⓪⑤③找我', ['⑦②①⑨'], '[手机号]'],
    ['two mobile numbers side by side', '请打13872196053 13987654321', ['7219', '8765'], '[手机号] [手机号]'],
    ['a mobile number behind a day', '2023.01.01 13872196053', ['7219'], '2023.01.01 [手机号]'],
    ['numbers run together', '13872196053330102199901011234', ['7219', '1990'], '[卡号]'],
    ['a landline in brackets', '请打（0578）2123456找我', ['2123456', '0578'], '[电话]'],
    ['an identity number in groups', '证件是330102 19990101 1234', ['330102 ', '19990101'], '[证件号]'],
    ['a bank card with dots', '卡号6222.0212.3456.7890.123', ['6222', '7890'], '[卡号]'],
    ['a landline', '请打0578-2123456找我', ['2123456'], '[电话]'],
    ['an identity number', '证件是330102199901011234', ['330102199901011234', '19990101'], '[证件号]'],
    [
      'an identity number that ends in X',
      '证件是33010219990101123X',
      ['33010219990101123X', '19990101'],
      '[证件号]',
    ],
    ['a bank card in groups', '卡号6222 0212 3456 7890 123', ['6222', '7890'], '[卡号]'],
    ['a bank card', '卡号6222021234567890123', ['6222021234567890123'], '[卡号]'],
    ['an e-mail address', '邮箱是xiao.li+job@mail.example.cn，谢谢', ['xiao.li', 'example.cn'], '[邮箱]'],
    [
      'all of them at once',
      '13872196053，330102199901011234，a@b.cn',
      ['13872196053', '330102199901011234', 'a@b.cn'],
      '[手机号]',
    ],
  ])('hides %s', async (_, text, hidden, instead) => {
    await say('人工')
    await say(`补贴没有到账，${text}`)
    const [inquiry] = await db.selectFrom('inquiry').selectAll().execute()
    expect(inquiry?.question).toContain('补贴没有到账')
    expect(inquiry?.question).toContain(instead)
    for (const part of hidden) expect(await whole()).not.toContain(part)
  })

  it('hides a number at the place where a long message is cut', async () => {
    await say('人工')
    await say(`${'补'.repeat(494)}13872196053`)
    expect(await whole()).not.toMatch(/13872/)
  })

  it.each([
    ['years', '2023年到2026年的补贴'],
    ['sums of money', '贷款300000元还差50000元'],
    ['hotlines', '打12345和12355都没有人接'],
    ['hotlines in a row', '打12345 12355 12356都没有人接'],
    ['days', '2023.01.01-2024.12.31之间毕业，2023-05-29 10:00报名'],
    ['short counts in characters', '一年三百六十五天，二〇二三年五月'],
  ])('leaves %s as they are', async (_, text) => {
    await say('人工')
    await say(text)
    expect((await db.selectFrom('inquiry').selectAll().execute()).map(({ question }) => question)).toEqual([
      text,
    ])
  })

  it('is the unanswered question itself, masked, when the visitor asks for a person afterwards', async () => {
    await say('我在莲都')
    const unsure = await say('火星移民的船票13872196053怎么退')
    expect(unsure.decision).toBe('hand-over')
    expect((await say('人工')).text).toContain('已经转给人工')
    const [inquiry] = await db.selectFrom('inquiry').selectAll().execute()
    expect(inquiry).toMatchObject({
      chat: 'lin',
      region: 'liandu',
      state: 'open',
      created_at: START.getTime(),
    })
    expect(inquiry?.question).toContain('火星移民的船票[手机号]怎么退')
    expect(await whole()).not.toContain('13872196053')
  })
})

describe('what a visitor wrote', () => {
  it('is nowhere in the database once it is answered', async () => {
    await say('我在莲都')
    const reply = await say('担保费减免，能不能减免呀')
    expect(reply.entries[0]).toBe('liandu-guarantee-fee')
    for (const text of ['担保费减免！小王子星云的担保费', '谢谢小王子星云', '担保费减免']) await say(text)
    const last = await say('担保费减免')
    expect(last.decision).toBe('answer')
    expect(await whole()).not.toMatch(/能不能减免呀|小王子星云/)
  })

  it('urgent is not kept either', async () => {
    expect((await say('我是小王子星云，我想自杀')).decision).toBe('urgent')
    expect(await whole()).not.toMatch(/小王子星云|自杀/)
  })

  it('without an answer is forgotten once the next question is answered', async () => {
    await say('我在莲都')
    await say('小王子星云的火星船票怎么退')
    expect((await say('担保费减免')).decision).toBe('answer')
    expect(await whole()).not.toContain('小王子星云')
  })

  it('without an answer is forgotten when the visitor does not come back', async () => {
    await say('小王子星云的火星船票怎么退')
    expect(await whole()).toContain('小王子星云')
    await forgetOldSessions(db, new Date(now.getTime() + DAY))
    expect(await whole()).not.toContain('小王子星云')
  })
})

describe('my data', () => {
  async function leaveTraces(chat = 'lin'): Promise<void> {
    for (const text of ['我在昆明', '订阅昆明的志愿活动', '同意', '人工', '小王子星云的火星船票怎么退'])
      await say(text, { chat })
  }

  it('「我的数据」 lists the region, the subscription, the consent and what was handed over', async () => {
    expect((await say('我的数据')).text).toContain('没有保存关于你的任何记录')
    await leaveTraces()
    const { text } = await say('我的数据')
    for (const part of [
      '城市：昆明',
      '订阅：昆明·志愿',
      '同意订阅的日期：2026-11-22',
      '小王子星云的火星船票怎么退',
    ])
      expect(text).toContain(part)
  })

  it('「删除我的数据」 asks first; a no leaves everything as it was', async () => {
    await leaveTraces()
    const { session: _, inbound: __, ...before } = await everything()
    expect((await say('删除我的数据')).text).toContain('删了不能恢复')
    await say('2')
    const { session: ___, inbound: ____, ...after } = await everything()
    expect(after).toEqual(before)
  })

  it('confirmed, it removes everything from every table, and nothing of other visitors', async () => {
    await leaveTraces('wang')
    const others = await everything()
    await leaveTraces()
    await say('我的数据')
    await say('删除我的数据')
    expect((await say('确认删除')).text).toContain('已经全部删除')

    const left = await everything()
    for (const table of ['session', 'inquiry', 'consent', 'subscription'])
      expect(left[table]).toEqual(others[table])
    expect(JSON.stringify(left)).not.toContain('"lin"')
    expect((await say('我的数据')).text).toContain('没有保存关于你的任何记录')
  })

  it('confirmed, it removes the replies that quoted the visitor as well', async () => {
    await leaveTraces()
    expect((await say('我的数据')).text).toContain('小王子星云')
    await say('删除我的数据')
    await say('确认删除')
    expect(await whole()).not.toContain('小王子星云')
  })
})
