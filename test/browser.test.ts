import { existsSync, readFileSync } from 'node:fs'
import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { type Bot, startBot } from '../src/bot.ts'
import { webChannel } from '../src/channels/web.tsx'
import type { Respond } from '../src/model/channel.ts'
import { type RunningServer, serve } from '../src/server.ts'
import { type Database, openDatabase } from '../src/store/database.ts'
import { quiet } from './fakes/log.ts'
import { NOW, notice } from './fakes/notices.ts'

const CHROMIUM = process.env.CHROMIUM_PATH ?? '/usr/bin/chromium'
const AXE = readFileSync('node_modules/axe-core/axe.min.js', 'utf8')
const PHONE = { viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true }
const LAUNCH = [
  '--headless',
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
]

const present = existsSync(CHROMIUM)
if (!present) {
  const message = `The page was not tried in a browser: ${CHROMIUM} is missing. Install chromium or set CHROMIUM_PATH.`
  if (process.env.CI) throw new Error(message)
  console.log(message)
}

describe.skipIf(!present)('the page in a browser', () => {
  let bot: Bot
  let db: Database
  let server: RunningServer
  let chromiumBrowser: Browser
  let respond: Respond
  let complaints: string[]

  beforeAll(async () => {
    db = await openDatabase(':memory:')
    bot = await startBot({ contentDir: '.', db, log: quiet, segmenter: 'intl' })
    const app = webChannel({
      respond: (message) => respond(message),
      log: quiet,
      greeting: () => '你好，我是青答，直接用大白话问就行。',
      sorry: () => '抱歉，我这边出了点问题。',
      suggestions: () => ['有青年公寓吗', '想当志愿者'],
      regions: () => bot.knowledge()?.content.regions ?? [],
      notices: () => [
        notice({ quota: 40, link: 'https://example.org/a', body: '两位主播讲选品。\n\n问题请打 12345。' }),
        notice({ id: 'over', starts: '2026-01-10T14:00:00+08:00', ends: '2026-01-10T16:30:00+08:00' }),
      ],
      now: () => NOW,
      isUrgent: bot.isUrgent,
      clientAddress: () => 'loopback',
      limit: { perMinute: 6000, burst: 1000 },
    })
    server = await serve(app, { host: '127.0.0.1', port: 0, log: quiet })
    chromiumBrowser = await chromium.launch({ executablePath: CHROMIUM, args: LAUNCH })
  })
  afterAll(async () => {
    await chromiumBrowser?.close()
    await server?.close()
    await bot?.stop()
    await db?.destroy()
  })
  beforeEach(() => {
    respond = bot.respond
    complaints = []
  })
  afterEach(async () => {
    await Promise.all(chromiumBrowser.contexts().map((context) => context.close()))
  })

  async function open(path = '/', options: BrowserContextOptions = {}): Promise<Page> {
    const context = await chromiumBrowser.newContext({ reducedMotion: 'reduce', ...options })
    context.setDefaultTimeout(10_000)
    const page = await context.newPage()
    page.on('console', (line) => {
      if (line.type() === 'error') complaints.push(line.text())
    })
    page.on('pageerror', (error) => complaints.push(String(error)))
    await page.goto(server.url + path)
    return page
  }

  const box = (page: Page) => page.getByLabel('你想问什么')
  const replies = (page: Page) => page.locator('.reply')

  async function ask(page: Page, text: string): Promise<void> {
    const before = await replies(page).count()
    await box(page).fill(text)
    await page.getByRole('button', { name: '发送' }).click()
    await replies(page).nth(before).waitFor()
  }

  async function violations(page: Page): Promise<string[]> {
    await page.evaluate(AXE)
    const found = await page.evaluate(
      `axe.run({ runOnly: ['wcag2a', 'wcag2aa', 'wcag21aa', 'wcag22aa', 'best-practice'] })`,
    )
    return (found as { violations: { id: string; nodes: { html: string }[] }[] }).violations.map(
      ({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(' | ')}`,
    )
  }

  test('a question typed and sent is answered in the city chosen, and nothing on the page complains', async () => {
    const page = await open()
    await page.getByLabel('所在城市').selectOption({ label: '莲都' })
    await box(page).fill('担保费太贵了能少交点吗')
    await box(page).press('Enter')
    await replies(page).nth(1).waitFor()
    expect(await page.locator('.said').last().textContent()).toContain('担保费太贵了能少交点吗')
    expect(await replies(page).last().textContent()).toContain('75%')
    expect(await page.locator('.status').count()).toBe(1)
    expect(await box(page).inputValue()).toBe('')
    expect(await page.getByRole('log').getAttribute('aria-live')).toBe('polite')
    expect(complaints).toEqual([])
  })

  test('the city follows what was said', async () => {
    const page = await open()
    await ask(page, '昆明有青年公寓吗')
    expect(await page.getByLabel('所在城市').inputValue()).toBe('kunming')
  })

  test('a suggestion and a choice are pressed; an earlier menu is still answered', async () => {
    const page = await open()
    await page.getByLabel('所在城市').selectOption({ label: '莲都' })
    await page.getByRole('button', { name: '有青年公寓吗' }).click()
    await replies(page).nth(1).waitFor()
    const choice = page.locator('.choices button').first()
    const label = await choice.textContent()
    await choice.click()
    await replies(page).nth(2).waitFor()
    expect(await page.locator('.said').last().textContent()).toContain(label)
    await choice.click()
    await replies(page).nth(3).waitFor()
    expect(await replies(page).last().textContent()).toContain('过期')
  })

  test('the source is folded and opens', async () => {
    const page = await open()
    await page.getByLabel('所在城市').selectOption({ label: '莲都' })
    await ask(page, '担保费太贵了能少交点吗')
    const issuer = page.locator('details.source p')
    expect(await issuer.isVisible()).toBe(false)
    await page.locator('summary', { hasText: '出处' }).click()
    expect(await issuer.isVisible()).toBe(true)
    expect(await issuer.textContent()).toContain('核对于')
  })

  test('an urgent reply gives numbers to press', async () => {
    const page = await open()
    await ask(page, '我不想活了')
    const call = page.locator('.urgent .calls a').first()
    expect(await call.getAttribute('href')).toMatch(/^tel:\d+$/)
    expect((await call.boundingBox())?.height).toBeGreaterThanOrEqual(44)
  })

  test('everything is done with the keyboard', async () => {
    const page = await open('/', PHONE) // a phone does not get the focus put into the box
    await page.keyboard.press('Tab')
    expect(await page.locator(':focus').textContent()).toContain('跳到输入框')
    await page.keyboard.press('Enter')
    await page.keyboard.press('Tab')
    expect(await page.locator(':focus').getAttribute('aria-label')).toBe('发送')
    await page.keyboard.press('Shift+Tab')
    await page.keyboard.type('莲都担保费太贵了能少交点吗')
    await page.keyboard.press('Shift+Enter')
    expect(await box(page).inputValue()).toContain('\n')
    await page.keyboard.press('Enter')
    await replies(page).nth(1).waitFor()
    await page.keyboard.press('Shift+Tab')
    expect(await page.locator(':focus').getAttribute('name')).toBe('choice')
    await page.keyboard.press('Enter')
    await replies(page).nth(2).waitFor()
    expect(await page.locator(':focus').getAttribute('name')).toBe('choice')
  })

  test('while an input method composes, Enter sends nothing', async () => {
    const page = await open()
    await box(page).fill('danbao')
    const enter = (init: { isComposing?: boolean; keyCode?: number }) =>
      box(page).evaluate((element, given) => {
        const event = new KeyboardEvent('keydown', {
          key: 'Enter',
          bubbles: true,
          cancelable: true,
          ...given,
        })
        element.dispatchEvent(event)
      }, init)
    await enter({ isComposing: true })
    await enter({ keyCode: 229 })
    expect(await page.locator('.said').count()).toBe(0)
    expect(await box(page).inputValue()).toBe('danbao')
    await enter({})
    await page.locator('.said').waitFor()
  })

  test('without network the message waits for 重试 and is not lost', async () => {
    const page = await open()
    await page.context().setOffline(true)
    await box(page).fill('莲都有青年公寓吗')
    await box(page).press('Enter')
    await page.getByText('网络断开了').waitFor()
    await page.context().setOffline(false)
    await page.getByRole('button', { name: '重试' }).click()
    await replies(page).nth(1).waitFor()
    expect(await page.locator('.trouble').count()).toBe(0)
    expect(await page.locator('.said').count()).toBe(1)
  })

  test('a failing bot is told with its own words; 改一改 gives the text back', async () => {
    respond = () => Promise.reject(new Error('down'))
    const page = await open()
    await box(page).fill('莲都有青年公寓吗')
    await box(page).press('Enter')
    await page.locator('.trouble', { hasText: '抱歉，我这边出了点问题。' }).waitFor()
    await page.getByRole('button', { name: '改一改' }).click()
    expect(await box(page).inputValue()).toBe('莲都有青年公寓吗')
    expect(await page.locator('.said').count()).toBe(0)
    await box(page).press('Enter')
    await page.locator('.trouble').waitFor()
    respond = bot.respond
    await page.getByRole('button', { name: '重试' }).click()
    await replies(page).nth(1).waitFor()
  })

  test('messages sent in a hurry are answered in their order', async () => {
    const page = await open()
    await page.getByLabel('所在城市').selectOption({ label: '莲都' })
    for (const text of ['担保费太贵了能少交点吗', '要什么材料', '谢谢']) {
      await box(page).fill(text)
      await box(page).press('Enter')
    }
    await replies(page).nth(3).waitFor()
    const exchanges = await page.locator('.exchange').allTextContents()
    expect(exchanges[2]).toContain('要什么材料')
    expect(exchanges[2]).toContain('文件没有写明申请材料')
  })

  test('markup in a message stays text', async () => {
    const page = await open()
    await ask(page, '<img src=x onerror="document.title=1"><b>你好</b>')
    expect(await page.locator('.said').last().textContent()).toContain('<b>你好</b>')
    expect(await page.title()).toContain('青答')
    expect(complaints).toEqual([])
  })

  test.each([
    ['with', true],
    ['without', false],
  ])('a very long message %s script does not push its answer out of sight', async (_, javaScriptEnabled) => {
    const page = await open('/', { javaScriptEnabled, viewport: { width: 390, height: 700 } })
    await ask(page, `担保费能减多少？${'我的情况比较复杂，慢慢说。'.repeat(150)}`)
    const { y = 0 } = (await replies(page).last().boundingBox()) ?? {}
    expect(y).toBeGreaterThan(0)
    expect(y).toBeLessThan(500)
  })

  test('without script the page loads anew and shows the conversation', async () => {
    const page = await open('/', { javaScriptEnabled: false })
    await page.getByLabel('所在城市').selectOption({ label: '莲都' })
    await ask(page, '担保费太贵了能少交点吗')
    expect(page.url()).toBe(`${server.url}/#latest`)
    expect(await page.getByLabel('所在城市').inputValue()).toBe('liandu')
    await ask(page, '要什么材料')
    expect(await replies(page).last().textContent()).toContain('文件没有写明申请材料')
    await page.locator('.choices button').last().click()
    await replies(page).nth(3).waitFor()
    await page.getByRole('button', { name: '清空这段对话' }).click()
    await page.waitForURL(`${server.url}/`)
    expect(await page.locator('.said').count()).toBe(0)
  })

  test('what is stored is explained and deleted from /about', async () => {
    const page = await open()
    await ask(page, '莲都有青年公寓吗')
    await page.getByRole('link', { name: '存了什么' }).click()
    await page.getByRole('button', { name: '删除我的数据' }).click()
    await page.getByRole('button', { name: '确认删除' }).click()
    await page.getByText('已经全部删除').waitFor()
    await ask(page, '我的数据')
    expect(await replies(page).last().textContent()).toContain('没有保存')
  })

  test('an event shown in the chat leads to its page and its calendar file, without script too', async () => {
    respond = async () => ({
      decision: 'act',
      sections: [
        {
          kind: 'detail',
          text: '【莲都】主播沙龙\n报名或详情：https://example.org/a',
          notice: '2026-12-10-zhubo',
        },
      ],
      choices: [],
      entries: [],
      score: 0,
    })
    const page = await open('/', { ...PHONE, javaScriptEnabled: false })
    await ask(page, '近期活动')
    const link = page.getByRole('link', { name: 'https://example.org/a' })
    expect(await link.getAttribute('href')).toBe('https://example.org/a')
    await page.getByRole('link', { name: '活动页面' }).click()
    await page.getByRole('heading', { level: 1, name: '主播沙龙第3期' }).waitFor()
    await page.getByText('2026年12月10日（周四）14:00–16:30').waitFor()
    expect(await page.evaluate(() => document.documentElement.scrollWidth - innerWidth)).toBeLessThanOrEqual(
      0,
    )
    const download = page.waitForEvent('download')
    await page.getByRole('link', { name: '加到手机日历' }).click()
    const file = await download
    expect(file.suggestedFilename()).toBe('2026-12-10-zhubo.ics')
    expect(readFileSync(await file.path(), 'utf8')).toContain('SUMMARY:主播沙龙第3期')
    await page.getByRole('link', { name: '近期活动' }).click()
    await page.getByRole('heading', { level: 2 }).first().waitFor()
    expect(await page.getByRole('heading', { level: 2 }).allTextContents()).toEqual(['主播沙龙第3期'])
  })

  test('a narrow phone with text at 200 % scrolls down only, and what sticks leaves room to read', async () => {
    const page = await open('/', { viewport: { width: 320, height: 640 } })
    await page.getByLabel('所在城市').selectOption({ label: '呼和浩特' })
    await ask(page, '有青年公寓吗')
    const settings = await page.context().newCDPSession(page)
    await settings.send('Page.setFontSizes', { fontSizes: { standard: 32 } })
    expect(await page.evaluate(() => getComputedStyle(document.documentElement).fontSize)).toBe('32px')
    expect(await page.evaluate(() => document.documentElement.scrollWidth - innerWidth)).toBeLessThanOrEqual(
      0,
    )
    await box(page).scrollIntoViewIfNeeded()
    const covered = await page.evaluate(() =>
      [...document.querySelectorAll('*')]
        .filter((element) => getComputedStyle(element).position === 'sticky')
        .reduce((sum, element) => sum + element.getBoundingClientRect().height, 0),
    )
    expect(covered).toBeLessThan(640 / 3)
  })

  test('whatever can be pressed is at least 44 px high on a phone', async () => {
    const page = await open('/', PHONE)
    await page.getByLabel('所在城市').selectOption({ label: '莲都' })
    await ask(page, '担保费太贵了能少交点吗')
    await ask(page, '我不想活了')
    const smallOnes = () =>
      page.evaluate(() =>
        [...document.querySelectorAll('button, a:not(.skip), select, textarea, summary')]
          .filter((element) => element.closest('p') === null || element.closest('.small') !== null)
          .filter((element) => element.getBoundingClientRect().height < 43.5)
          .map((element) => `${element.outerHTML.slice(0, 80)} ${element.getBoundingClientRect().height}`),
      )
    expect(await smallOnes()).toEqual([])
    for (const path of ['/notices', '/notices/2026-12-10-zhubo']) {
      await page.goto(server.url + path)
      expect(await smallOnes()).toEqual([])
    }
  })

  describe.each(['light', 'dark'] as const)('in %s', (colorScheme) => {
    test.each([
      ['a phone', PHONE],
      ['a desktop', { viewport: { width: 1280, height: 800 } }],
    ])('axe finds nothing on %s: start, conversation, trouble, about', async (_, device) => {
      const page = await open('/', { ...device, colorScheme })
      expect(await violations(page)).toEqual([])
      await page.getByLabel('所在城市').selectOption({ label: '莲都' })
      await ask(page, '担保费太贵了能少交点吗')
      await page.locator('summary').click()
      await ask(page, '要什麼材料')
      await ask(page, '我不想活了')
      respond = () => Promise.reject(new Error('down'))
      await box(page).fill('你好')
      await box(page).press('Enter')
      await page.locator('.trouble').waitFor()
      expect(await violations(page)).toEqual([])
      await page.goto(`${server.url}/about`)
      expect(await violations(page)).toEqual([])
    })

    test.each([
      ['a phone', PHONE],
      ['a desktop', { viewport: { width: 1280, height: 800 } }],
    ])('axe finds nothing on %s: events, one event, one that is over, none', async (_, device) => {
      const page = await open('/notices', { ...device, colorScheme })
      expect(await violations(page)).toEqual([])
      for (const id of ['2026-12-10-zhubo', 'over', 'none']) {
        await page.goto(`${server.url}/notices/${id}`)
        expect(await violations(page)).toEqual([])
      }
    })
  })
})
