import { createHash, timingSafeEqual } from 'node:crypto'
import { setMaxListeners } from 'node:events'
import { setTimeout as after } from 'node:timers/promises'
import { Api, GrammyError, HttpError } from 'grammy'
import type {
  CallbackQuery,
  InlineKeyboardMarkup,
  Message as Said,
  Update,
  UserFromGetMe,
} from 'grammy/types'
import type { Channel, Log, Respond } from '../model/channel.ts'
import { type Message, plainText, type Reply } from '../model/conversation.ts'
import type { NoticeSender, SendOutcome, Unreachable } from '../model/notice.ts'
import { TELEGRAM_REACH } from './reaches.ts'

export interface TelegramOptions {
  readonly token: string
  readonly apiRoot: string
  readonly respond: Respond
  readonly log: Log
  /** What a visitor reads when no reply could be made; read anew each time, for staff may have changed it. */
  readonly sorry: string
  /** Given: Telegram posts the updates to `url`. Left out: the updates are fetched by long polling. */
  readonly webhook?: { readonly url: string; readonly secret: string }
  /** Notices a second; what Telegram allows when left out. */
  readonly perSecond?: number
  /** A visitor has blocked the bot, or let it in again. */
  readonly onReachable?: (chat: string, reachable: boolean) => Promise<void>
}

export interface TelegramChannel extends Channel {
  readonly sender: NoticeSender
  /** Takes what Telegram posts in webhook mode; 404 otherwise. Answers at once and never throws. */
  handle(request: Request): Promise<Response>
}

/**
 * Connects to Telegram. Throws when Telegram refuses the token; when Telegram cannot be reached it resolves and
 * goes on trying, so that the other channels start meanwhile.
 */
export async function startTelegram(options: TelegramOptions): Promise<TelegramChannel> {
  const { token, respond, log, webhook } = options
  if (webhook && !webhook.secret)
    throw new Error(
      'TELEGRAM_WEBHOOK_SECRET is missing. Without it anybody could post messages to the webhook. Set it to the output of: openssl rand -hex 32',
    )
  const apiRoot = options.apiRoot.replace(/\/+$/, '')
  const api = new Api(token, { apiRoot, timeoutSeconds: SEND_SECONDS })
  const pollingApi = new Api(token, { apiRoot, timeoutSeconds: POLL_SECONDS + SEND_SECONDS })

  const stopping = new AbortController()
  const cutOff = new AbortController()
  // Every send in hand listens.
  setMaxListeners(0, cutOff.signal)
  const send = sender(api, log, cutOff.signal)
  const inLine = lines()
  const firstOfAlbum = albums()
  /** Updates whose reply is not out yet. */
  const inHand = new Map<number, Promise<void>>()
  const noticesInHand = new Set<Promise<unknown>>()
  /** Those of them that Telegram must keep until then, oldest first, and since when. */
  const held = new Map<number, number>()
  let next = 0
  /** What was asked for last; all before it Telegram has forgotten. */
  let confirmed = 0
  /** Taken and perhaps handed out again, because an older one is still held. */
  let taken: number[] = []

  let me = await introduce()
  const running = me === undefined ? persist(() => api.getMe(signal(stopping))).then(run) : run(me)
  let stopped: Promise<void> | undefined
  return {
    name: 'telegram',
    handle,
    sender: {
      ...TELEGRAM_REACH,
      perSecond: options.perSecond ?? TELEGRAM_REACH.perSecond,
      parallel: NOTICES_AT_ONCE,
      send: sendNotice,
      busy: () => inHand.size > 0,
    },
    stop: () => {
      stopped ??= stop()
      return stopped
    },
  }

  /** One try within the start, because a refused token should stop it and a silent network should not. */
  async function introduce(): Promise<UserFromGetMe | undefined> {
    try {
      return await api.getMe(AbortSignal.timeout(FIRST_TRY_MS) as ApiSignal)
    } catch (error) {
      if (isRefusedToken(error)) throw new Error(whatToDo(error))
      log.warn(describe(error), 'Telegram cannot be reached; trying again in the background')
      return undefined
    }
  }

  async function run(found: UserFromGetMe | undefined): Promise<void> {
    if (found === undefined) return
    me = found
    log.info({ bot: me.username, mode: webhook ? 'webhook' : 'long polling' }, 'Telegram knows the bot')
    const commands = COMMANDS.map(({ command, description }) => ({ command, description }))
    api.setMyCommands(commands, {}, signal(stopping)).catch((error: unknown) => {
      if (!stopping.signal.aborted)
        log.warn(describe(error), 'the command menu could not be set; the commands work without it')
    })
    if (webhook) {
      const { url, secret } = webhook
      await persist(() =>
        api.setWebhook(url, { secret_token: secret, allowed_updates: UPDATES }, signal(stopping)),
      )
    } else {
      await persist(() => api.deleteWebhook({}, signal(stopping)))
      await persist(poll)
    }
  }

  /**
   * Fetches updates and takes them in hand. An update is confirmed (by asking for the one behind it) only when
   * its reply is out, so that after a kill it comes again; the bot knows it by its id.
   */
  async function poll(): Promise<void> {
    while (!stopping.signal.aborted) {
      const [oldest = next] = held.keys()
      confirmed = oldest
      const updates = await persist(() =>
        pollingApi.getUpdates(
          { offset: oldest, limit: BATCH, timeout: POLL_SECONDS, allowed_updates: UPDATES },
          signal(stopping),
        ),
      )
      if (updates === undefined) return
      taken = taken.filter((id) => id >= oldest)
      const fresh = updates.filter(({ update_id }) => !taken.includes(update_id))
      for (const update of fresh) {
        taken.push(update.update_id)
        held.set(update.update_id, performance.now())
        next = update.update_id + 1
        take(update)
      }
      // A whole batch behind one slow reply: rather risk that one at a kill than keep everybody waiting.
      const slow = performance.now() - (held.get(oldest) ?? Infinity) > PATIENCE_MS
      if (slow && fresh.length === 0 && updates.length === BATCH) held.delete(oldest)
      if (inHand.size >= BATCH) await firstOf([...inHand.values()], POLL_SECONDS * 1000, stopping.signal)
      const [slowest] = held.keys()
      if (slowest !== undefined) await firstOf([inHand.get(slowest)], SAME_OFFSET_MS, stopping.signal)
    }
  }

  function take(update: Update): void {
    const { update_id } = update
    const done = answer(update)
      .catch((error: unknown) =>
        log.error({ update: update_id, ...describe(error) }, 'an update could not be handled'),
      )
      .finally(() => {
        inHand.delete(update_id)
        held.delete(update_id)
      })
    inHand.set(update_id, done)
  }

  /** Hands the message on at once, whoever else is being answered; only the sends of one chat wait for each other. */
  async function answer(update: Update): Promise<void> {
    const { update_id, callback_query, my_chat_member } = update
    if (my_chat_member)
      return noteMembership(my_chat_member.chat.id, my_chat_member.new_chat_member.status, update_id)
    const acknowledged = callback_query && acknowledge(callback_query.id, update_id)
    const heard = me && firstOfAlbum(update) ? hear(update, me) : undefined
    if (heard === undefined) return acknowledged
    const parts = await reply(heard.message, update_id)
    await inLine(heard.back.chat, async () => {
      await acknowledged
      await send(heard.back, parts, update_id)
    })
  }

  async function reply(message: Message, update: number): Promise<Part[]> {
    try {
      const given = await respond(message)
      return given === undefined ? [] : encode(given)
    } catch (error) {
      log.error({ update, ...describe(error) }, 'no reply could be made; the visitor was told sorry')
      return [{ text: options.sorry }]
    }
  }

  /** Ends the little clock on the pressed button. */
  async function acknowledge(query: string, update: number): Promise<void> {
    try {
      await api.answerCallbackQuery(query, {}, signal(cutOff))
    } catch (error) {
      log.warn({ update, ...describe(error) }, 'a pressed button could not be acknowledged')
    }
  }

  async function noteMembership(chat: number, status: string, update: number): Promise<void> {
    const gone = status === 'kicked' || status === 'left'
    await options.onReachable?.(String(chat), !gone)
    log.info(
      { update, status },
      gone ? 'the bot was blocked or removed from a group' : 'the bot was unblocked or added to a group',
    )
  }

  /** Plain text, and nothing is tried twice here: repeating what may have arrived is for the ledger to decide. */
  function sendNotice(chat: string, text: string): Promise<SendOutcome> {
    if (!/^-?\d+$/.test(chat)) return Promise.resolve({ kind: 'unreachable', reason: 'not-found' })
    const extra = { link_preview_options: { is_disabled: true } }
    const sending = api.sendMessage(Number(chat), text, extra, cutOff.signal as ApiSignal).then(
      (): SendOutcome => ({ kind: 'sent' }),
      (error: unknown) => {
        const outcome = noticeOutcome(error)
        if (outcome.kind === 'content-refused' || outcome.kind === 'channel-refused')
          log.error({ chat, ...describe(error) }, 'Telegram refused a notice')
        return outcome
      },
    )
    noticesInHand.add(sending)
    void sending.finally(() => noticesInHand.delete(sending))
    return sending
  }

  async function handle(request: Request): Promise<Response> {
    const status = await receive(request).catch((error: unknown) => {
      log.warn(describe(error), 'a webhook request could not be read')
      return 400
    })
    return new Response(null, { status })
  }

  /** What is answered with 503 Telegram posts again later. */
  async function receive(request: Request): Promise<number> {
    if (!webhook) return 404
    if (!sameSecret(request.headers.get('X-Telegram-Bot-Api-Secret-Token') ?? '', webhook.secret)) return 401
    const body = await readBody(request)
    if (body === undefined) return 413
    const update = parseUpdate(body)
    if (update === undefined) return 400
    if (me === undefined || stopping.signal.aborted || inHand.size >= MOST_IN_HAND) return 503
    if (!inHand.has(update.update_id)) take(update)
    return 200
  }

  /** Tries until it works, waiting longer every time; `undefined` once the channel is being stopped. */
  async function persist<T>(call: () => Promise<T>): Promise<T | undefined> {
    for (let failures = 0; !stopping.signal.aborted; failures++) {
      try {
        const result = await call()
        if (failures > 0) log.info({ failures }, 'Telegram answers again')
        return result
      } catch (error) {
        if (stopping.signal.aborted) return undefined
        log[error instanceof GrammyError ? 'error' : 'warn'](describe(error), whatToDo(error))
        await pause(
          retryAfterMs(error) ?? Math.min(FIRST_RETRY_MS * 2 ** failures, LAST_RETRY_MS),
          stopping.signal,
        )
      }
    }
    return undefined
  }

  /** Finishes the replies in hand, but not for ever; what is cut off stays unconfirmed and comes again. */
  async function stop(): Promise<void> {
    const deadline = performance.now() + STOP_MS
    stopping.abort()
    await running
    const all = Promise.all([...inHand.values(), ...noticesInHand])
    await firstOf([all], STOP_MS - CONFIRM_MS, cutOff.signal)
    const [oldest = next] = held.keys()
    if (oldest !== confirmed) {
      // Unconfirmed, what was answered last would be answered once more after the next start.
      const soon = AbortSignal.timeout(Math.max(1, Math.ceil(deadline - performance.now()))) as ApiSignal
      await pollingApi
        .getUpdates({ offset: oldest, limit: 1, timeout: 0, allowed_updates: UPDATES }, soon)
        .catch((error: unknown) => {
          log.warn(
            describe(error),
            'the last replies could not be confirmed; they may be repeated after the next start',
          )
        })
    }
    if (inHand.size > 0)
      log.warn({ updates: [...inHand.keys()] }, 'stopped before these updates were answered')
    cutOff.abort()
  }
}

/** Seconds a call may take before its outcome counts as unknown. */
const SEND_SECONDS = 15
const POLL_SECONDS = 30
/** The most that Telegram hands out at once. */
const BATCH = 100
const MOST_IN_HAND = 1000
/** Telegram hands out a single update to who repeats an offset within half a second. */
const SAME_OFFSET_MS = 600
const PATIENCE_MS = 1000
const FIRST_TRY_MS = 3000
const FIRST_RETRY_MS = 250
const LAST_RETRY_MS = 30_000
const STOP_MS = 4000
/** Their starts are spaced, so this many are under way only when the way is long: enough for 30 a second at 300 ms. */
const NOTICES_AT_ONCE = 10
const CONFIRM_MS = 500

const UPDATES = [
  'message',
  'edited_message',
  'callback_query',
  'my_chat_member',
] as const satisfies (keyof Update)[]

/** The menu of commands, and the words of the bot that each stands for. */
const COMMANDS = [
  { command: 'start', description: '开始', words: '/start' },
  { command: 'help', description: '能问什么、怎么问', words: '帮助' },
  { command: 'city', description: '换城市', words: '换城市' },
  { command: 'subscribe', description: '订阅活动通知', words: '订阅' },
  { command: 'stop', description: '退订活动通知', words: '退订' },
  { command: 'human', description: '转给工作人员', words: '人工' },
  { command: 'mydata', description: '查看或删除我的数据', words: '我的数据' },
] as const

// ---- what comes in ----

interface Heard {
  readonly message: Message
  readonly back: Destination
}

/** Where the reply goes. In a group that is the group, although every member has a conversation of their own. */
interface Destination {
  readonly chat: number
  readonly replyTo?: number
  readonly thread?: number
}

/** Undefined: nothing was said to us. */
function hear(update: Update, me: UserFromGetMe): Heard | undefined {
  const id = `u${update.update_id}`
  if (update.message) return hearMessage(id, update.message, me)
  // An edit without text is a moving live location or a new caption-less picture, not a question.
  if (update.edited_message && textOf(update.edited_message))
    return hearMessage(id, update.edited_message, me)
  if (update.callback_query) return hearPress(id, update.callback_query)
  return undefined
}

function hearMessage(id: string, said: Said, me: UserFromGetMe): Heard | undefined {
  // Anonymous administrators and channels speak through a stand-in bot; other bots are not talked to.
  const sender = said.sender_chat ?? (said.from?.is_bot ? undefined : said.from)
  if (sender === undefined) return undefined
  const text = textOf(said)
  const unreadable = text.trim() === ''
  if (unreadable && !UNREADABLE.some((kind) => said[kind] !== undefined)) return undefined
  const inGroup = said.chat.type !== 'private'
  const meant = inGroup ? saidToUs(said, text, me) : text
  if (meant === undefined) return undefined
  const words = unreadable ? '' : inOurWords(meant)
  return {
    message: {
      id,
      address: { channel: 'telegram', chat: inGroup ? `${said.chat.id}:${sender.id}` : String(said.chat.id) },
      text: words,
      ...(unreadable ? { unreadable } : {}),
      ...(inGroup ? { inGroup } : {}),
    },
    back: {
      chat: said.chat.id,
      ...(inGroup ? { replyTo: said.message_id } : {}),
      ...(said.is_topic_message && said.message_thread_id ? { thread: said.message_thread_id } : {}),
    },
  }
}

const textOf = ({ text, caption }: Said): string => text ?? caption ?? ''

/** What visitors send besides text; everything else without text is a service message. */
const UNREADABLE = [
  'sticker',
  'photo',
  'live_photo',
  'voice',
  'video',
  'video_note',
  'animation',
  'audio',
  'document',
  'paid_media',
  'location',
  'venue',
  'contact',
  'poll',
  'dice',
  'game',
  'story',
  'checklist',
  'rich_message',
] as const satisfies (keyof Said)[]

/** In a group only what names us or replies to us is meant for us: the text without our name, or undefined. */
function saidToUs(said: Said, text: string, me: UserFromGetMe): string | undefined {
  const ourName = `@${me.username}`.toLowerCase()
  let rest = text
  let meant = said.reply_to_message?.from?.id === me.id
  for (const entity of [...(said.entities ?? said.caption_entities ?? [])].reverse()) {
    const { offset, length } = entity
    const span = text.slice(offset, offset + length).toLowerCase()
    if (entity.type === 'bot_command' && offset === 0 && span.includes('@')) {
      if (!span.endsWith(ourName)) return undefined
      meant = true
    }
    if (
      (entity.type === 'mention' && span === ourName) ||
      (entity.type === 'text_mention' && entity.user.id === me.id)
    ) {
      rest = `${rest.slice(0, offset)} ${rest.slice(offset + length)}`
      meant = true
    }
  }
  if (!meant) return undefined
  // Only our name, without a question: whoever calls wants to know what we are for.
  return rest.trim() || '/help'
}

/** `/city 昆明` is 「换城市 昆明」; what is no command of ours stays as it is. */
function inOurWords(text: string): string {
  const [, name, tail = ''] = /^\/([a-z]+)(?:@\w+)?(?:\s+(.*))?$/is.exec(text.trim()) ?? []
  const words = COMMANDS.find(({ command }) => command === name?.toLowerCase())?.words
  if (words === undefined) return text
  // The tail of /start comes from a link somewhere, not from the visitor.
  return words === '/start' || tail === '' ? words : `${words} ${tail.trim()}`
}

function hearPress(id: string, { data, message, from }: CallbackQuery): Heard | undefined {
  const [, menu, index] = /^m:(.+):(\d{1,3})$/.exec(data ?? '') ?? []
  if (menu === undefined || message === undefined || message.chat.type === 'channel') return undefined
  const inGroup = message.chat.type !== 'private'
  return {
    message: {
      id,
      address: {
        channel: 'telegram',
        chat: inGroup ? `${message.chat.id}:${from.id}` : String(message.chat.id),
      },
      text: '',
      choice: { menu, index: Number(index) },
      ...(inGroup ? { inGroup } : {}),
    },
    back: {
      chat: message.chat.id,
      ...(inGroup ? { replyTo: message.message_id } : {}),
      ...('is_topic_message' in message && message.message_thread_id
        ? { thread: message.message_thread_id }
        : {}),
    },
  }
}

/** The pictures of an album come as one update each; only the first, or one with a caption, is answered. */
function albums(): (update: Update) => boolean {
  const seen = new Set<string>()
  return ({ message }) => {
    const album = message?.media_group_id
    if (album === undefined) return true
    const first = !seen.has(album)
    if (seen.size >= 1000) seen.clear()
    seen.add(album)
    return first || message?.caption !== undefined
  }
}

// ---- what goes out ----

/** One message on the screen. */
interface Part {
  readonly text: string
  readonly keyboard?: InlineKeyboardMarkup
}

/** Plain text without any markup, so that nothing in an answer can be read as formatting. The source comes last. */
function encode(reply: Reply): Part[] {
  const isSource = ({ kind }: Reply['sections'][number]): boolean => kind === 'source'
  const sections = [
    ...reply.sections.filter((section) => !isSource(section)),
    ...reply.sections.filter(isSource),
  ]
  const keyboard = keyboardOf(reply)
  const texts = splitText(plainText({ ...reply, sections, choices: keyboard ? [] : reply.choices }))
  return texts.map((text, i) => (keyboard && i === texts.length - 1 ? { text, keyboard } : { text }))
}

/** One button a row. Undefined when there is nothing to press, or Telegram would not take it: then the list is numbered. */
function keyboardOf({ choices, menu }: Reply): InlineKeyboardMarkup | undefined {
  if (choices.length === 0 || menu === undefined) return undefined
  const rows = choices.map(({ label }, i) => [{ text: shorten(label), callback_data: `m:${menu}:${i}` }])
  return rows.every(([button]) => Buffer.byteLength(button?.callback_data ?? '') <= 64)
    ? { inline_keyboard: rows }
    : undefined
}

function shorten(label: string): string {
  const letters = [...label]
  return letters.length <= 60 ? label : `${letters.slice(0, 59).join('')}…`
}

/** The most UTF-16 units Telegram takes in one message. */
const LONGEST = 4096

/** Cuts at the end of a paragraph, else of a line, else of a sentence; only text without any of these is cut anywhere. */
function splitText(text: string): string[] {
  const parts: string[] = []
  let rest = text.trim()
  while (rest.length > LONGEST) {
    const end = lastEnd(rest.slice(0, LONGEST))
    parts.push(rest.slice(0, end).trimEnd())
    rest = rest.slice(end).trimStart()
  }
  return rest === '' ? parts : [...parts, rest]
}

function lastEnd(text: string): number {
  for (const end of [/\n\n/g, /\n/g, /[。！？；!?;][”’」』）)]*|\.\s/g]) {
    const last = [...text.matchAll(end)].at(-1)
    if (last && last.index > text.length / 2) return last.index + last[0].length
  }
  const inPair = /[\uD800-\uDBFF]$/.test(text)
  return inPair ? text.length - 1 : text.length
}

/** Everything that can become of one send. */
type Outcome =
  | { readonly kind: 'sent' }
  | { readonly kind: 'later'; readonly afterMs: number }
  | { readonly kind: 'moved'; readonly chat: number }
  | { readonly kind: 'failed'; readonly why: string }

type Send = (to: Destination, parts: readonly Part[], update: number) => Promise<void>

/** Sends the parts of a reply one after the other. What may have arrived is never sent again. */
function sender(api: Api, log: Log, cutOff: AbortSignal): Send {
  return async (to, parts, update) => {
    const left = [...parts]
    let chat = to.chat
    for (let waits = 0; left[0] !== undefined; ) {
      const [outcome, fields] = await sendPart(chat, left[0], to)
      switch (outcome.kind) {
        case 'sent':
          left.shift()
          break
        case 'later':
          if (++waits > MOST_WAITS)
            return log.error({ update, ...fields }, 'a reply was given up after waiting several times')
          log.warn({ update, afterMs: outcome.afterMs, ...fields }, 'a reply waits')
          await pause(outcome.afterMs, cutOff)
          if (cutOff.aborted) return
          break
        case 'moved':
          if (chat !== to.chat)
            return log.error({ update, ...fields }, 'a group moved twice; the reply was given up')
          chat = outcome.chat
          break
        case 'failed':
          return log.error({ update, ...fields }, outcome.why)
      }
    }
  }

  async function sendPart(
    chat: number,
    part: Part,
    to: Destination,
  ): Promise<[Outcome, Record<string, unknown>]> {
    const extra = {
      link_preview_options: { is_disabled: true },
      ...(part.keyboard ? { reply_markup: part.keyboard } : {}),
      ...(to.thread ? { message_thread_id: to.thread } : {}),
      // The message may be deleted by now; the answer should come nevertheless.
      ...(to.replyTo
        ? { reply_parameters: { message_id: to.replyTo, allow_sending_without_reply: true } }
        : {}),
    }
    try {
      await api.sendMessage(chat, part.text, extra, cutOff as ApiSignal)
      return [{ kind: 'sent' }, {}]
    } catch (error) {
      return [outcomeOf(error), describe(error)]
    }
  }
}

const MOST_WAITS = 3

function outcomeOf(error: unknown): Outcome {
  if (error instanceof GrammyError) {
    const { error_code, parameters } = error
    if (parameters.retry_after !== undefined) return { kind: 'later', afterMs: parameters.retry_after * 1000 }
    if (parameters.migrate_to_chat_id !== undefined)
      return { kind: 'moved', chat: parameters.migrate_to_chat_id }
    if (error_code === 403) return { kind: 'failed', why: 'the visitor cannot be reached any more' }
    if (error_code < 500) return { kind: 'failed', why: 'Telegram refused a reply' }
  }
  if (NEVER_LEFT.has(codeOf(error))) return { kind: 'later', afterMs: 1000 }
  return { kind: 'failed', why: 'it is unknown whether a reply arrived; it is not sent again' }
}

/**
 * What an error says about a notice. The codes are Telegram's, the words may change: what is not known is held
 * against nobody for good.
 */
function noticeOutcome(error: unknown): SendOutcome {
  if (!(error instanceof GrammyError)) {
    const reason = codeOf(error)
    if (NEVER_LEFT.has(reason)) return { kind: 'not-now', reason: 'not-connected', everybody: true }
    return { kind: 'unknown', reason: /timed out|abort/i.test(reason) ? 'timed-out' : 'connection-lost' }
  }
  const { error_code: code, description, parameters } = error
  if (code === 429 || parameters.retry_after !== undefined)
    return { kind: 'later', afterMs: (parameters.retry_after ?? 1) * 1000 }
  if (parameters.migrate_to_chat_id !== undefined)
    return { kind: 'moved', chat: String(parameters.migrate_to_chat_id) }
  if (isRefusedToken(error)) return { kind: 'channel-refused', reason: description }
  if (code >= 500) return { kind: 'unknown', reason: 'server-error' }
  const reason = UNREACHABLE.find(({ words }) => words.test(description))?.reason
  if (reason !== undefined) return { kind: 'unreachable', reason }
  if (code === 400 && OUR_TEXT.test(description)) return { kind: 'content-refused', reason: description }
  return { kind: 'not-now', reason: `refused-${code}` }
}

const UNREACHABLE: readonly { words: RegExp; reason: Unreachable }[] = [
  { words: /blocked by the user|USER_IS_BLOCKED/i, reason: 'blocked' },
  { words: /user is deactivated|deleted account|INPUT_USER_DEACTIVATED/i, reason: 'gone' },
  { words: /can't initiate conversation/i, reason: 'never-started' },
  {
    words:
      /bot was kicked|not a member|group chat was (deleted|deactivated)|CHAT_WRITE_FORBIDDEN|not enough rights/i,
    reason: 'chat-lost',
  },
  { words: /chat not found|user not found|PEER_ID_INVALID|chat_id is empty/i, reason: 'not-found' },
]
const OUR_TEXT =
  /text is empty|too long|too_long|can't parse|entit(y|ies)|button|reply markup|url|MEDIA_|ENTITY|text must be/i

/** No connection was made, so nothing can have arrived. */
const NEVER_LEFT = new Set(['ECONNREFUSED', 'ENOTFOUND', 'EAI_AGAIN', 'ENETUNREACH', 'EHOSTUNREACH'])

/** Runs the work of one chat in the order it came. The work must not fail. */
function lines(): (chat: number, work: () => Promise<void>) => Promise<void> {
  const last = new Map<number, Promise<void>>()
  return (chat, work) => {
    const mine = (last.get(chat) ?? Promise.resolve()).then(work).finally(() => {
      if (last.get(chat) === mine) last.delete(chat)
    })
    last.set(chat, mine)
    return mine
  }
}

// ---- the webhook's door ----

const LARGEST_BODY = 64 * 1024

function sameSecret(given: string, secret: string): boolean {
  const digest = (text: string): Buffer => createHash('sha256').update(text).digest()
  return timingSafeEqual(digest(given), digest(secret))
}

/** Undefined: too large; the rest is not read. */
async function readBody(request: Request): Promise<string | undefined> {
  if (Number(request.headers.get('Content-Length') ?? 0) > LARGEST_BODY) return undefined
  const reader = request.body?.getReader()
  const chunks: Uint8Array[] = []
  for (let size = 0; reader !== undefined; ) {
    const { value, done } = await reader.read()
    if (done) break
    size += value.byteLength
    if (size > LARGEST_BODY) {
      await reader.cancel()
      return undefined
    }
    chunks.push(value)
  }
  return Buffer.concat(chunks).toString('utf8')
}

function parseUpdate(body: string): Update | undefined {
  try {
    const update: unknown = JSON.parse(body)
    const isUpdate =
      typeof update === 'object' &&
      update !== null &&
      'update_id' in update &&
      Number.isInteger(update.update_id)
    return isUpdate ? (update as Update) : undefined
  } catch {
    // Not JSON, so not an update.
    return undefined
  }
}

// ---- errors ----

/** For the log: never the URL (it holds the token), never the payload (it holds what was said). */
function describe(error: unknown): Record<string, unknown> {
  if (error instanceof GrammyError) {
    const { method, error_code, description } = error
    return { method, error_code, description }
  }
  if (error instanceof HttpError) return { error: error.message, code: codeOf(error) }
  if (!(error instanceof Error)) return { error: typeof error }
  // The message may quote what was said, also over several lines; the place in our code does not.
  const place = error.stack
    ?.replace(error.message, '')
    .split('\n')
    .find((line) => /^\s+at /.test(line))
    ?.trim()
  return { error: error.name, place }
}

function codeOf(error: unknown): string {
  const cause: unknown = error instanceof HttpError ? error.error : undefined
  const { code, type } = (cause ?? {}) as { code?: unknown; type?: unknown }
  return String(code ?? type ?? 'timed out')
}

const isRefusedToken = (error: unknown): error is GrammyError =>
  error instanceof GrammyError && (error.error_code === 401 || error.error_code === 404)

function whatToDo(error: unknown): string {
  if (error instanceof HttpError) return 'Telegram cannot be reached; trying again'
  if (!(error instanceof GrammyError)) return 'Something unexpected came from Telegram; trying again'
  const { error_code, method } = error
  if (isRefusedToken(error))
    return `Telegram refused the token (${error_code}). Compare TELEGRAM_TOKEN with what BotFather shows.`
  if (error_code === 409)
    return 'Another program fetches the messages of this bot (409). Stop it, or get a bot of its own for this one from BotFather; trying again.'
  if (method === 'setWebhook' && error_code === 400)
    return 'Telegram refused the webhook (400). Check that TELEGRAM_WEBHOOK_URL is a public https address; trying again.'
  return `Telegram answered with an error (${error_code}); trying again`
}

function retryAfterMs(error: unknown): number | undefined {
  const seconds = error instanceof GrammyError ? error.parameters.retry_after : undefined
  return seconds === undefined ? undefined : seconds * 1000
}

// ---- time ----

/** grammY types its signals by a polyfill of the very same thing. */
type ApiSignal = NonNullable<Parameters<Api['getMe']>[0]>

const signal = (controller: AbortController): ApiSignal => controller.signal as ApiSignal

/** Waits, or until it is cut short. */
async function pause(ms: number, cutShort: AbortSignal): Promise<void> {
  await after(ms, undefined, { signal: cutShort }).catch(() => {
    // Cut short: whoever waits looks at the signal.
  })
}

/** Waits for one of them, but not longer than so, and leaves no timer behind. */
async function firstOf(promises: readonly unknown[], ms: number, cutShort: AbortSignal): Promise<void> {
  const over = new AbortController()
  const end = (): void => over.abort()
  cutShort.addEventListener('abort', end)
  if (!cutShort.aborted) await Promise.race([...promises, pause(ms, over.signal)])
  cutShort.removeEventListener('abort', end)
  end()
}
