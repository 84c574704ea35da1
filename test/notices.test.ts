import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { wechatReach } from '../src/channels/reaches.ts'
import { loadContent } from '../src/content/load.ts'
import type { Notice } from '../src/model/notice.ts'
import { momentInWords, quietUntil, spanInWords } from '../src/model/when.ts'
import { approve, type Desk, differsFromApproved, hashOf } from '../src/notices/approve.ts'
import { forecast, secondsFor } from '../src/notices/audience.ts'
import { correct } from '../src/notices/correct.ts'
import { send } from '../src/notices/plan.ts'
import { renderNotice } from '../src/notices/render.ts'
import { cancel, pause, resume } from '../src/notices/stop.ts'
import { markReachable, markUnreachable } from '../src/store/addresses.ts'
import { planDeliveries } from '../src/store/audience.ts'
import { auditOf } from '../src/store/audit.ts'
import { findBroadcast } from '../src/store/broadcasts.ts'
import { type Database, openDatabase } from '../src/store/database.ts'
import { claim, settle } from '../src/store/ledger.ts'
import { erase } from '../src/store/personal-data.ts'
import { subscribe, subscriptionsOf, unsubscribe } from '../src/store/subscriptions.ts'
import { at, content, figures, ledger, NOW, notice, order, subscribers, TELEGRAM } from './fakes/notices.ts'

let data: string
let db: Database
beforeEach(async () => {
  data = await mkdtemp(join(tmpdir(), 'qingda-notices-'))
  db = await openDatabase(join(data, 'qingda.sqlite'))
})
afterEach(async () => {
  await db.destroy()
  await rm(data, { recursive: true, force: true })
})

const desk = (more: Partial<Desk> = {}): Desk => ({
  db,
  content,
  reaches: [TELEGRAM],
  onePersonOffice: false,
  now: NOW,
  ...more,
})
const address = (chat: string) => ({ channel: 'telegram', chat })
const CONSENT = { text: '同意', version: '1' }

describe('the text of a notice', () => {
  const text = (more: Partial<Notice> = {}, longest = 4096, publicUrl?: string) =>
    renderNotice(notice(more), content, { reach: { ...TELEGRAM, longest }, publicUrl })

  it('says what, when, where and how to leave', () => {
    expect(text({ quota: 40, link: 'https://example.org/a' })).toBe(
      `【莲都活动】主播沙龙第3期
时间：2026年12月10日（周四）14:00–16:30
地点：白桥双创园2楼路演厅
名额：40 人

两位本地主播讲选品、话术和起号。

报名或详情：https://example.org/a

发“退订”不再接收`,
    )
  })

  it.each([
    [
      'one day',
      '2026-12-10T14:00:00+08:00',
      '2026-12-10T16:30:00+08:00',
      '2026年12月10日（周四）14:00–16:30',
    ],
    [
      'two days',
      '2027-01-30T10:00:00+08:00',
      '2027-01-31T20:00:00+08:00',
      '2027年1月30日（周六）10:00 至 2027年1月31日（周日）20:00',
    ],
    [
      'written in another zone',
      '2026-12-31T16:30:00Z',
      '2026-12-31T18:00:00Z',
      '2027年1月1日（周五）00:30–02:00',
    ],
  ])('tells the time of an event of %s as it is in Shanghai', (_, starts, ends, words) => {
    expect(text({ starts, ends })).toContain(`时间：${words}\n`)
    expect(spanInWords(Date.parse(starts), Date.parse(ends))).toBe(words)
  })

  it('goes without its body when that is too long, and says where the whole text stands', () => {
    const body = '字'.repeat(5000)
    const short = text({ body }, 4096, 'https://youth.example.org/')
    expect(short).toContain('全文：https://youth.example.org/notices/2026-12-10-zhubo')
    expect(short).not.toContain('字字')
    expect(short).toMatch(/发“退订”不再接收$/)
    expect(text({ body })).toContain('想看全文，发“近期活动”。')
  })

  it('fits exactly, or is not cut but shortened', () => {
    const whole = text() ?? ''
    expect(text({}, whole.length)).toBe(whole)
    expect(text({}, whole.length - 1)).not.toContain('两位本地主播')
    expect(text({}, whole.length - 1)).toContain('想看全文')
    expect(text({}, 20)).toBeUndefined()
  })

  // Telegram counts UTF-16 units, WeChat bytes; a character outside the basic plane is two of the one, four of the other.
  it.each([
    ['Telegram', { ...TELEGRAM, longest: 4096 }, '字', 4096],
    ['Telegram', { ...TELEGRAM, longest: 4096 }, '😀', 4096],
    ['WeChat', { ...TELEGRAM, channel: 'wechat', longest: 2048, counts: 'bytes' as const }, '字', 2048],
    ['WeChat', { ...TELEGRAM, channel: 'wechat', longest: 2048, counts: 'bytes' as const }, '😀', 2048],
  ])(
    'on %s is whole up to the last character that fits, and short from the next on',
    (_, reach, letter, most) => {
      const at = (count: number) =>
        renderNotice(notice({ body: letter.repeat(count) }), content, {
          reach,
          publicUrl: 'https://y.example',
        }) ?? ''
      const counted = (text: string) => (reach.channel === 'wechat' ? Buffer.byteLength(text) : text.length)
      const room = most - counted(at(0).replace('\n\n发', '\n\n\n\n发'))
      const fitting = Math.floor(room / counted(letter))
      expect(counted(at(fitting))).toBeLessThanOrEqual(most)
      expect(counted(at(fitting)) + counted(letter)).toBeGreaterThan(most)
      expect(at(fitting)).toContain(letter.repeat(fitting))
      const short = at(fitting + 1)
      expect(short).not.toContain(letter)
      for (const part of [
        '主播沙龙第3期',
        '周四',
        '白桥双创园',
        'https://y.example/notices/2026-12-10-zhubo',
        '退订',
      ])
        expect(short).toContain(part)
    },
  )

  it('is the same with the shipped sentences', async () => {
    const shipped = (await loadContent('.')).content
    expect(shipped && renderNotice(notice(), shipped, { reach: TELEGRAM })).toBe(text())
  })

  it('puts braces and quotation marks of the title in as they are', () => {
    expect(text({ title: '{place} $& “夜跑”' })).toContain('【莲都活动】{place} $& “夜跑”')
  })
})

describe('quiet hours', () => {
  it.each([
    ['22:00-08:00', '01T21:59:59', undefined],
    ['22:00-08:00', '01T22:00:00', '02T08:00:00'],
    ['22:00-08:00', '02T03:00:00', '02T08:00:00'],
    ['22:00-08:00', '02T08:00:00', undefined],
    ['12:00-14:30', '02T13:00:00', '02T14:30:00'],
    ['12:00-14:30', '02T14:30:00', undefined],
    ['off', '02T03:00:00', undefined],
  ])('%s at %s end at %s', (hours, time, end) => {
    expect(quietUntil(hours, at(time).getTime())).toBe(end && at(end).getTime())
  })
})

describe('approval', () => {
  it('freezes the text and keeps its hash, author and approver', async () => {
    const approval = await approve(desk(), notice(), '李强')
    expect(approval).toMatchObject({
      kind: 'approved',
      broadcast: { state: 'approved', author: '王芳', approver: '李强', contentHash: hashOf(notice()) },
    })
    const kept = await findBroadcast(db, notice().id)
    expect(kept?.texts.telegram).toContain('主播沙龙第3期')
    expect(kept).toEqual(approval.kind === 'approved' && approval.broadcast)
  })

  it.each(['王芳', ' 王 芳', '王芳\u3000'])(
    'is not for the author (%s), unless nobody else is there',
    async (name) => {
      const refused = { kind: 'refused', because: 'own-notice' }
      expect(await approve(desk(), notice(), name)).toEqual(refused)
      expect(await findBroadcast(db, notice().id)).toBeUndefined()
      expect(await approve(desk({ onePersonOffice: true }), notice(), name)).toMatchObject({
        kind: 'approved',
      })
      expect((await auditOf(db, notice().id)).map(({ act }) => act)).toEqual(['approval-refused', 'approve'])
    },
  )

  it.each([
    ['over', notice(), at('10T16:30:00')],
    ['expired', notice({ expires: '2026-12-05T00:00:00+08:00' }), at('05T00:00:01')],
  ])('is refused for an event that is %s', async (_, over, now) => {
    expect(await approve(desk({ now }), over, '李强')).toEqual({ kind: 'refused', because: 'over' })
  })

  it('is refused when even the short text does not fit', async () => {
    const reaches = [{ ...TELEGRAM, longest: 30 }]
    expect(await approve(desk({ reaches }), notice(), '李强')).toMatchObject({
      because: 'too-long',
      channel: 'telegram',
    })
  })

  it('can be given again after an edit, until the order to send', async () => {
    await approve(desk(), notice(), '李强')
    const edited = notice({ place: '图书馆' })
    const first = await findBroadcast(db, notice().id)
    expect(first && differsFromApproved(first, [edited])).toBe(true)
    expect(await approve(desk(), edited, '赵敏')).toMatchObject({ kind: 'approved' })
    const second = await findBroadcast(db, notice().id)
    expect(second?.texts.telegram).toContain('图书馆')
    expect(second && differsFromApproved(second, [edited])).toBe(false)

    await send(db, notice().id, { by: '赵敏', repeat: 'at-least-once' }, NOW)
    expect(await approve(desk(), notice(), '李强')).toEqual({
      kind: 'refused',
      because: 'already',
      state: 'sending',
    })
  })

  it('does not depend on where the file lies', () => {
    expect(hashOf(notice({ file: 'elsewhere.md' }))).toBe(hashOf(notice()))
    expect(hashOf(notice({ body: '改了' }))).not.toBe(hashOf(notice()))
  })
})

describe('planning', () => {
  it('takes everybody subscribed to one of the topics or to all, in that region, once', async () => {
    await subscribers(db, 2, { first: 1 })
    await subscribers(db, 1, { first: 2, topic: '创业' })
    await subscribers(db, 1, { first: 3, topic: '*' })
    await subscribers(db, 1, { first: 4, topic: '志愿' })
    await subscribers(db, 1, { first: 5, region: 'kunming' })
    await order(db, notice({ topics: ['电商', '创业'] }))
    expect(await ledger(db)).toEqual({ 1: 'planned', 2: 'planned', 3: 'planned' })
  })

  it('for the whole region does not ask for topics', async () => {
    await subscribers(db, 1, { first: 1, topic: '志愿' })
    await subscribers(db, 1, { first: 2, region: 'kunming' })
    await order(db, notice({ audience: 'region' }))
    expect(await ledger(db)).toEqual({ 1: 'planned' })
  })

  it('twice changes nothing, also when some are sent already', async () => {
    await subscribers(db, 3)
    const broadcast = await order(db)
    await claim(db, broadcast.id, 'telegram', 1, NOW)
    await settle(db, broadcast.id, 'telegram', [{ chat: '1', state: 'sent', reason: null }], NOW)
    const before = await db.selectFrom('delivery').selectAll().execute()
    await planDeliveries(db, broadcast, at('02T10:00:00'))
    expect(await db.selectFrom('delivery').selectAll().execute()).toEqual(before)
    expect(await send(db, broadcast.id, { by: '李强', repeat: 'at-least-once' }, NOW)).toMatchObject({
      because: 'already',
    })
  })

  it('lists whom it cannot reach as withheld, with the reason', async () => {
    await subscribers(db, 3)
    await subscribers(db, 1, { first: 9, channel: 'web' })
    await markUnreachable(db, address('2'), 'blocked', NOW)
    await markUnreachable(db, address('3'), 'gone', NOW)
    await order(db)
    expect(await ledger(db)).toEqual({
      1: 'planned',
      2: 'withheld blocked',
      3: 'withheld gone',
      9: 'withheld no-sender',
    })
    expect(await figures(db)).toMatchObject({
      planned: 4,
      waiting: 1,
      withheld: 3,
      byReason: { blocked: 1, gone: 1, 'no-sender': 1 },
    })
  })

  // How long that takes is measured in the bench.
  it('takes 100,000 recipients at once', async () => {
    await subscribers(db, 100_000)
    await order(db)
    expect(await figures(db)).toMatchObject({ planned: 100_000, waiting: 100_000 })
  })

  it('needs an approval, and an event that is not over', async () => {
    const how = { by: '李强', repeat: 'at-least-once' } as const
    expect(await send(db, 'nothing', how, NOW)).toEqual({ kind: 'refused', because: 'not-approved' })
    await approve(desk(), notice(), '李强')
    expect(await send(db, notice().id, how, at('10T17:00:00'))).toEqual({ kind: 'refused', because: 'over' })
    expect((await findBroadcast(db, notice().id))?.state).toBe('approved')
  })
})

describe('a forecast', () => {
  it('counts by channel who is reached, who is out of reach and who asked for other topics', async () => {
    await subscribers(db, 600)
    await subscribers(db, 100, { first: 1, topic: '志愿' })
    await subscribers(db, 40, { first: 2001, topic: '志愿' })
    await subscribers(db, 7, { first: 1, channel: 'web', topic: '*' })
    await subscribers(db, 99, { first: 1, region: 'kunming' })
    for (const chat of ['1', '2', '2001']) await markUnreachable(db, address(chat), 'blocked', NOW)
    expect(await forecast(db, notice(), [TELEGRAM])).toEqual([
      {
        channel: 'telegram',
        carries: true,
        reachable: 598,
        unreachable: 2,
        notOptedIn: 40,
        seconds: 598 / 30,
      },
      { channel: 'web', carries: false, reachable: 7, unreachable: 0, notOptedIn: 0, seconds: 0 },
    ])
  })

  it.each([
    [0, 0],
    [10, 10 * 30],
    [11, 86_400 + 30],
    [30, 2 * 86_400 + 10 * 30],
  ])('of %i recipients with 10 a day and 2 a minute takes %i seconds', (count, seconds) => {
    expect(secondsFor(count, wechatReach({ perMinute: 2, perDay: 10 }))).toBeCloseTo(seconds)
  })

  it('is what planning then does', async () => {
    await subscribers(db, 20)
    await markUnreachable(db, address('3'), 'blocked', NOW)
    const [telegram] = await forecast(db, notice(), [TELEGRAM])
    await order(db)
    const { waiting, withheld } = await figures(db)
    expect([telegram?.reachable, telegram?.unreachable]).toEqual([waiting, withheld])
  })
})

describe('退订', () => {
  it('withholds what waits for that visitor, and nobody else', async () => {
    await subscribers(db, 3)
    await order(db)
    await unsubscribe(db, address('2'), NOW)
    expect(await ledger(db)).toEqual({ 1: 'planned', 2: 'withheld unsubscribed', 3: 'planned' })
    expect(await figures(db)).toMatchObject({ planned: 3, waiting: 2, withheld: 1 })
  })

  it('of one topic leaves what comes by another', async () => {
    const wanted = [
      { region: 'liandu', topic: '电商' },
      { region: 'liandu', topic: '创业' },
    ]
    await subscribe(db, address('1'), wanted, CONSENT, NOW)
    await order(db, notice({ topics: ['电商', '创业'] }))
    await order(db, notice({ id: 'other', topics: ['电商'] }))
    await unsubscribe(db, address('1'), NOW, [{ region: 'liandu', topic: '电商' }])
    expect(await ledger(db)).toEqual({ 1: 'planned' })
    expect(await ledger(db, 'other')).toEqual({ 1: 'withheld unsubscribed' })
  })

  it('does not call unsent what may have been sent', async () => {
    await subscribers(db, 1)
    await order(db)
    await claim(db, notice().id, 'telegram', 1, NOW)
    const lost = { chat: '1', state: 'unknown', reason: 'timed-out', notBefore: NOW.getTime() } as const
    await settle(db, notice().id, 'telegram', [lost], NOW)
    await unsubscribe(db, address('1'), NOW)
    expect(await ledger(db)).toEqual({ 1: 'unknown timed-out' })
    expect(await claim(db, notice().id, 'telegram', 9, NOW)).toEqual([])
  })

  it('and subscribing again clear what was known of reachability: who writes to us can be written to', async () => {
    await subscribe(db, address('1'), [{ region: 'liandu', topic: '*' }], CONSENT, NOW)
    await markUnreachable(db, address('1'), 'blocked', NOW)
    await subscribe(db, address('1'), [{ region: 'liandu', topic: '电商' }], CONSENT, NOW)
    expect(await db.selectFrom('reachability').selectAll().execute()).toEqual([])
  })
})

describe('删除我的数据', () => {
  it('takes the address out of the ledger and leaves the figures', async () => {
    await subscribers(db, 4)
    await order(db)
    await claim(db, notice().id, 'telegram', 3, NOW)
    const rows = [
      { chat: '1', state: 'sent', reason: null },
      { chat: '2', state: 'failed', reason: 'blocked', unreachable: 'blocked' },
    ] as const
    await settle(db, notice().id, 'telegram', rows, NOW)
    for (const chat of ['1', '2', '3', '4']) await erase(db, address(chat), NOW)
    expect(await ledger(db)).toEqual({
      'erased-1': 'sent',
      'erased-2': 'failed blocked',
      'erased-3': 'unknown interrupted',
      'erased-4': 'withheld unsubscribed',
    })
    expect(await figures(db)).toMatchObject({ planned: 4, sent: 1, failed: 1, unknown: 1, withheld: 1 })
    expect(await db.selectFrom('reachability').selectAll().execute()).toEqual([])
    expect(await subscriptionsOf(db, address('4'))).toEqual([])
  })

  it('of one who stands in several broadcasts keeps them apart from everybody else', async () => {
    await subscribers(db, 3)
    await order(db)
    await order(db, notice({ id: 'other' }))
    await erase(db, address('1'), NOW)
    await erase(db, address('3'), NOW)
    const unsubscribed = 'withheld unsubscribed'
    for (const id of [notice().id, 'other'])
      expect(await ledger(db, id)).toEqual({
        2: 'planned',
        'erased-1': unsubscribed,
        'erased-2': unsubscribed,
      })
  })

  it('lets nobody be remembered as unreachable afterwards', async () => {
    await subscribers(db, 1)
    await erase(db, address('1'), NOW)
    await markUnreachable(db, address('1'), 'blocked', NOW)
    expect(await db.selectFrom('reachability').selectAll().execute()).toEqual([])
  })
})

describe('stopping', () => {
  it('pauses, resumes and cancels, each only where it makes sense', async () => {
    await subscribers(db, 2)
    const { id } = notice()
    expect(await pause(db, id, '李强', NOW)).toEqual({ kind: 'refused', state: undefined })
    await order(db)
    expect(await resume(db, id, '李强', NOW)).toEqual({ kind: 'refused', state: 'sending' })
    expect(await pause(db, id, '李强', NOW)).toEqual({ kind: 'done', state: 'paused' })
    expect(await pause(db, id, '李强', NOW)).toEqual({ kind: 'refused', state: 'paused' })
    expect(await resume(db, id, '李强', NOW)).toEqual({ kind: 'done', state: 'sending' })
    expect(await cancel(db, id, '李强', NOW)).toEqual({ kind: 'done', state: 'cancelled' })
    expect(await resume(db, id, '李强', NOW)).toEqual({ kind: 'refused', state: 'cancelled' })
    expect(await ledger(db)).toEqual({ 1: 'withheld cancelled', 2: 'withheld cancelled' })
    const acts = await auditOf(db, id)
    expect(acts.map(({ who, act }) => `${who} ${act}`)).toEqual([
      '李强 approve',
      '李强 send',
      '李强 pause',
      '李强 resume',
      '李强 cancel',
    ])
  })

  it('cancels what a channel gives back later as well', async () => {
    await subscribers(db, 2)
    await order(db)
    const [first] = await claim(db, notice().id, 'telegram', 1, NOW)
    await cancel(db, notice().id, '李强', NOW)
    if (first)
      await settle(db, notice().id, 'telegram', [{ chat: first.chat, ...first.before, noAttempt: true }], NOW)
    expect(await ledger(db)).toEqual({ 1: 'withheld cancelled', 2: 'withheld cancelled' })
  })
})

describe('更正', () => {
  const outcomes = [
    { chat: '1', state: 'sent', reason: null },
    { chat: '2', state: 'unknown', reason: 'repeated' },
    { chat: '3', state: 'failed', reason: 'blocked', unreachable: 'blocked' },
    { chat: '4', state: 'sent', reason: null },
    { chat: '5', state: 'sent', reason: null },
  ] as const
  async function cancelledHalfWay(): Promise<void> {
    await subscribers(db, 6)
    await order(db)
    await claim(db, notice().id, 'telegram', 5, NOW)
    await settle(db, notice().id, 'telegram', outcomes, NOW)
    await cancel(db, notice().id, '李强', NOW)
  }
  const TEXT = '地点改为图书馆报告厅。'

  it('goes at once to exactly those who have or may have received the notice and still want any', async () => {
    await cancelledHalfWay()
    await unsubscribe(db, address('4'), NOW)
    await erase(db, address('5'), NOW)
    const correction = await correct(desk(), notice().id, '李强', TEXT)
    expect(correction).toMatchObject({
      kind: 'sending',
      broadcast: {
        id: '2026-12-10-zhubo-correction-1',
        state: 'sending',
        correctionOf: notice().id,
        approver: '李强',
      },
    })
    expect(correction.kind === 'sending' && correction.broadcast.texts.telegram).toBe(
      `【更正】主播沙龙第3期\n\n${TEXT}\n\n发“退订”不再接收`,
    )
    expect(await ledger(db, '2026-12-10-zhubo-correction-1')).toEqual({
      1: 'planned',
      2: 'planned',
      4: 'withheld unsubscribed',
      'erased-1': 'withheld unsubscribed',
    })
    expect(await correct(desk(), notice().id, '李强', '再改。')).toMatchObject({
      broadcast: { id: '2026-12-10-zhubo-correction-2' },
    })
  })

  it('is refused while the wrong one still goes out, for what never went out, by its author, and after the event', async () => {
    expect(await correct(desk(), notice().id, '李强', TEXT)).toMatchObject({ because: 'unknown' })
    await approve(desk(), notice(), '李强')
    expect(await correct(desk(), notice().id, '李强', TEXT)).toMatchObject({ because: 'not-out' })
    await send(db, notice().id, { by: '李强', repeat: 'at-least-once' }, NOW)
    expect(await correct(desk(), notice().id, '李强', TEXT)).toMatchObject({ because: 'still-sending' })
    await cancel(db, notice().id, '李强', NOW)
    expect(await correct(desk(), notice().id, '王芳', TEXT)).toMatchObject({ because: 'own-notice' })
    expect(await correct(desk({ now: at('10T17:00:00') }), notice().id, '李强', TEXT)).toMatchObject({
      because: 'over',
    })
    expect(await correct(desk(), notice().id, '李强', '长'.repeat(5000))).toMatchObject({
      because: 'too-long',
    })
    expect(await correct(desk({ onePersonOffice: true }), notice().id, '王芳', TEXT)).toMatchObject({
      kind: 'sending',
    })
  })
})

describe('reachability', () => {
  it('is kept of subscribers only, and cleared when they let us in again', async () => {
    await markUnreachable(db, address('stranger'), 'blocked', NOW)
    expect(await db.selectFrom('reachability').selectAll().execute()).toEqual([])
    await subscribers(db, 1)
    await markUnreachable(db, address('1'), 'blocked', NOW)
    await markReachable(db, address('1'))
    await order(db)
    expect(await ledger(db)).toEqual({ 1: 'planned' })
  })
})

it('a moment is told with its weekday', () => {
  expect(momentInWords(at('06T08:05:00').getTime())).toBe('2026年12月6日（周日）08:05')
})
