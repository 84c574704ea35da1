import { readFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import { type Database, openDatabase } from '../src/store/database.ts'
import { claim, settle } from '../src/store/ledger.ts'
import { run } from './fakes/command.ts'
import { type ContentFolder, smallContent } from './fakes/content-folder.ts'
import { noticeFile, subscribers } from './fakes/notices.ts'

// The commands look at the clock on the wall: the event begins tomorrow.
const DAY = 24 * 3600 * 1000
const later = (days: number): string => new Date(Date.now() + days * DAY).toISOString().replace('Z', '+00:00')
const EVENT = { starts: later(1), ends: later(1.1) }
const ID = 'zhubo'
const FILE = `knowledge/notices/${ID}.md`

let folder: ContentFolder
let data: string
beforeAll(async () => {
  folder = await smallContent(['finance'])
})
afterAll(() => folder.remove())
beforeEach(async () => {
  data = await mkdtemp(join(tmpdir(), 'qingda-notice-'))
  folder.write(FILE, noticeFile(EVENT))
})
afterEach(() => rm(data, { recursive: true, force: true }))

interface Ended {
  readonly code: number
  readonly out: string
  readonly err: string
}

/** The command as a process would run it, in this one: thirty processes would take minutes. */
async function notice(typed: string, env: Readonly<Record<string, string>> = {}): Promise<Ended> {
  const said = { out: '', err: '' }
  const settings = { CONTENT_DIR: folder.root, DATA_DIR: data, QUIET_HOURS: 'off', ...env }
  for (const [name, value] of Object.entries(settings)) vi.stubEnv(name, value)
  const listen = (to: 'log' | 'error', into: keyof typeof said) =>
    vi.spyOn(console, to).mockImplementation((line) => {
      said[into] += `${line}\n`
    })
  listen('log', 'out')
  listen('error', 'err')
  const argv = process.argv
  process.argv = ['node', 'notice', ...wordsOf(typed)]
  try {
    vi.resetModules()
    await import('../src/cli/notice.ts')
    return { code: Number(process.exitCode ?? 0), ...said }
  } finally {
    process.argv = argv
    process.exitCode = undefined
    vi.unstubAllEnvs()
    vi.restoreAllMocks()
  }
}

const wordsOf = (typed: string): string[] => typed.split(' ').filter(Boolean)

async function withStore<T>(work: (db: Database) => Promise<T>): Promise<T> {
  const db = await openDatabase(join(data, 'qingda.sqlite'))
  try {
    return await work(db)
  } finally {
    await db.destroy()
  }
}

/** What a staff member types, and what they read; each line in its turn. */
async function dialogue(lines: readonly [typed: string, code: number, ...reads: string[]][]): Promise<void> {
  for (const [typed, code, ...reads] of lines) {
    const { code: ended, out, err } = await notice(typed)
    const read = `${out}${err}`
    expect([typed, ended, read]).toEqual([typed, code, expect.any(String)])
    for (const part of reads) expect(read, typed).toContain(part)
  }
}

describe('npm run notice', () => {
  it('leads a notice from its file to its account', async () => {
    await withStore(async (db) => {
      await subscribers(db, 3)
      await subscribers(db, 2, { first: 10, topic: '志愿' })
      await subscribers(db, 1, { first: 20, channel: 'web' })
    })
    await dialogue([
      ['list', 0, `${ID}  主播沙龙第3期`, '等待批准'],
      [`preview ${ID}`, 0, 'Telegram(', '最多 4096 字', '【莲都活动】主播沙龙第3期', '发“退订”不再接收'],
      [
        `forecast ${ID}`,
        0,
        'Telegram:现在能送达 3 人',
        '没订这些主题 2 人',
        '网页:1 人订了，但这个渠道不能主动发消息',
      ],
      [`send ${ID}`, 1, '还没有批准', `approve ${ID} --as 姓名`],
      [`approve ${ID}`, 2, '写上是谁批准'],
      [`approve ${ID} --as 王芳`, 1, '作者(王芳)不能批准自己的通知', 'ONE_PERSON_OFFICE'],
      [`approve ${ID} --as 李强`, 0, '李强 批准了“主播沙龙第3期”', `send ${ID}`],
      [`send ${ID} --as 李强`, 0, '3 人要发', '另有 1 人不发', '没有看到机器人在运行', `watch ${ID}`],
      [`approve ${ID} --as 李强`, 1, '发送中', 'correct'],
      [`pause ${ID} --as 赵敏`, 0, '2 秒内不再发出', `resume ${ID}`],
      [`resume ${ID}`, 0, '接着发'],
      [`correct ${ID} --as 李强 --text 地点改了`, 1, '还在发送', `cancel ${ID}`],
    ])
    const db = await openDatabase(join(data, 'qingda.sqlite'))
    const claimed = await claim(db, ID, 'telegram', 2, new Date())
    await settle(
      db,
      ID,
      'telegram',
      [
        { chat: claimed[0]?.chat ?? '', state: 'sent', reason: null },
        { chat: claimed[1]?.chat ?? '', state: 'failed', reason: 'blocked', unreachable: 'blocked' },
      ],
      new Date(),
    )
    await db.destroy()
    folder.write(FILE, noticeFile({ ...EVENT, place: '图书馆' }))
    await dialogue([
      [`cancel ${ID} --as 李强`, 0, '已取消', `report ${ID}`],
      [`watch ${ID}`, 0, '已取消', '100%', '已送达 1，失败 1'],
      [`send ${ID}`, 1, '已取消', '换个文件名'],
      [
        `report ${ID}`,
        0,
        '共 4 人：已送达 1，失败 1，不确定 0，不发 2，等待 0',
        '对方屏蔽了机器人 1',
        '文件在批准之后改过',
        '王芳  想批准，未通过',
        '李强  批准',
        '李强  下令发送',
        '赵敏  暂停',
        '李强  取消',
      ],
      [`correct ${ID} --as 王芳 --text 地点改为图书馆`, 1, '不能由原通知的作者自己发'],
      [`correct ${ID} --as 李强 --text 地点改为图书馆`, 0, '1 人要发'],
      [`list`, 0, `${ID}-correction-1  更正:主播沙龙第3期`],
      [`preview ${ID}-correction-1`, 0, '【更正】主播沙龙第3期\n\n地点改为图书馆'],
    ])
    const { out, err } = await notice(`report ${ID} --json --csv ${join(data, 'out.csv')}`)
    expect(err).toContain('明细写到了')
    const { planned, sent, failed, unknown, withheld, waiting, byReason, ...more } = JSON.parse(out)
    expect({ planned, sent, failed, unknown, withheld, waiting }).toEqual({
      planned: 4,
      sent: 1,
      failed: 1,
      unknown: 0,
      withheld: 2,
      waiting: 0,
    })
    expect(byReason).toEqual({ blocked: 1, cancelled: 1, 'no-sender': 1 })
    expect(more).toEqual({ id: ID, state: 'cancelled', edited: true })
    const csv = readFileSync(join(data, 'out.csv'), 'utf8').trimEnd().split('\r\n')
    expect(csv).toHaveLength(5)
    // Codes, not chats: 1, 2, 3 and 20 would each be a cell.
    expect(csv.join('\n')).not.toMatch(/,(1|2|3|20),(sent|failed|withheld)/)
  }, 120_000)

  it('lets the only person of an office approve, and shows it', async () => {
    expect((await notice(`approve ${ID} --as 王芳`, { ONE_PERSON_OFFICE: 'on' })).code).toBe(0)
    expect((await notice(`report ${ID}`)).out).toContain('王芳  批准')
  })

  it('rehearses with as many as there are, and sends nothing', async () => {
    await withStore((db) => subscribers(db, 40))
    const { code, out } = await notice(`rehearse ${ID} --json`)
    const { forecast, report } = JSON.parse(out)
    expect([code, forecast[0].reachable, report.planned, report.waiting]).toEqual([0, 40, 40, 0])
    const rows = await withStore((db) => db.selectFrom('delivery').selectAll().execute())
    expect(rows).toEqual([])
  })

  it('says what to do about every mistake', async () => {
    const mistakes: readonly [typed: string, code: number, said: string][] = [
      ['', 2, '要做什么'],
      ['sned zhubo', 2, '是不是想写“send”'],
      ['send', 2, '写成 send ID'],
      ['preview zhub', 1, '没有编号是“zhub”的通知。是不是想写“zhubo”'],
      ['report zhubo', 1, '还没有批准'],
      ['pause zhubo', 1, '还没有批准'],
      ['correct zhubo --as 李强', 2, '--text'],
      ['list --nonsense', 2, '--nonsense'],
    ]
    for (const [typed, code, said] of mistakes) {
      const ended = await notice(typed)
      expect([typed, ended.code, ended.err]).toEqual([typed, code, expect.stringContaining(said)])
    }
  })

  it('tells of a broken file what is wrong with it', async () => {
    folder.write(FILE, noticeFile({ ...EVENT, ends: later(0.5) }))
    const { code, err } = await notice(`approve ${ID} --as 李强`)
    expect([code, err]).toEqual([1, expect.stringMatching(/zhubo\.md:\d+ {2}结束时间早于开始时间/)])
    expect((await notice('list')).err).toContain('结束时间早于开始时间')
  })

  it('is a command of its own', async () => {
    const env = { CONTENT_DIR: folder.root, DATA_DIR: data }
    const { code, out } = await run('src/cli/notice.ts', ['list'], { env })
    expect([code, out]).toEqual([0, `${ID}  主播沙龙第3期\n    等待批准\n`])
  })
})
