import { afterAll, beforeAll, expect, it } from 'vitest'
import { type Bot, startBot } from '../src/bot.ts'
import type { Entry } from '../src/model/content.ts'
import { plainText } from '../src/model/conversation.ts'
import { type Database, openDatabase } from '../src/store/database.ts'
import { quiet } from './fakes/log.ts'

let bot: Bot
let db: Database
beforeAll(async () => {
  db = await openDatabase(':memory:')
  bot = await startBot({ contentDir: '.', db, log: quiet, unlimited: true })
})
afterAll(async () => {
  await bot.stop()
  await db.destroy()
})

const DETAILS = [
  { facet: '标准', ask: '多少钱', told: /没有写明[^。]*具体金额/ },
  { facet: '何时', ask: '什么时候', told: /没有写明[^。]*具体时间/ },
  { facet: '材料', ask: '要什么材料', told: /没有写明[^。]*申请材料/ },
  { facet: '何地', ask: '在哪里', told: /没有写明[^。]*具体地点/ },
  { facet: '找谁', ask: '联系电话多少', told: /没有写明[^。]*联系电话/ },
  { facet: '谁能', ask: '什么人能申请', told: /没有写明[^。]*申请条件/ },
  { facet: '怎么办', ask: '怎么报名', told: /没有写明[^。]*怎么报名/ },
] as const

/** One entry of eight, from all over the base. */
const EVERY = 8
const some = (): Entry[] => (bot.knowledge()?.content.entries ?? []).filter((_, i) => i % EVERY === 3)

async function say(chat: string, text: string, region?: string): Promise<{ entry?: string; text: string }> {
  const reply = await bot.respond({
    id: `${chat} ${text}`,
    address: { channel: 'test', chat },
    text,
    ...(region ? { region } : {}),
  })
  if (!reply) throw new Error(`no reply to ${text}`)
  const entry = reply.decision === 'answer' ? reply.entries[0] : undefined
  return { ...(entry ? { entry } : {}), text: plainText(reply) }
}

it.each(DETAILS)(
  '$facet: asked for by name, what the document lacks is said',
  async ({ facet, ask, told }) => {
    const lacking = some().filter(({ facets }) => facets[facet] === undefined)
    expect(lacking.length).toBeGreaterThan(10)
    for (const { id, aliases, title, region } of lacking) {
      const reply = await say(`${id} ${facet}`, `${aliases[0] ?? title}${ask}`, region)
      expect(reply.entry).toBe(id)
      expect(reply.text).toMatch(told)
    }
  },
)

it('asked for as a follow-up, what the document lacks is the first thing said', async () => {
  for (const { id, aliases, title, region, facets } of some()) {
    await say(id, aliases[0] ?? title, region)
    for (const { facet, ask, told } of DETAILS.filter((detail) => facets[detail.facet] === undefined)) {
      const reply = await say(id, ask)
      expect([facet, reply.entry]).toEqual([facet, id])
      expect(reply.text.split('\n')[0]).toMatch(told)
    }
  }
})
