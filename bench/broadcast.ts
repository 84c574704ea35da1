import { type ChildProcess, fork, spawn } from 'node:child_process'
import { once } from 'node:events'
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { approve } from '../src/notices/approve.ts'
import { send } from '../src/notices/plan.ts'
import { pause } from '../src/notices/stop.ts'
import { findBroadcast } from '../src/store/broadcasts.ts'
import { type Database, openDatabase } from '../src/store/database.ts'
import { report } from '../src/store/ledger.ts'
import { content, ledger, notice, subscribers, TELEGRAM } from '../test/fakes/notices.ts'
import {
  type Answer,
  blocked,
  type FakeTelegram,
  fakeTelegram,
  internalError,
} from '../test/fakes/telegram.ts'
import { percentile, randomFrom, round } from './measure.ts'

export interface BroadcastOptions {
  /** Recipients at the platform's limit of 30 a second. */
  readonly count: number
}

/** What was measured, and what it should be. */
interface Figure {
  readonly measured: number | boolean
  readonly goal?: string
}
type Figures = Readonly<Record<string, Figure>>

/**
 * Notices as a city meets them: the platform on one side of a real socket, the sending process on the other, the
 * ledger in a real file between them.
 */
export async function benchBroadcast({ count }: BroadcastOptions): Promise<Record<string, Figures>> {
  return {
    'planning of 100,000': await planning(100_000),
    '10,000 without a limit': await unlimited(10_000),
    '2,000 over faults of every kind': await faults(2000),
    '30 kills of a broadcast to 2,000': await kills(2000, 30),
    'replies beside a broadcast at full rate': await replies(),
    [`${count} at a limit of 30 a second`]: await underLimit(count),
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

async function planning(count: number): Promise<Figures> {
  return scene(async ({ db }) => {
    await subscribers(db, count)
    const start = performance.now()
    const used = process.cpuUsage()
    await order(db)
    const { user, system } = process.cpuUsage(used)
    return {
      seconds: { measured: round((performance.now() - start) / 1000), goal: '< 5' },
      'seconds of CPU': { measured: round((user + system) / 1e6) },
    }
  })
}

async function underLimit(count: number): Promise<Figures> {
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
      sent: { measured: sent, goal: String(count) },
      unknown: { measured: unknown, goal: '0' },
      'sends per second': { measured: round(perSecond) },
      'share of the limit, %': { measured: round((perSecond / 30) * 100), goal: '≥ 97' },
      'busiest second': { measured: busiest(times), goal: '≤ 30' },
      'refusals (429)': { measured: limit.refused },
      'refusals ignored': { measured: limit.ignored, goal: '0' },
      'resident memory after a tenth, MB': { measured: early },
      'resident memory at the end, MB': { measured: late, goal: 'flat' },
    }
  })
}

async function unlimited(count: number): Promise<Figures> {
  return scene(async (on) => {
    await subscribers(on.db, count)
    const child = await broadcaster(on, 1000)
    const before = cpuSeconds(child)
    await order(on.db)
    await done(on.db)
    const cpu = cpuSeconds(child) - before
    await end(child)
    const { sent, unknown } = await figures(on.db)
    const times = on.telegram.sent.map(({ at }) => at)
    const seconds = ((times.at(-1) ?? 0) - (times[0] ?? 0)) / 1000
    return {
      sent: { measured: sent, goal: String(count) },
      unknown: { measured: unknown, goal: '0' },
      'sends per second, every outcome durable': { measured: Math.round(count / seconds), goal: '≥ 500' },
      'sends per second of CPU': { measured: Math.round(count / cpu) },
    }
  })
}

/** Blocked, cut before and after it was taken, taken and never answered: each held against the ledger. */
async function faults(count: number): Promise<Figures> {
  return scene(async (on) => {
    const { db, telegram } = on
    const chats = await subscribers(db, count)
    const random = randomFrom(1)
    const fates = new Map<string, Answer>()
    for (const chat of chats) {
      const dice = random()
      if (dice < 0.03) fates.set(chat, blocked)
      else if (dice < 0.04) fates.set(chat, 'done, then cut')
      else if (dice < 0.05) fates.set(chat, 'cut')
      else if (dice < 0.055) fates.set(chat, internalError)
      else if (dice < 0.058) fates.set(chat, 'done, then silence')
    }
    const met = new Set<string>()
    telegram.rule(({ method, payload }) => {
      const chat = String(payload.chat_id)
      const fate = method === 'sendMessage' ? fates.get(chat) : undefined
      if (fate === undefined || (fate !== blocked && met.has(chat))) return undefined
      met.add(chat)
      return fate
    })
    const child = await broadcaster(on, 200)
    await order(db)
    await done(db)
    await end(child)
    const gone = new Set([...fates].filter(([, fate]) => fate === blocked).map(([chat]) => chat))
    const reachable = chats.filter((chat) => !gone.has(chat))
    const { failed } = await figures(db)
    return {
      ...(await truth(on, reachable)),
      'blocked, and listed so': { measured: failed, goal: String(gone.size) },
    }
  })
}

/** Kills the sending process again and again; what a visitor got is held against what the ledger says. */
async function kills(count: number, times: number): Promise<Figures> {
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
        120_000,
      )
      const exit = once(child, 'exit')
      child.kill('SIGKILL')
      await exit
    }
    const child = await broadcaster(on, 200)
    await done(db)
    await end(child)
    return truth(on, chats)
  })
}

/** What arrived at the platform, held against the ledger. */
async function truth({ db, telegram }: Scene, reachable: readonly string[]): Promise<Figures> {
  const rows: Record<string, string> = await ledger(db)
  const copies = new Map<string, number>()
  for (const { chat_id } of telegram.sent) copies.set(String(chat_id), (copies.get(String(chat_id)) ?? 0) + 1)
  const { planned, sent, failed, unknown, withheld, waiting } = await figures(db)
  const twice = reachable.filter((chat) => (copies.get(chat) ?? 0) > 1)
  const listedAsSent = Object.entries(rows).filter(([, outcome]) => outcome === 'sent')
  return {
    'reachable, but missed': {
      measured: reachable.filter((chat) => !copies.has(chat)).length,
      goal: '0',
    },
    'got it twice': { measured: twice.length },
    'got it twice, but not listed as unknown': {
      measured: twice.filter((chat) => !rows[chat]?.startsWith('unknown')).length,
      goal: '0',
    },
    'listed as sent, but not got exactly once': {
      measured: listedAsSent.filter(([chat]) => copies.get(chat) !== 1).length,
      goal: '0',
    },
    'listed as unknown': { measured: unknown },
    'states add up to planned': {
      measured: waiting === 0 && planned === sent + failed + unknown + withheld,
      goal: 'true',
    },
  }
}

/** The real bot answers questions on Telegram, first alone and then beside a broadcast at full rate. */
async function replies(): Promise<Figures> {
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
    // Alone before and after, because the machine is not the same all the time.
    const alone = await ask(telegram, 20_000, 100)
    await order(db)
    await telegram.until(() => telegram.sent.length > 250, 120_000)
    const before = performance.now()
    const noticesBefore = notices(telegram)
    const beside = await ask(telegram, 30_000, 200)
    const rate = ((notices(telegram) - noticesBefore) * 1000) / (performance.now() - before)
    await pause(db, ID, '李强', new Date())
    alone.push(...(await ask(telegram, 40_000, 100)))
    await end(bot)
    const [p95Alone, p95Beside] = [percentile(alone, 0.95), percentile(beside, 0.95)]
    return {
      'alone p95, ms': { measured: Math.round(p95Alone) },
      'beside a broadcast p95, ms': { measured: Math.round(p95Beside) },
      'more, ms': { measured: Math.round(p95Beside - p95Alone), goal: '≤ 200' },
      'notices per second meanwhile': { measured: round(rate) },
    }
  })
}

const notices = (telegram: FakeTelegram): number =>
  telegram.sent.filter(({ text }) => text.startsWith('【')).length

/** One question after the other, by a visitor each. @returns the milliseconds to each reply */
async function ask(telegram: FakeTelegram, first: number, count: number): Promise<number[]> {
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
  return times
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
  const exit = once(child, 'exit')
  child.kill('SIGTERM')
  await exit
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

/** Linux counts in hundredths of a second. */
function cpuSeconds({ pid = 0 }: ChildProcess): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8')
    .replace(/^.*\) /, '')
    .split(' ')
  return (Number(fields[11]) + Number(fields[12])) / 100
}

function busiest(times: readonly number[]): number {
  let most = 0
  for (let first = 0, last = 0; last < times.length; last++) {
    while ((times[last] ?? 0) - (times[first] ?? 0) >= 1000) first++
    most = Math.max(most, last - first + 1)
  }
  return most
}
