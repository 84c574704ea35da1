import { type ChildProcess, fork, spawn } from 'node:child_process'
import { once } from 'node:events'
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { approve } from '../src/notices/approve.ts'
import { send } from '../src/notices/plan.ts'
import { findBroadcast } from '../src/store/broadcasts.ts'
import { type Database, openDatabase } from '../src/store/database.ts'
import { report } from '../src/store/ledger.ts'
import { content, ledger, notice, subscribers, TELEGRAM } from '../test/fakes/notices.ts'
import { type FakeTelegram, fakeTelegram } from '../test/fakes/telegram.ts'

export interface BroadcastOptions {
  /** Recipients at the platform's limit of 30 a second. */
  readonly count: number
}

/**
 * Notices as a city meets them: the platform on one side of a real socket, the sending process on the other, the
 * ledger in a real file between them.
 */
export async function benchBroadcast({ count }: BroadcastOptions): Promise<Record<string, unknown>> {
  return {
    'planning of 100,000': await planning(100_000),
    [`${count} at a limit of 30 a second`]: await underLimit(count),
    '10,000 without a limit': await unlimited(10_000),
    'replies beside a broadcast': await replies(),
    '30 kills of 2,000 recipients': await kills(2000, 30),
  }
}

const ID = notice().id
const EVENT = notice({ starts: '2099-12-10T14:00:00+08:00', ends: '2099-12-10T16:30:00+08:00' })

interface Scene {
  readonly db: Database
  readonly folder: string
  readonly telegram: FakeTelegram
}

async function scene<T>(act: (scene: Scene) => Promise<T>): Promise<T> {
  const folder = mkdtempSync(join(tmpdir(), 'qingda-bench-'))
  const telegram = await fakeTelegram()
  const db = await openDatabase(join(folder, 'qingda.sqlite'))
  try {
    return await act({ db, folder, telegram })
  } finally {
    await telegram.close()
    await db.destroy()
    rmSync(folder, { recursive: true, force: true })
  }
}

async function order(db: Database): Promise<void> {
  const now = new Date()
  await approve({ db, content, reaches: [TELEGRAM], onePersonOffice: false, now }, EVENT, '李强')
  await send(db, ID, { by: '李强', repeat: 'at-least-once' }, now)
}

export async function planning(count: number) {
  return scene(async ({ db }) => {
    await subscribers(db, count)
    const start = performance.now()
    await order(db)
    return { seconds: round((performance.now() - start) / 1000) }
  })
}

export async function underLimit(count: number) {
  return scene(async (on) => {
    const limit = on.telegram.limit(30)
    await subscribers(on.db, count)
    const child = await broadcaster(on, 30)
    await order(on.db)
    await on.telegram.until(() => on.telegram.sent.length > count / 10, 600_000)
    const early = memory(child)
    await done(on.db)
    const late = memory(child)
    await end(child)
    const { sent, unknown } = await figures(on.db)
    const times = on.telegram.sent.map(({ at }) => at)
    const perSecond = ((times.length - 1) * 1000) / ((times.at(-1) ?? 0) - (times[0] ?? 0))
    return {
      sent,
      unknown,
      'per second': round(perSecond),
      'share of the limit, %': round((perSecond / 30) * 100),
      'busiest second': busiest(times),
      'refusals (429)': limit.refused,
      'refusals ignored': limit.ignored,
      'memory early, MB': early,
      'memory late, MB': late,
    }
  })
}

export async function unlimited(count: number) {
  return scene(async (on) => {
    await subscribers(on.db, count)
    const child = await broadcaster(on, 1000)
    await order(on.db)
    await done(on.db)
    await end(child)
    const { sent, unknown } = await figures(on.db)
    const times = on.telegram.sent.map(({ at }) => at)
    const seconds = ((times.at(-1) ?? 0) - (times[0] ?? 0)) / 1000
    return { sent, unknown, 'per second, every outcome durable': Math.round(count / seconds) }
  })
}

/** Kills the sending process again and again; what a visitor got is held against what the ledger says. */
export async function kills(count: number, times: number) {
  return scene(async (on) => {
    const { db, telegram } = on
    const chats = await subscribers(db, count)
    telegram.rule(({ method }) =>
      method === 'sendMessage'
        ? new Promise((resolve) => setTimeout(() => resolve(undefined), 30))
        : undefined,
    )
    await order(db)
    for (let kill = 0, reached = 0; kill < times; kill++) {
      const child = await broadcaster(on, 200)
      reached += Math.floor((Math.random() * 1.6 * count) / times)
      await telegram.until(
        () => telegram.called('sendMessage').length >= Math.min(reached, count - 10),
        60_000,
      )
      child.kill('SIGKILL')
      await once(child, 'exit')
    }
    const child = await broadcaster(on, 200)
    await done(db)
    await end(child)
    const rows: Record<string, string> = await ledger(db)
    const copies = new Map<string, number>()
    for (const { chat_id } of telegram.sent)
      copies.set(String(chat_id), (copies.get(String(chat_id)) ?? 0) + 1)
    const { planned, sent, failed, unknown, withheld } = await figures(db)
    const twice = chats.filter((chat) => (copies.get(chat) ?? 0) > 1)
    return {
      missed: chats.filter((chat) => !copies.has(chat)).length,
      'got it twice': twice.length,
      'twice but not listed as unknown': twice.filter((chat) => !rows[chat]?.startsWith('unknown')).length,
      'listed as unknown': unknown,
      'states add up to planned': planned === sent + failed + unknown + withheld,
    }
  })
}

/** The real bot answers questions on Telegram, first alone and then beside a broadcast at full rate. */
export async function replies() {
  return scene(async (on) => {
    const { db, folder, telegram } = on
    mkdirSync(join(folder, 'content'))
    for (const part of ['knowledge', 'intents'])
      cpSync(part, join(folder, 'content', part), { recursive: true })
    writeFileSync(join(folder, 'empty.env'), '')
    await subscribers(db, 3000)
    const bot = spawn(process.execPath, ['--import', 'tsx', 'src/main.ts'], {
      env: {
        PATH: process.env.PATH,
        PORT: '0',
        DATA_DIR: folder,
        CONTENT_DIR: join(folder, 'content'),
        SEGMENTER: 'intl',
        LOG_LEVEL: 'error',
        QUIET_HOURS: 'off',
        TELEGRAM_TOKEN: telegram.token,
        TELEGRAM_API_ROOT: telegram.apiRoot,
      },
      stdio: ['ignore', 'ignore', 'inherit'],
    })
    await telegram.until(() => telegram.called('getUpdates').length > 0, 60_000)
    await ask(telegram, 10_000, 20)
    const alone = await ask(telegram, 20_000, 150)
    await order(db)
    await telegram.until(() => telegram.sent.length > 250, 60_000)
    const before = performance.now()
    const noticesBefore = notices(telegram)
    const beside = await ask(telegram, 30_000, 150)
    const rate = ((notices(telegram) - noticesBefore) * 1000) / (performance.now() - before)
    bot.kill('SIGTERM')
    await once(bot, 'exit')
    return {
      'alone p95, ms': Math.round(alone),
      'beside a broadcast p95, ms': Math.round(beside),
      'more, ms': Math.round(beside - alone),
      'notices per second meanwhile': round(rate),
    }
  })
}

const notices = (telegram: FakeTelegram): number =>
  telegram.sent.filter(({ text }) => text.startsWith('【')).length

/** One question after the other, by a visitor each. @returns the 95th percentile of the time to the reply */
async function ask(telegram: FakeTelegram, first: number, count: number): Promise<number> {
  const times: number[] = []
  for (let i = 0; i < count; i++) {
    const visitor = first + i
    const start = performance.now()
    telegram.push(telegram.text(visitor, '莲都担保费能减多少'))
    await telegram.until(
      () => telegram.sent.at(-1)?.chat_id === visitor || isAnswered(telegram, visitor),
      30_000,
    )
    times.push(performance.now() - start)
  }
  times.sort((a, b) => a - b)
  return times[Math.floor(times.length * 0.95)] ?? 0
}

const isAnswered = (telegram: FakeTelegram, visitor: number): boolean =>
  telegram.sent.slice(-20).some(({ chat_id }) => chat_id === visitor)

// ---- the sending process ----

async function broadcaster({ folder, telegram }: Scene, perSecond: number): Promise<ChildProcess> {
  const child = fork(
    'test/fakes/broadcaster.ts',
    [join(folder, 'qingda.sqlite'), telegram.apiRoot, telegram.token, String(perSecond)],
    { execArgv: ['--import', 'tsx'], stdio: ['ignore', 'inherit', 'inherit', 'ipc'] },
  )
  await once(child, 'message')
  return child
}

async function end(child: ChildProcess): Promise<void> {
  child.kill('SIGTERM')
  await once(child, 'exit')
}

async function done(db: Database): Promise<void> {
  while ((await findBroadcast(db, ID))?.state !== 'done')
    await new Promise((resolve) => setTimeout(resolve, 200))
}

async function figures(db: Database) {
  const broadcast = await findBroadcast(db, ID)
  if (broadcast === undefined) throw new Error('the broadcast is gone')
  return report(db, broadcast)
}

function memory({ pid = 0 }: ChildProcess): number {
  const kilobytes = /VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]
  return Math.round(Number(kilobytes) / 1024)
}

function busiest(times: readonly number[]): number {
  let most = 0
  for (let first = 0, last = 0; last < times.length; last++) {
    while ((times[last] ?? 0) - (times[first] ?? 0) >= 1000) first++
    most = Math.max(most, last - first + 1)
  }
  return most
}

const round = (value: number): number => Math.round(value * 100) / 100
