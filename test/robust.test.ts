import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { ODD_MESSAGES } from '../bench/odd-messages.ts'
import { type Bot, startBot } from '../src/bot.ts'
import { plainText } from '../src/model/conversation.ts'
import { type Database, openDatabase } from '../src/store/database.ts'
import { MAX_MESSAGE } from '../src/text/normalize.ts'
import { type ContentFolder, smallContent } from './fakes/content-folder.ts'
import { quiet } from './fakes/log.ts'

/** What one reply may hold, so that every channel can carry it. */
const LONGEST_REPLY = 2000

describe.each(['intl', 'jieba'] as const)('cut by %s', (segmenter) => {
  let folder: ContentFolder
  let db: Database
  let bot: Bot
  beforeAll(async () => {
    folder = await smallContent()
    db = await openDatabase(':memory:')
    bot = await startBot({ contentDir: folder.root, db, log: quiet, segmenter, unlimited: true })
    expect(bot.segmenter.name).toBe(segmenter)
  })
  afterAll(async () => {
    await bot.stop()
    await db.destroy()
    await folder.remove()
  })

  let count = 0
  async function say(text: string, chat = `${++count}`) {
    const reply = await bot.respond({ id: `${++count}`, address: { channel: 'test', chat }, text })
    if (reply === undefined) throw new Error('no reply')
    return { ...reply, text: plainText(reply) }
  }

  it.each(Object.entries(ODD_MESSAGES))('%s is answered or refused', async (_, text) => {
    const reply = await say(text)
    expect(reply.text.trim()).not.toBe('')
    expect(reply.text.length).toBeLessThan(LONGEST_REPLY)
    expect(reply.text.isWellFormed()).toBe(true)
  })

  it('what is read of a message ends where it says so, so that no length costs more', async () => {
    const kept = '我想问创业贷款的担保费能减多少'.repeat(200).slice(0, MAX_MESSAGE)
    const [whole, cut] = [await say(kept + '租房'.repeat(500_000)), await say(kept)]
    expect(whole.entries).toEqual(cut.entries)
    expect(whole.score).toBe(cut.score)
    const said = bot.knowledge()?.content.phrases.truncated ?? 'nothing'
    expect(whole.text).toContain(said)
    expect(whole.text.replace(`${said}\n\n`, '')).toBe(cut.text)
  })

  // Whole code space, lone surrogates and NUL included, alone and around what the bot looks for.
  const unicode = fc.oneof(
    fc.string({ unit: 'binary', maxLength: 2500 }),
    fc.string({ unit: 'grapheme', maxLength: 800 }),
    fc
      .array(fc.integer({ min: 0, max: 0xffff }), { maxLength: 600 })
      .map((codes) => String.fromCharCode(...codes)),
    fc
      .tuple(fc.constantFrom(...Object.values(ODD_MESSAGES)), fc.nat(3000), fc.nat(2500))
      .map(([text, from, length]) => text.slice(from, from + length)),
  )
  it('any string has a reply, and the next question is understood as if nothing had been', async () => {
    await fc.assert(
      fc.asyncProperty(unicode, async (text) => {
        const chat = `odd ${++count}`
        const reply = await say(text, chat)
        expect(reply.text.trim()).not.toBe('')
        expect(reply.text.length).toBeLessThan(LONGEST_REPLY)
        expect(reply.text.isWellFormed()).toBe(true)
        expect(Number.isFinite(reply.score)).toBe(true)
        const next = await say('莲都青年创业贷款担保费减免', chat)
        if (reply.decision !== 'urgent') expect(next.entries[0]).toBe('liandu-guarantee-fee')
      }),
      { numRuns: 60 },
    )
  })
})
