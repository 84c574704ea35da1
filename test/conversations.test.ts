import { readdirSync, readFileSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import { z } from 'zod'
import { type Bot, startBot } from '../src/bot.ts'
import { plainText } from '../src/model/conversation.ts'
import { type Database, openDatabase } from '../src/store/database.ts'
import { quiet } from './fakes/log.ts'

const bot = z.strictObject({
  decision: z.string().optional(),
  answers: z.string().optional(),
  'asks-back': z.array(z.string()).optional(),
  region: z.string().optional(),
  says: z.array(z.string()).default([]),
  'never-says': z.array(z.string()).default([]),
  choices: z.array(z.string()).optional(),
})
const conversations = z.array(
  z.strictObject({
    name: z.string(),
    region: z.string().optional(),
    'in-group': z.boolean().default(false),
    turns: z.array(
      z.strictObject({ visitor: z.coerce.string(), later: z.string().optional(), bot: bot.optional() }),
    ),
  }),
)

let now = new Date('2026-11-22T04:00:00Z')
let running: Bot
let db: Database
beforeAll(async () => {
  db = await openDatabase(':memory:')
  const segmenter = process.env.SEGMENTER === 'intl' ? 'intl' : 'jieba'
  running = await startBot({ contentDir: '.', db, log: quiet, now: () => now, segmenter, unlimited: true })
})
afterAll(async () => {
  await running.stop()
  await db.destroy()
})

for (const file of readdirSync('test/conversations').sort()) {
  const list = conversations.parse(parse(readFileSync(`test/conversations/${file}`, 'utf8')))
  describe(file.replace('.yaml', ''), () => {
    it.each(list)('$name', async ({ name, region, turns, 'in-group': inGroup }) => {
      now = new Date('2026-11-22T04:00:00Z')
      for (const [i, turn] of turns.entries()) {
        if (turn.later) now = new Date(now.getTime() + minutes(turn.later) * 60_000)
        const reply = await running.respond({
          id: `${file} ${name} ${i}`,
          address: { channel: 'test', chat: `${file} ${name}` },
          text: turn.visitor,
          inGroup,
          ...(i === 0 && region ? { region } : {}),
        })
        if (!reply) throw new Error(`no reply to ${turn.visitor}`)
        const text = plainText(reply)
        const wanted = turn.bot
        const said = `${turn.visitor} → ${reply.decision} ${reply.entries.slice(0, 3).join(' ')}\n${text}`
        if (wanted?.decision) expect(reply.decision, said).toBe(wanted.decision)
        if (wanted?.answers)
          expect([reply.decision, reply.entries[0]], said).toEqual(['answer', wanted.answers])
        if (wanted?.['asks-back']) {
          expect(reply.decision, said).toBe('ask-back')
          expect(
            reply.choices.map(({ entry }) => entry),
            said,
          ).toEqual(expect.arrayContaining(wanted['asks-back']))
        }
        if (wanted?.region) expect(reply.region, said).toBe(wanted.region)
        if (wanted?.choices)
          expect(
            reply.choices.map(({ label }) => label),
            said,
          ).toEqual(wanted.choices)
        for (const part of wanted?.says ?? []) expect(text, said).toContain(part)
        for (const part of wanted?.['never-says'] ?? []) expect(text, said).not.toContain(part)
      }
    })
  })
}

function minutes(span: string): number {
  const [, number = '', unit] = /^(\d+)([mh])$/.exec(span) ?? []
  return Number(number) * (unit === 'h' ? 60 : 1)
}
