import { type ChildProcess, spawn } from 'node:child_process'
import { cpSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { buildCatalog } from '../src/answer/catalog.ts'
import { startBot } from '../src/bot.ts'
import { loadContent } from '../src/content/load.ts'
import { createLog } from '../src/log.ts'
import { openDatabase } from '../src/store/database.ts'
import { tokenizer } from '../src/text/views.ts'
import { readQuestions } from './labelled.ts'
import { stopwatch } from './measure.ts'
import { ODD_MESSAGES } from './odd-messages.ts'

/** The whole house as an operator meets it: a process that starts, answers over HTTP and follows edits. */
export async function benchHouse(): Promise<Record<string, unknown>> {
  const figures: Record<string, unknown> = {}
  for (const segmenter of ['jieba', 'intl'] as const) {
    const served = await measureServer(segmenter)
    const inside = await measureInside(segmenter)
    figures[segmenter] = { ...served, ...inside }
  }
  return figures
}

async function measureServer(segmenter: string) {
  const data = mkdtempSync(join(tmpdir(), 'qingda-bench-'))
  const start = performance.now()
  const server = spawn(process.execPath, ['--import', 'tsx', 'src/main.ts'], {
    env: { ...process.env, PORT: '0', DATA_DIR: data, SEGMENTER: segmenter, LOG_LEVEL: 'error' },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  try {
    const url = await addressOf(server)
    const ask = async (visitor: string, text: string): Promise<void> => {
      const response = await fetch(`${url}/api/messages`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ visitor, text, region: 'liandu' }),
      })
      await response.arrayBuffer()
    }
    await ask('first', '担保费能减多少')
    const firstAnswer = performance.now() - start

    // One visitor each, so that neither the order of one visitor's messages nor its pace is measured.
    const asked = 600
    const begin = performance.now()
    let next = 0
    await Promise.all(
      Array.from({ length: 8 }, async () => {
        while (next < asked) await ask(`visitor ${next}`, QUESTIONS[next++ % QUESTIONS.length] ?? '')
      }),
    )
    const perSecond = asked / ((performance.now() - begin) / 1000)
    return {
      'start to first answer, s': round(firstAnswer / 1000),
      'replies per second over HTTP': Math.round(perSecond),
      'resident memory, MB': residentMegabytes(server.pid ?? 0),
    }
  } finally {
    server.kill('SIGTERM')
    await new Promise((resolve) => server.once('exit', resolve))
    rmSync(data, { recursive: true, force: true })
  }
}

async function measureInside(segmenter: 'jieba' | 'intl') {
  const folder = mkdtempSync(join(tmpdir(), 'qingda-bench-'))
  cpSync('knowledge', join(folder, 'knowledge'), { recursive: true })
  cpSync('intents', join(folder, 'intents'), { recursive: true })
  const db = await openDatabase(':memory:')
  const bot = await startBot({ contentDir: folder, db, log: createLog('silent'), segmenter, unlimited: true })
  const times: number[] = []
  const questions = readQuestions()
  for (const [i, { ask, region }] of [...questions, ...questions].entries()) {
    const begin = performance.now()
    await bot.respond({ id: String(i), address: { channel: 'bench', chat: String(i) }, text: ask, region })
    if (i >= questions.length) times.push(performance.now() - begin)
  }
  times.sort((a, b) => a - b)

  // The best of three: what is asked is how much work a message makes, not what else the machine does.
  const odd = new Map<string, number>()
  for (let round = 0; round < 3; round++)
    for (const [name, text] of Object.entries(ODD_MESSAGES)) {
      const id = `${name} ${round}`
      const lap = stopwatch()
      await bot.respond({ id, address: { channel: 'bench', chat: id }, text, region: 'liandu' })
      odd.set(name, Math.min(lap().cpu, odd.get(name) ?? Number.POSITIVE_INFINITY))
    }
  const worst = [...odd].sort(([, a], [, b]) => b - a).slice(0, 3)

  const delay = monitorEventLoopDelay({ resolution: 5 })
  delay.enable()
  const begin = performance.now()
  const { content } = await loadContent(folder, nextTurn)
  if (content) await buildCatalog(content, tokenizer(bot.segmenter, content.concepts), nextTurn)
  const reload = performance.now() - begin
  delay.disable()
  await bot.stop()
  await db.destroy()
  rmSync(folder, { recursive: true, force: true })
  return {
    'answer p50, ms': round(times[times.length >> 1] ?? 0),
    'answer p99, ms': round(times[Math.floor(times.length * 0.99)] ?? 0),
    'longest answers to odd messages, ms of CPU': worst
      .map(([name, ms]) => `${name}: ${round(ms)}`)
      .join('; '),
    'reload of all content, ms': Math.round(reload),
    'longest pause during the reload, ms': Math.round(delay.max / 1e6),
  }
}

const nextTurn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))
const QUESTIONS = [
  '担保费能减多少',
  '有没有便宜的房子租',
  '想当志愿者',
  '亲青恋基地有几个',
  '实习补贴多少钱',
  '城市书房在哪',
  '公积金怎么提取',
  '你好',
]

function addressOf(server: ChildProcess): Promise<string> {
  return new Promise((resolve, reject) => {
    let printed = ''
    server.stdout?.on('data', (chunk: Buffer) => {
      printed += chunk.toString()
      const url = /https?:\/\/[\w.:[\]-]+/.exec(printed)?.[0]
      if (url) resolve(url)
    })
    server.once('exit', (code) =>
      reject(new Error(`the server ended with ${code} before it printed its address`)),
    )
  })
}

function residentMegabytes(pid: number): number {
  const kilobytes = /VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]
  return Math.round(Number(kilobytes) / 1024)
}

const round = (value: number): number => Math.round(value * 100) / 100
