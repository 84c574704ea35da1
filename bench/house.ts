import { type ChildProcess, spawn } from 'node:child_process'
import { appendFileSync, cpSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { setTimeout as after } from 'node:timers/promises'
import { startBot } from '../src/bot.ts'
import { createLog } from '../src/log.ts'
import { openDatabase } from '../src/store/database.ts'
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
  const server = spawn(process.execPath, startedWith(), {
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
    const { pid = 0 } = server
    const worked = secondsOfProcessor(pid)

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
      'the same, s of CPU of all threads': worked,
      'replies per second over HTTP': Math.round(perSecond),
      'resident memory, MB': residentMegabytes(pid),
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
  const bot = await startBot({
    contentDir: folder,
    db,
    log: createLog('silent'),
    segmenter,
    unlimited: true,
    watch: true,
    lastGood: join(folder, 'last-good-content.json'),
  })
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
  const before = bot.knowledge()
  delay.enable()
  const begin = performance.now()
  appendFileSync(join(folder, 'knowledge', 'phrases.yaml'), '# edited\n')
  while (bot.knowledge() === before) await after(5)
  const live = performance.now() - begin
  // The copy for the next start is written once the content is live.
  await after(200)
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
    'from an edit to its being live, ms': Math.round(live),
    'longest pause meanwhile, ms': Math.round(delay.max / 1e6),
  }
}

/** How `npm start` starts the server: flags, then the file. */
export function startedWith(): string[] {
  const { scripts } = JSON.parse(readFileSync('package.json', 'utf8')) as { scripts: { start: string } }
  return scripts.start.split(' ').slice(1)
}

/** Of the whole process so far: tells more than the clock when others use the machine. */
function secondsOfProcessor(pid: number): number {
  const [user = 0, system = 0] = readFileSync(`/proc/${pid}/stat`, 'utf8')
    .split(' ')
    .slice(13, 15)
    .map(Number)
  return (user + system) / 100
}

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
