import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest'
import { type Bot, startBot } from '../src/bot.ts'
import { startTelegram, type TelegramChannel, type TelegramOptions } from '../src/channels/telegram.ts'
import type { Respond } from '../src/model/channel.ts'
import type { Message, Reply } from '../src/model/conversation.ts'
import { type Database, openDatabase } from '../src/store/database.ts'
import { listening, quiet } from './fakes/log.ts'
import {
  type Answer,
  blocked,
  chatNotFound,
  conflict,
  type FakeTelegram,
  fakeTelegram,
  internalError,
  movedTo,
  tooManyRequests,
  unauthorized,
} from './fakes/telegram.ts'

const SORRY = '抱歉，我这边出了点问题，没能回答。请过一会儿再发一次，或拨打 12345。'
const GROUP = -1001
const SECRET = 'a-secret-of-the-webhook'
/** Stands in whatever visitors write in these tests where it must not turn up in the log. */
const PRIVATE = '我的手机号是13800000000'

let db: Database
let bot: Bot
let lastVisitor = 0

beforeAll(async () => {
  db = await openDatabase(':memory:')
  bot = await startBot({ contentDir: '.', db, log: quiet, segmenter: 'intl', unlimited: true })
})
afterAll(async () => {
  await bot.stop()
  await db.destroy()
})

let telegram: FakeTelegram
let log: ReturnType<typeof listening>
let channels: TelegramChannel[] = []

afterEach(async () => {
  await Promise.all(channels.map((channel) => channel.stop()))
  channels = []
  await telegram.close()
  const written = JSON.stringify(log.lines)
  expect(written, 'the log shows the token').not.toContain(telegram.token.split(':')[1])
  expect(written, 'the log shows what a visitor wrote').not.toContain(PRIVATE)
})

/** A channel over a fresh Telegram; by default the real bot answers. */
async function start(
  options: Partial<TelegramOptions> = {},
  prepare?: (fresh: FakeTelegram) => void,
): Promise<TelegramChannel> {
  telegram = await fakeTelegram()
  log = listening()
  prepare?.(telegram)
  return again(options)
}

/** One more channel over the same Telegram, as after a restart. */
async function again(options: Partial<TelegramOptions> = {}): Promise<TelegramChannel> {
  const { token, apiRoot } = telegram
  const channel = await startTelegram({ token, apiRoot, respond: bot.respond, log, sorry: SORRY, ...options })
  channels.push(channel)
  return channel
}

const newVisitor = (): number => 1000 + ++lastVisitor
const says = (text: string, more: Partial<Reply> = {}): Reply => ({
  decision: 'answer',
  sections: [{ kind: 'answer', text }],
  choices: [],
  entries: [],
  score: 1,
  ...more,
})
const logged = (part: string): boolean => log.lines.some(({ message }) => message.includes(part))

/** Answers with the text itself, and remembers what it was handed. */
function echo(): { respond: Respond; heard: Message[] } {
  const heard: Message[] = []
  return {
    heard,
    respond: async (message) => {
      heard.push(message)
      return says(`回:${message.text}`)
    },
  }
}

describe('在私聊里', () => {
  it('文字得到纯文本答复，出处在最后，不带链接预览', async () => {
    await start()
    const visitor = newVisitor()
    telegram.push(telegram.text(visitor, '昆明有没有便宜的房子租'))
    await telegram.until(() => telegram.sent.length === 1)
    const [answer] = telegram.sent
    expect(answer).toMatchObject({ chat_id: visitor, link_preview_options: { is_disabled: true } })
    expect(answer).not.toHaveProperty('parse_mode')
    expect(answer).not.toHaveProperty('reply_parameters')
    expect(answer?.text.split('\n\n').at(-1)).toMatch(/^出处：《/)
  })

  it('开机时登记中文命令，关掉旧的 webhook，只要用得上的更新', async () => {
    await start({}, (fresh) => {
      fresh.webhook = { url: 'https://old.example' }
    })
    await telegram.until(
      () => telegram.called('getUpdates').length === 1 && telegram.called('setMyCommands').length === 1,
    )
    const commands = telegram.called('setMyCommands')[0]?.payload.commands as { command: string }[]
    expect(commands.map(({ command }) => command)).toEqual([
      'start',
      'help',
      'city',
      'subscribe',
      'stop',
      'human',
      'mydata',
    ])
    expect(telegram.webhook).toBeUndefined()
    expect(telegram.called('getUpdates')[0]?.payload.allowed_updates).toEqual([
      'message',
      'edited_message',
      'callback_query',
      'my_chat_member',
    ])
  })

  it.each([
    ['/start', '/start'],
    ['/start from-a-poster', '/start'],
    ['/help', '帮助'],
    ['/city', '换城市'],
    ['/city 昆明', '换城市 昆明'],
    ['/city@Qingda_Bot 昆明', '换城市 昆明'],
    ['/CITY', '换城市'],
    ['/subscribe', '订阅'],
    ['/stop', '退订'],
    ['/human', '人工'],
    ['/mydata', '我的数据'],
    ['/unknown', '/unknown'],
    ['a/city', 'a/city'],
  ])('命令 %s 就是「%s」', async (written, understood) => {
    const { respond, heard } = echo()
    await start({ respond })
    telegram.push(telegram.text(5, written))
    await telegram.until(() => telegram.sent.length === 1)
    expect(heard).toEqual([
      { id: expect.stringMatching(/^u\d+$/), address: { channel: 'telegram', chat: '5' }, text: understood },
    ])
  })

  it('选项变成按钮，正文不再列号；按下按钮先应答，再给答复', async () => {
    await start()
    const visitor = newVisitor()
    telegram.push(telegram.text(visitor, '/city'))
    await telegram.until(() => telegram.sent.length === 1)
    const [question] = telegram.sent
    expect(question?.text).toBe('选择你要查的城市：')
    expect(question?.reply_markup?.inline_keyboard.map((row) => row.map(({ text }) => text))).toEqual([
      ['莲都'],
      ['昆明'],
      ['呼和浩特'],
    ])

    telegram.push(telegram.press(visitor, question, 1))
    await telegram.until(() => telegram.sent.length === 2)
    expect(telegram.sent[1]?.text).toContain('接下来按昆明的文件回答')
    const order = telegram.calls
      .map(({ method }) => method)
      .filter((method) => method === 'answerCallbackQuery' || method === 'sendMessage')
    expect(order).toEqual(['sendMessage', 'answerCallbackQuery', 'sendMessage'])
  })

  it('应答按钮失败，答复照样发出', async () => {
    await start()
    const visitor = newVisitor()
    telegram.push(telegram.text(visitor, '/city'))
    await telegram.until(() => telegram.sent.length === 1)
    telegram.next('answerCallbackQuery', {
      error_code: 400,
      description: 'Bad Request: query is too old and response timeout expired or query ID is invalid',
    })
    telegram.push(telegram.press(visitor, telegram.sent[0], 0))
    await telegram.until(() => telegram.sent.length === 2)
    expect(logged('could not be acknowledged')).toBe(true)
  })

  it('不是我们的按钮只应答，不回话', async () => {
    const { respond, heard } = echo()
    await start({ respond })
    const strange = telegram.press(
      5,
      {
        message_id: 1,
        chat_id: 5,
        text: '',
        at: 0,
        reply_markup: { inline_keyboard: [[{ text: '?', callback_data: 'x' }]] },
      },
      0,
    )
    telegram.push(strange)
    await telegram.until(
      () => telegram.called('answerCallbackQuery').length === 1 && telegram.pending.length === 0,
    )
    expect(heard).toEqual([])
  })

  it('选项太长就截短；没有菜单名或菜单名太长就列号', async () => {
    const choices = [{ label: '长'.repeat(80) }]
    const replies = [
      says('选', { choices, menu: 'abcd1234' }),
      says('选', { choices }),
      says('选', { choices, menu: '长'.repeat(30) }),
    ]
    await start({ respond: async () => replies.shift() })
    telegram.push(telegram.text(5, 'a'), telegram.text(5, 'b'), telegram.text(5, 'c'))
    await telegram.until(() => telegram.sent.length === 3)
    const [button] = telegram.sent[0]?.reply_markup?.inline_keyboard[0] ?? []
    expect(button?.text).toBe(`${'长'.repeat(59)}…`)
    for (const listed of telegram.sent.slice(1)) {
      expect(listed).not.toHaveProperty('reply_markup')
      expect(listed.text).toContain('1. 长')
    }
  })

  it('改过的消息当作新消息回答', async () => {
    await start()
    const visitor = newVisitor()
    const first = telegram.text(visitor, '帮助')
    telegram.push(first)
    await telegram.until(() => telegram.sent.length === 1)
    telegram.push(telegram.edit(first, '换城市'))
    await telegram.until(() => telegram.sent.length === 2)
    expect(telegram.sent[1]?.text).toBe('选择你要查的城市：')
  })

  it('贴纸、语音、没有说明的图片：说只看得懂文字；有说明就读说明', async () => {
    await start()
    const visitor = newVisitor()
    telegram.push(
      telegram.message(visitor, { sticker: { file_id: 's' } as never }),
      telegram.message(visitor, { voice: { file_id: 'v' } as never }),
    )
    await telegram.until(() => telegram.sent.length === 2)
    expect(new Set(telegram.texts(visitor))).toEqual(
      new Set(['我只看得懂文字。把想问的打成一句话发给我吧。']),
    )
    telegram.push(telegram.message(visitor, { photo: [], caption: '换城市' }))
    await telegram.until(() => telegram.sent.length === 3)
    expect(telegram.sent[2]?.text).toBe('选择你要查的城市：')
  })

  it('一本相册只答一次；系统消息、移动中的位置和别的机器人不答', async () => {
    const { respond, heard } = echo()
    await start({ respond })
    const picture = { photo: [], media_group_id: 'album-1' }
    const place = telegram.message(5, { location: { latitude: 28, longitude: 119 } })
    telegram.push(
      telegram.message(5, picture),
      telegram.message(5, picture),
      telegram.message(5, { pinned_message: {} as never }),
      { ...telegram.edit(place, ''), message: undefined } as never,
      telegram.text(5, '我是机器人', { from: { id: 9, is_bot: true, first_name: 'b' } }),
      telegram.text(5, '完'),
    )
    await telegram.until(() => telegram.pending.length === 0)
    expect(heard.map(({ text, unreadable }) => [text, unreadable])).toEqual([
      ['', true],
      ['完', undefined],
    ])
  })

  it('机器人不想说话时就不说', async () => {
    await start({ respond: async () => undefined })
    telegram.push(telegram.text(5, '…'))
    await telegram.until(() => telegram.pending.length === 0)
    expect(telegram.called('sendMessage')).toEqual([])
  })

  it('太长的答复在段落或句子末尾断开，一字不少，按钮在最后一条', async () => {
    const sentence = `${'文'.repeat(99)}。`
    const long = `${sentence.repeat(30)}\n\n${sentence.repeat(30)}\n\n${'😀'.repeat(3000)}`
    await start({ respond: async () => says(long, { choices: [{ label: '更多' }], menu: 'm1' }) })
    telegram.push(telegram.text(5, '全文'))
    await telegram.until(() => telegram.pending.length === 0)
    const texts = telegram.texts(5)
    expect(texts.length).toBeGreaterThan(2)
    expect(texts.every((text) => text.length <= 4096 && text.isWellFormed())).toBe(true)
    expect(texts.join('').replaceAll('\n', '')).toBe(long.replaceAll('\n', ''))
    expect(texts[0]?.endsWith('。')).toBe(true)
    expect(telegram.sent.map((sent) => sent.reply_markup !== undefined)).toEqual([
      ...texts.slice(1).map(() => false),
      true,
    ])
  })

  it('答不出来就说抱歉，原话不进日志', async () => {
    await start({
      respond: async () => {
        throw new Error(`cannot read ${PRIVATE}`)
      },
    })
    telegram.push(telegram.text(5, PRIVATE))
    await telegram.until(() => telegram.sent.length === 1)
    expect(telegram.texts(5)).toEqual([SORRY])
    expect(log.lines).toContainEqual(
      expect.objectContaining({ level: 'error', fields: expect.objectContaining({ error: 'Error' }) }),
    )
  })

  it('工作人员改了抱歉的话，下一次就说新的', async () => {
    telegram = await fakeTelegram()
    log = listening()
    const { token, apiRoot } = telegram
    let sorry = '抱歉。'
    const respond = () => Promise.reject(new Error('out of order'))
    channels.push(
      await startTelegram({
        token,
        apiRoot,
        respond,
        log,
        get sorry() {
          return sorry
        },
      }),
    )
    telegram.push(telegram.text(5, '你好'))
    await telegram.until(() => telegram.sent.length === 1)
    sorry = '对不起，请再发一次。'
    telegram.push(telegram.text(5, '你好'))
    await telegram.until(() => telegram.sent.length === 2)
    expect(telegram.texts(5)).toEqual(['抱歉。', '对不起，请再发一次。'])
  })

  it('拉黑和解除拉黑只记在日志里', async () => {
    await start()
    telegram.push(telegram.membership(5, 'kicked'), telegram.membership(5, 'member'))
    await telegram.until(() => telegram.pending.length === 0)
    expect(log.lines.map(({ fields }) => fields.status).filter(Boolean)).toEqual(['kicked', 'member'])
    expect(telegram.called('sendMessage')).toEqual([])
  })
})

describe('在群里', () => {
  it('没有点名就沉默', async () => {
    const { respond, heard } = echo()
    await start({ respond })
    telegram.push(
      telegram.groupText(GROUP, 5, '昆明有没有便宜的房子租'),
      telegram.groupText(GROUP, 5, '/help'),
      telegram.groupText(GROUP, 5, '/help@another_bot'),
      telegram.groupText(GROUP, 5, '@another_bot 你好'),
      telegram.groupText(GROUP, 5, '写信到 me@qingda_bot.example'),
      telegram.message(5, { chat: { id: GROUP, type: 'supergroup', title: '青年' }, sticker: {} as never }),
    )
    await telegram.until(() => telegram.pending.length === 0)
    expect(heard).toEqual([])
  })

  it('点名、带名字的命令、回复机器人都算问我，名字不算问题的一部分', async () => {
    const { respond, heard } = echo()
    await start({ respond })
    telegram.push(
      telegram.groupText(GROUP, 5, '@qingda_bot 怎么订阅'),
      telegram.groupText(GROUP, 6, '请问 @Qingda_Bot 租房'),
      telegram.groupText(GROUP, 5, '/city@qingda_bot 昆明'),
      telegram.groupText(GROUP, 5, '那昆明呢', { reply_to_message: { from: telegram.me } as never }),
      telegram.groupText(GROUP, 5, '@qingda_bot'),
    )
    await telegram.until(() => telegram.sent.length === 5)
    expect(
      heard.map(({ text, address, inGroup }) => [text.replace(/\s+/, ' '), address.chat, inGroup]),
    ).toEqual([
      ['怎么订阅', `${GROUP}:5`, true],
      ['请问 租房', `${GROUP}:6`, true],
      ['换城市 昆明', `${GROUP}:5`, true],
      ['那昆明呢', `${GROUP}:5`, true],
      ['帮助', `${GROUP}:5`, true],
    ])
  })

  it('答复发在群里、接在原话后面；贷款这样的私事请到私聊', async () => {
    await start()
    const update = telegram.groupText(GROUP, newVisitor(), '@Qingda_Bot 莲都创业贷款怎么办')
    telegram.push(update)
    await telegram.until(() => telegram.sent.length === 1)
    expect(telegram.sent[0]).toMatchObject({
      chat_id: GROUP,
      reply_parameters: { message_id: update.message?.message_id },
    })
    expect(telegram.sent[0]?.text).toContain('群里不方便细说，请私聊我')
  })

  it('每个成员有自己的对话：别人按我的按钮，不替我选', async () => {
    await start()
    const [mine, other] = [newVisitor(), newVisitor()]
    telegram.push(telegram.groupText(GROUP, mine, '/city@Qingda_Bot'))
    await telegram.until(() => telegram.sent.length === 1)
    telegram.push(telegram.press(other, telegram.sent[0], 1))
    await telegram.until(() => telegram.sent.length === 2)
    telegram.push(telegram.press(mine, telegram.sent[0], 1))
    await telegram.until(() => telegram.sent.length === 3)
    expect(telegram.texts(GROUP).slice(1)).toEqual([
      expect.stringContaining('已经过期'),
      expect.stringContaining('接下来按昆明'),
    ])
  })

  it('群升级后换了号，答复改发到新的群，只发一次', async () => {
    await start()
    telegram.rule(({ method, payload }) =>
      method === 'sendMessage' && payload.chat_id === GROUP ? movedTo(GROUP - 1) : undefined,
    )
    telegram.push(telegram.groupText(GROUP, newVisitor(), '@Qingda_Bot 帮助'))
    await telegram.until(() => telegram.sent.length === 1 && telegram.pending.length === 0)
    expect(telegram.called('sendMessage').map(({ payload }) => payload.chat_id)).toEqual([GROUP, GROUP - 1])
  })
})

describe('发不出去的时候', () => {
  it.each([
    ['被拉黑', blocked, 'cannot be reached any more'],
    ['没有这个会话', chatNotFound, 'Telegram refused a reply'],
    ['服务器出错', internalError, 'unknown whether a reply arrived'],
    ['代理回了网页', 'bad gateway', 'unknown whether a reply arrived'],
    ['连接断了', 'cut', 'unknown whether a reply arrived'],
  ] satisfies [string, Answer, string][])('%s：记下来，不重发，下一条照常', async (_, trouble, note) => {
    const { respond } = echo()
    await start({ respond })
    telegram.next('sendMessage', trouble)
    telegram.push(telegram.text(5, PRIVATE), telegram.text(5, '在吗'))
    await telegram.until(() => telegram.sent.length === 1)
    expect(telegram.texts(5)).toEqual(['回:在吗'])
    expect(telegram.called('sendMessage')).toHaveLength(2)
    expect(logged(note)).toBe(true)
  })

  it('太快了：正好等 Telegram 说的时间，再发同一条，顺序不变，别人不等', async () => {
    const { respond } = echo()
    await start({ respond })
    telegram.next('sendMessage', tooManyRequests(1))
    telegram.push(telegram.text(5, '一'), telegram.text(5, '二'), telegram.text(6, '别人'))
    await telegram.until(() => telegram.sent.length === 3)
    expect(telegram.sent.map(({ text }) => text)).toEqual(['回:别人', '回:一', '回:二'])
    const [refused, , resent] = telegram.called('sendMessage')
    const waited = (resent?.at ?? 0) - (refused?.at ?? 0)
    expect(waited).toBeGreaterThan(990)
    expect(waited).toBeLessThan(2000)
  })

  it('总是太快：等三次就放弃', async () => {
    const { respond } = echo()
    await start({ respond })
    telegram.rule(({ method }) => (method === 'sendMessage' ? tooManyRequests(0) : undefined))
    telegram.push(telegram.text(5, '一'))
    await telegram.until(() => telegram.pending.length === 0)
    expect(telegram.called('sendMessage')).toHaveLength(4)
    expect(logged('given up')).toBe(true)
  })
})

describe('连接 Telegram', () => {
  it('令牌不对就不启动，说清怎么办', async () => {
    await expect(start({ token: '123456:wrong-token' })).rejects.toThrow(
      'Telegram refused the token (401). Compare TELEGRAM_TOKEN with what BotFather shows.',
    )
  })

  it('连不上不挡别的渠道：先启动，后台一直试', async () => {
    await start({}, (fresh) => fresh.next('getMe', 'cut'))
    expect(logged('cannot be reached')).toBe(true)
    telegram.push(telegram.text(newVisitor(), '帮助'))
    await telegram.until(() => telegram.sent.length === 1)
  })

  it('两个程序同时收消息：说清怎么办，接着试', async () => {
    await start({}, (fresh) => fresh.next('getUpdates', conflict))
    telegram.push(telegram.text(newVisitor(), '帮助'))
    await telegram.until(() => telegram.sent.length === 1)
    expect(log.lines).toContainEqual(
      expect.objectContaining({
        level: 'error',
        message: expect.stringMatching(/^Another program .*Stop it/),
      }),
    )
  })

  it.each(['cut', 'bad gateway', internalError, unauthorized, tooManyRequests(0)] satisfies Answer[])(
    '收消息时出错 %#：过一会儿再收',
    async (trouble) => {
      await start({}, (fresh) => fresh.next('getUpdates', trouble))
      telegram.push(telegram.text(newVisitor(), '帮助'))
      await telegram.until(() => telegram.sent.length === 1)
      expect(logged('Telegram answers again')).toBe(true)
    },
  )
})

describe('顺序与确认', () => {
  it('同一个人的答复按顺序，慢的人不挡别人，也不挡后来的人', async () => {
    const { respond } = echo()
    await start({ respond })
    const release = telegram.hold('sendMessage', ({ payload }) => payload.chat_id === 5)
    telegram.push(telegram.text(5, '一'), telegram.text(5, '二'), telegram.text(6, '别人'))
    await telegram.until(() => telegram.sent.length === 1)
    telegram.push(telegram.text(7, '后来的'))
    await telegram.until(() => telegram.sent.length === 2)
    expect(telegram.pending.length).toBe(4)
    release()
    await telegram.until(() => telegram.pending.length === 0)
    expect(telegram.sent.map(({ text }) => text)).toEqual(['回:别人', '回:后来的', '回:一', '回:二'])
  })

  it('一条慢的后面有一百多条，后面的照样有人答', async () => {
    const { respond } = echo()
    await start({ respond })
    const release = telegram.hold('sendMessage', ({ payload }) => payload.chat_id === 5)
    telegram.push(
      telegram.text(5, '慢'),
      ...Array.from({ length: 150 }, (_, i) => telegram.text(100 + i, `${i}`)),
    )
    await telegram.until(() => telegram.sent.length === 150)
    release()
    await telegram.until(() => telegram.sent.length === 151 && telegram.pending.length === 0)
    expect(new Set(telegram.sent.map(({ chat_id }) => chat_id)).size).toBe(151)
  })

  it('被杀掉后重来的消息认得出：同样的答复，事情只办一次', async () => {
    const inquiries = () =>
      db.selectFrom('inquiry').select('id').where('chat', '=', String(visitor)).execute()
    const visitor = newVisitor()
    const first = await start()
    telegram.push(telegram.text(visitor, '/human'))
    const wish = telegram.text(visitor, '我想问租房补贴')
    telegram.push(wish)
    await telegram.until(() => telegram.sent.length === 2 && telegram.pending.length === 0)
    await first.stop()
    expect(await inquiries()).toHaveLength(1)

    telegram.push(wish)
    await again()
    await telegram.until(() => telegram.sent.length === 3)
    expect(telegram.sent[2]?.text).toBe(telegram.sent[1]?.text)
    expect(await inquiries()).toHaveLength(1)
  })

  it('收工时手里的答完再走，并且确认，重启后不再答一遍', async () => {
    const { respond, heard } = echo()
    const channel = await start({ respond })
    const release = telegram.hold('sendMessage')
    telegram.push(telegram.text(5, '一'), telegram.text(6, '二'))
    await telegram.until(() => telegram.called('sendMessage').length === 2)
    let stopped = false
    const stopping = channel.stop().then(() => {
      stopped = true
    })
    expect(stopped).toBe(false)
    release()
    await stopping
    expect(telegram.sent).toHaveLength(2)
    expect(telegram.pending).toEqual([])

    telegram.push(telegram.text(5, '三'))
    await again({ respond })
    await telegram.until(() => telegram.sent.length === 3)
    expect(heard.map(({ text }) => text)).toEqual(['一', '二', '三'])
  })

  it('闲着时马上收工，手里的卡住也不超过四秒，卡住的那条重启后再来', async () => {
    const { respond } = echo()
    const idle = await start({ respond })
    await telegram.until(() => telegram.called('getUpdates').length === 1)
    const before = performance.now()
    await idle.stop()
    expect(performance.now() - before).toBeLessThan(1000)

    const stuck = await again({ respond })
    telegram.hold('sendMessage', ({ payload }) => payload.chat_id === 5)
    telegram.push(telegram.text(6, '好'), telegram.text(5, '卡住'))
    await telegram.until(() => telegram.called('sendMessage').length === 2)
    const since = performance.now()
    await stuck.stop()
    expect(performance.now() - since).toBeLessThan(4500)
    expect(telegram.pending.map(({ message }) => message?.text)).toEqual(['卡住'])
  })
})

describe('webhook', () => {
  const webhook = { url: 'https://qingda.example/telegram', secret: SECRET }
  const post = (body: string, secret: string | undefined = SECRET): Request =>
    new Request(webhook.url, {
      method: 'POST',
      body,
      headers: secret ? { 'X-Telegram-Bot-Api-Secret-Token': secret } : {},
    })

  it('登记地址和口令，收到就答 200，答复随后发出', async () => {
    const channel = await start({ webhook })
    await telegram.until(() => telegram.webhook !== undefined)
    expect(telegram.webhook).toEqual({ url: webhook.url, secret_token: SECRET })
    const visitor = newVisitor()
    const release = telegram.hold('sendMessage')
    const response = await channel.handle(post(JSON.stringify(telegram.text(visitor, '帮助'))))
    expect(response.status).toBe(200)
    expect(telegram.sent).toEqual([])
    release()
    await telegram.until(() => telegram.sent.length === 1)
    expect(telegram.called('getUpdates')).toEqual([])
  })

  it('同一条来两次：同样的答复，正在答的不答第二遍', async () => {
    const channel = await start({ webhook })
    const update = JSON.stringify(telegram.text(newVisitor(), '换城市'))
    const release = telegram.hold('sendMessage')
    for (let i = 0; i < 3; i++) expect((await channel.handle(post(update))).status).toBe(200)
    release()
    await telegram.until(() => telegram.sent.length === 1)
    await vi.waitFor(async () => {
      await channel.handle(post(update))
      expect(telegram.called('sendMessage')).toHaveLength(2)
    })
    await telegram.until(() => telegram.sent.length === 2)
    expect(telegram.sent[1]?.reply_markup).toEqual(telegram.sent[0]?.reply_markup)
  })

  it.each([
    ['口令不对', post('{}', 'wrong'), 401],
    ['没有口令', new Request(webhook.url, { method: 'POST', body: '{}' }), 401],
    ['太大', post(`{"update_id":1,"x":"${'x'.repeat(65 * 1024)}"}`), 413],
    ['没说多大但太大', streamed(65), 413],
    ['不是 JSON', post('{"update_id":'), 400],
    ['不是更新', post('[]'), 400],
    ['没有编号', post('{}'), 400],
    ['空的', post(''), 400],
  ])('%s：拒绝，不抛错', async (_, request, status) => {
    const { respond, heard } = echo()
    const channel = await start({ respond, webhook })
    expect((await channel.handle(request)).status).toBe(status)
    expect(heard).toEqual([])
  })

  it('乱七八糟的更新不会弄垮它', async () => {
    const channel = await start({ webhook })
    for (const strange of [
      { message: 'x' },
      { message: {} },
      { callback_query: {} },
      { message: { from: { id: 1 }, chat: null, text: PRIVATE } },
      { my_chat_member: {} },
    ])
      expect((await channel.handle(post(JSON.stringify({ update_id: 1, ...strange })))).status).toBe(200)
    await channel.handle(post(JSON.stringify(telegram.text(newVisitor(), '帮助'))))
    await telegram.until(() => telegram.sent.length === 1)
  })

  it('收工以后让 Telegram 晚点再来', async () => {
    const channel = await start({ webhook })
    await channel.stop()
    expect((await channel.handle(post(JSON.stringify(telegram.text(5, '帮助'))))).status).toBe(503)
  })

  it('没有口令就不启动，说清怎么办', async () => {
    await expect(start({ webhook: { url: webhook.url, secret: '' } })).rejects.toThrow(
      /TELEGRAM_WEBHOOK_SECRET is missing.*openssl rand/,
    )
    expect(telegram.calls).toEqual([])
  })

  it('不用 webhook 时，这个门是关着的', async () => {
    const channel = await start()
    expect((await channel.handle(post('{}'))).status).toBe(404)
  })

  /** A body without a declared length. */
  function streamed(kilobytes: number): Request {
    const chunk = new Uint8Array(1024)
    let left = kilobytes
    const body = new ReadableStream({ pull: (to) => (left-- > 0 ? to.enqueue(chunk) : to.close()) })
    return new Request(webhook.url, {
      method: 'POST',
      body,
      duplex: 'half',
      headers: { 'X-Telegram-Bot-Api-Secret-Token': SECRET },
    } as RequestInit)
  }
})
