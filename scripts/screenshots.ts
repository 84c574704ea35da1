import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { type Browser, chromium, type Page } from 'playwright-core'
import { startBot } from '../src/bot.ts'
import { webChannel } from '../src/channels/web.tsx'
import { createLog } from '../src/log.ts'
import { serve } from '../src/server.ts'
import { openDatabase } from '../src/store/database.ts'

const HELP = `Takes pictures of the web chat: phone and desktop, light and dark, and docs/chat.png for the README.

  npx tsx scripts/screenshots.ts FOLDER

CHROMIUM_PATH names the browser, /usr/bin/chromium if unset.`

const PHONE = { width: 390, height: 844 }
const DESKTOP = { width: 1280, height: 860 }

const folder = process.argv[2]
if (folder === undefined || folder.startsWith('-')) {
  console.error(HELP)
  process.exit(2)
}
mkdirSync(folder, { recursive: true })

const log = createLog('error')
const bot = await startBot({ contentDir: '.', db: await openDatabase(':memory:'), log })
const content = bot.knowledge()?.content
if (content === undefined) throw new Error('The content has errors. Run npm run check and mend them first.')
const app = webChannel({
  respond: bot.respond,
  log,
  greeting: () =>
    content.phrases.greeting.replace('{regions}', content.regions.map(({ name }) => name).join('、')),
  sorry: () => content.phrases.sorry,
  suggestions: () => content.phrases.suggestions.split('|'),
  regions: () => content.regions,
  notices: () => content.notices,
  isUrgent: bot.isUrgent,
  clientAddress: () => 'here',
})
const server = await serve(app, { host: '127.0.0.1', port: 0, log })
const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM_PATH ?? '/usr/bin/chromium',
  args: ['--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run'],
})

for (const colorScheme of ['light', 'dark'] as const)
  for (const [device, viewport] of Object.entries({ phone: PHONE, desktop: DESKTOP })) {
    const shoot = async (page: Page, name: string): Promise<void> => {
      await page.screenshot({ path: join(folder, `${device}-${colorScheme}-${name}.png`) })
    }
    const page = await open(browser, { viewport, colorScheme, deviceScaleFactor: 2 })
    await shoot(page, '1-start')
    await talk(page)
    await shoot(page, '2-conversation')
    await ask(page, '租房')
    await page.locator('details').last().locator('summary').click()
    await shoot(page, '3-source')
    await ask(page, '我不想活了')
    await shoot(page, '4-urgent')
    await page.goto(`${server.url}/about`)
    await shoot(page, '5-about')
    await page.context().close()
  }

mkdirSync('docs', { recursive: true })
const page = await open(browser, {
  viewport: { width: 390, height: 780 },
  colorScheme: 'light',
  deviceScaleFactor: 1.4,
})
await talk(page)
const firstExchange = page.locator('.exchange').nth(1)
await firstExchange.evaluate((exchange) => exchange.scrollIntoView())
await page.screenshot({ path: 'docs/chat.png' })

await browser.close()
await server.close()
await bot.stop()

async function open(browser: Browser, options: Parameters<Browser['newContext']>[0]): Promise<Page> {
  const context = await browser.newContext({ locale: 'zh-CN', reducedMotion: 'reduce', ...options })
  const page = await context.newPage()
  await page.goto(server.url)
  return page
}

async function talk(page: Page): Promise<void> {
  await page.getByLabel('所在城市').selectOption({ label: '莲都' })
  await ask(page, '担保费太贵了能少交点吗')
  await ask(page, '要什么材料')
}

async function ask(page: Page, text: string): Promise<void> {
  const replies = await page.locator('.reply').count()
  await page.getByLabel('你想问什么').fill(text)
  await page.getByRole('button', { name: '发送' }).click()
  await page.locator('.reply').nth(replies).waitFor()
}
