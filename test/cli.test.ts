import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { sql } from 'kysely'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { z } from 'zod'
import { openDatabase } from '../src/store/database.ts'
import { run } from './fakes/command.ts'
import { type ContentFolder, smallContent } from './fakes/content-folder.ts'

// Each test starts a process, and some machines run everything else beside it.
vi.setConfig({ testTimeout: 90_000, hookTimeout: 90_000, maxConcurrency: 3 })

const ASK = 'src/cli/ask.ts'
const CHECK = 'src/cli/check.ts'
const TALK = 'src/cli/talk.ts'
const SOURCE = '出处：《莲都区建设青年发展型市区2023年重点工作方案》（三）3'
const STATUS = '这是2023年的年度计划，期限已过'

// What outsiders rely on (design §6); fields are only ever added, so a stranger here is a mistake or a new contract.
const contract = z.strictObject({
  id: z.string().optional(),
  decision: z.enum(['answer', 'ask-back', 'hand-over', 'act', 'small-talk', 'urgent']),
  entries: z.array(z.string().regex(/^[a-z0-9-]+$/)).max(5),
  intent: z.string().optional(),
  facet: z.string().optional(),
  region: z.string().optional(),
  text: z.string().min(1),
  choices: z.array(z.strictObject({ label: z.string().min(1), entry: z.string().optional() })),
  score: z.number().min(0).max(1),
  ms: z.number().min(0),
})
const lines = (out: string) =>
  out
    .trimEnd()
    .split('\n')
    .map((line) => contract.parse(JSON.parse(line)))

let small: ContentFolder
let env: { CONTENT_DIR: string }
beforeAll(async () => {
  small = await smallContent()
  env = { CONTENT_DIR: small.root }
})
afterAll(() => small.remove())

describe.concurrent('ask', () => {
  it('“担保费减免” --region 莲都 prints the answer with its source, cut by jieba over the shipped content', async ({
    expect,
  }) => {
    const { code, out } = await run(ASK, ['担保费减免', '--region', '莲都'], { env: { SEGMENTER: 'jieba' } })
    expect(out).toContain('75%以上')
    expect(out).toContain(SOURCE)
    expect(out).toMatch(/^1\. .+/m)
    expect(code).toBe(0)
  })

  it('--json prints one line, the object outsiders rely on', async ({ expect }) => {
    const { code, out, err } = await run(ASK, ['担保费', '减免', '--region', '莲都区', '--json'], { env })
    expect(out.trimEnd().split('\n')).toHaveLength(1)
    const [reply] = lines(out)
    expect(reply).toMatchObject({
      decision: 'answer',
      intent: 'cheaper-guarantee',
      region: 'liandu',
      text: expect.stringContaining(SOURCE),
    })
    expect(reply?.entries[0]).toBe('liandu-guarantee-fee')
    expect(reply?.choices.length).toBeGreaterThan(0)
    for (const [i, { label }] of (reply?.choices ?? []).entries())
      expect(reply?.text).toContain(`${i + 1}. ${label}`)
    expect(err).toBe('')
    expect(code).toBe(0)
  })

  it.for([
    ['before the plan', '2023-05-28', '这项内容从2023年5月29日起才适用。'],
    ['on the last day of the plan', '2023-12-31', undefined],
    ['the day after the plan', '2024-01-01', STATUS],
  ] as const)('--as-of %s tells whether it holds', async ([, day, status], { expect }) => {
    const { code, out } = await run(ASK, ['担保费减免', '--region', '莲都', '--as-of', day, '--explain'], {
      env,
    })
    expect(out).toContain(SOURCE)
    if (status) expect(out).toContain(status)
    else expect(out).not.toMatch(/期限已过|才适用/)
    // --explain: the candidates and what speaks for each.
    expect(out).toMatch(/^1\. liandu-guarantee-fee {2}可能性 \d+\.\d%$/m)
    expect(out).toMatch(/^ +-?\d+\.\d\d █+·* [a-z-]+/m)
    expect(code).toBe(0)
  })
})

describe('ask --jsonl', () => {
  const asked = [
    '{"id": "a", "text": "担保费减免", "region": "莲都"}',
    'not json at all',
    '{"text": "青年公寓", "region": "kunming", "visitor": "小李"}',
    '',
    '{"id": "没有text"}',
    '{"id": "b", "text": "那莲都呢", "visitor": "小李"}',
    '{"id": "c", "text": "那莲都呢"}',
    '{"id": "d", "text": "谢谢"}\r',
    '{"id": "e", "text": "我想自杀"}',
  ].join('\n')
  let result: Awaited<ReturnType<typeof run>>
  beforeAll(async () => {
    result = await run(ASK, ['--jsonl'], { env, input: asked })
  })

  it('writes one object a line, in the order of the questions, and keeps their ids', () => {
    expect(lines(result.out).map(({ id }) => id)).toEqual(['a', undefined, 'b', 'c', 'd', 'e'])
  })

  it('knows a region by id and by any name', () => {
    const [first, second] = lines(result.out)
    expect([first?.region, first?.entries[0]]).toEqual(['liandu', 'liandu-guarantee-fee'])
    expect([second?.region, second?.entries[0]]).toEqual(['kunming', 'kunming-qingju'])
  })

  it('holds one conversation for each visitor, and a line without one stands alone', () => {
    const [, , follow, alone] = lines(result.out)
    expect([follow?.decision, follow?.entries[0]]).toEqual(['answer', 'liandu-youth-flat'])
    expect(alone?.decision).not.toBe('answer')
  })

  it('skips bad lines, tells their numbers and ends with 1', () => {
    const told = result.err.trimEnd().split('\n')
    expect(told.map((line) => /^line (\d+):/.exec(line)?.[1])).toEqual(['2', '5'])
    expect(result.err).not.toContain('not json at all')
    expect(result.code).toBe(1)
  })

  it('ends with 0 when every line is good', async () => {
    const { code, out, err } = await run(ASK, ['--jsonl'], {
      env,
      input: '{"text": "你好"}\n{"text": "帮助"}',
    })
    expect(lines(out).map(({ decision }) => decision)).toEqual(['small-talk', 'act'])
    expect(err).toBe('')
    expect(code).toBe(0)
  })
})

describe.concurrent('check', () => {
  it('over the shipped content finds no error and ends with 0', async ({ expect }) => {
    const { code, out } = await run(CHECK)
    expect(out).toMatch(/没有错误。\d+ 条答案，\d+ 个意图/)
    expect(code).toBe(0)
  })

  it.for([
    ['check', CHECK, []],
    ['ask', ASK, ['担保费']],
    ['talk', TALK, []],
  ] as const)(
    '%s over broken content names file, line and cure, all at once, and ends with 1',
    async ([, file, args], { expect }) => {
      const broken = await smallContent()
      broken.edit('intents/finance/cheaper-guarantee.yaml', 'phrasings:', 'phrasing:')
      broken.edit('knowledge/phrases.yaml', /^sorry: /m, 'sory: ')
      const { code, out, err } = await run(file, args, { env: { CONTENT_DIR: broken.root } })
      await broken.remove()
      const told = out + err
      expect(told).toMatch(
        /intents\/finance\/cheaper-guarantee\.yaml:5 {2}不认识的键“phrasing”。[\s\S]+是不是想写“phrasings”？/,
      )
      expect(told).toMatch(/knowledge\/phrases\.yaml:\d+ {2}不认识的键“sory”。[\s\S]+是不是想写“sorry”？/)
      expect(code).toBe(1)
    },
  )
})

describe.concurrent('a call that is wrong', () => {
  it.for([
    [
      'an unknown region',
      ASK,
      ['担保费', '--region', '火星'],
      '没有叫“火星”的地区，可用的有：莲都、昆明、呼和浩特',
    ],
    ['a day no calendar has', ASK, ['担保费', '--as-of', '2026-02-30'], '--as-of 要写成 2026-11-22 这样'],
    ['no question', ASK, [], '写一个问题，或用 --jsonl 从标准输入读。'],
    ['an unknown option of ask', ASK, ['担保费', '--regoin', '莲都'], '--regoin'],
    ['an unknown option of check', CHECK, ['--jsno'], '--jsno'],
    ['an unknown region of talk', TALK, ['--region', '火星'], '没有叫“火星”的地区'],
  ] as const)(
    '%s is told, the help is shown, and it ends with 2',
    async ([, file, args, told], { expect }) => {
      const { code, out, err } = await run(file, args, { env })
      expect(err).toContain(told)
      expect(err).toContain('--help')
      expect(err).not.toMatch(/^ +at /m)
      expect(out).toBe('')
      expect(code).toBe(2)
    },
  )

  const commands = Object.values(
    (JSON.parse(readFileSync('package.json', 'utf8')) as { scripts: Record<string, string> }).scripts,
  ).flatMap((script) => /^tsx (src\/\S+)$/.exec(script)?.[1] ?? [])
  it.for(commands)('%s --help explains itself and ends with 0', async (file, { expect }) => {
    const { code, out, err } = await run(file, ['--help'], { env })
    expect(out).toContain('npm ')
    expect(err).toBe('')
    expect(code).toBe(0)
  })
})

describe.concurrent('a setting that is wrong', () => {
  it.for([
    ['TELEGRAM_TOKEN', 'not-a-token-but-maybe-secret'],
    ['CONTENT_DIR', '/nowhere/at/all'],
  ] as const)('%s is named, its value is not, and it ends with 3', async ([name, value], { expect }) => {
    const { code, out, err } = await run(ASK, ['担保费'], { env: { ...env, [name]: value } })
    expect(err).toContain(`${name} is not right.`)
    expect(err).not.toContain(value)
    expect(err).not.toMatch(/^ +at /m)
    expect(out).toBe('')
    expect(code).toBe(3)
  })
})

describe.concurrent('a database that cannot be opened', () => {
  let data: string
  beforeAll(async () => {
    data = await mkdtemp(join(tmpdir(), 'qingda-data-'))
    for (const folder of ['damaged', 'newer']) mkdirSync(join(data, folder))
    writeFileSync(join(data, 'damaged', 'qingda.sqlite'), 'not a database'.repeat(1000))
    writeFileSync(join(data, 'file'), '')
    const db = await openDatabase(join(data, 'newer', 'qingda.sqlite'))
    await sql`insert into kysely_migration (name, timestamp) values ('999-of-tomorrow', '2099-01-01')`.execute(
      db,
    )
    await db.destroy()
  })
  afterAll(() => rm(data, { recursive: true, force: true }))

  it.for([
    ['damaged', 'src/main.ts', [], 'put the last backup in their place'],
    ['damaged', 'src/cli/notice.ts', ['list'], 'put the last backup in their place'],
    ['newer', 'src/main.ts', [], 'A newer version of the bot has written it'],
    ['file', 'src/main.ts', [], 'Set it to a folder'],
    ['file/below', 'src/main.ts', [], 'Set it to a folder'],
  ] as const)(
    '%s is told by %s with its cure, and it ends with 3',
    async ([folder, file, args, cure], { expect }) => {
      const { code, out, err } = await run(file, args, {
        env: { ...env, DATA_DIR: join(data, folder), PORT: '0' },
      })
      expect(err).toContain(`DATA_DIR (${join(data, folder)}) cannot be opened`)
      expect(err).toContain(cure)
      expect(err).not.toMatch(/^ +at /m)
      expect(out).toBe('')
      expect(code).toBe(3)
    },
  )

  it.runIf(existsSync('/proc/self'))(
    'that cannot be made is told at once, and it ends with 3',
    async ({ expect }) => {
      const { code, err } = await run('src/main.ts', [], {
        env: { ...env, DATA_DIR: '/proc/nowhere/data', PORT: '0' },
      })
      expect(err).toContain('DATA_DIR (/proc/nowhere/data) cannot be opened')
      expect(err).toContain('Give a folder this user may write to.')
      expect(code).toBe(3)
    },
  )
})

describe('talk', () => {
  it('holds a conversation over a pipe and ends with its input', async () => {
    const { code, out, err } = await run(TALK, ['--region', '莲都'], { env, input: '担保费减免\n\n谢谢\n' })
    expect(out).toContain('你好，我是青答')
    expect(out).toContain(SOURCE)
    expect(out).toContain('不客气')
    expect(out.match(/青答: /g)).toHaveLength(2)
    expect(err).toBe('')
    expect(code).toBe(0)
  })
})
