import { fork } from 'node:child_process'
import { EventEmitter, once } from 'node:events'
import { chmodSync, existsSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { afterAll, beforeAll, beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest'
import { type payloads, types, type Wechaty, WechatyBuilder } from 'wechaty'
import { mock, PuppetMock } from 'wechaty-puppet-mock'
import { type Bot, startBot } from '../src/bot.ts'
import { inParts, startWechat, type WechatChannel, type WechatOptions } from '../src/channels/wechat.ts'
import type { Child } from '../src/channels/wechat-process.ts'
import { attach } from '../src/channels/wechat-puppet.ts'
import { faultOf, orderSchema, PUPPETS, type Report } from '../src/channels/wechat-wire.ts'
import { loadConfig } from '../src/config.ts'
import type { Log, Respond } from '../src/model/channel.ts'
import type { Reply } from '../src/model/conversation.ts'
import { type Database, openDatabase } from '../src/store/database.ts'

const GREETING = '你好，我是青答。'
const SORRY = '抱歉，我这边出了点问题。'

let db: Database
let bot: Bot
const folder = mkdtempSync(join(tmpdir(), 'qingda-wechat-'))

beforeAll(async () => {
  db = await openDatabase(':memory:')
  bot = await startBot({ contentDir: '.', db, log: recorder(), segmenter: 'intl', unlimited: true })
})
afterAll(async () => {
  await bot.stop()
  await db.destroy()
  rmSync(folder, { recursive: true, force: true })
})

describe('a conversation over wechaty', () => {
  let world: World
  beforeEach(async () => {
    world = await openWorld((message) => bot.respond(message))
  })

  it('answers a private chat and lets a digit choose', async () => {
    const { alice, me } = world
    alice.say('订阅').to(me)
    const menu = await world.next()
    expect(menu).toMatchObject({ listenerId: alice.id })
    expect(menu.roomId).toBeUndefined()
    expect(menu.text).toMatch(/哪个城市[\s\S]*\n1\. .+\n2\. .+/)

    alice.say('2').to(me)
    const city = /\n2\. (.+)/.exec(menu.text ?? '')?.[1]
    expect((await world.next()).text).toContain(`订阅说明：你将收到${city}`)
  })

  it('is silent in a room until it is mentioned, then answers there and mentions the asker', async () => {
    const { alice, bob, me, room } = world
    alice.say('你好').to(room)
    alice.say('@Bob\u2005你好', [bob]).to(room)
    alice.say('@所有人 今晚八点开会', [me, bob]).to(room)
    alice.say('@青答\u2005你好', [me]).to(room)
    const reply = await world.next()
    expect(reply).toMatchObject({ roomId: room.id, text: expect.stringMatching(/^@Alice /) })
    expect(world.asked).toEqual([
      expect.objectContaining({
        text: '你好',
        inGroup: true,
        address: { channel: 'wechat', chat: `${room.id}:${alice.id}` },
      }),
    ])
  })

  it('offers to go on in private when a private topic comes up in a room', async () => {
    const { alice, me, room } = world
    alice.say('@青答 呼和浩特的创业担保贷款怎么申请', [me]).to(room)
    const reply = await world.next()
    expect(reply.roomId).toBe(room.id)
    expect(reply.text).toMatch(/^@Alice [\s\S]*私聊/)
  })

  it('says of stickers and pictures that it can only read text, and nothing of notes by WeChat itself', async () => {
    world.deliver({ type: types.Message.Recalled, text: '' })
    world.deliver({ type: types.Message.Unknown, text: 'Alice 正在输入' })
    world.deliver({ type: types.Message.Emoticon, text: '<msg>表情</msg>' })
    expect((await world.next()).text).toContain('看得懂文字')
    world.deliver({ type: types.Message.Image })
    expect((await world.next()).text).toContain('看得懂文字')
    expect(world.asked.map(({ text, unreadable }) => ({ text, unreadable }))).toEqual([
      { text: '', unreadable: true },
      { text: '', unreadable: true },
    ])
  })

  it('ignores its own messages, old ones, official accounts and what a puppet delivers twice', async () => {
    const { alice, bob, me, mocker } = world
    me.say('我自己说的').to(alice)
    expect((await world.next()).text).toBe('我自己说的')
    world.deliver({ text: '三分钟前问的', timestamp: Date.now() - 3 * 60_000 })
    mocker.createContact({ id: 'news', name: '某公众号', type: types.Contact.Official }).say('推送').to(me)
    alice.say('你好').to(me)
    const { id } = await once(world.child, 'asked').then(([message]) => message)
    world.puppet.emit('message', { messageId: id })
    await world.next()
    bob.say('你好').to(me)
    await world.next()
    expect(world.asked.map(({ address, text }) => [address.chat, text])).toEqual([
      [alice.id, '你好'],
      [bob.id, '你好'],
    ])
  })

  it('accepts a friend request, then greets', async () => {
    const { alice } = world
    const accepted = once(world.child, 'accepted')
    world.requestFriendship('request-1', alice.id)
    expect(await accepted).toEqual(['request-1'])
    expect(await world.next()).toMatchObject({ listenerId: alice.id, text: GREETING })
  })

  it('logs ids and outcomes, never a text or a name', async () => {
    const { alice, me, room } = world
    alice.say('昆明租房有补贴吗').to(me)
    await world.next()
    alice.say('@青答 昆明租房有补贴吗', [me]).to(room)
    await world.next()
    world.puppet.emit('error', { data: 'Alice 说：昆明租房有补贴吗' })
    await world.log.line('reported an error')
    expect(world.log.text()).not.toMatch(/租房|Alice|青答/)
  })
})

describe('replies on their way out', () => {
  it('come in the order of the questions, though the first took longest to answer', async () => {
    const answers: (() => void)[] = []
    const world = await openWorld(
      ({ text }) => new Promise((resolve) => answers.push(() => resolve(saying(`答${text}`)))),
    )
    for (const text of ['一', '二', '三']) world.alice.say(text).to(world.me)
    await world.until(() => answers.length === 3)
    for (const answer of answers.reverse()) answer()
    expect([await world.next(), await world.next(), await world.next()].map(({ text }) => text)).toEqual([
      '答一',
      '答二',
      '答三',
    ])
  })

  it('pause between any two sends of the account, and an urgent one goes ahead of others', async () => {
    const pauses: number[] = []
    const long = ['甲', '乙', '丙'].map((one) => `${one.repeat(1400)}。`).join('\n\n')
    const world = await openWorld(
      async ({ text }) => (text === '急' ? { ...saying('请拨打 120'), decision: 'urgent' } : saying(long)),
      {
        pauseMs: () => {
          pauses.push(0)
          return 20
        },
      },
    )
    world.alice.say('问').to(world.me)
    const first = await world.next()
    world.bob.say('急').to(world.me)
    const then = [await world.next(), await world.next(), await world.next()].map(({ text }) =>
      text?.slice(0, 3),
    )
    expect(first.text?.slice(0, 2)).toBe('甲甲')
    expect(then).toEqual(['请拨打', '乙乙乙', '丙丙丙'])
    expect(pauses.length).toBeGreaterThanOrEqual(3)
  })

  it('say sorry when the answer failed, in the log with the message id alone', async () => {
    const world = await openWorld(async ({ text }) => {
      throw new Error(`cannot answer ${text}`)
    })
    world.alice.say('秘密').to(world.me)
    expect((await world.next()).text).toBe(SORRY)
    expect(await world.log.line('could not be answered')).toMatchObject({ message: world.asked[0]?.id })
    expect(world.log.text()).not.toContain('秘密')
  })

  it('are given up, and said so, when the room or the visitor is gone', async () => {
    const world = await openWorld(async () => saying('答'))
    world.puppet.messageSendText = async () => {
      throw new Error('答 could not be sent')
    }
    world.alice.say('问').to(world.me)
    expect(await world.log.line('did not succeed')).toMatchObject({ chat: world.alice.id, outcome: 'failed' })
    expect(world.log.text()).not.toMatch(/答|问/)
  })

  it('are out when the channel has stopped, and nothing is taken any more', async () => {
    const answers: (() => void)[] = []
    const world = await openWorld(
      () => new Promise((resolve) => answers.push(() => resolve(saying('还是答了')))),
    )
    world.alice.say('问').to(world.me)
    await world.until(() => answers.length === 1)
    const stopped = world.channel.stop()
    world.alice.say('再问').to(world.me)
    answers[0]?.()
    await stopped
    expect((await world.next()).text).toBe('还是答了')
    expect(world.asked).toHaveLength(1)
  })

  it('are cut where a paragraph, a line or a sentence ends, and never within a character', () => {
    const sentences = `${'这是一句话。'.repeat(300)}`
    expect(inParts(sentences).every((part) => part.length <= 1500 && part.endsWith('。'))).toBe(true)
    expect(inParts(sentences).join('')).toBe(sentences)
    const paragraphs = [`${'字'.repeat(900)}`, `${'词'.repeat(500)}`, `${'句'.repeat(800)}`]
    expect(inParts(paragraphs.join('\n\n'))).toEqual([paragraphs.slice(0, 2).join('\n\n'), paragraphs[2]])
    expect(inParts('😀'.repeat(1001), 1501).join('')).toBe('😀'.repeat(1001))
    expect(inParts('😀'.repeat(1001), 1501).every((part) => part.isWellFormed())).toBe(true)
    expect(inParts('  \n')).toEqual([])
  })
})

describe('notices', () => {
  it('go to contacts in the one line of the account, and each outcome is told', async () => {
    const world = await openWorld(async () => saying('答复'), { notices: { perMinute: 2, perDay: 50 } })
    const { sender } = world.channel
    if (sender === undefined) throw new Error('no sender')
    expect(sender).toMatchObject({ channel: 'wechat', parallel: 1, perDay: 50, jitterMs: 15_000 })

    const sending = sender.send('alice', '【莲都活动】主播沙龙')
    expect(sender.busy?.()).toBe(true)
    expect(await world.next()).toMatchObject({ listenerId: 'alice', text: '【莲都活动】主播沙龙' })
    expect(await sending).toEqual({ kind: 'sent' })
    expect(await sender.send('nobody', '通知')).toEqual({ kind: 'unreachable', reason: 'not-found' })

    world.child.tell({ kind: 'logout' })
    expect(await sender.send('alice', '通知')).toEqual({
      kind: 'not-now',
      reason: 'not-connected',
      everybody: true,
    })
  })

  it('of a process that dies with one in hand: that one is unknown, the ones behind it have not left', async () => {
    const child = new FakeChild()
    const { channel, log } = start({ spawn: () => child, notices: { perMinute: 2, perDay: 50 } })
    child.tell({ kind: 'login', name: '青答' })
    await log.line('WeChat is logged in')
    const [inHand, behind] = [channel.sender?.send('a', '通知'), channel.sender?.send('b', '通知')]
    child.emit('exit', 1, null)
    expect(await inHand).toEqual({ kind: 'unknown', reason: 'timed-out' })
    expect(await behind).toMatchObject({ kind: 'not-now', everybody: true })
  })

  it('are not sent unless the settings ask for it', () => {
    expect(start({ spawn: () => new FakeChild() }).channel.sender).toBeUndefined()
  })
})

describe('the login', () => {
  it('is shown as a link in the log and as a code to scan, once', async () => {
    const codes: string[] = []
    const names: string[] = []
    const child = new FakeChild()
    const { log } = start({
      spawn: () => child,
      showCode: (code) => codes.push(code),
      onLogin: (name) => names.push(name),
    })
    const url = 'https://login.weixin.qq.com/l/abc=='
    for (const status of ['waiting', 'waiting', 'scanned'] as const)
      child.tell({ kind: 'qrcode', url, status })
    child.tell({ kind: 'login', name: '小青' })
    expect(codes).toHaveLength(1)
    expect(codes[0]).toMatch(/[▄█▀]/)
    expect(log.lines.filter(({ fields }) => fields.url === url)).toHaveLength(1)
    expect(names).toEqual(['小青'])
    expect(log.text()).not.toContain('小青')
  })

  it('does not end the bot when the code is too long to be drawn', () => {
    const child = new FakeChild()
    const { log } = start({ spawn: () => child })
    child.tell({ kind: 'qrcode', url: 'x'.repeat(4000), status: 'waiting' })
    child.tell({ kind: 'login', name: 'x' })
    expect(log.all('could not be dealt with')).toEqual([expect.objectContaining({ report: 'qrcode' })])
    expect(log.all('WeChat is logged in')).toHaveLength(1)
  })

  it('is refused for any puppet outside the list, which is that of the settings', () => {
    for (const puppet of ['wechaty-puppet-xp', '../evil', '', 'WECHATY-PUPPET-MOCK'])
      expect(() => startWechat({ ...nothing, puppet, log: recorder() })).toThrow(
        /^WECHATY_PUPPET .+ Set it to one of: wechaty-puppet-service,/,
      )
    for (const puppet of PUPPETS) expect(loadConfig({ WECHATY_PUPPET: puppet }).WECHATY_PUPPET).toBe(puppet)
    expect(() => loadConfig({ WECHATY_PUPPET: 'wechaty-puppet-xp' })).toThrow('WECHATY_PUPPET')
  })
})

describe('the supervisor', () => {
  it('restarts a process that dies of a rejected listener, waiting longer each time, until it is told to stop', async () => {
    let spawned = 0
    const { channel, log } = start({
      spawn: () => {
        spawned++
        return fake('crashes')
      },
      patience: { firstMs: 10, mostMs: 25 },
    })
    await log.line('will be started again', 4)
    await channel.stop()
    expect(spawned).toBeGreaterThanOrEqual(4)
    expect(
      log
        .all('will be started again')
        .map(({ restartInMs, code }) => [restartInMs, code])
        .slice(0, 4),
    ).toEqual([
      [10, 1],
      [20, 1],
      [25, 1],
      [25, 1],
    ])
    expect(log.text()).not.toContain('张三')
  })

  it('never restarts what was told to stop', async () => {
    vi.useFakeTimers()
    onTestFinished(() => void vi.useRealTimers())
    const children: FakeChild[] = []
    const { channel } = start({ spawn: () => children[children.push(new FakeChild()) - 1] as FakeChild })
    children[0]?.emit('exit', 1, null)
    await vi.advanceTimersByTimeAsync(1000)
    expect(children).toHaveLength(2)
    children[1]?.emit('exit', 1, null)
    await channel.stop()
    await vi.advanceTimersByTimeAsync(3600_000)
    expect(children).toHaveLength(2)
  })

  it('begins with the short wait again once it was logged in for ten minutes', async () => {
    let now = 0
    const children: FakeChild[] = []
    const { log } = start({
      now: () => now,
      spawn: () => {
        const child = new FakeChild()
        children.push(child)
        return child
      },
      patience: { firstMs: 1 },
    })
    for (const minutes of [0, 9, 10, 0]) {
      const child = children.at(-1)
      child?.tell({ kind: 'login', name: 'x' })
      now += minutes * 60_000
      const count = children.length
      child?.emit('exit', 1, null)
      while (children.length === count) await new Promise((resolve) => setTimeout(resolve, 1))
    }
    expect(log.all('will be started again').map(({ restartInMs }) => restartInMs)).toEqual([1, 2, 1, 2])
  })

  it('kills a process that does nothing but report errors', async () => {
    const spinning: ReturnType<typeof fork>[] = []
    const { log } = start({
      spawn: () => {
        const child = fake('spins')
        spinning.push(child)
        return child
      },
      patience: { firstMs: 60_000 },
    })
    await log.line('more than 10 errors in a second')
    expect(await exitOf(spinning[0])).toBe('SIGKILL')
    expect(log.all('reported an error')).toEqual([{ channel: 'wechat', fault: 'Error EAI_AGAIN' }])
    expect(log.all('will be started again')).toHaveLength(1)
  })

  it('lets a process live that reports ten errors a second, and takes nothing outside the list', async () => {
    let now = 0
    const child = new FakeChild()
    const { log } = start({ spawn: () => child, now: () => now })
    for (let i = 0; i < 150; i++) {
      child.tell({ kind: 'message', text: '秘密' } as never)
      now += 100
    }
    expect(child.killed).toBeUndefined()
    // The same one is told once in ten seconds.
    expect(log.all('reported an error')).toHaveLength(2)
    expect(log.text()).not.toContain('秘密')
  })

  it('kills a process that does not stop in time', async () => {
    const child = fake('deaf')
    const { channel, log } = start({ spawn: () => child, patience: { stopMs: 50 } })
    await log.line('the WeChat process runs')
    await Promise.all([channel.stop(), channel.stop()])
    expect(child.signalCode).toBe('SIGKILL')
    expect(log.all('did not stop in time')).toHaveLength(1)
    expect(log.all('will be started again')).toHaveLength(0)
  })

  it('outlives a process that cannot be started at all', async () => {
    let tries = 0
    const { log } = start({
      spawn: () => {
        tries++
        if (tries === 2) throw new Error('no memory')
        return fork(join(folder, 'not-there.mjs'), { stdio: 'ignore', execPath: join(folder, 'no-node') })
      },
      patience: { firstMs: 1 },
    })
    await log.line('will be started again', 3)
    expect(log.all('could not be started')).toHaveLength(1)
  })

  it('drops what waited when the process ends, and says how much', async () => {
    const child = new FakeChild()
    const { log } = start({
      spawn: () => child,
      respond: async () => saying('答'),
      patience: { firstMs: 60_000 },
    })
    child.tell({ kind: 'login', name: 'x' })
    for (const id of ['1', '2', '3'])
      child.tell({
        kind: 'message',
        id,
        chat: 'a',
        talker: 'a',
        text: '问',
        inGroup: false,
        unreadable: false,
      })
    await once(child, 'order')
    child.emit('exit', null, 'SIGKILL')
    expect(await log.line('replies were dropped')).toMatchObject({ dropped: 2 })
    expect(await log.line('did not succeed')).toMatchObject({ outcome: 'unknown' })
  })
})

describe('the real process', () => {
  it.concurrent('starts with wechaty, reports, keeps its memory card to itself and stops cleanly', async ({
    onTestFinished,
  }) => {
    const card = join(folder, 'wechat.memory-card.json')
    writeFileSync(card, '{}')
    chmodSync(card, 0o644)
    const { channel, log } = start({ dataDir: folder, patience: { stopMs: 20_000 } }, onTestFinished)
    await log.line('the WeChat process runs')
    expect(statSync(card).mode & 0o777).toBe(0o600)
    await channel.stop()
    expect(log.all('the WeChat process has stopped')).toEqual([
      expect.objectContaining({ code: 0, signal: null }),
    ])
    expect(log.all('reported an error')).toEqual([])
  }, 60_000)

  it.concurrent('ends of a rejected listener even when a puppet swallows such things, and the bot goes on', async ({
    onTestFinished,
  }) => {
    const swallows = pathToFileURL('test/fakes/wechat-swallows.mjs').href
    const { log } = start(
      {
        dataDir: join(folder, 'new'),
        env: { ...process.env, NODE_OPTIONS: `--import ${swallows}` },
        patience: { firstMs: 60_000 },
      },
      onTestFinished,
    )
    expect(await log.line('will be started again')).toMatchObject({ code: 1, restartInMs: 60_000 })
    expect(log.all('reported an error')).toEqual([
      expect.objectContaining({ fault: expect.stringMatching(/^TypeError at wechat-swallows\.mjs:\d+$/) }),
    ])
    expect(log.text()).not.toContain('张三')
    expect(existsSync(join(folder, 'new'))).toBe(true)
  }, 60_000)

  it.concurrent('says which package a puppet needs', async ({ onTestFinished }) => {
    const { log } = start(
      {
        puppet: 'wechaty-puppet-padlocal',
        dataDir: folder,
        patience: { firstMs: 60_000 },
      },
      onTestFinished,
    )
    await log.line('will be started again')
    expect(log.all('reported an error').map(({ fault }) => fault)).toEqual([
      expect.stringContaining('(run: npm install wechaty-puppet-padlocal)'),
    ])
  }, 60_000)
})

describe('a fault', () => {
  it('is told by class, code and place, whatever its message says', () => {
    const refused = Object.assign(new Error('connect ECONNREFUSED 张三 said: "E_SECRET 你好"'), {
      code: 'ECONNREFUSED',
    })
    expect(faultOf(refused)).toMatch(/^Error ECONNREFUSED at wechat\.test\.ts:\d+$/)
    expect(faultOf(new Error('{"BaseResponse":{"Ret": 1203,"ErrMsg":"张三"}}'))).toMatch(
      /^Error ret 1203 at /,
    )
    expect(faultOf('张三')).toBe('a thrown string')
    expect(faultOf(null)).toBe('a thrown null')
  })
})

// --- a world of one account, two visitors and a room, in this process -------------------------------------------

type MockMessage = payloads.Message
type World = Awaited<ReturnType<typeof openWorld>>

/** The channel over a real wechaty instance on the mock puppet; what crosses between them is cloned as over IPC. */
async function openWorld(respond: Respond, options: Partial<WechatOptions> = {}) {
  const mocker = new mock.Mocker()
  const puppet = new PuppetMock({ mocker })
  const child = new FakeChild()
  const sent: MockMessage[] = []
  const asked: Parameters<Respond>[0][] = []
  // The mock does not know friend requests.
  const requests = new Map<string, unknown>()
  puppet.friendshipRawPayload = async (id: string) => requests.get(id)
  puppet.friendshipAccept = async (id: string) => void child.emit('accepted', id)

  const { channel, log } = start({
    spawn: () => child,
    respond: (message) => {
      asked.push(message)
      child.emit('asked', message)
      return respond(message)
    },
    ...options,
  })

  const wechaty: Wechaty = WechatyBuilder.build({ puppet: puppet as never })
  const carryOut = attach(wechaty, (report) => child.tell(structuredClone(report)))
  child.on('order', (raw) => {
    const order = orderSchema.parse(structuredClone(raw))
    if (order.kind !== 'stop') return carryOut(order)
    void wechaty.stop().then(() => child.emit('exit', 0, null))
  })
  await wechaty.start()

  const me = mocker.createContact({ id: 'bot', name: '青答' })
  const alice = mocker.createContact({ id: 'alice', name: 'Alice' })
  const bob = mocker.createContact({ id: 'bob', name: 'Bob' })
  const room = mocker.createRoom({ id: 'room@chatroom', memberIdList: ['bot', 'alice', 'bob'] })
  // The mock's types lose their emitter here.
  ;(me as unknown as EventEmitter).on('message', ({ payload }: { payload: MockMessage }) => {
    if (payload.talkerId !== me.id) return
    sent.push(payload)
    child.emit('sent')
  })
  const loggedIn = log.line('WeChat is logged in')
  mocker.login(me)
  await loggedIn

  let read = 0
  let number = 0
  return {
    mocker,
    puppet,
    child,
    channel,
    log,
    asked,
    me,
    alice,
    bob,
    room,
    /** The account's next message. */
    next: async (): Promise<MockMessage> => {
      while (sent.length <= read) await once(child, 'sent')
      return sent[read++] as MockMessage
    },
    until: async (holds: () => boolean): Promise<void> => {
      while (!holds()) await once(child, 'asked')
    },
    deliver: (payload: Partial<MockMessage>): void => {
      const id = `delivered-${number++}`
      const whole = {
        id,
        talkerId: alice.id,
        listenerId: me.id,
        timestamp: Date.now(),
        type: types.Message.Text,
        text: '',
        ...payload,
      }
      mocker.MessageMock.create(whole as MockMessage)
      puppet.emit('message', { messageId: id })
    },
    requestFriendship: (id: string, contactId: string): void => {
      const type = types.Friendship.Receive
      requests.set(id, { id, contactId, type, hello: '你好', ticket: 't', timestamp: Date.now() })
      puppet.emit('friendship', { friendshipId: id })
    },
  }
}

/** A WeChat process without a process. */
class FakeChild extends EventEmitter implements Child {
  killed: NodeJS.Signals | undefined
  send(order: unknown): boolean {
    setImmediate(() => this.emit('order', order))
    return true
  }
  kill(signal: NodeJS.Signals): boolean {
    this.killed = signal
    return setImmediate(() => this.emit('exit', null, signal)).hasRef()
  }
  tell(report: Report): void {
    this.emit('message', report)
  }
}

const fake = (name: string) =>
  fork(`test/fakes/wechat-${name}.mjs`, { stdio: ['ignore', 'ignore', 'ignore', 'ipc'] })

async function exitOf(child: ReturnType<typeof fork> | undefined): Promise<unknown> {
  if (!child) return undefined
  if (child.exitCode === null && child.signalCode === null) await once(child, 'exit')
  return child.signalCode ?? child.exitCode
}

const nothing = {
  puppet: 'wechaty-puppet-mock',
  dataDir: folder,
  respond: async () => undefined,
  sorry: SORRY,
  greeting: GREETING,
  pauseMs: () => 0,
}

/** Starts the channel with a log that can be awaited, and stops it at the end of the test. */
function start(
  options: Partial<WechatOptions>,
  atEnd = onTestFinished,
): { channel: WechatChannel; log: Recorder } {
  const log = recorder()
  const channel = startWechat({ ...nothing, log, ...options, patience: { stopMs: 100, ...options.patience } })
  atEnd(() => channel.stop())
  return { channel, log }
}

interface Recorder extends Log {
  readonly lines: { level: string; fields: Record<string, unknown>; message: string }[]
  /** The fields of the n-th line that contains this, as soon as it is there. */
  line(part: string, nth?: number): Promise<Record<string, unknown>>
  all(part: string): Record<string, unknown>[]
  text(): string
}

function recorder(): Recorder {
  const lines: Recorder['lines'] = []
  const told = new EventEmitter()
  const write = (level: string) => (fields: Record<string, unknown>, message: string) => {
    lines.push({ level, fields, message })
    told.emit('line')
  }
  const all = (part: string) =>
    lines.filter(({ message }) => message.includes(part)).map(({ fields }) => fields)
  return {
    lines,
    info: write('info'),
    warn: write('warn'),
    error: write('error'),
    all,
    line: async (part, nth = 1) => {
      for (;;) {
        const fields = all(part)[nth - 1]
        if (fields) return fields
        await once(told, 'line')
      }
    },
    text: () => JSON.stringify(lines),
  }
}

const saying = (text: string): Reply => ({
  decision: 'answer',
  sections: [{ kind: 'answer', text }],
  choices: [],
  entries: [],
  score: 1,
})
