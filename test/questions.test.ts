import { readFileSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import { type Labelled, readOutOfScope, readQuestions } from '../bench/labelled.ts'
import { type Bot, startBot } from '../src/bot.ts'
import type { Reply } from '../src/model/conversation.ts'
import { type Database, openDatabase } from '../src/store/database.ts'
import { normalize } from '../src/text/normalize.ts'
import { quiet } from './fakes/log.ts'

/** Measured figures, rounded down. They only ever go up. */
const FLOORS = {
  jieba: {
    right: 0.972,
    nearby: 0.989,
    wrong: 0.008,
    told: 0.011,
    toldOfLife: 0.015,
    style: 0.95,
    elsewhere: 0.018,
  },
  intl: {
    right: 0.974,
    nearby: 0.988,
    wrong: 0.009,
    told: 0.011,
    toldOfLife: 0.015,
    style: 0.96,
    elsewhere: 0.016,
  },
} as const

const segmenter = process.env.SEGMENTER === 'intl' ? 'intl' : 'jieba'
const floor = FLOORS[segmenter]
let bot: Bot
let db: Database
let number = 0

beforeAll(async () => {
  db = await openDatabase(':memory:')
  bot = await startBot({ contentDir: '.', db, log: quiet, segmenter, unlimited: true })
})
afterAll(async () => {
  await bot.stop()
  await db.destroy()
})

async function ask(text: string, region?: string): Promise<Reply> {
  const id = String(number++)
  const reply = await bot.respond({
    id,
    address: { channel: 'test', chat: id },
    text,
    ...(region ? { region } : {}),
  })
  if (!reply) throw new Error(`no reply to ${text}`)
  return reply
}

type Fate = 'right' | 'nearby' | 'wrong' | 'none'

function fateOf({ intent, region }: Labelled, reply: Reply): Fate {
  const wanted = bot.knowledge()?.content.intents.find(({ id }) => id === intent)?.answers[region]
  if (reply.decision === 'answer') return reply.entries[0] === wanted ? 'right' : 'wrong'
  return reply.decision === 'ask-back' && reply.choices.some(({ entry }) => entry === wanted)
    ? 'nearby'
    : 'none'
}

describe('questions nobody used to write the phrasings', () => {
  it('lead to the right entry, style by style', { timeout: 120_000 }, async () => {
    const styles = new Map<string, Record<Fate, number>>()
    const wrong: string[] = []
    for (const question of readQuestions()) {
      const reply = await ask(question.ask, question.region)
      const fate = fateOf(question, reply)
      const tally = styles.get(question.style) ?? { right: 0, nearby: 0, wrong: 0, none: 0 }
      tally[fate]++
      styles.set(question.style, tally)
      if (fate === 'wrong')
        wrong.push(`${question.region} ${question.ask} → ${reply.entries[0]}, not ${question.intent}`)
    }
    const sum = (fate: Fate): number => [...styles.values()].reduce((total, tally) => total + tally[fate], 0)
    const all = sum('right') + sum('nearby') + sum('wrong') + sum('none')
    const figures = [...styles].map(([style, { right, nearby, wrong: off, none }]) => {
      const n = right + nearby + off + none
      return `${style.padEnd(12)} n ${String(n).padStart(4)}  right ${percent(right / n)}  one choice away ${percent((right + nearby) / n)}  wrong ${percent(off / n)}`
    })
    console.log(
      `[${segmenter}] ${all} questions: right ${percent(sum('right') / all)}, right or one choice away ${percent((sum('right') + sum('nearby')) / all)}, wrong ${percent(sum('wrong') / all)}\n${figures.join('\n')}`,
    )
    expect(sum('right') / all).toBeGreaterThanOrEqual(floor.right)
    expect((sum('right') + sum('nearby')) / all).toBeGreaterThanOrEqual(floor.nearby)
    expect(sum('wrong') / all, wrong.join('\n')).toBeLessThanOrEqual(floor.wrong)
    for (const [style, { right, nearby, wrong: off, none }] of styles)
      expect(right / (right + nearby + off + none), style).toBeGreaterThanOrEqual(floor.style)
  })

  it.each([
    { file: 'test/questions/_hand-over.yaml', most: 'told' },
    { file: 'test/questions/_life.yaml', most: 'toldOfLife' },
  ] as const)(
    'that no document answers are not answered with a policy: $file',
    { timeout: 60_000 },
    async (list) => {
      const told: string[] = []
      let urgent = 0
      const questions = readOutOfScope(list.file)
      for (const { ask: text, region } of questions) {
        const reply = await ask(text, region)
        if (reply.decision === 'answer') told.push(`${text} → ${reply.entries[0]} ${reply.score.toFixed(2)}`)
        if (reply.decision === 'urgent') urgent++
      }
      console.log(
        `[${segmenter}] ${list.file}, ${questions.length} out of scope: answered ${percent(told.length / questions.length)}, taken for urgent ${percent(urgent / questions.length)}`,
      )
      expect(told.length / questions.length, told.join('\n')).toBeLessThanOrEqual(floor[list.most])
    },
  )

  it('asked of a region whose document is silent are met with honesty', { timeout: 60_000 }, async () => {
    const { content, catalog } = bot.knowledge() ?? {}
    const silent = readQuestions().flatMap((question) => {
      const answers = content?.intents.find(({ id }) => id === question.intent)?.answers ?? {}
      const other = content?.regions.find(({ id }) => !answers[id])
      // Who names a region, in pinyin too, asks that one.
      const named = catalog?.readQuestion(normalize(question.ask).text).regions ?? []
      return named.length > 0 || other === undefined ? [] : [{ ...question, region: other.id }]
    })
    let told = 0
    for (const { ask: text, region } of silent) if ((await ask(text, region)).decision === 'answer') told++
    console.log(
      `[${segmenter}] ${silent.length} asked where the document is silent: answered with another entry ${percent(told / silent.length)}`,
    )
    expect(told / silent.length).toBeLessThanOrEqual(floor.elsewhere)
  })
})

// Listed as jieba sees it. With the other segmenter the test is not there at all: a skipped one counts as a failure.
if (segmenter === 'jieba')
  it('what is known to be missed is missed still, or struck off', async () => {
    const misses = parse(readFileSync('test/questions/_known-misses.yaml', 'utf8')) as {
      ask: string
      region?: string
      wanted: string
    }[]
    const works: string[] = []
    for (const { ask: text, region, wanted } of misses) {
      const reply = await ask(text, region)
      const isRight =
        wanted === 'hand-over'
          ? reply.decision !== 'answer'
          : reply.decision === 'answer' && reply.entries[0] === wanted
      if (isRight) works.push(text)
    }
    expect(works, 'these work now: strike them off').toEqual([])
  })

const percent = (share: number): string => `${(100 * share).toFixed(1)} %`.padStart(7)
