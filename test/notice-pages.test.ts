import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { calendarFile, fold, text } from '../src/channels/web/calendar.ts'
import { webChannel } from '../src/channels/web.tsx'
import type { Notice } from '../src/model/notice.ts'
import { quiet as log } from './fakes/log.ts'
import { at, NOW, notice } from './fakes/notices.ts'

const PUBLIC = 'https://youth.example.org/'
let now = NOW
const app = (notices: readonly Notice[], publicUrl?: string) =>
  webChannel({
    respond: async () => undefined,
    log,
    now: () => now,
    greeting: () => '',
    sorry: () => '',
    suggestions: () => [],
    regions: () => [{ id: 'liandu', name: '莲都' }],
    notices: () => notices,
    publicUrl,
    isUrgent: () => false,
    clientAddress: () => 'here',
  })

async function page(
  path: string,
  notices: readonly Notice[] = [notice()],
): Promise<{ status: number; body: string }> {
  const response = await app(notices).request(path)
  expect(response.headers.get('Content-Security-Policy')).toContain("default-src 'none'")
  return { status: response.status, body: await response.text() }
}

describe('the page of an event', () => {
  it('tells all of it, and links to the file for the calendar', async () => {
    const { status, body } = await page('/notices/2026-12-10-zhubo', [
      notice({
        quota: 40,
        link: 'https://example.org/a?b=1&c=2',
        body: '第一段。\n还是第一段。\n\n第二段。',
      }),
    ])
    expect(status).toBe(200)
    for (const part of [
      '<h1>主播沙龙第3期</h1>',
      '莲都 · 电商',
      '<time datetime="2026-12-10T14:00:00+08:00">2026年12月10日（周四）14:00–16:30</time>',
      '白桥双创园2楼路演厅',
      '40 人',
      '<p class="body">第一段。\n还是第一段。</p><p class="body">第二段。</p>',
      'href="https://example.org/a?b=1&amp;c=2"',
      'href="/notices/2026-12-10-zhubo.ics"',
    ])
      expect(body).toContain(part)
    expect(body).not.toContain('已经结束')
    expect(body).not.toContain('<script')
  })

  it('says that it is over, from its end on, and offers no calendar file then', async () => {
    now = at('10T16:29:59')
    expect((await page('/notices/2026-12-10-zhubo')).body).not.toContain('已经结束')
    now = at('10T16:30:00')
    const { status, body } = await page('/notices/2026-12-10-zhubo')
    now = NOW
    expect([status, body.includes('已经结束'), body.includes('.ics')]).toEqual([200, true, false])
  })

  it('shows what stands in the file as text', async () => {
    const { body } = await page('/notices/2026-12-10-zhubo', [
      notice({
        title: '<img src=x onerror=alert(1)>',
        place: '"><script>',
        body: '<b>粗</b> & javascript:alert(1)',
      }),
    ])
    expect(body).not.toMatch(/<img src=x|<script|<b>|href="javascript/)
    expect(body).toContain('&lt;b&gt;粗&lt;/b&gt; &amp; javascript:alert(1)')
  })

  it.each([
    ['https://example.org/a。', ['https://example.org/a']],
    ['见 http://例子.cn/x', []],
    ['ftp://example.org data:text/html,x', []],
    ['（https://example.org/报名）', ['https://example.org/']],
    ['https://a.example/1,https://a.example/2', ['https://a.example/1,https://a.example/2']],
  ])('makes addresses of pages links, and nothing else: %s', async (body, links) => {
    const { body: html } = await page('/notices/2026-12-10-zhubo', [notice({ body })])
    expect(Array.from(html.matchAll(/<a href="(https?:[^"]+)"/g), ([, link]) => link)).toEqual(links)
  })

  it.each([
    '/notices/none',
    '/notices/none.ics',
    '/notices/2026-12-10-zhubo.txt',
    '/notices/%00',
    '/notices/..%2fabout',
  ])('that is not there leads back: %s', async (path) => {
    const { status, body } = await page(path)
    expect(status).toBe(404)
    expect(body).toContain('没有这个活动')
    expect(body).toContain('href="/notices"')
    expect(body).toContain('href="/"')
  })

  it('is found under a Chinese file name', async () => {
    const notices = [notice({ id: '12月-招聘会(1)' })]
    const { body } = await page(`/notices/${encodeURIComponent('12月-招聘会(1)')}`, notices)
    const [, calendar = ''] = /href="([^"]+\.ics)"/.exec(body) ?? []
    const response = await app(notices).request(calendar)
    expect(response.status).toBe(200)
    expect(response.headers.get('Content-Disposition')).toBe(
      `attachment; filename="event.ics"; filename*=UTF-8''12%E6%9C%88-%E6%8B%9B%E8%81%98%E4%BC%9A%281%29.ics`,
    )
  })
})

describe('the list of events', () => {
  it('holds what is to come, soonest first', async () => {
    const { body } = await page('/notices', [
      notice({
        id: 'later',
        title: '后面的',
        starts: '2026-12-20T14:00:00+08:00',
        ends: '2026-12-20T16:00:00+08:00',
      }),
      notice({
        id: 'over',
        title: '过去的',
        starts: '2026-11-01T14:00:00+08:00',
        ends: '2026-11-01T16:00:00+08:00',
      }),
      notice({ id: 'sooner', title: '眼前的' }),
    ])
    expect(Array.from(body.matchAll(/<h2><a href="([^"]+)">/g), ([, link]) => link)).toEqual([
      '/notices/sooner',
      '/notices/later',
    ])
    expect(body).not.toContain('过去的')
  })

  it('says so when there is nothing', async () => {
    expect((await page('/notices', [])).body).toContain('目前没有登记近期活动')
  })
})

/** A calendar file read back by the rules of RFC 5545: lines unfolded (§3.1), texts unescaped (§3.3.11). */
function read(file: string): { name: string; value: string }[] {
  expect(file.endsWith('\r\n')).toBe(true)
  const lines = file
    .replace(/\r\n[ \t]/g, '')
    .slice(0, -2)
    .split('\r\n')
  return lines.map((line) => {
    const [, name = '', value = ''] = /^([A-Z-]+):(.*)$/s.exec(line) ?? []
    return {
      name,
      value: value.replace(/\\([\\;,nN])/g, (_, letter: string) => (/n/i.test(letter) ? '\n' : letter)),
    }
  })
}

describe('the calendar file', () => {
  it('is served as one', async () => {
    const response = await app([notice()], PUBLIC).request('/notices/2026-12-10-zhubo.ics')
    expect(response.headers.get('Content-Type')).toBe('text/calendar; charset=utf-8')
    expect(await response.text()).toBe(calendarFile(notice(), PUBLIC, NOW))
  })

  it('holds the event, and an alarm', () => {
    const file = calendarFile(
      notice({ title: '沙龙,第3期;夜场', place: '2楼\\路演厅', quota: 40, body: '第一行\n第二行' }),
      PUBLIC,
      NOW,
    )
    expect(read(file)).toEqual([
      { name: 'BEGIN', value: 'VCALENDAR' },
      { name: 'VERSION', value: '2.0' },
      { name: 'PRODID', value: '-//Qingda//Events//ZH' },
      { name: 'CALSCALE', value: 'GREGORIAN' },
      { name: 'BEGIN', value: 'VEVENT' },
      { name: 'UID', value: '2026-12-10-zhubo@youth.example.org' },
      { name: 'DTSTAMP', value: '20261201T020000Z' },
      { name: 'DTSTART', value: '20261210T060000Z' },
      { name: 'DTEND', value: '20261210T083000Z' },
      { name: 'SUMMARY', value: '沙龙,第3期;夜场' },
      { name: 'LOCATION', value: '2楼\\路演厅' },
      {
        name: 'DESCRIPTION',
        value: '第一行\n第二行\n\n名额：40 人\n\nhttps://youth.example.org/notices/2026-12-10-zhubo',
      },
      { name: 'URL', value: 'https://youth.example.org/notices/2026-12-10-zhubo' },
      { name: 'BEGIN', value: 'VALARM' },
      { name: 'ACTION', value: 'DISPLAY' },
      { name: 'TRIGGER', value: '-PT2H' },
      { name: 'DESCRIPTION', value: '沙龙,第3期;夜场' },
      { name: 'END', value: 'VALARM' },
      { name: 'END', value: 'VEVENT' },
      { name: 'END', value: 'VCALENDAR' },
    ])
    expect(file).toContain('SUMMARY:沙龙\\,第3期\\;夜场\r\n')
    expect(file).toContain('LOCATION:2楼\\\\路演厅\r\n')
  })

  it('goes without a link where visitors can open no page', () => {
    expect(calendarFile(notice(), undefined, NOW)).not.toContain('http')
  })

  it('gives a registration page as its address, in ASCII', () => {
    expect(read(calendarFile(notice({ link: 'https://example.org/报名' }), PUBLIC, NOW))).toContainEqual({
      name: 'URL',
      value: 'https://example.org/%E6%8A%A5%E5%90%8D',
    })
  })

  const anything = fc.string({
    unit: fc.oneof(
      fc.constantFrom(...'甲é😀,;\\:\n\r\t "x'),
      fc.integer({ min: 0, max: 0xffff }).map((code) => String.fromCharCode(code)),
    ),
    maxLength: 400,
  })

  it('folds any line to 75 octets at most, never inside a character, and unfolds to the same', () => {
    fc.assert(
      fc.property(anything, (value) => {
        const line = `SUMMARY:${text(value)}`
        const folded = fold(line)
        for (const part of folded.split('\r\n')) {
          expect(Buffer.byteLength(part)).toBeLessThanOrEqual(75)
          expect(part.isWellFormed()).toBe(true)
        }
        expect(folded.replace(/\r\n /g, '')).toBe(line)
      }),
    )
  })

  it('gives any text back, but for line breaks of other systems and control characters', () => {
    fc.assert(
      fc.property(anything, (title) => {
        const lines = read(calendarFile(notice({ title }), undefined, NOW))
        const kept = title
          .toWellFormed()
          .replace(/\r\n?/g, '\n')
          .replace(/[^\P{Cc}\n\t\u0080-\u009F]/gu, '')
        expect(lines.find(({ name }) => name === 'SUMMARY')?.value).toBe(kept)
      }),
    )
  })
})
