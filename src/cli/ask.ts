import { createRequire } from 'node:module'
import { createInterface } from 'node:readline'
import { parseArgs } from 'node:util'
import type * as zod from 'zod'
import { type Bot, startBot } from '../bot.ts'
import { createLog } from '../log.ts'
import { plainText, type Reply } from '../model/conversation.ts'
import { openDatabase } from '../store/database.ts'
import { regionByName } from '../talk/converse.ts'
import { EXIT, runCommand, UsageError } from './command.ts'
import { asContract } from './contract.ts'

// By `require`, as in `config.ts`.
const { z } = createRequire(import.meta.url)('zod') as typeof zod

const HELP = `问一句，看机器人怎么答。什么都不会被保存。

  npm run -s ask -- "担保费能减多少" [--region 莲都] [--as-of 2026-11-22] [--json] [--explain]
  npm run -s ask -- --jsonl < questions.jsonl

  --region NAME    所在地区：编号或名称
  --as-of DATE     当作这一天来回答(判断文件是否过期)
  --json           输出一行 JSON
  --explain        列出候选答案和理由
  --jsonl          从标准输入逐行读 {"id"?, "text", "region"?, "visitor"?}，逐行输出
  --help           显示这段说明`

const line = z.object({
  id: z.union([z.string(), z.number()]).transform(String).optional(),
  text: z.string(),
  region: z.string().optional(),
  visitor: z.string().optional(),
})

await runCommand(HELP, async (config) => {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      region: { type: 'string' },
      'as-of': { type: 'string' },
      json: { type: 'boolean' },
      jsonl: { type: 'boolean' },
      explain: { type: 'boolean' },
      help: { type: 'boolean', short: 'h' },
    },
  })
  const text = positionals.join(' ')
  if ((text === '') !== Boolean(values.jsonl)) throw new UsageError('写一个问题，或用 --jsonl 从标准输入读。')
  const asOf = values['as-of'] === undefined ? undefined : readDay(values['as-of'])

  const bot = await startBot({
    contentDir: config.CONTENT_DIR,
    db: await openDatabase(':memory:'),
    log: createLog('error'),
    now: () => asOf ?? new Date(),
    defaultRegion: config.DEFAULT_REGION,
    segmenter: config.SEGMENTER,
    unlimited: true,
  })
  const content = bot.knowledge()?.content
  if (content === undefined) return EXIT.input
  if (values.region !== undefined && regionByName(content, values.region) === undefined)
    throw new UsageError(
      `没有叫“${values.region}”的地区，可用的有：${content.regions.map(({ name }) => name).join('、')}。`,
    )
  if (values.jsonl) return answerLines(bot)

  const { reply, ms } = await ask(bot, 'one', 1, text, values.region)
  console.log(values.json ? JSON.stringify(asContract(undefined, reply, ms)) : plainText(reply))
  if (values.explain) explain(reply)
  await bot.stop()
  return EXIT.fine
})

/** Noon of a day in Asia/Shanghai. */
function readDay(day: string): Date {
  const noon = new Date(`${day}T12:00:00+08:00`)
  if (!z.iso.date().safeParse(day).success)
    throw new UsageError(`--as-of 要写成 2026-11-22 这样，不是“${day}”。`)
  return noon
}

async function answerLines(bot: Bot): Promise<number> {
  let number = 0
  let failed = false
  for await (const input of createInterface({ input: process.stdin, crlfDelay: Number.POSITIVE_INFINITY })) {
    number++
    if (input.trim() === '') continue
    const read = line.safeParse(parseJson(input))
    if (!read.success) {
      console.error(`line ${number}: not {"id"?, "text", "region"?, "visitor"?}; the line is skipped`)
      failed = true
      continue
    }
    const { id, text, region, visitor } = read.data
    const { reply, ms } = await ask(
      bot,
      visitor === undefined ? `line ${number}` : `visitor ${visitor}`,
      number,
      text,
      region,
    )
    if (!process.stdout.write(`${JSON.stringify(asContract(id, reply, ms))}\n`))
      await new Promise((resolve) => process.stdout.once('drain', resolve))
  }
  await bot.stop()
  return failed ? EXIT.input : EXIT.fine
}

function parseJson(input: string): unknown {
  try {
    return JSON.parse(input)
  } catch {
    return undefined
  }
}

async function ask(bot: Bot, chat: string, number: number, text: string, region: string | undefined) {
  const start = performance.now()
  const reply = await bot.respond({
    id: String(number),
    address: { channel: 'terminal', chat },
    text,
    ...(region ? { region } : {}),
  })
  if (reply === undefined) throw new Error('the bot gave no reply')
  return { reply, ms: Math.round((performance.now() - start) * 100) / 100 }
}

/** A table for each candidate: how much speaks for it, as a bar too, in which view, and which words. */
function explain(reply: Reply): void {
  for (const [i, { entry, score, because }] of (reply.reasons ?? []).entries()) {
    console.log(`\n${i + 1}. ${entry}  可能性 ${(100 * score).toFixed(1)}%`)
    const most = Math.max(1, ...because.map(({ weight }) => Math.abs(weight)))
    for (const { view, detail, weight } of because) {
      const bar = '█'.repeat(Math.round((10 * Math.abs(weight)) / most)).padEnd(10, '·')
      console.log(`   ${weight.toFixed(2).padStart(6)} ${bar} ${view.padEnd(16)} ${detail}`.trimEnd())
    }
  }
}
