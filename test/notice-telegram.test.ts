import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { startBot } from '../src/bot.ts'
import { startTelegram, type TelegramChannel, type TelegramOptions } from '../src/channels/telegram.ts'
import { type Outbox, startOutbox } from '../src/outbox/run.ts'
import { markReachable, markUnreachable } from '../src/store/addresses.ts'
import { findBroadcast } from '../src/store/broadcasts.ts'
import { type Database, openDatabase } from '../src/store/database.ts'
import { listening } from './fakes/log.ts'
import { figures, ledger, notice, order, subscribers } from './fakes/notices.ts'
import {
  type Answer,
  blocked,
  chatNotFound,
  type FakeTelegram,
  fakeTelegram,
  internalError,
  movedTo,
  type Refusal,
  tooManyRequests,
  unauthorized,
} from './fakes/telegram.ts'

// Sends go over a socket in real time, and some machines run everything else beside it.
vi.setConfig({ testTimeout: 120_000 })

const ID = notice().id
const SECRET = 'a-secret-of-the-webhook'

let data: string
let db: Database
let telegram: FakeTelegram
let log: ReturnType<typeof listening>
let running: { stop(): Promise<void> }[] = []
let children: ChildProcess[] = []
beforeEach(async () => {
  data = await mkdtemp(join(tmpdir(), 'qingda-telegram-'))
  db = await openDatabase(join(data, 'qingda.sqlite'))
  telegram = await fakeTelegram()
  log = listening()
})
afterEach(async () => {
  const [stopping, killed] = [running, children]
  running = []
  children = []
  for (const child of killed) child.kill('SIGKILL')
  await Promise.all(stopping.map((one) => one.stop()))
  await telegram.close()
  await db.destroy()
  await rm(data, { recursive: true, force: true })
  expect(JSON.stringify(log.lines), 'the log shows the token').not.toContain(telegram.token.split(':')[1])
})

/** Nothing is fetched in webhook mode: the fake then has only what the notices send. */
const WEBHOOK = { url: 'https://qingda.example/telegram', secret: SECRET }
async function connect(
  more: Partial<TelegramOptions> = {},
  mode: 'webhook' | 'polling' = 'webhook',
): Promise<TelegramChannel> {
  const channel = await startTelegram({
    token: telegram.token,
    apiRoot: telegram.apiRoot,
    log,
    sorry: '',
    respond: async () => undefined,
    ...(mode === 'webhook' ? { webhook: WEBHOOK } : {}),
    ...more,
  })
  running.push(channel)
  return channel
}
function send({ sender }: Pick<TelegramChannel, 'sender'>): Outbox {
  const outbox = startOutbox({ db, log, senders: [sender], quietHours: 'off' })
  running.unshift(outbox)
  return outbox
}
/** Counts the sends that set out although the platform had answered that all must wait. */
function heeding({ sender }: TelegramChannel) {
  let until = Number.NEGATIVE_INFINITY
  const count = { refused: 0, ignored: 0 }
  const send: TelegramChannel['sender']['send'] = async (chat, text) => {
    if (performance.now() < until) count.ignored++
    const outcome = await sender.send(chat, text)
    if (outcome.kind === 'later') {
      count.refused++
      until = Math.max(until, performance.now() + outcome.afterMs)
    }
    return outcome
  }
  return { sender: { ...sender, send }, count }
}
const until = (condition: () => unknown, ms = 60_000) =>
  vi.waitFor(
    async () => {
      if (!(await condition())) throw new Error(`not within ${ms} ms: ${String(condition)}`)
    },
    { timeout: ms, interval: 20 },
  )
const done = () => until(async () => (await findBroadcast(db, ID))?.state === 'done')
/** The numbers of attempts that occur. */
const attempts = async () =>
  (await db.selectFrom('delivery').select('attempts').distinct().execute()).map((row) => row.attempts)
/** Real time goes on in these tests, so the event lies ahead of whoever runs them. */
const soon = notice({ starts: '2099-12-10T14:00:00+08:00', ends: '2099-12-10T16:30:00+08:00' })

const forbidden = (words: string): Refusal => ({ error_code: 403, description: `Forbidden: ${words}` })
const badRequest = (words: string): Refusal => ({ error_code: 400, description: `Bad Request: ${words}` })

describe('what Telegram answers', () => {
  const unreachable = (reason: string) => ({ kind: 'unreachable', reason })
  it.each<[string, Answer | undefined, object]>([
    ['taken', undefined, { kind: 'sent' }],
    ['flood limit', tooManyRequests(7), { kind: 'later', afterMs: 7000 }],
    ['blocked', blocked, unreachable('blocked')],
    ['account gone', forbidden('user is deactivated'), unreachable('gone')],
    ['never started', forbidden("bot can't initiate conversation with a user"), unreachable('never-started')],
    ['kicked', forbidden('bot was kicked from the supergroup chat'), unreachable('chat-lost')],
    ['not a member', forbidden('bot is not a member of the channel chat'), unreachable('chat-lost')],
    ['unknown chat', chatNotFound, unreachable('not-found')],
    [
      'transient 403',
      forbidden("bot can't send messages to the user"),
      { kind: 'not-now', reason: 'refused-403' },
    ],
    ['a 403 nobody has seen', forbidden('the moon is full'), { kind: 'not-now', reason: 'refused-403' }],
    ['a 400 nobody has seen', badRequest('the moon is full'), { kind: 'not-now', reason: 'refused-400' }],
    ['group became a supergroup', movedTo(-100123), { kind: 'moved', chat: '-100123' }],
    ['empty text', badRequest('message text is empty'), { kind: 'content-refused' }],
    ['text too long', badRequest('message is too long'), { kind: 'content-refused' }],
    ['formatting', badRequest("can't parse entities: unclosed tag"), { kind: 'content-refused' }],
    ['token revoked', unauthorized, { kind: 'channel-refused' }],
    ['server error', internalError, { kind: 'unknown', reason: 'server-error' }],
    ['broken proxy', 'bad gateway', { kind: 'unknown' }],
    ['connection cut', 'cut', { kind: 'unknown', reason: 'connection-lost' }],
    ['connection cut after it was taken', 'done, then cut', { kind: 'unknown', reason: 'connection-lost' }],
  ])('%s', async (_, answer, outcome) => {
    const { sender } = await connect()
    if (answer) telegram.next('sendMessage', answer)
    expect(await sender.send('5', '通知')).toMatchObject(outcome)
  })

  it('nothing at all: nobody was reached, and nobody in particular is to blame', async () => {
    const { sender } = await connect({ apiRoot: 'http://127.0.0.1:9' })
    expect(await sender.send('5', '通知')).toEqual({
      kind: 'not-now',
      reason: 'not-connected',
      everybody: true,
    })
  })

  it('silence, until the channel stops: unknown', async () => {
    const channel = await connect()
    telegram.next('sendMessage', 'done, then silence')
    const sending = channel.sender.send('5', '通知')
    await telegram.until(() => telegram.sent.length === 1, 20_000)
    await channel.stop()
    expect(await sending).toEqual({ kind: 'unknown', reason: 'timed-out' })
  })

  it('is asked for plain text without a preview, and never for a chat that is none', async () => {
    const { sender } = await connect()
    await sender.send('-1005', '**不是** <b>标记</b>')
    expect(telegram.sent[0]).toMatchObject({ chat_id: -1005, link_preview_options: { is_disabled: true } })
    expect(telegram.sent[0]).not.toHaveProperty('parse_mode')
    expect(await sender.send('-1005:7', '通知')).toEqual({ kind: 'unreachable', reason: 'not-found' })
    expect(telegram.sent).toHaveLength(1)
  })
})

describe('a broadcast', () => {
  it('over faults of every kind: who can be reached is, the ledger says the truth', async () => {
    await subscribers(db, 60)
    const faults: Record<number, Answer> = {
      3: blocked,
      8: chatNotFound,
      12: 'done, then cut',
      20: 'cut',
      25: internalError,
      30: tooManyRequests(1),
      41: forbidden('user is deactivated'),
    }
    const met = new Set<number>()
    telegram.rule(({ method, payload }) => {
      const chat = Number(payload.chat_id)
      const fault = method === 'sendMessage' ? faults[chat] : undefined
      if (fault === undefined || (typeof fault === 'string' && met.has(chat))) return undefined
      if (fault !== blocked && fault !== chatNotFound && met.has(chat)) return undefined
      met.add(chat)
      return fault
    })
    await order(db, soon, { now: new Date() })
    send(await connect({ perSecond: 200 }))
    await done()
    const rows = await ledger(db)
    expect(rows).toMatchObject({
      3: 'failed blocked',
      8: 'failed not-found',
      12: 'unknown repeated',
      20: 'unknown repeated',
      25: 'unknown repeated',
      30: 'sent',
      41: 'failed gone',
    })
    expect(await figures(db)).toMatchObject({ planned: 60, sent: 54, failed: 3, unknown: 3, waiting: 0 })
    const copies = (chat: number) => telegram.texts(chat).length
    expect([copies(12), copies(20), copies(30), copies(3)]).toEqual([2, 1, 1, 0])
    expect(await db.selectFrom('reachability').select(['chat', 'state']).orderBy('chat').execute()).toEqual([
      { chat: '3', state: 'blocked' },
      { chat: '41', state: 'gone' },
      { chat: '8', state: 'not-found' },
    ])
  })

  it('under a limit of 30 a second sends to everybody and ignores no refusal', async () => {
    await subscribers(db, 150)
    telegram.limit(30)
    await order(db, soon, { now: new Date() })
    // Somewhat too fast, as when the limit is lower than we believe.
    const { sender, count } = heeding(await connect({ perSecond: 36 }))
    send({ sender })
    await done()
    expect(await figures(db)).toMatchObject({ sent: 150, unknown: 0 })
    expect(count.refused).toBeGreaterThan(0)
    expect(count.ignored).toBe(0)
    expect(await attempts()).toEqual([1])
  })

  it('a refusal stops everybody for as long as it says, and is no attempt', async () => {
    await subscribers(db, 30)
    telegram.rule(({ method, payload }) =>
      method === 'sendMessage' && payload.chat_id === 12 && telegram.texts(12).length === 0
        ? firstTime()
        : undefined,
    )
    let refusals = 0
    const firstTime = () => (refusals++ === 0 ? tooManyRequests(2) : undefined)
    await order(db, soon, { now: new Date() })
    const { sender, count } = heeding(await connect({ perSecond: 50 }))
    send({ sender })
    await done()
    expect(count).toEqual({ refused: 1, ignored: 0 })
    expect(await figures(db)).toMatchObject({ sent: 30 })
    expect(await attempts()).toEqual([1])
  })

  it('silence and cut connections are not repeated when nobody shall read it twice', async () => {
    await subscribers(db, 10)
    const faults: Record<number, Answer> = { 3: 'done, then cut', 6: 'cut', 9: internalError }
    telegram.rule(({ method, payload }) =>
      method === 'sendMessage' ? faults[Number(payload.chat_id)] : undefined,
    )
    await order(db, soon, { now: new Date(), repeat: 'at-most-once' })
    send(await connect({ perSecond: 200 }))
    await done()
    expect(await ledger(db)).toMatchObject({
      3: 'unknown connection-lost',
      6: 'unknown connection-lost',
      9: 'unknown server-error',
    })
    expect(await figures(db)).toMatchObject({ planned: 10, sent: 7, unknown: 3, waiting: 0 })
    expect(telegram.called('sendMessage')).toHaveLength(10)
  })

  it('a text that Telegram refuses is refused for everybody: aborted, and staff are told', async () => {
    await subscribers(db, 40)
    telegram.rule(({ method }) =>
      method === 'sendMessage' && telegram.sent.length >= 5
        ? badRequest("can't parse entities: unsupported start tag")
        : undefined,
    )
    await order(db, soon, { now: new Date() })
    send(await connect({ perSecond: 100 }))
    await until(async () => (await findBroadcast(db, ID))?.state === 'aborted')
    await until(async () => (await figures(db)).unknown === 0)
    const { planned, sent, failed, withheld, byReason } = await figures(db)
    expect([planned, sent + failed + withheld, sent]).toEqual([40, 40, 5])
    expect(byReason).toEqual({ 'content-refused': failed, aborted: withheld })
    expect((await findBroadcast(db, ID))?.why).toContain("can't parse entities")
    const told = log.lines.filter(({ message }) => message.includes('refuses the text of this notice'))
    expect(told).toMatchObject([{ level: 'error' }])
  })

  it('a revoked token stops the channel; whoever is left waits for the next start', async () => {
    await subscribers(db, 20)
    const restore = telegram.rule(({ method }) =>
      method === 'sendMessage' && telegram.sent.length >= 5 ? unauthorized : undefined,
    )
    await order(db, soon, { now: new Date() })
    const outbox = send(await connect({ perSecond: 100 }))
    await until(() => log.lines.some(({ message }) => message.includes('refuses this bot')))
    await outbox.stop()
    expect(await figures(db)).toMatchObject({ sent: 5, unknown: 0, waiting: 15, state: 'sending' })
    restore()
    send(await connect({ perSecond: 100 }))
    await done()
    expect(await figures(db)).toMatchObject({ sent: 20, failed: 0, unknown: 0 })
    expect(telegram.sent).toHaveLength(20)
  })

  it('who blocks the bot keeps the consent, and gets the next notice after letting it in again', async () => {
    await subscribers(db, 2)
    const onReachable = (chat: string, reachable: boolean) =>
      reachable
        ? markReachable(db, { channel: 'telegram', chat })
        : markUnreachable(db, { channel: 'telegram', chat }, 'blocked', new Date())
    const letIn = telegram.rule(({ method, payload }) =>
      method === 'sendMessage' && payload.chat_id === 1 ? blocked : undefined,
    )
    await order(db, soon, { now: new Date() })
    send(await connect({ onReachable, perSecond: 100 }, 'polling'))
    await done()
    expect(await ledger(db)).toEqual({ 1: 'failed blocked', 2: 'sent' })
    expect(await db.selectFrom('subscription').select('chat').orderBy('chat').execute()).toHaveLength(2)
    letIn()
    telegram.push(telegram.membership(1, 'member'))
    await until(async () => (await db.selectFrom('reachability').selectAll().execute()).length === 0)
    const next = { ...soon, id: '2099-12-10-next' }
    await order(db, next, { now: new Date() })
    await until(async () => (await findBroadcast(db, next.id))?.state === 'done')
    expect(await ledger(db, next.id)).toEqual({ 1: 'sent', 2: 'sent' })
  })

  it('blocking and unblocking are noticed as they happen', async () => {
    await subscribers(db, 2)
    const onReachable = (chat: string, reachable: boolean) =>
      reachable
        ? markReachable(db, { channel: 'telegram', chat })
        : markUnreachable(db, { channel: 'telegram', chat }, 'blocked', new Date())
    await connect({ onReachable }, 'polling')
    const known = () => db.selectFrom('reachability').select('chat').execute()
    telegram.push(telegram.membership(1, 'kicked'), telegram.membership(77, 'kicked'))
    await until(async () => (await known()).length === 1)
    telegram.push(telegram.membership(1, 'member'))
    await until(async () => (await known()).length === 0)
  })

  it('退订 in the middle, said to the bot: no notice after the acknowledgement; and replies go first', async () => {
    const bot = await startBot({ contentDir: '.', db, log, segmenter: 'intl', unlimited: true })
    running.push({ stop: () => bot.stop() })
    await subscribers(db, 150)
    let outbox: Outbox | undefined
    const channel = await connect(
      {
        perSecond: 60,
        respond: async (message) => {
          const reply = await bot.respond(message)
          await outbox?.settled(message.address)
          return reply
        },
      },
      'polling',
    )
    // A long way, so that some are always under way.
    telegram.rule(({ method }) =>
      method === 'sendMessage'
        ? new Promise((resolve) => setTimeout(() => resolve(undefined), 60))
        : undefined,
    )
    await order(db, soon, { now: new Date() })
    outbox = send(channel)
    const leaving = [144, 30, 61, 99, 7]
    await telegram.until(() => telegram.sent.length > 20, 20_000)
    telegram.push(...leaving.map((chat) => telegram.text(chat, '退订')))
    await done()
    for (const chat of leaving) {
      const calls = telegram.called('sendMessage').filter(({ payload }) => payload.chat_id === chat)
      const words = calls.map(({ payload }) => (String(payload.text).startsWith('已退订') ? '退订' : '通知'))
      expect(words.at(-1), `chat ${chat}`).toBe('退订')
      expect((await ledger(db))[chat]).toBe(words.length === 2 ? 'sent' : 'withheld unsubscribed')
    }
    const { planned, sent, withheld, unknown } = await figures(db)
    expect([planned, sent + withheld, unknown]).toEqual([150, 150, 0])
  })
})

describe('killed at random points', () => {
  const RECIPIENTS = 300

  async function broadcaster(): Promise<ChildProcess> {
    const child = fork(
      'test/fakes/broadcaster.ts',
      [join(data, 'qingda.sqlite'), telegram.apiRoot, telegram.token, '150'],
      { execArgv: ['--import', 'tsx'], stdio: ['ignore', 'inherit', 'inherit', 'ipc'] },
    )
    children.push(child)
    const died = once(child, 'exit').then(([code]) => {
      throw new Error(`the sending process ended before it began, with ${code}`)
    })
    await Promise.race([once(child, 'message'), died])
    died.catch(() => {
      // Later on that is what is wanted.
    })
    return child
  }

  it.each([
    ['at-least-once', 4, 11],
    ['at-most-once', 2, 23],
  ] as const)(
    '%s, %i kills: nobody is missed or listed as what they are not',
    async (repeat, kills, seed) => {
      const chats = await subscribers(db, RECIPIENTS)
      const deaf = new Set(chats.filter((chat) => Number(chat) % 20 === 0))
      telegram.rule(({ method, payload }) =>
        method === 'sendMessage'
          ? new Promise((resolve) =>
              setTimeout(() => resolve(deaf.has(String(payload.chat_id)) ? blocked : undefined), 30),
            )
          : undefined,
      )
      await order(db, soon, { now: new Date(), repeat })
      let random = seed
      for (let reached = 0, kill = 0; kill < kills; kill++) {
        const child = await broadcaster()
        random = (random * 48271) % 2147483647
        reached += 20 + (random % 40)
        await telegram.until(() => telegram.called('sendMessage').length >= reached, 40_000)
        const exit = once(child, 'exit')
        child.kill('SIGKILL')
        await exit
      }
      const last = await broadcaster()
      await done()
      const exit = once(last, 'exit')
      last.kill('SIGTERM')
      expect(await exit).toEqual([0, null])

      const rows: Record<string, string> = await ledger(db)
      const copies = new Map(chats.map((chat) => [chat, telegram.texts(Number(chat)).length]))
      for (const chat of chats) {
        const [outcome = '', count = 0] = [rows[chat], copies.get(chat)]
        if (deaf.has(chat)) expect(outcome, chat).toMatch(/blocked|interrupted/)
        else if (repeat === 'at-least-once') expect(count, chat).toBeGreaterThanOrEqual(1)
        else expect(count, chat).toBeLessThanOrEqual(1)
        if (outcome === 'sent') expect(count, chat).toBe(1)
        if (count > 1 || (count === 0 && !deaf.has(chat))) expect(outcome, chat).toMatch(/^unknown/)
      }
      const { planned, sent, failed, unknown, withheld, waiting } = await figures(db)
      expect([planned, sent + failed + unknown + withheld, waiting]).toEqual([RECIPIENTS, RECIPIENTS, 0])
      // Only what was claimed at a kill is unknown: at most a batch and what was under way, each time.
      expect(unknown).toBeLessThanOrEqual(kills * (38 + 10 + 10))
    },
    150_000,
  )
})
