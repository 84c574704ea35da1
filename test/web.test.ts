import { once } from 'node:events'
import { connect } from 'node:net'
import { Hono } from 'hono'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { type Bot, startBot } from '../src/bot.ts'
import { addressLimit } from '../src/channels/web/limit.ts'
import { keepTranscripts } from '../src/channels/web/transcripts.ts'
import { type WebOptions, webChannel } from '../src/channels/web.tsx'
import type { Respond } from '../src/model/channel.ts'
import { type RunningServer, serve } from '../src/server.ts'
import { type Database, openDatabase } from '../src/store/database.ts'
import { listening, quiet as log } from './fakes/log.ts'

let clock = Date.parse('2026-11-22T12:00:00+08:00')
const now = () => new Date(clock)

let bot: Bot
let db: Database
let server: RunningServer
let respond: Respond

beforeAll(async () => {
  db = await openDatabase(':memory:')
  bot = await startBot({ contentDir: '.', db, log, now, segmenter: 'intl' })
  respond = bot.respond
  server = await serve(webChannel(options()), { host: '127.0.0.1', port: 0, log })
})

afterAll(async () => {
  await server.close()
  await bot.stop()
  await db.destroy()
})

function options(): WebOptions {
  return {
    respond: (message) => respond(message),
    log,
    now,
    greeting: () => '你好，我是青答。',
    sorry: () => '抱歉，我这边出了点问题。',
    suggestions: () => ['创业贷款怎么办'],
    regions: () => bot.knowledge()?.content.regions ?? [],
    notices: () => [],
    isUrgent: bot.isUrgent,
    clientAddress: (c) => c.req.header('X-Test-Address') ?? crypto.randomUUID(),
  }
}

/** A program that talks to the bot. */
function call(body: unknown, headers: Record<string, string> = {}): Promise<Response> {
  return fetch(`${server.url}/api/messages`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json', ...headers },
    body: typeof body === 'string' ? body : JSON.stringify(body),
  })
}

const replyTo = async (body: unknown) => (await call(body)).json()

/** A browser without script: it keeps its cookie, follows the redirect and has the page. */
function browser(headers: Record<string, string> = {}) {
  let cookie = ''
  const request = async (path: string, init: RequestInit = {}): Promise<Response> => {
    const response = await fetch(server.url + path, {
      redirect: 'manual',
      ...init,
      headers: {
        ...headers,
        ...(cookie ? { Cookie: cookie } : {}),
        ...(init.headers as Record<string, string>),
      },
    })
    cookie = response.headers.get('Set-Cookie')?.split(';')[0] ?? cookie
    return response
  }
  return {
    request,
    open: async () => (await request('/')).text(),
    post: (fields: Record<string, string>, path = '/') =>
      request(path, { method: 'POST', body: new URLSearchParams(fields) }),
    say: async (fields: Record<string, string>) => {
      const response = await request('/', { method: 'POST', body: new URLSearchParams(fields) })
      expect(response.status).toBe(303)
      return (await request(response.headers.get('Location') ?? '')).text()
    },
    setCookie: (value: string) => {
      cookie = value
    },
    cookie: () => cookie,
  }
}

describe('the interface for programs', () => {
  test('a question is answered with exactly the contract and what was added to it', async () => {
    const response = await call({
      visitor: 'contract',
      text: '担保费太贵了能少交点吗',
      region: '莲都',
      id: 'q-7',
    })
    expect(response.status).toBe(200)
    expect(response.headers.get('Content-Type')).toContain('application/json')
    const reply = await response.json()
    expect(reply).toMatchObject({
      id: 'q-7',
      decision: 'answer',
      intent: 'cheaper-guarantee',
      region: 'liandu',
      text: expect.stringContaining('75%'),
      score: expect.any(Number),
      ms: expect.any(Number),
    })
    expect(reply.entries[0]).toBe('liandu-guarantee-fee')
    expect(reply.sections.map(({ kind }: { kind: string }) => kind)).toEqual([
      'answer',
      'unsaid',
      'status',
      'source',
    ])
    expect(reply.choices[0]).toEqual({ label: expect.any(String), entry: expect.any(String) })
    expect(reply.menu).toEqual(expect.any(String))
    const known = [
      'id',
      'decision',
      'entries',
      'intent',
      'facet',
      'region',
      'text',
      'choices',
      'score',
      'ms',
      'sections',
      'menu',
    ]
    expect(known).toEqual(expect.arrayContaining(Object.keys(reply)))
  })

  test('a region is known by any of its names', async () => {
    for (const region of ['hohhot', '呼和浩特', '呼市'])
      expect(await replyTo({ visitor: `region ${region}`, text: '有青年公寓吗', region })).toMatchObject({
        region: 'hohhot',
      })
  })

  test('a visitor has one conversation, another visitor another one', async () => {
    await call({ visitor: 'first', text: '担保费能减多少', region: '莲都' })
    expect(await replyTo({ visitor: 'first', text: '要什么材料' })).toMatchObject({
      decision: 'answer',
      entries: expect.arrayContaining(['liandu-guarantee-fee']),
    })
    expect((await replyTo({ visitor: 'second', text: '要什么材料' })).decision).not.toBe('answer')
  })

  test('a choice is taken by its index, counted from 0', async () => {
    const { menu, choices } = await replyTo({
      visitor: 'chooser',
      text: '担保费太贵了能少交点吗',
      region: '莲都',
    })
    const reply = await replyTo({ visitor: 'chooser', choice: { menu, index: 1 } })
    expect(reply).toMatchObject({ decision: 'answer' })
    expect(reply.entries[0]).toBe(choices[1].entry)
  })

  test('the same id with the same words is the same message', async () => {
    const message = { visitor: 'twice', text: '担保费太贵了能少交点吗', region: '莲都', id: 1 }
    const [once, again] = [await replyTo(message), await replyTo(message)]
    expect(again.menu).toBe(once.menu)
    expect((await replyTo({ ...message, text: '你好' })).decision).toBe('small-talk')
  })

  test('no name reaches the conversation of a visitor of the page', async () => {
    const visitor = browser()
    await visitor.say({ text: '担保费能减多少', region: 'liandu' })
    const name = visitor.cookie().split('=')[1]
    expect(await replyTo({ visitor: name, text: '我的数据' })).toMatchObject({
      text: expect.stringContaining('没有保存'),
    })
  })

  test.each([
    ['no JSON', '{"visitor":', 'not a JSON object'],
    ['a list', [], 'not a JSON object'],
    ['no visitor', { text: '你好' }, '"visitor"'],
    ['an endless visitor', { visitor: 'x'.repeat(129), text: '你好' }, '"visitor"'],
    ['a visitor with control characters', { visitor: 'a\u0000b', text: '你好' }, '"visitor"'],
    ['no text', { visitor: 'a' }, '"text"'],
    ['text that is none', { visitor: 'a', text: 5 }, '"text"'],
    ['a region that is none', { visitor: 'a', text: '你好', region: ['昆明'] }, '"region"'],
    ['an id that is none', { visitor: 'a', text: '你好', id: {} }, '"id"'],
    ['a choice without menu', { visitor: 'a', text: '', choice: { index: 1 } }, '"choice"'],
    ['a choice below 0', { visitor: 'a', text: '', choice: { menu: 'm', index: -1 } }, '"choice"'],
  ])('%s is refused with the field and the cure', async (_, body, field) => {
    const response = await call(body)
    expect(response.status).toBe(400)
    const { error } = await response.json()
    expect(error).toContain(field)
    expect(error).toMatch(/Send|Choose|Take|Put/)
  })

  test('only JSON is taken, and only by POST', async () => {
    expect((await call('{}', { 'Content-Type': 'text/plain' })).status).toBe(415)
    const got = await fetch(`${server.url}/api/messages`)
    expect([got.status, got.headers.get('Allow')]).toEqual([405, 'POST'])
  })

  test('a long text is read in part and the reply says so; a body above 16 KB is refused', async () => {
    const long = `担保费能减多少${'啊'.repeat(3000)}`
    expect(await replyTo({ visitor: 'long', text: long, region: '莲都' })).toMatchObject({
      text: expect.stringContaining('只读了前面'),
    })
    const tooLong = await call({ visitor: 'long', text: '啊'.repeat(6000) })
    expect(tooLong.status).toBe(413)
    expect((await tooLong.json()).error).toContain('16 KB')
  })

  test('a flood from one address is slowed down, what is urgent still passes', async () => {
    const from = { 'X-Test-Address': '203.0.113.5' }
    const ask = (i: number) => call({ visitor: `flood ${i}`, text: '你好' }, from)
    const statuses = await Promise.all(Array.from({ length: 40 }, async (_, i) => (await ask(i)).status))
    expect(statuses.filter((status) => status === 200)).toHaveLength(30)
    const refused = await ask(99)
    expect([refused.status, refused.headers.get('Retry-After')]).toEqual([429, '1'])
    const urgent = await call({ visitor: 'flood', text: '我不想活了' }, from)
    expect(await urgent.json()).toMatchObject({ decision: 'urgent', text: expect.stringContaining('12356') })
    expect(
      (await call({ visitor: 'neighbour', text: '你好' }, { 'X-Test-Address': '203.0.113.6' })).status,
    ).toBe(200)
    clock += 2000
    expect((await ask(100)).status).toBe(200)
  })

  test('a bot that fails is told without its inside', async () => {
    respond = () => Promise.reject(new Error('secret path /home/x'))
    const response = await call({ visitor: 'a', text: '你好' })
    respond = bot.respond
    expect(response.status).toBe(500)
    expect(await response.text()).not.toContain('secret')
  })
})

describe('the page without script', () => {
  test('looking at it sets no cookie; the first message sets one that script cannot read', async () => {
    const visitor = browser()
    expect((await visitor.request('/')).headers.get('Set-Cookie')).toBeNull()
    const posted = await visitor.post({ text: '你好' })
    expect(posted.headers.get('Set-Cookie')).toMatch(
      /^qingda=[\w-]{24}; Max-Age=\d+; Path=\/; HttpOnly; SameSite=Lax$/,
    )
    const behindProxy = await browser({ 'X-Forwarded-Proto': 'https' }).post({ text: '你好' })
    expect(behindProxy.headers.get('Set-Cookie')).toContain('Secure')
  })

  test('a posted question is answered on the page one is sent back to', async () => {
    const visitor = browser()
    const page = await visitor.say({ text: '担保费太贵了能少交点吗', region: 'liandu', shown: '' })
    expect(page).toContain('担保费太贵了能少交点吗')
    expect(page).toContain('75%')
    expect(page).toMatch(/<option value="liandu" selected/)
    expect(page).toMatch(/<details class="source"><summary><span class="label">出处/)
    const [, choice = ''] = /name="choice" value="([^"]+)"/.exec(page) ?? []
    const [, label = ''] = /name="choice" value="[^"]+">([^<]+)/.exec(page) ?? []
    const next = await visitor.say({ choice, region: 'liandu', shown: 'liandu' })
    expect(next.split(`<p>${label}</p>`)).toHaveLength(2)
    expect(next.match(/class="said"/g)).toHaveLength(3) // two messages and the template
  })

  test('a city that was not chosen anew does not overrule one that was said', async () => {
    const visitor = browser()
    await visitor.say({ text: '有青年公寓吗', region: 'liandu', shown: '' })
    const page = await visitor.say({ text: '那昆明呢', region: 'liandu', shown: 'liandu' })
    expect(page).toMatch(/<option value="kunming" selected/)
  })

  test('a form posted twice is one message', async () => {
    const visitor = browser()
    await visitor.say({ text: '订阅昆明的志愿活动', id: 'same' })
    const page = await visitor.say({ text: '订阅昆明的志愿活动', id: 'same' })
    const menus = [...page.matchAll(/name="choice" value="(\w+)\.0"/g)].map(([, menu]) => menu)
    expect(new Set(menus).size).toBe(1)
  })

  test('nobody sees what another visitor wrote', async () => {
    const [one, other] = [browser(), browser()]
    await one.say({ text: '有青年公寓吗', region: 'liandu' })
    await other.say({ text: '你好' })
    expect(await other.open()).not.toContain('有青年公寓吗')
    const guesser = browser()
    guesser.setCookie('qingda=../../etc')
    expect(await guesser.open()).not.toContain('class="said" lang')
  })

  test('the conversation can be cleared and is never left in a cache', async () => {
    const visitor = browser()
    await visitor.say({ text: '有青年公寓吗', region: 'liandu' })
    expect((await visitor.request('/')).headers.get('Cache-Control')).toBe('private, no-store')
    expect((await visitor.post({}, '/clear')).status).toBe(303)
    expect(await visitor.open()).not.toContain('有青年公寓吗')
  })

  test('what visitors write is kept in memory for 15 minutes and 20 exchanges only', () => {
    vi.useFakeTimers()
    const transcripts = keepTranscripts()
    for (let i = 0; i < 25; i++) transcripts.add('visitor', { said: `${i}`, reply: undefined, region: '' })
    expect(transcripts.of('visitor').map(({ said }) => said)).toEqual(
      Array.from({ length: 20 }, (_, i) => `${i + 5}`),
    )
    vi.advanceTimersByTime(15 * 60 * 1000)
    expect(transcripts.of('visitor')).toEqual([])
    for (let i = 0; i < 2100; i++) transcripts.add(`visitor ${i}`, { said: '', reply: undefined, region: '' })
    expect([transcripts.of('visitor 99'), transcripts.of('visitor 100')].map(({ length }) => length)).toEqual(
      [0, 1],
    )
    vi.useRealTimers()
  })

  test('a message that was answered leaves none of its words in the database', async () => {
    await browser().say({ text: '有青年公寓吗qwertz', region: 'liandu' })
    const tables = await Promise.all(
      (['session', 'inbound', 'inquiry'] as const).map((table) => db.selectFrom(table).selectAll().execute()),
    )
    expect(JSON.stringify(tables)).not.toContain('qwertz')
  })

  test('markup in a message is text', async () => {
    const page = await browser().say({ text: '<script>alert(1)</script><img src=x onerror=alert(2)>"\'' })
    expect(page).not.toContain('<script>alert')
    expect(page).not.toContain('<img src=x')
    expect(page).toContain('&lt;script&gt;alert(1)')
    const visitor = browser()
    respond = () => Promise.reject(new Error('down'))
    const failed = await (await visitor.post({ text: '</textarea><script>alert(1)</script>' })).text()
    respond = bot.respond
    expect(failed).not.toContain('<script>alert')
  })

  test('an urgent message shows numbers that can be called', async () => {
    const page = await browser().say({ text: '我不想活了' })
    expect(page).toContain('class="reply urgent"')
    expect(page).toContain('href="tel:12356"')
  })

  test('a traditional reply is marked as such, a simplified one is not', async () => {
    expect(await browser().say({ text: '擔保費能減多少', region: 'liandu' })).toMatch(
      /class="reply" lang="zh-Hant"/,
    )
    expect(await browser().say({ text: '担保费能减多少', region: 'liandu' })).not.toContain('lang="zh-Hant"')
  })

  test('what was typed is back in the box when it could not be answered', async () => {
    const visitor = browser({ 'X-Test-Address': '203.0.113.77' })
    respond = () => Promise.reject(new Error('down'))
    const failed = await visitor.post({ text: '有青年公寓吗' })
    respond = bot.respond
    expect(failed.status).toBe(500)
    const page = await failed.text()
    expect(page).toContain('抱歉，我这边出了点问题。')
    expect(page).toMatch(/<textarea[^>]*>有青年公寓吗<\/textarea>/)

    for (let i = 0; i < 30; i++) await visitor.post({ text: '你好' })
    const busy = await visitor.post({ text: '有青年公寓吗' })
    expect([busy.status, busy.headers.get('Retry-After')]).toEqual([429, '1'])
    expect(await busy.text()).toMatch(/<textarea[^>]*>有青年公寓吗<\/textarea>/)
    expect(await visitor.say({ text: '我不想活了' })).toContain('tel:12356')
  })

  test('an empty message is none; a huge one and one that is no form are refused', async () => {
    expect((await browser().post({ text: ' \n' })).headers.get('Location')).toBe('/')
    expect((await browser().post({ text: '啊'.repeat(6000) })).status).toBe(413)
    expect((await browser().request('/', { method: 'POST', body: '{}' })).status).toBe(415)
    const torn = { method: 'POST', body: 'text', headers: { 'Content-Type': 'multipart/form-data' } }
    expect((await browser().request('/', torn)).headers.get('Location')).toBe('/')
  })

  test('the script gets the reply alone, with the city it is about', async () => {
    const response = await browser().post({ text: '昆明有青年公寓吗', region: '', shown: '' }, '/exchange')
    expect(await response.text()).toMatch(/^<article class="reply" data-region="kunming">/)
  })
})

test('a page that cannot be built says so in words and in the log, not with its inside', async () => {
  const log = listening()
  const greeting = () => {
    throw new Error('secret path /home/x')
  }
  const response = await webChannel({ ...options(), log, greeting }).request('/')
  expect(response.status).toBe(500)
  expect(await response.text()).toContain('稍后再试')
  expect(log.lines).toHaveLength(1)
})

describe('headers', () => {
  test.each(['/', '/about', '/chat.js', '/chat.css', '/healthz'])(
    '%s runs nothing inline and from elsewhere',
    async (path) => {
      const { headers, status } = await fetch(server.url + path)
      expect(status).toBe(200)
      const policy = headers.get('Content-Security-Policy') ?? ''
      expect(policy).toContain("default-src 'none'")
      expect(policy).toContain("frame-ancestors 'none'")
      expect(policy).not.toMatch(/unsafe|upgrade-insecure|https?:/)
      expect(headers.get('X-Content-Type-Options')).toBe('nosniff')
      expect(headers.get('Referrer-Policy')).toBe('same-origin')
      expect(headers.get('Strict-Transport-Security')).toBeNull()
    },
  )

  test('the pages name nothing outside this server', async () => {
    for (const path of ['/', '/about']) {
      const page = await (await fetch(server.url + path)).text()
      expect(page.match(/(?:src|href|action)="(?!\/|#|tel:)[^"]*"/g)).toBeNull()
      expect(page).not.toMatch(/ style=| on\w+="/)
    }
  })

  test('files are kept by version and asked for again without one', async () => {
    const [, link = ''] = /href="(\/chat\.css\?v=[^"]+)"/.exec(await browser().open()) ?? []
    const kept = await fetch(server.url + link)
    expect(kept.headers.get('Cache-Control')).toContain('immutable')
    const again = await fetch(`${server.url}/chat.css`, {
      headers: { 'If-None-Match': kept.headers.get('ETag') ?? '' },
    })
    expect([again.status, again.headers.get('Cache-Control')]).toEqual([304, 'no-cache'])
  })

  test('they stay off the pages of other parts of the server', async () => {
    const app = new Hono()
    app.route('/', webChannel(options()))
    app.post('/console/upload', async (c) => c.text(String((await c.req.text()).length)))
    const response = await app.request('/console/upload', { method: 'POST', body: 'x'.repeat(100_000) })
    expect([await response.text(), response.headers.get('Content-Security-Policy')]).toEqual(['100000', null])
  })

  test('another site cannot speak for who looks at it', async () => {
    const foreign = { Origin: 'https://evil.example' }
    expect((await call({ visitor: 'a', text: '你好' }, foreign)).status).toBe(403)
    for (const path of ['/', '/exchange', '/clear'])
      expect((await browser(foreign).post({ text: '你好' }, path)).status).toBe(403)
    expect((await browser({ Origin: 'null' }).post({ text: '你好' })).status).toBe(403)
    expect(
      (await browser({ ...foreign, 'Sec-Fetch-Site': 'cross-site' }).post({ text: '你好' })).status,
    ).toBe(403)
    expect((await browser({ Origin: server.url }).post({ text: '你好' })).status).toBe(303)
    expect((await call({ visitor: 'a', text: '你好' }, { Origin: server.url })).status).toBe(200)
  })
})

describe('the limit', () => {
  test('an IPv6 household is one address, however it is written', () => {
    const limit = addressLimit({ perMinute: 60, burst: 1 })
    expect(limit('2001:db8::1', 0)).toBe(0)
    expect(limit('2001:db8:0:0:ffff::2', 0)).toBe(1000)
    expect(limit('2001:db8:0:1::1', 0)).toBe(0)
    expect(limit('::ffff:10.0.0.1', 0)).toBe(0)
    expect(limit('::ffff:10.0.0.2', 0)).toBe(0)
  })
})

describe('the server', () => {
  test('a port that is taken is named with the setting to change', async () => {
    await expect(serve(new Hono(), { host: '127.0.0.1', port: server.port, log })).rejects.toThrow(
      /in use.*PORT/,
    )
    await expect(serve(new Hono(), { host: '203.0.113.1', port: 0, log })).rejects.toThrow(/HOST/)
  })

  test('closing finishes the request in hand, takes no new one and lets idle connections go', async () => {
    const app = new Hono()
    let finish = (): void => {}
    const started = new Promise<void>((entered) => {
      app.get('/slow', async (c) => {
        await new Promise<void>((resolve) => {
          finish = resolve
          entered()
        })
        return c.text('done')
      })
    })
    const start = Date.now()
    const closing = await serve(app, { host: '127.0.0.1', port: 0, log })
    const idle = connect(closing.port, '127.0.0.1')
    await once(idle, 'connect')
    const slow = fetch(`${closing.url}/slow`)
    await started
    const closed = closing.close()
    await expect(fetch(`${closing.url}/slow`)).rejects.toThrow()
    finish()
    expect(await (await slow).text()).toBe('done')
    await closed
    expect(Date.now() - start).toBeLessThan(2000)
  })

  test('closing does not wait for a request that hangs', async () => {
    const app = new Hono()
    const started = new Promise<void>((entered) => {
      app.get('/hangs', () => {
        entered()
        return new Promise<Response>(() => {})
      })
    })
    const closing = await serve(app, { host: '127.0.0.1', port: 0, log })
    const hanging = fetch(`${closing.url}/hangs`).catch(() => 'hung up')
    await started
    vi.useFakeTimers({ toFake: ['setTimeout'] })
    const closed = closing.close()
    vi.advanceTimersByTime(4000)
    vi.useRealTimers()
    await closed
    expect(await hanging).toBe('hung up')
  })
})
