import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { type Bot, startBot } from '../src/bot.ts'
import { plainText } from '../src/model/conversation.ts'
import { type Database, openDatabase } from '../src/store/database.ts'
import { type ContentFolder, shippedContent, smallContent } from './fakes/content-folder.ts'
import { listening } from './fakes/log.ts'

const FEE = 'knowledge/faq/liandu/finance/guarantee-fee.md'
const INTENT = 'intents/finance/cheaper-guarantee.yaml'
const SAID = '减的是担保费，不是贷款利息。'
const QUESTION = '担保费减免'
const LIVE = { timeout: 5000, interval: 20 }

let folder: ContentFolder
let db: Database
let log: ReturnType<typeof listening>
let bots: Bot[]
beforeEach(async () => {
  db = await openDatabase(':memory:')
  log = listening()
  bots = []
})
afterEach(async () => {
  await Promise.all(bots.map((bot) => bot.stop()))
  await db.destroy()
  await folder.remove()
})

async function running(options: { watch?: boolean; lastGood?: string } = {}): Promise<Bot> {
  const bot = await startBot({
    contentDir: folder.root,
    db,
    log,
    segmenter: 'intl',
    unlimited: true,
    watch: true,
    ...options,
  })
  bots.push(bot)
  return bot
}

let count = 0
async function ask(bot: Bot, text = QUESTION) {
  const reply = await bot.respond({
    id: String(++count),
    address: { channel: 'test', chat: `${count}` },
    text,
    region: '莲都',
  })
  if (reply === undefined) throw new Error(`no reply to ${text}`)
  return { ...reply, text: plainText(reply) }
}

const heard = (part: string) => log.lines.filter(({ message }) => message.includes(part))
const live = (bot: Bot, answer: string) =>
  vi.waitFor(async () => expect((await ask(bot)).text).toContain(answer), LIVE)

describe('a running bot', () => {
  beforeEach(async () => {
    folder = await smallContent()
  })

  it('an edited answer is live at once, without a restart', async () => {
    const bot = await running()
    expect((await ask(bot)).text).toContain(SAID)
    folder.edit(FEE, SAID, '以2027年的新办法为准。')
    await live(bot, '以2027年的新办法为准。')
  })

  it('an edit made while the bot is still starting is not lost', async () => {
    const starting = running()
    folder.edit(FEE, SAID, '启动时改的一句。')
    const bot = await starting
    await live(bot, '启动时改的一句。')
  })

  it('a new phrasing and a new answer are live', async () => {
    const bot = await running()
    folder.edit(INTENT, 'phrasings:\n', 'phrasings:\n  - 乌拉乌拉火星基金\n')
    await vi.waitFor(
      async () => expect((await ask(bot, '乌拉乌拉火星基金')).entries[0]).toBe('liandu-guarantee-fee'),
      LIVE,
    )
  })

  it('an editor that writes beside the file and renames is followed', async () => {
    const bot = await running()
    const { rename } = await import('node:fs/promises')
    const path = join(folder.root, FEE)
    await writeFile(`${path}~`, (await readFile(path, 'utf8')).replace(SAID, '改名写入的一句。'))
    await rename(`${path}~`, path)
    await live(bot, '改名写入的一句。')
  })

  interface Row {
    readonly happens: string
    readonly how: () => void
    readonly file: string
    readonly line: number | undefined
    readonly cure: string
  }
  const rows: Row[] = [
    {
      happens: 'a half-written file',
      how: () => folder.write(FEE, folder.read(FEE).slice(0, 60)),
      file: FEE,
      line: 1,
      cure: '写在两行“---”之间',
    },
    {
      happens: 'an empty file',
      how: () => folder.write(INTENT, ''),
      file: INTENT,
      line: 1,
      cure: '补上一行“intent: …”。',
    },
    {
      happens: 'a wrong key',
      how: () => folder.edit(FEE, 'aliases:', 'alliases:'),
      file: FEE,
      line: 6,
      cure: '是不是想写“aliases”？',
    },
    {
      happens: 'broken YAML',
      how: () => folder.edit(INTENT, '  - 担保费\n', '\t- 担保费\n'),
      file: INTENT,
      line: 6,
      cure: '缩进请用空格，不要用 Tab。',
    },
    {
      happens: 'a wording whose brackets do not pair',
      how: () => folder.edit('intents/acts.yaml', '取消…订阅,', '取消…(订阅,'),
      file: 'intents/acts.yaml',
      line: undefined,
      cure: '括号要成对',
    },
    {
      happens: 'a deleted answer',
      how: () => folder.delete(FEE),
      file: INTENT,
      line: 4,
      cure: '改成',
    },
    {
      happens: 'a deleted file of the bot’s own sentences',
      how: () => folder.delete('knowledge/phrases.yaml'),
      file: 'knowledge/phrases.yaml',
      line: undefined,
      cure: '恢复这个文件',
    },
    {
      happens: 'a deleted folder of answers',
      how: () => folder.delete('knowledge/faq/liandu/finance'),
      file: INTENT,
      line: 4,
      cure: '改成',
    },
    {
      happens: 'a deleted folder of intents',
      how: () => folder.delete('intents/finance'),
      file: FEE,
      line: 2,
      cure: '在 intents/ 里给它加一个意图',
    },
    {
      happens: 'everything deleted',
      how: () => {
        folder.delete('knowledge')
        folder.delete('intents')
      },
      file: 'knowledge/regions.yaml',
      line: undefined,
      cure: '恢复这个文件',
    },
  ]
  it.each(rows)(
    '$happens leaves the last good content serving and says what to mend; mended, it goes live',
    async (row) => {
      const bot = await running()
      const spare = await smallContent()
      const sound = [FEE, INTENT].map((file) => [file, folder.read(file)] as const)
      row.how()
      await vi.waitFor(() => expect(heard('the last good content stays')).not.toEqual([]), LIVE)

      expect((await ask(bot)).text).toContain(SAID)
      const told = log.lines.find(({ level, fields }) => level === 'error' && fields.file === row.file)
      expect(told?.fields, log.lines.map(({ message }) => message).join('\n')).toMatchObject({
        file: row.file,
      })
      expect(told?.fields.line).toBe(row.line)
      expect(told?.message).toContain(row.line === undefined ? row.file : `${row.file}:${row.line}`)
      expect(told?.message).toContain(row.cure)

      spare.copyTo(folder.root)
      for (const [file, text] of sound) folder.write(file, text.replace(SAID, '修好以后的一句。'))
      await live(bot, '修好以后的一句。')
      await spare.remove()
    },
  )

  it('stops following when it is stopped', async () => {
    const bot = await running()
    await bot.stop()
    const before = log.lines.length
    folder.edit(FEE, SAID, '停下以后改的。')
    expect((await ask(bot)).text).toContain(SAID)
    expect(log.lines).toHaveLength(before)
  })
})

describe('a start over broken content', () => {
  let data: string
  beforeEach(async () => {
    folder = await smallContent()
    data = await mkdtemp(join(tmpdir(), 'qingda-data-'))
  })
  afterEach(async () => {
    // A bot that is stopping still writes its snapshot.
    await Promise.all(bots.splice(0).map((bot) => bot.stop()))
    await rm(data, { recursive: true, force: true })
  })

  const MAINTENANCE = '资料正在维护'
  const breakIt = () => folder.edit(FEE, 'region: liandu', 'region: liandou')

  it('serves the last good snapshot and says so', async () => {
    const lastGood = join(data, 'deep', 'last-good.json')
    const first = await running({ watch: false, lastGood })
    await first.stop()
    breakIt()
    const second = await running({ lastGood })
    expect((await ask(second)).text).toContain(SAID)
    expect(heard('the last good content stays')).toHaveLength(1)
    expect(heard(`${FEE}:4`)[0]?.message).toContain('是不是想写“liandu”？')

    folder.edit(FEE, 'region: liandou', 'region: liandu')
    folder.edit(FEE, SAID, '修好以后的一句。')
    await live(second, '修好以后的一句。')
  })

  it('serves what was live last, not what was live first', async () => {
    const lastGood = join(data, 'last-good.json')
    const first = await running({ lastGood })
    folder.edit(FEE, SAID, '后来改的一句。')
    await live(first, '后来改的一句。')
    breakIt()
    await vi.waitFor(() => expect(heard('the last good content stays')).not.toEqual([]), LIVE)
    await first.stop()
    const second = await running({ watch: false, lastGood })
    expect((await ask(second)).text).toContain('后来改的一句。')
  })

  it('that only shows when it is made ready for talking serves the last good snapshot as well', async () => {
    const lastGood = join(data, 'last-good.json')
    const first = await running({ watch: false, lastGood })
    await first.stop()
    folder.edit('intents/urgent.yaml', '- (', '- ((')
    const second = await running({ watch: false, lastGood })
    expect((await ask(second)).text).toContain(SAID)
    expect(heard('intents/urgent.yaml')[0]?.message).toContain('括号要成对')
  })

  it.each([
    ['there is no snapshot', undefined],
    ['the snapshot was cut off', '{"regions": ['],
    ['the snapshot is of another version', '{"regions": []}'],
  ])('%s: only urgent messages are answered, the others hear of the maintenance', async (_, snapshot) => {
    const lastGood = join(data, 'last-good.json')
    if (snapshot !== undefined) await writeFile(lastGood, snapshot)
    breakIt()
    const bot = await running({ lastGood })
    const question = await ask(bot)
    expect(question.decision).toBe('hand-over')
    expect(question.text).toContain(MAINTENANCE)
    const urgent = await ask(bot, '我想自杀')
    expect(urgent.decision).toBe('urgent')
    expect(urgent.text).toMatch(/12356|120|110/)
    expect(heard('no good one is at hand')).toHaveLength(1)

    folder.edit(FEE, 'region: liandou', 'region: liandu')
    await live(bot, SAID)
  })
})

describe('a reload of all the shipped content', () => {
  beforeEach(async () => {
    folder = await shippedContent()
  })

  it('keeps the replies coming, each wholly from the old content or wholly from the new', async () => {
    const bot = await running()
    await ask(bot)
    const delay = monitorEventLoopDelay({ resolution: 10 })
    delay.enable()
    folder.edit(FEE, SAID, '新的一句。')
    const replies: string[] = []
    await vi.waitFor(
      async () => {
        replies.push((await ask(bot)).text)
        expect(replies.at(-1)).toContain('新的一句。')
      },
      { timeout: 25_000, interval: 50 },
    )
    delay.disable()
    expect(replies.length).toBeGreaterThan(3)
    for (const reply of replies.slice(0, -1)) expect(reply).toContain(SAID)
    // Generous: a machine that runs other tests at the same time is slow, a blocked loop is slower.
    expect(delay.max / 1e6).toBeLessThan(3000)
  })
})
