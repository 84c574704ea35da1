import { EventEmitter, once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { InlineKeyboardMarkup, Message, MessageEntity, Update, UserFromGetMe } from 'grammy/types'

/**
 * A Bot API server on the loopback. It speaks the protocol as the real one does (checked against the source of
 * tdlib/telegram-bot-api): long polls that wait, updates that stay until they are confirmed, one poller at a time,
 * limits that are refused with Telegram's own words. Requests are read as JSON, which is what grammY sends.
 *
 * Tests make trouble with rules and wait with `until`, never by the clock:
 *
 *     const telegram = await fakeTelegram()
 *     telegram.next('sendMessage', tooManyRequests(1))
 *     telegram.push(telegram.text(5, '图书馆几点关门'))
 *     await telegram.until(() => telegram.sent.length === 1)
 */
export async function fakeTelegram(): Promise<FakeTelegram> {
  const fake = new FakeTelegram()
  await fake.listen()
  return fake
}

/** A call of the bot, before it is answered. */
export interface Call {
  readonly method: string
  readonly payload: Readonly<Record<string, unknown>>
  /** Milliseconds on a clock that only goes forward, for statements about rates. */
  readonly at: number
}

/** A message the bot has sent. */
export interface Sent {
  readonly message_id: number
  readonly chat_id: number
  readonly text: string
  readonly at: number
  readonly parse_mode?: string
  readonly message_thread_id?: number
  readonly link_preview_options?: { readonly is_disabled?: boolean }
  readonly reply_parameters?: { readonly message_id: number; readonly allow_sending_without_reply?: boolean }
  readonly reply_markup?: InlineKeyboardMarkup
}

/** An error as Telegram words it. */
export interface Refusal {
  readonly error_code: number
  readonly description: string
  readonly parameters?: { readonly retry_after?: number; readonly migrate_to_chat_id?: number }
}

/**
 * What a rule may answer instead of the real thing: an error, the HTML page of a broken proxy, a cut connection, or
 * silence. With `done, then …` the call has taken effect all the same.
 */
export type Answer = Refusal | 'bad gateway' | 'cut' | 'done, then cut' | 'done, then silence'

/**
 * Looks at every call before it takes effect. Undefined: the next rule, at last the server itself, answers.
 * A rule that returns a promise makes the answer slow. A limit of 30 messages a second, for example:
 *
 *     telegram.rule(({ method, at }) =>
 *       method === 'sendMessage' && telegram.sent.filter((one) => one.at > at - 1000).length >= 30 ? tooManyRequests(1) : undefined)
 */
export type Rule = (call: Call) => Answer | undefined | Promise<Answer | undefined>

export const tooManyRequests = (seconds: number): Refusal => ({
  error_code: 429,
  description: `Too Many Requests: retry after ${seconds}`,
  parameters: { retry_after: seconds },
})
export const blocked: Refusal = { error_code: 403, description: 'Forbidden: bot was blocked by the user' }
export const chatNotFound: Refusal = { error_code: 400, description: 'Bad Request: chat not found' }
export const unauthorized: Refusal = { error_code: 401, description: 'Unauthorized' }
export const internalError: Refusal = { error_code: 500, description: 'Internal Server Error' }
export const conflict: Refusal = {
  error_code: 409,
  description:
    'Conflict: terminated by other getUpdates request; make sure that only one bot instance is running',
}
const webhookIsActive: Refusal = {
  error_code: 409,
  description:
    "Conflict: can't use getUpdates method while webhook is active; use deleteWebhook to delete the webhook first",
}
export const movedTo = (chat: number): Refusal => ({
  error_code: 400,
  description: 'Bad Request: group chat was upgraded to a supergroup chat',
  parameters: { migrate_to_chat_id: chat },
})

export class FakeTelegram {
  /** The token that is accepted; any other is refused with 401. */
  readonly token = '123456:AAH-a_token_that_must_never_be_logged'
  readonly me = { id: 123456, is_bot: true, first_name: '青答', username: 'Qingda_Bot' } as UserFromGetMe
  /** Everything the bot has called, in the order of arrival, whatever the answer. */
  readonly calls: Call[] = []
  /** The messages that were accepted. */
  readonly sent: Sent[] = []
  /** Updates that the bot has not confirmed. */
  readonly pending: Update[] = []
  webhook: { readonly url: string; readonly secret_token?: string } | undefined

  private readonly server = createServer((request, response) => void this.serve(request, response))
  private readonly changes = new EventEmitter().setMaxListeners(0)
  private readonly rules = new Set<Rule>()
  private readonly openQueries = new Set<string>()
  private poll: { readonly call: Call; readonly answer: (result: Update[] | Refusal) => void } | undefined
  private lastPoll = { offset: -1, at: -Infinity }
  private allowed: readonly string[] = []
  private lastMessageId = 0

  async listen(): Promise<void> {
    // Longer than any test: a connection closed for idleness would look like trouble.
    this.server.keepAliveTimeout = 60_000
    this.server.listen(0, '127.0.0.1')
    await once(this.server, 'listening')
  }

  get apiRoot(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`
  }

  async close(): Promise<void> {
    this.server.close()
    this.server.closeAllConnections()
    await once(this.server, 'close')
  }

  /** The calls of one method. */
  called(method: string): Call[] {
    return this.calls.filter((call) => call.method === method)
  }

  /** What was sent to a chat, as plain texts. */
  texts(chat: number): string[] {
    return this.sent.filter(({ chat_id }) => chat_id === chat).map(({ text }) => text)
  }

  // ---- trouble ----

  /** @returns what takes the rule away again */
  rule(rule: Rule): () => void {
    this.rules.add(rule)
    return () => void this.rules.delete(rule)
  }

  /** Answers the next call of a method, and no later one, with trouble. */
  next(method: string, answer: Answer): void {
    const remove = this.rule((call) => {
      if (call.method !== method) return undefined
      remove()
      return answer
    })
  }

  /**
   * Leaves the calls of a method unanswered and without effect.
   * @returns what lets them go on
   */
  hold(method: string, which: (call: Call) => boolean = () => true): () => void {
    let release = (): void => {}
    const released = new Promise<undefined>((resolve) => {
      release = () => resolve(undefined)
    })
    const remove = this.rule((call) => (call.method === method && which(call) ? released : undefined))
    return () => {
      remove()
      release()
    }
  }

  /**
   * Refuses messages beyond so many in any second, as Telegram does: then none is taken for some seconds.
   * @returns how often that happened, and how many calls came although they had been told to wait
   */
  limit(perSecond: number, waitSeconds = 1): { refused: number; ignored: number } {
    const count = { refused: 0, ignored: 0 }
    const taken: number[] = []
    let told = -Infinity
    let until = -Infinity
    this.rule(({ method, at }) => {
      if (method !== 'sendMessage') return undefined
      // What was under way when the refusal was sent could not know of it.
      if (at < until && at > told + UNDER_WAY_MS) count.ignored++
      while (taken[0] !== undefined && taken[0] <= at - 1000) taken.shift()
      if (at >= until && taken.length < perSecond) {
        taken.push(at)
        return undefined
      }
      count.refused++
      if (at >= until) {
        told = at
        until = at + waitSeconds * 1000
      }
      return tooManyRequests(Math.max(1, Math.ceil((until - at) / 1000)))
    })
    return count
  }

  // ---- waiting ----

  /** Waits until something has happened here; looks whenever a call comes in or is answered. */
  async until(condition: () => boolean, withinMs = 5000): Promise<void> {
    const signal = AbortSignal.timeout(withinMs)
    while (!condition()) {
      await once(this.changes, 'change', { signal }).catch(() => {
        const log = this.calls.map(({ method }) => method).join(' ')
        throw new Error(
          `Not within ${withinMs} ms: ${String(condition)}\ncalls: ${log}\nsent: ${this.sent.map(({ text }) => text).join(' | ')}`,
        )
      })
    }
  }

  private changed(): void {
    this.changes.emit('change')
  }

  // ---- what visitors do ----

  /** Queues an update as Telegram does; the same one twice is a redelivery. */
  push(...updates: Update[]): void {
    this.pending.push(...updates)
    this.pending.sort((a, b) => a.update_id - b.update_id)
    this.answerPoll()
    this.changed()
  }

  /** A visitor writes in their private chat, or where `more.chat` says. Mentions and commands become entities. */
  text(visitor: number, text: string, more: Partial<Message> = {}): Update {
    return this.message(visitor, { text, entities: entitiesIn(text), ...more })
  }

  /** A visitor writes in a group. */
  groupText(group: number, visitor: number, text: string, more: Partial<Message> = {}): Update {
    return this.text(visitor, text, { chat: { id: group, type: 'supergroup', title: '青年' }, ...more })
  }

  /** Any message: `{ sticker }`, `{ photo, caption }`, a service message. */
  message(visitor: number, content: Partial<Message>): Update {
    return this.update({ message: this.compose(visitor, content) as NonNullable<Update['message']> })
  }

  /** The visitor changes the text of an earlier message. */
  edit({ message }: Update, text: string): Update {
    const edited = { ...message, text, entities: entitiesIn(text), edit_date: now() }
    return this.update({ edited_message: edited as NonNullable<Update['edited_message']> })
  }

  /** The visitor presses a button under a message of the bot. */
  press(visitor: number, sent: Sent | undefined, row: number): Update {
    const button = sent?.reply_markup?.inline_keyboard[row]?.[0]
    if (!sent || !button || !('callback_data' in button)) throw new Error(`No button in row ${row}.`)
    const id = `query-${lastUpdateId + 1}`
    this.openQueries.add(id)
    const message = {
      message_id: sent.message_id,
      date: now(),
      chat: chatOf(sent.chat_id),
      from: this.me,
      text: sent.text,
    }
    return this.update({
      callback_query: {
        id,
        from: user(visitor),
        chat_instance: '1',
        data: button.callback_data,
        message,
      } as NonNullable<Update['callback_query']>,
    })
  }

  /** The visitor blocks the bot (`kicked`) or lets it in again (`member`). */
  membership(visitor: number, status: 'kicked' | 'member'): Update {
    const was = status === 'kicked' ? 'member' : 'kicked'
    const change = {
      chat: chatOf(visitor),
      from: user(visitor),
      date: now(),
      old_chat_member: { status: was, user: this.me },
      new_chat_member: { status, user: this.me },
    }
    return this.update({ my_chat_member: change as unknown as NonNullable<Update['my_chat_member']> })
  }

  private compose(visitor: number, content: Partial<Message>): Partial<Message> {
    return {
      message_id: ++this.lastMessageId,
      date: now(),
      chat: chatOf(visitor),
      from: user(visitor),
      ...content,
    }
  }

  private update(content: Omit<Update, 'update_id'>): Update {
    return { update_id: ++lastUpdateId, ...content }
  }

  // ---- the protocol ----

  private async serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    let body = ''
    for await (const chunk of request.setEncoding('utf8')) body += chunk
    const [, token, method = ''] = /^\/bot([^/]+)\/(\w+)/.exec(request.url ?? '') ?? []
    const call: Call = { method, payload: body === '' ? {} : JSON.parse(body), at: performance.now() }
    this.calls.push(call)
    this.changed()

    const trouble = token === this.token ? await this.trouble(call) : unauthorized
    if (trouble === 'cut') response.destroy()
    else if (trouble === 'done, then cut' || trouble === 'done, then silence') {
      this.resultOf(call)
      if (trouble === 'done, then cut') response.destroy()
    } else if (trouble === 'bad gateway')
      response.writeHead(502, { 'Content-Type': 'text/html' }).end('<html>Bad Gateway</html>')
    else if (trouble) refuse(response, trouble)
    else if (method === 'getUpdates') this.startPoll(call, response)
    else this.perform(call, response)
    this.changed()
  }

  private async trouble(call: Call): Promise<Answer | undefined> {
    for (const rule of [...this.rules]) {
      const answer = await rule(call)
      if (answer) return answer
    }
    return undefined
  }

  private perform(call: Call, response: ServerResponse): void {
    const result = this.resultOf(call)
    if (isRefusal(result)) refuse(response, result)
    else accept(response, result)
  }

  private resultOf({ method, payload, at }: Call): unknown {
    switch (method) {
      case 'getMe':
        return this.me
      case 'sendMessage':
        return this.sendMessage(payload as unknown as Omit<Sent, 'message_id' | 'at'>, at)
      case 'answerCallbackQuery':
        return this.openQueries.delete(String(payload.callback_query_id))
          ? true
          : bad('query is too old and response timeout expired or query ID is invalid')
      case 'setMyCommands': {
        const commands = (payload.commands ?? []) as { command: string; description: string }[]
        const wrong = commands.some(
          ({ command, description }) =>
            !/^[a-z\d_]{1,32}$/.test(command) || !description || description.length > 256,
        )
        return wrong || commands.length > 100 ? bad('BOT_COMMAND_INVALID') : true
      }
      case 'setWebhook': {
        const { url, secret_token, allowed_updates } = payload as {
          url: string
          secret_token?: string
          allowed_updates?: string[]
        }
        if (!/^[\w-]{0,256}$/.test(secret_token ?? ''))
          return bad('secret token contains unallowed characters')
        this.webhook = url === '' ? undefined : { url, ...(secret_token ? { secret_token } : {}) }
        this.allowed = allowed_updates ?? this.allowed
        return true
      }
      case 'deleteWebhook':
        this.webhook = undefined
        return true
      case 'getWebhookInfo':
        return {
          url: this.webhook?.url ?? '',
          has_custom_certificate: false,
          pending_update_count: this.pending.length,
        }
      default:
        return true
    }
  }

  private sendMessage(payload: Omit<Sent, 'message_id' | 'at'>, at: number): Message | Refusal {
    const { chat_id, text, reply_markup } = payload
    if (chat_id === undefined) return bad('chat_id is empty')
    if (typeof text !== 'string' || text.trim() === '') return bad('message text is empty')
    if (text.length > 4096) return bad('message is too long')
    const buttons = reply_markup?.inline_keyboard.flat() ?? []
    for (const button of buttons) {
      const data = 'callback_data' in button ? button.callback_data : undefined
      if (button.text === '' || data === undefined || data === '' || Buffer.byteLength(data) > 64)
        return bad('BUTTON_DATA_INVALID')
    }
    const sent: Sent = { ...payload, chat_id: Number(chat_id), message_id: ++this.lastMessageId, at }
    this.sent.push(sent)
    return {
      message_id: sent.message_id,
      date: now(),
      chat: chatOf(sent.chat_id),
      from: this.me,
      text,
    } as Message
  }

  /**
   * Asking for an offset confirms all before it. Nothing there: the poll stays open. A second poll ends the first
   * one. Who repeats an offset within half a second gets a single update.
   */
  private startPoll(call: Call, response: ServerResponse): void {
    if (this.webhook) {
      refuse(response, webhookIsActive)
      return
    }
    const {
      offset = 0,
      limit = 100,
      timeout = 0,
      allowed_updates,
    } = call.payload as { offset?: number; limit?: number; timeout?: number; allowed_updates?: string[] }
    this.allowed = allowed_updates ?? this.allowed
    const soon = offset === this.lastPoll.offset ? call.at - this.lastPoll.at : Infinity
    this.lastPoll = { offset, at: call.at }
    const first = offset < 0 ? (this.pending.at(offset)?.update_id ?? 0) : offset
    while (this.pending[0] && this.pending[0].update_id < first) this.pending.shift()

    this.poll?.answer(conflict)
    const waitMs = 1000 * (timeout < 3 && soon < 3000 ? 3 : Math.min(timeout, 50))
    const over = setTimeout(() => poll.answer([]), waitMs)
    const poll = {
      call: { ...call, payload: { ...call.payload, limit: soon < 500 ? 1 : limit } },
      answer: (result: Update[] | Refusal) => {
        clearTimeout(over)
        if (this.poll === poll) this.poll = undefined
        if (Array.isArray(result)) accept(response, result)
        else refuse(response, result)
      },
    }
    this.poll = poll
    response.on('close', () => {
      clearTimeout(over)
      if (this.poll === poll) this.poll = undefined
    })
    this.answerPoll()
    if (waitMs === 0) poll.answer([])
  }

  private answerPoll(): void {
    if (!this.poll) return
    const wanted = (update: Update): boolean =>
      this.allowed.length === 0 || this.allowed.some((kind) => kind in update)
    const ready = this.pending.filter(wanted).slice(0, Number(this.poll.call.payload.limit ?? 100))
    if (ready.length > 0) this.poll.answer(ready)
  }
}

function accept(response: ServerResponse, result: unknown): void {
  if (response.writableEnded || response.destroyed) return
  response.writeHead(200, { 'Content-Type': 'application/json' }).end(JSON.stringify({ ok: true, result }))
}

function refuse(response: ServerResponse, { error_code, description, parameters }: Refusal): void {
  if (response.writableEnded || response.destroyed) return
  response
    .writeHead(error_code, { 'Content-Type': 'application/json' })
    .end(JSON.stringify({ ok: false, error_code, description, ...(parameters ? { parameters } : {}) }))
}

const bad = (what: string): Refusal => ({ error_code: 400, description: `Bad Request: ${what}` })
const isRefusal = (result: unknown): result is Refusal =>
  typeof result === 'object' && result !== null && 'error_code' in result

const UNDER_WAY_MS = 100

/** Shared by all servers of a process: the ids of one bot never begin again. */
let lastUpdateId = 700_000_000

const now = (): number => Math.floor(Date.now() / 1000)
const user = (id: number) => ({ id, is_bot: false, first_name: `访客${id}` })
const chatOf = (id: number): Message['chat'] =>
  id < 0 ? { id, type: 'supergroup', title: '青年' } : { id, type: 'private', first_name: `访客${id}` }

function entitiesIn(text: string): MessageEntity[] {
  const found = (type: 'mention' | 'bot_command', pattern: RegExp): MessageEntity[] =>
    [...text.matchAll(pattern)].map(({ index, 0: { length } }) => ({ type, offset: index, length }))
  return [...found('bot_command', /(?<!\S)\/\w+(@\w+)?/g), ...found('mention', /(?<![\w/])@\w+/g)].sort(
    (a, b) => a.offset - b.offset,
  )
}
