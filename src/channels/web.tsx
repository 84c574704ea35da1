import { createHash, createHmac, randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { type Context, Hono, type MiddlewareHandler } from 'hono'
import { bodyLimit } from 'hono/body-limit'
import { getCookie, setCookie } from 'hono/cookie'
import { secureHeaders } from 'hono/secure-headers'
import type { Log, Respond } from '../model/channel.ts'
import { type Message, plainText, type Reply } from '../model/conversation.ts'
import type { Notice } from '../model/notice.ts'
import { aboutPage } from './web/about.tsx'
import { calendarFile } from './web/calendar.ts'
import { addressLimit } from './web/limit.ts'
import { noNoticePage, noticePage, noticesPage } from './web/notice.tsx'
import { chatPage, ReplyArticle, type Trouble } from './web/page.tsx'
import { keepTranscripts } from './web/transcripts.ts'

export interface WebOptions {
  readonly respond: Respond
  readonly log: Log
  // Functions, because staff may have changed the content since the last page.
  readonly greeting: () => string
  /** Said when the bot itself fails. */
  readonly sorry: () => string
  /** Questions that a new visitor can press instead of typing. */
  readonly suggestions: () => readonly string[]
  readonly regions: () => readonly { readonly id: string; readonly name: string }[]
  /** Announced events, and those that are over. */
  readonly notices: () => readonly Notice[]
  /** Where visitors open these pages. */
  readonly publicUrl?: string | undefined
  /** Whether a text must be answered however many came before it. */
  readonly isUrgent: (text: string) => boolean
  /** The network address a request came from; behind a proxy the one it reports. */
  readonly clientAddress: (c: Context) => string
  /** Messages from one network address. A school behind one address may need more. */
  readonly limit?: { readonly perMinute: number; readonly burst: number }
  readonly now?: () => Date
}

/** The chat page, which works without script too, and the same conversation for programs. */
export function webChannel(options: WebOptions): Hono {
  const { respond, log } = options
  const now = options.now ?? (() => new Date())
  const limit = addressLimit(options.limit ?? { perMinute: 60, burst: 30 })
  const transcripts = keepTranscripts()
  const messageId = messageIds()
  const app = new Hono()

  for (const path of OWN_PATHS) app.use(path, guardPage, sameOrigin)

  app.get('/', (c) => {
    const visitor = visitorOf(c)
    const exchanges = visitor === undefined ? [] : transcripts.of(visitor)
    // A page that shows what somebody wrote stays out of the browser's disk cache. Any other one may be kept for
    // the way back from /about.
    c.header('Cache-Control', exchanges.length > 0 ? 'private, no-store' : 'private, no-cache')
    return showChat(c, exchanges.at(-1)?.region ?? '')
  })

  app.post(
    '/',
    formOnly,
    bodyLimit({ maxSize: FORM_BYTES, onError: (c) => showTrouble(c, 413, 'long') }),
    async (c) => {
      const form = await readForm(c)
      if (form === undefined) return c.redirect('/', 303)
      const visitor = welcome(c)
      const outcome = await take(c, { ...form.message, ...asMessage(visitor, form) })
      switch (outcome.kind) {
        case 'replied': {
          const said = form.message.choice ? labelOf(visitor, form.message.choice) : form.message.text
          transcripts.add(visitor, { said, reply: outcome.reply, region: regionAfter(form, outcome.reply) })
          return c.redirect('/#latest', 303)
        }
        case 'too-fast':
          c.header('Retry-After', String(outcome.seconds))
          return showTrouble(c, 429, 'busy', form.message.text)
        case 'failed':
          return showTrouble(c, 500, 'broken', form.message.text)
      }
    },
  )

  // The same form sent by the page's script: only the reply comes back, as it stands on the page.
  app.post(
    '/exchange',
    formOnly,
    bodyLimit({ maxSize: FORM_BYTES, onError: (c) => c.body(null, 413) }),
    async (c) => {
      const form = await readForm(c)
      if (form === undefined) return c.body(null, 204)
      const outcome = await take(c, { ...form.message, ...asMessage(welcome(c), form) })
      c.header('Cache-Control', 'no-store')
      switch (outcome.kind) {
        case 'replied':
          if (outcome.reply === undefined) return c.body(null, 204)
          return c.html(<ReplyArticle reply={outcome.reply} region={regionAfter(form, outcome.reply)} />)
        case 'too-fast':
          return c.body(null, 429, { 'Retry-After': String(outcome.seconds) })
        case 'failed':
          return c.body(null, 500)
      }
    },
  )

  app.post('/clear', (c) => {
    const visitor = visitorOf(c)
    if (visitor !== undefined) transcripts.forget(visitor)
    return c.redirect('/', 303)
  })

  app.post(
    '/api/messages',
    jsonOnly,
    bodyLimit({
      maxSize: API_BYTES,
      onError: (c) =>
        c.json(
          {
            error: `The body is above ${API_BYTES / 1024} KB. Send a shorter "text": 2000 characters are read of it.`,
          },
          413,
        ),
    }),
    async (c) => {
      const read = readCall(await c.req.json().catch(() => undefined))
      if ('error' in read) return c.json({ error: read.error }, 400)
      const { visitor, given, message } = read
      const start = performance.now()
      // A channel of its own: a program names its visitors, and no name may reach somebody's conversation on the page.
      const id = given ?? randomBytes(12).toString('base64url')
      const outcome = await take(c, {
        ...message,
        id: messageId(visitor, id, message),
        address: { channel: 'api', chat: visitor },
      })
      switch (outcome.kind) {
        case 'replied':
          return outcome.reply === undefined
            ? c.body(null, 204)
            : c.json(asContract(id, outcome.reply, start))
        case 'too-fast':
          c.header('Retry-After', String(outcome.seconds))
          return c.json(
            { error: `Too many messages from this address. Wait ${outcome.seconds} s and send it again.` },
            429,
          )
        case 'failed':
          return c.json(
            { error: 'The bot failed to answer; its log says why. Send the message again later.' },
            500,
          )
      }
    },
  )
  app.all('/api/messages', (c) => {
    c.header('Allow', 'POST')
    return c.json({ error: 'This address takes POST only, with {"visitor": "…", "text": "…"}.' }, 405)
  })

  app.get('/about', (c) => c.html(aboutPage(ASSETS)))
  app.get('/notices', (c) => {
    const coming = options
      .notices()
      .filter(({ ends }) => Date.parse(ends) > now().getTime())
      .sort((a, b) => Date.parse(a.starts) - Date.parse(b.starts))
    c.header('Cache-Control', 'no-cache')
    return c.html(noticesPage({ assets: ASSETS, notices: coming, regionName }))
  })
  app.get('/notices/:name', (c) => {
    const name = c.req.param('name')
    const wanted = name.replace(/\.ics$/, '')
    const notice = options.notices().find(({ id }) => id === wanted)
    c.header('Cache-Control', 'no-cache')
    if (notice === undefined) return c.html(noNoticePage({ assets: ASSETS }), 404)
    if (name === wanted)
      return c.html(noticePage({ assets: ASSETS, notice, region: regionName(notice.region), now: now() }))
    return c.body(calendarFile(notice, options.publicUrl, now()), 200, {
      'Content-Type': 'text/calendar; charset=utf-8',
      'Content-Disposition': `attachment; filename="event.ics"; filename*=UTF-8''${encodeURIComponent(wanted).replace(/['()*]/g, percent)}.ics`,
    })
  })
  app.get('/healthz', (c) => c.text('ok'))
  for (const asset of Object.values(FILES)) app.get(asset.path, (c) => serveAsset(c, asset))

  app.onError((error, c) => {
    log.error({ channel: 'web', path: c.req.path, error: String(error) }, 'a page could not be shown')
    return c.text('这一页暂时打不开，请稍后再试。急事请打 110、120。', 500)
  })

  return app

  function regionName(id: string): string {
    return options.regions().find((region) => region.id === id)?.name ?? id
  }

  /** Over the limit, only what is urgent goes on; what is thrown below ends here. */
  async function take(c: Context, message: Message): Promise<Outcome> {
    const wait = limit(options.clientAddress(c), now().getTime())
    if (wait > 0 && !options.isUrgent(message.text))
      return { kind: 'too-fast', seconds: Math.ceil(wait / 1000) }
    try {
      return { kind: 'replied', reply: await respond(message) }
    } catch (error) {
      log.error(
        { channel: message.address.channel, message: message.id, error: String(error) },
        'a message could not be answered',
      )
      return { kind: 'failed' }
    }
  }

  function asMessage(visitor: string, { id, message }: Form): Pick<Message, 'id' | 'address'> {
    return { id: messageId(visitor, id, message), address: { channel: 'web', chat: visitor } }
  }

  function labelOf(visitor: string, { menu, index }: NonNullable<Message['choice']>): string {
    const asked = transcripts.of(visitor).find(({ reply }) => reply?.menu === menu)
    return asked?.reply?.choices[index]?.label ?? `第 ${index + 1} 项`
  }

  function showTrouble(c: Context, status: 413 | 429 | 500, kind: Trouble, text = '') {
    c.status(status)
    c.header('Cache-Control', 'private, no-store')
    return showChat(c, '', { kind, text })
  }

  function showChat(c: Context, region: string, trouble?: { kind: Trouble; text: string }) {
    const visitor = visitorOf(c)
    const exchanges = visitor === undefined ? [] : transcripts.of(visitor)
    return c.html(
      chatPage({
        assets: ASSETS,
        greeting: options.greeting(),
        suggestions: options.suggestions(),
        regions: options.regions(),
        sorry: options.sorry(),
        id: randomBytes(9).toString('base64url'),
        exchanges,
        region,
        trouble,
      }),
    )
  }
}

/** What can become of a message that was read. */
type Outcome =
  | { readonly kind: 'replied'; readonly reply: Reply | undefined }
  | { readonly kind: 'too-fast'; readonly seconds: number }
  | { readonly kind: 'failed' }

type Content = Pick<Message, 'text' | 'region' | 'choice'>

/** The bot reads 2,000 characters and says so when there were more. */
const API_BYTES = 16 * 1024
/** A form writes each byte of a Chinese character as three (%E9%9D%92). */
const FORM_BYTES = 3 * API_BYTES

const OWN_PATHS = [
  '/',
  '/exchange',
  '/clear',
  '/about',
  '/notices',
  '/notices/*',
  '/api/messages',
  '/healthz',
  '/chat.js',
  '/chat.css',
  '/icon.svg',
]

/** Nothing from elsewhere and nothing inline runs on the page; no header that only works behind https. */
const guardPage = secureHeaders({
  contentSecurityPolicy: {
    defaultSrc: ["'none'"],
    scriptSrc: ["'self'"],
    styleSrc: ["'self'"],
    imgSrc: ["'self'"],
    connectSrc: ["'self'"],
    formAction: ["'self'"],
    baseUri: ["'none'"],
    frameAncestors: ["'none'"],
  },
  // Not `no-referrer`: with that, browsers post the form with `Origin: null`.
  referrerPolicy: 'same-origin',
  xFrameOptions: 'DENY',
  permissionsPolicy: { camera: [], microphone: [], geolocation: [] },
  strictTransportSecurity: false,
  crossOriginOpenerPolicy: false,
  originAgentCluster: false,
  xDownloadOptions: false,
  xXssProtection: false,
  xDnsPrefetchControl: false,
  xPermittedCrossDomainPolicies: false,
})

/**
 * Another site's page must not speak in the name of whoever looks at it. Programs send no Origin. Behind a proxy
 * that renames the host the browser's own word, Sec-Fetch-Site, which no page can forge, still says the truth.
 */
const sameOrigin: MiddlewareHandler = async (c, next) => {
  const origin = c.req.header('Origin')
  if (c.req.method === 'POST' && origin !== undefined && c.req.header('Sec-Fetch-Site') !== 'same-origin') {
    const host = URL.canParse(origin) ? new URL(origin).host : undefined
    if (host !== c.req.header('Host'))
      return c.json(
        {
          error:
            'This page was posted from another site. Open the chat itself; programs send no Origin header.',
        },
        403,
      )
  }
  return next()
}

const formOnly: MiddlewareHandler = async (c, next) => {
  if (
    /^(application\/x-www-form-urlencoded|multipart\/form-data)(;|$)/i.test(
      c.req.header('Content-Type') ?? '',
    )
  )
    return next()
  return c.text('This address takes a form. Programs post JSON to /api/messages.', 415)
}

const jsonOnly: MiddlewareHandler = async (c, next) => {
  if (/^application\/json(;|$)/i.test(c.req.header('Content-Type') ?? '')) return next()
  return c.json(
    { error: 'The content type is not JSON. Send the header Content-Type: application/json.' },
    415,
  )
}

interface Form {
  readonly id: string
  readonly message: Content
  /** The city shown as chosen when the form was sent. */
  readonly city: string
}

/** A pressed button says more than what stands in the box. Undefined: nothing was said. */
async function readForm(c: Context): Promise<Form | undefined> {
  // A form that cannot be read says nothing.
  const fields: Record<string, unknown> = await c.req.parseBody().catch(() => ({}))
  const field = (name: string): string => {
    const value = fields[name]
    return typeof value === 'string' ? value : ''
  }
  const city = field('region')
  // Sent on only when the visitor has just chosen it: the bot may have been told another city in words since.
  const region = city !== '' && city !== field('shown') ? { region: city } : {}
  const id = field('id') || randomBytes(9).toString('base64url')
  const [, menu, index] = /^([\w-]{1,40})\.(\d{1,2})$/.exec(field('choice')) ?? []
  if (menu !== undefined)
    return { id, city, message: { text: '', choice: { menu, index: Number(index) }, ...region } }
  const text = field('ask') || field('text')
  return text.trim() === '' ? undefined : { id, city, message: { text, ...region } }
}

/** The page follows a city that was said or newly chosen, but not a glance at another city's entry. */
function regionAfter({ city, message }: Form, reply: Reply | undefined): string {
  const glance = message.choice !== undefined && city !== '' && reply?.decision === 'answer'
  return glance ? city : (reply?.region ?? city)
}

const COOKIE = 'qingda'
const THIRTY_DAYS = 30 * 24 * 3600

function visitorOf(c: Context): string | undefined {
  const id = getCookie(c, COOKIE)
  return id !== undefined && /^[\w-]{24}$/.test(id) ? id : undefined
}

/** A visitor gets the random name that stands for them with the first message, not for looking at the page. */
function welcome(c: Context): string {
  const visitor = visitorOf(c) ?? randomBytes(18).toString('base64url')
  // Whoever forges the proxy's header changes nothing but their own cookie.
  const https = new URL(c.req.url).protocol === 'https:' || c.req.header('X-Forwarded-Proto') === 'https'
  setCookie(c, COOKIE, visitor, {
    httpOnly: true,
    sameSite: 'Lax',
    secure: https,
    path: '/',
    maxAge: THIRTY_DAYS,
  })
  return visitor
}

/**
 * The same id from the same visitor with the same words is the same message sent again. The key dies with the
 * process, so that the stored id tells nobody who wrote or what.
 */
function messageIds(): (visitor: string, id: string, message: Content) => string {
  const key = randomBytes(32)
  return (visitor, id, { text, region, choice }) =>
    createHmac('sha256', key)
      .update(JSON.stringify([visitor, id, text, region, choice]))
      .digest('base64url')
}

type Call =
  | { readonly visitor: string; readonly given: string | undefined; readonly message: Content }
  | { readonly error: string }

function readCall(body: unknown): Call {
  if (typeof body !== 'object' || body === null || Array.isArray(body))
    return {
      error:
        'The body is not a JSON object. Send {"visitor": "a name of your choice", "text": "担保费能减多少"}.',
    }
  const { visitor, text, region, id, choice } = body as Record<string, unknown>
  if (typeof visitor !== 'string' || !/^\P{C}{1,128}$/u.test(visitor))
    return {
      error:
        '"visitor" is not a name of 1 to 128 characters. Choose one for each conversation, for example "visitor": "student-1".',
    }
  if (choice !== undefined && !isChoice(choice))
    return {
      error:
        '"choice" is not {"menu": "…", "index": 0}. Take "menu" from the earlier reply and count its "choices" from 0.',
    }
  if (typeof text !== 'string' && !(text === undefined && choice !== undefined))
    return {
      error: '"text" is not a string. Put what the visitor says there, for example "text": "担保费能减多少".',
    }
  if (region !== undefined && typeof region !== 'string')
    return {
      error:
        '"region" is not a string. Send a region\'s id or name, for example "region": "莲都", or leave it out.',
    }
  if (id !== undefined && typeof id !== 'string' && typeof id !== 'number')
    return {
      error: '"id" is neither a string nor a number. Send your own id of the message, or leave it out.',
    }
  return {
    visitor,
    given: id === undefined ? undefined : String(id),
    message: {
      text: text ?? '',
      ...(region === undefined ? {} : { region }),
      ...(choice === undefined ? {} : { choice }),
    },
  }
}

function isChoice(value: unknown): value is NonNullable<Message['choice']> {
  if (typeof value !== 'object' || value === null) return false
  const { menu, index } = value as Record<string, unknown>
  return typeof menu === 'string' && Number.isInteger(index) && Number(index) >= 0
}

/** The object that outsiders rely on, and what a page needs to show it well. */
function asContract(id: string, reply: Reply, start: number) {
  const { decision, entries, intent, facet, region, choices, score, sections, menu } = reply
  const ms = Math.round((performance.now() - start) * 100) / 100
  return {
    id,
    decision,
    entries,
    intent,
    facet,
    region,
    text: plainText(reply),
    choices,
    score,
    ms,
    sections,
    menu,
  }
}

/** encodeURIComponent leaves a few characters that a header's extended value may not hold (RFC 8187). */
const percent = (character: string): string => `%${character.charCodeAt(0).toString(16).toUpperCase()}`

interface Asset {
  readonly path: string
  readonly type: string
  readonly body: string
  readonly version: string
}

const FILES = {
  script: readAsset('chat.js', 'text/javascript; charset=utf-8'),
  style: readAsset('chat.css', 'text/css; charset=utf-8'),
  icon: readAsset('icon.svg', 'image/svg+xml'),
}
const ASSETS = { script: linkTo(FILES.script), style: linkTo(FILES.style), icon: linkTo(FILES.icon) }

function readAsset(name: string, type: string): Asset {
  const body = readFileSync(new URL(`./web/${name}`, import.meta.url), 'utf8')
  return {
    path: `/${name}`,
    type,
    body,
    version: createHash('sha256').update(body).digest('base64url').slice(0, 12),
  }
}

function linkTo({ path, version }: Asset): string {
  return `${path}?v=${version}`
}

/** The version in the link makes it safe to keep a file for a year; without it the browser asks each time. */
function serveAsset(c: Context, { type, body, version }: Asset) {
  const tag = `"${version}"`
  c.header('ETag', tag)
  c.header('Cache-Control', c.req.query('v') === version ? 'public, max-age=31536000, immutable' : 'no-cache')
  if (c.req.header('If-None-Match') === tag) return c.body(null, 304)
  return c.body(body, 200, { 'Content-Type': type })
}
