import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { barInWords, fitting } from '../src/cli/notice-words.ts'
import { loadContent } from '../src/content/load.ts'
import type { NoticeSender } from '../src/model/notice.ts'
import { approve } from '../src/notices/approve.ts'
import { send } from '../src/notices/plan.ts'
import { startOutbox } from '../src/outbox/run.ts'
import { findBroadcast } from '../src/store/broadcasts.ts'
import { type Database, openDatabase } from '../src/store/database.ts'
import { run } from './fakes/command.ts'
import { type ContentFolder, smallContent } from './fakes/content-folder.ts'
import { listening } from './fakes/log.ts'
import { figures, ledger, scripted, subscribers, TELEGRAM } from './fakes/notices.ts'

// Each command is a process of its own, and some machines run everything else beside it.
vi.setConfig({ testTimeout: 120_000, hookTimeout: 60_000 })

const ID = '2099-12-10-zhubo'
const FILE = `knowledge/notices/${ID}.md`
const NOTICE = `---
title: 主播沙龙第3期
region: liandu
topics: [创业]
starts: 2099-12-10T14:00:00+08:00
ends: 2099-12-10T16:30:00+08:00
place: 白桥双创园2楼路演厅
author: 王芳
---
两位本地主播讲选品、话术和起号。
`

let folder: ContentFolder
let data: string
let db: Database
let running: { stop(): Promise<void> }[] = []
beforeEach(async () => {
  folder = await smallContent()
  folder.write(FILE, NOTICE)
  data = await mkdtemp(join(tmpdir(), 'qingda-staff-'))
  db = await openDatabase(join(data, 'qingda.sqlite'))
})
afterEach(async () => {
  const stopping = running
  running = []
  await Promise.all(stopping.map((one) => one.stop()))
  await db.destroy()
  await rm(data, { recursive: true, force: true })
  await folder.remove()
})

const staff = (args: readonly string[], heard: (out: string) => void = () => {}) =>
  run('src/cli/notice.ts', args, {
    env: { CONTENT_DIR: folder.root, DATA_DIR: data, QUIET_HOURS: 'off' },
    heard,
  })
const fine = async (args: readonly string[], heard?: (out: string) => void): Promise<string> => {
  const { code, out, err } = await staff(args, heard)
  expect([code, err]).toEqual([0, ''])
  return out
}
/** Approved by another and ordered, as its file says it now. */
async function ordered(): Promise<void> {
  const { content } = await loadContent(folder.root)
  const notice = content?.notices.find(({ id }) => id === ID)
  if (content === undefined || notice === undefined) throw new Error('the notice of this test is not sound')
  const desk = { db, content, reaches: [TELEGRAM], onePersonOffice: false, now: new Date() }
  expect(await approve(desk, notice, '李强')).toMatchObject({ kind: 'approved' })
  const order = { by: '李强', repeat: 'at-least-once' } as const
  expect(await send(db, ID, order, new Date())).toMatchObject({ kind: 'sending' })
}
function deliver(sender: NoticeSender): void {
  running.push(startOutbox({ db, log: listening(), senders: [sender], quietHours: 'off' }))
}
const subscribe = (count: number) => subscribers(db, count, { topic: '创业' })
const until = (condition: () => unknown) =>
  vi.waitFor(
    async () => {
      if (!(await condition())) throw new Error(`not yet: ${String(condition)}`)
    },
    { timeout: 60_000, interval: 20 },
  )

describe('演练', () => {
  it('runs the whole broadcast over faults, prints forecast and outcome, and sends and keeps nothing', async () => {
    await subscribe(1000)
    const told = await fine(['rehearse', ID])
    expect(told).toMatch(/预计:\n {2}Telegram:现在能送达 1000 人/)
    expect(told).toMatch(
      /演练结果\(已发完\):\n共 1000 人：已送达 9\d\d，失败 \d+，不确定 \d+，不发 0，等待 0/,
    )
    expect(told).toMatch(/对方屏蔽了机器人 \d+/)
    expect(told).toMatch(/现在开始发，.+前后发完/)
    expect(await db.selectFrom('broadcast').select('id').execute()).toEqual([])
    expect(await db.selectFrom('delivery').select('chat').execute()).toEqual([])
  })

  it('--json: the states add up to the number planned', async () => {
    await subscribe(300)
    const { forecast, report, seconds } = JSON.parse(await fine(['rehearse', ID, '--json']))
    expect(forecast).toMatchObject([{ channel: 'telegram', reachable: 300 }])
    const { planned, sent, failed, unknown, withheld, waiting } = report
    expect([planned, sent + failed + unknown + withheld, waiting]).toEqual([300, 300, 0])
    expect(failed + unknown).toBeGreaterThan(0)
    expect(seconds).toBeGreaterThan(10)
  })
})

describe('看进度', () => {
  it('shows a bar, the rate, the time left and why some were not reached, until it is out', async () => {
    await subscribe(120)
    await ordered()
    const { sender } = scripted(
      (chat) => (chat.endsWith('0') ? { kind: 'unreachable', reason: 'blocked' } : { kind: 'sent' }),
      { perSecond: 10 },
    )
    // It begins to go out when it is being watched.
    const told = await fine(['watch', ID], () => {
      if (running.length === 0) deliver(sender)
    })
    const lines = told.trimEnd().split('\n')
    expect(lines[0]).toMatch(/^\[─{20}\] 0% 发送中；.*没有看到机器人在运行/)
    const going = lines.filter((line) => line.includes('发送中'))
    expect(going.some((line) => /^\[█*─+\] \d+% 发送中；/.test(line))).toBe(true)
    expect(going.some((line) => /\d+\.\d 条\/秒，还要约 \d+ 秒/.test(line))).toBe(true)
    expect(lines.at(-1)).toBe(
      '[████████████████████] 100% 已发完；共 120 人：已送达 108，失败 12，不确定 0，不发 0，等待 0；对方屏蔽了机器人 12',
    )
  })

  it.each([
    [0, 0, '[████████████████████] 100%'],
    [200, 200, '[────────────────────] 0%'],
    [200, 150, '[█████───────────────] 25%'],
    [200, 1, '[███████████████████─] 99%'],
  ])('of %i with %i waiting: %s', (planned, waiting, bar) => {
    const rest = {
      id: '',
      state: 'sending',
      sent: 0,
      failed: 0,
      unknown: 0,
      withheld: 0,
      byReason: {},
    } as const
    expect(barInWords({ ...rest, planned, waiting })).toBe(bar)
  })

  it('never shows more than the window is wide', () => {
    expect(fitting('[██] 50% 发送中', 80)).toBe('[██] 50% 发送中')
    expect(fitting('[██] 50% 发送中', 12)).toBe('[██] 50% 发')
    expect(fitting('发送中', 5)).toBe('发送')
  })
})

describe('while it goes out', () => {
  it('pause stops it, an edit does not go out and is told, resume sends to exactly those who are left', async () => {
    await subscribe(100)
    await ordered()
    const { sender, handed, chats } = scripted(undefined, { perSecond: 2 })
    deliver(sender)
    await until(() => handed.length >= 3)
    expect(await fine(['pause', ID])).toContain('2 秒内不再发出')
    await until(async () => (await figures(db, ID)).unknown === 0)
    const before = handed.length
    expect(before).toBeLessThan(100)
    await running.pop()?.stop()

    folder.edit(FILE, '白桥双创园2楼路演厅', '图书馆')
    deliver({ ...sender, perSecond: 200 })
    expect(await fine(['resume', ID])).toContain('接着发')
    await until(async () => (await findBroadcast(db, ID))?.state === 'done')
    expect(chats()).toHaveLength(100)
    expect(new Set(chats()).size).toBe(100)
    expect(handed.every(({ text }) => text.includes('白桥双创园2楼路演厅'))).toBe(true)
    expect(new Set(Object.values(await ledger(db, ID)))).toEqual(new Set(['sent']))
    expect(handed.length).toBeGreaterThan(before)
    const told = await fine(['report', ID])
    expect(told).toContain('文件在批准之后改过。发出的是 李强 批准的原文')
    expect(told).toMatch(/李强 {2}批准[\s\S]+李强 {2}下令发送[\s\S]+暂停[\s\S]+继续/)
  })
})
