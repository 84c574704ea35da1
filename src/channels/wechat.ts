import { fork } from 'node:child_process'
import { mkdirSync } from 'node:fs'
import { createRequire } from 'node:module'
import { resolve } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import qrcode from 'qrcode-terminal'
import type { Channel, Log, Respond } from '../model/channel.ts'
import { type Message, plainText } from '../model/conversation.ts'
import type { NoticeSender, SendOutcome } from '../model/notice.ts'
import { wechatReach } from './reaches.ts'
import { type Child, keepRunning, PATIENCE, type Patience } from './wechat-process.ts'
import { oneByOne, type SendOutcome as Sent, type Unsent } from './wechat-sends.ts'
import { faultOf, PUPPETS, type Report, type ReportOf } from './wechat-wire.ts'

export interface WechatOptions {
  /** One of `PUPPETS`. */
  readonly puppet: string
  /** Holds the memory card, which is as good as a password of the account. */
  readonly dataDir: string
  readonly respond: Respond
  readonly log: Log
  // Both are read anew each time, for staff may have changed them.
  /** What a visitor reads when the answer failed. */
  readonly sorry: string
  /** What a new friend reads. */
  readonly greeting: string
  readonly onLogin?: (name: string) => void
  /** Shows the login code; on standard error when left out. */
  readonly showCode?: (code: string) => void
  /** The environment of the WeChat process, where puppets find their tokens; the bot's own when left out. */
  readonly env?: NodeJS.ProcessEnv
  readonly spawn?: () => Child
  /** Notices a minute and a day; none may go out when left out. */
  readonly notices?: { readonly perMinute: number; readonly perDay: number }
  /** Between two sends of the account. */
  readonly pauseMs?: () => number
  readonly patience?: Partial<Patience>
  readonly now?: () => number
}

export interface WechatChannel extends Channel {
  /** Undefined: this account writes to nobody first. */
  readonly sender: NoticeSender | undefined
}

/**
 * WeChat through wechaty, which lives in a process of its own: its puppets spin without a network and swallow
 * the crashes of whatever process they are in. Personal accounts are best effort: WeChat may refuse the login.
 */
export function startWechat(options: WechatOptions): WechatChannel {
  const { respond, log } = options
  refuseUnknown(options.puppet)
  // Per chat, the reply that the next one waits for.
  const tails = new Map<string, Promise<void>>()
  const answered = new Set<string>()
  let stopping = false
  let lastCode = ''

  const sends = oneByOne({
    order: (order) => wechat.order(order),
    pauseMs: options.pauseMs ?? unhurried,
    log,
  })

  const answer = (said: ReportOf<'message'>): void => {
    // A puppet that reconnects may deliver again what it had delivered.
    if (answered.has(said.id)) return
    remember(answered, said.id)
    const message = read(said)
    const { chat } = message.address
    const mine = Promise.all([replyTo(message), tails.get(chat)]).then(([reply]) => {
      sends.add(
        chat,
        inParts(reply.text).map((text) => sayTo(said, text)),
        { urgent: reply.urgent },
      )
      if (tails.get(chat) === mine) tails.delete(chat)
    })
    tails.set(chat, mine)
  }

  const replyTo = async (message: Message): Promise<{ text: string; urgent: boolean }> => {
    try {
      const reply = await respond(message)
      return { text: reply ? plainText(reply) : '', urgent: reply?.decision === 'urgent' }
    } catch (error) {
      log.error(
        { channel: 'wechat', message: message.id, fault: faultOf(error) },
        'a message could not be answered',
      )
      return { text: options.sorry, urgent: false }
    }
  }

  const welcome = ({ id, contact }: ReportOf<'friendship'>): void => {
    const greet = (): void =>
      sends.add(
        contact,
        inParts(options.greeting).map((text) => ({ kind: 'say', chat: contact, text })),
      )
    sends.add(contact, [{ kind: 'accept', id }], { after: (outcome) => outcome === 'done' && greet() })
  }

  const showLogin = ({ url, status }: ReportOf<'qrcode'>): void => {
    // Some puppets hand the next code over when the last one has timed out.
    const fresh = (status === 'waiting' || status === 'timed-out') && url !== '' && url !== lastCode
    log.info(
      { channel: 'wechat', status, ...(fresh ? { url } : {}) },
      'WeChat login: scan the code with the account’s phone',
    )
    if (!fresh) return
    lastCode = url
    qrcode.generate(url, { small: true }, options.showCode ?? ((code) => process.stderr.write(`${code}\n`)))
  }

  const onReport = (report: Exclude<Report, { kind: 'error' }>): void => {
    switch (report.kind) {
      case 'started':
        log.info(
          { channel: 'wechat', puppet: options.puppet },
          'the WeChat process runs; it answers once somebody is logged in',
        )
        break
      case 'qrcode':
        showLogin(report)
        break
      case 'login':
        sends.open()
        log.info({ channel: 'wechat' }, 'WeChat is logged in')
        options.onLogin?.(report.name)
        break
      case 'logout':
        sends.close()
        log.warn({ channel: 'wechat' }, 'WeChat is logged out')
        break
      case 'message':
        if (!stopping) answer(report)
        break
      case 'friendship':
        if (!stopping) welcome(report)
        break
      case 'done':
        sends.answered(report.ref, 'done')
        break
      case 'failed':
        log.warn({ channel: 'wechat', fault: report.text }, 'WeChat refused a send')
        sends.answered(report.ref, report.gone ? 'gone' : 'failed')
        break
    }
  }

  const wechat = keepRunning({
    spawn: options.spawn ?? (() => forkChild(options)),
    onReport,
    onEnd: () => {
      answered.clear()
      sends.close()
    },
    log,
    patience: { ...PATIENCE, ...options.patience },
    now: options.now ?? Date.now,
  })

  /** In the one line of the account, so that it keeps the account's pauses. */
  const sendNotice = (chat: string, text: string): Promise<SendOutcome> =>
    new Promise((resolve) => {
      sends.add(chat, [{ kind: 'say', chat, text }], { after: (outcome) => resolve(OUTCOMES[outcome]) })
    })

  return {
    name: 'wechat',
    sender: options.notices && {
      ...wechatReach(options.notices),
      parallel: 1,
      // Even spacing is what a machine does.
      jitterMs: 30_000 / options.notices.perMinute,
      send: sendNotice,
      busy: sends.busy,
    },
    stop: async () => {
      stopping = true
      await within(DRAIN_MS, Promise.all(tails.values()).then(sends.idle))
      await wechat.stop()
    },
  }
}

/** A send that was refused may have left all the same: a puppet does not say where it got stuck. */
const OUTCOMES: Readonly<Record<Sent, SendOutcome>> = {
  done: { kind: 'sent' },
  gone: { kind: 'unreachable', reason: 'not-found' },
  failed: { kind: 'unknown', reason: 'error' },
  unknown: { kind: 'unknown', reason: 'timed-out' },
  dropped: { kind: 'not-now', reason: 'not-connected', everybody: true },
}

function refuseUnknown(puppet: string): void {
  if ((PUPPETS as readonly string[]).includes(puppet)) return
  throw new Error(
    `WECHATY_PUPPET names a puppet that is not allowed here. Set it to one of: ${PUPPETS.join(', ')}.`,
  )
}

/** A group is one conversation per asker: what one asks there must not continue what another has asked. */
function read({ id, chat, talker, text, inGroup, unreadable }: ReportOf<'message'>): Message {
  return {
    id,
    address: { channel: 'wechat', chat: inGroup ? `${chat}:${talker}` : chat },
    text,
    ...(unreadable ? { unreadable } : {}),
    ...(inGroup ? { inGroup } : {}),
  }
}

const sayTo = ({ chat, talker, inGroup }: ReportOf<'message'>, text: string): Unsent => ({
  kind: 'say',
  chat,
  text,
  ...(inGroup ? { mention: talker } : {}),
})

/** In pieces that end where a paragraph, a line or a sentence ends. */
export function inParts(text: string, most = 1500): string[] {
  const rest = text.trim()
  if (rest === '') return []
  if (rest.length <= most) return [rest]
  const end = lastEnd(rest.slice(0, most))
  return [rest.slice(0, end).trimEnd(), ...inParts(rest.slice(end), most)]
}

function lastEnd(text: string): number {
  for (const end of [/\n\s*\n/g, /\n/g, /[。！？；…]["”』」）)]?|[.!?;]\s/g, /[，、,\s]/g]) {
    const last = [...text.matchAll(end)].at(-1)
    // An end in the first third would leave a scrap of a message.
    if (last && last.index > text.length / 3) return last.index + last[0].length
  }
  return /[\uD800-\uDBFF]$/.test(text) ? text.length - 1 : text.length
}

const unhurried = (): number => 1000 + Math.random() * 1500

/** How long the replies in hand may take at the end; with the stop of the process it stays below five seconds. */
const DRAIN_MS = 1500

async function within(ms: number, work: Promise<unknown>): Promise<void> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise((resolve) => {
    timer = setTimeout(resolve, ms)
  })
  await Promise.race([work, late])
  clearTimeout(timer)
}

const MOST_REMEMBERED = 2000

function remember(ids: Set<string>, id: string): void {
  ids.add(id)
  if (ids.size > MOST_REMEMBERED) ids.delete(ids.values().next().value ?? '')
}

function forkChild({ puppet, dataDir, env }: WechatOptions): Child {
  const folder = resolve(dataDir)
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  // By its full address, since the bot may have been started from any folder.
  const tsx = pathToFileURL(createRequire(import.meta.url).resolve('tsx')).href
  return fork(
    fileURLToPath(new URL('./wechat-child.ts', import.meta.url)),
    [puppet, resolve(folder, 'wechat')],
    {
      execArgv: ['--max-old-space-size=512', '--import', tsx],
      // wechaty and its puppets print texts and names; what they have to say comes as reports.
      stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
      ...(env ? { env } : {}),
    },
  )
}
