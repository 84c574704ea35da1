import { spawn } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { writeXlsx } from 'hucre/xlsx'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { type Finished, run } from './fakes/command.ts'
import { filesOf } from './fakes/content-folder.ts'

// Each test starts a process, and some machines run everything else beside it.
vi.setConfig({ testTimeout: 90_000, hookTimeout: 180_000, maxConcurrency: 3 })

const IMPORT = 'src/cli/import.ts'
const ASK = 'src/cli/ask.ts'

let place: string
beforeAll(() => {
  place = mkdtempSync(join(tmpdir(), 'qingda-import-'))
})
afterAll(() => rmSync(place, { recursive: true, force: true }))

/** Writes a table into a folder of its own and imports it into `content` beside it. */
async function importing(
  name: string,
  bytes: string | Uint8Array,
  args: readonly string[] = [],
): Promise<Finished & { dir: string; folder: string }> {
  const folder = mkdtempSync(join(place, 'table-'))
  writeFileSync(join(folder, name), bytes)
  const dir = join(folder, 'content')
  return { ...(await run(IMPORT, [join(folder, name), '--to', dir, ...args])), dir, folder }
}

const HEADS = ['编号', '标准问题', '相似问法', '答案', '地区', '主题', '来源']
const TABLE = [
  HEADS,
  [
    'FAQ-001',
    '居住证怎么办理',
    '办居住证要去哪|居住证申请流程\n想办个居住证',
    '带身份证到派出所办理，工本费20元。\n\n当场受理，15天领证。',
    '昆明',
    '户籍',
    '《居住证办理须知》第三条',
  ],
  [
    '88',
    '租房补贴怎么领',
    '租房有补助吗｜房租补贴',
    '登录“春城通”,点“租房补贴”,填表即可。',
    '昆明市',
    '住房、人才',
    '',
  ],
  ['', '租房补贴怎么领？', '', '苏州的租房补贴到“苏周到”里申请。', '苏州', '住房', '苏州人社网'],
  ['天天-4', '图书馆几点关门', '图书馆开到几点', '# 每天 9:00 到 21:00，周一闭馆。', '', '', ''],
]

const quoted = (cell: string, delimiter: string): string =>
  cell.includes(delimiter) || /["\n]/.test(cell) ? `"${cell.replaceAll('"', '""')}"` : cell
const csv = (rows: readonly (readonly string[])[], delimiter = ',', newline = '\r\n'): string =>
  rows.map((row) => `${row.map((cell) => quoted(cell, delimiter)).join(delimiter)}${newline}`).join('')
const ENGLISH = ['id', 'question', 'similar', 'answer', 'region', 'topic', 'source']

/** As Excel in China saves it; Node only decodes. */
function gb18030(text: string): Uint8Array {
  const known = new Map<string, number[]>()
  const decoder = new TextDecoder('gb18030')
  for (let lead = 0x81; lead <= 0xfe; lead++)
    for (let trail = 0x40; trail <= 0xfe; trail++)
      if (trail !== 0x7f) known.set(decoder.decode(Uint8Array.of(lead, trail)), [lead, trail])
  return Uint8Array.from(
    Array.from(text).flatMap((character) => {
      const code = character.codePointAt(0) ?? 0
      if (code < 0x80) return [code]
      const at = code - 0x10000
      return (
        known.get(character) ?? [
          0x90 + Math.floor(at / 12600),
          0x30 + (Math.floor(at / 1260) % 10),
          0x81 + (Math.floor(at / 10) % 126),
          0x30 + (at % 10),
        ]
      )
    }),
  )
}

describe('a table', () => {
  let wanted: Map<string, string>
  const written = (dir: string): Map<string, string> =>
    new Map(
      filesOf(dir)
        .filter((file) => /^(knowledge\/(faq|sources|regions)|intents\/.+\/)/.test(file))
        .sort()
        .map((file) => [file, readFileSync(join(dir, file), 'utf8')]),
    )
  beforeAll(async () => {
    const { code, err, out, dir } = await importing('问答.csv', csv(TABLE))
    expect(err).toBe('')
    expect(out).toContain('4 行，写入 4 条答案、9 种问法')
    expect(code).toBe(0)
    wanted = written(dir)
  })

  it('becomes entries and intents that staff can read', () => {
    expect([...wanted.keys()]).toEqual([
      'intents/housing/88.yaml',
      'intents/other/天天-4.yaml',
      'intents/topic-1/FAQ-001.yaml',
      'knowledge/faq/everywhere/other/天天-4.md',
      'knowledge/faq/kunming/housing/88.md',
      'knowledge/faq/kunming/topic-1/FAQ-001.md',
      'knowledge/faq/region-1/housing/row-4.md',
      'knowledge/regions.yaml',
      'knowledge/sources.yaml',
    ])
    expect(wanted.get('intents/housing/88.yaml')).toBe(
      [
        'intent: "88"',
        'title: 租房补贴怎么领',
        'answers:',
        '  kunming: "88"',
        '  region-1: row-4',
        'phrasings:',
        '  - 租房补贴怎么领',
        '  - 租房有补助吗',
        '  - 房租补贴',
        '',
      ].join('\n'),
    )
    expect(wanted.get('knowledge/faq/kunming/topic-1/FAQ-001.md')).toBe(
      [
        '---',
        'id: FAQ-001',
        'title: 居住证怎么办理',
        'region: kunming',
        'topics:',
        '  - 户籍',
        'source:',
        '  document: source-1',
        '  clause: 第三条',
        'imported: true',
        '---',
        '',
        '带身份证到派出所办理，工本费20元。',
        '',
        '当场受理，15天领证。',
        '',
      ].join('\n'),
    )
    expect(wanted.get('knowledge/regions.yaml')).toMatch(/name: 昆明\n[\s\S]+name: 苏州/)
  })

  const [, ...rows] = TABLE
  it.concurrent.for<[string, string, string | Uint8Array]>([
    ['with a byte order mark', 'a.csv', `\uFEFF${csv(TABLE)}`],
    ['in GB18030', 'a.csv', gb18030(csv(TABLE))],
    [
      'in UTF-16 with tabs, Excel’s “Unicode text”',
      'a.txt',
      Buffer.from(`\uFEFF${csv(TABLE, '\t')}`, 'utf16le'),
    ],
    ['with semicolons and plain line ends', 'a.csv', csv(TABLE, ';', '\n')],
    ['with English heads', 'a.csv', csv([ENGLISH, ...rows])],
    [
      'with the columns in another order, one more, and a title above',
      'a.csv',
      csv([['常见问题汇总'], ...TABLE.map(([id = '', ...others]) => [...others, '', id])]).replace(
        '来源,,编号',
        '来源,备注,编号（可空）',
      ),
    ],
  ])('%s says the same', async ([label, name, bytes], { expect }) => {
    const { code, dir } = await importing(name, bytes)
    expect(code).toBe(0)
    // A title above moves the rows down by one, and the numbers that stand for them.
    const moved = label.includes('title above') ? 1 : 0
    const back = (text: string): string =>
      text.replace(/row-(\d+)/g, (_, number: string) => `row-${Number(number) - moved}`)
    expect(new Map([...written(dir)].map(([file, text]) => [back(file), back(text)]))).toEqual(wanted)
  })

  it('as a workbook says the same, numbers as numbers and all, and names the sheets it did not read', async () => {
    const cells = TABLE.map((row) => row.map((cell) => (cell === '88' ? 88 : cell === '' ? null : cell)))
    const bytes = await writeXlsx({
      sheets: [
        { name: '说明', rows: [['填表说明:每行一个问题']] },
        { name: '问答', rows: cells },
        {
          name: '草稿',
          hidden: true,
          rows: [
            ['标准问题', '答案'],
            ['藏起来的', '不该读'],
          ],
        },
      ],
    })
    const { code, out, dir } = await importing('问答.xlsx', bytes)
    expect(out).toContain('“问答”: 4 行')
    expect(out).toContain('别的工作表没有读：说明。')
    expect(code).toBe(0)
    expect(written(dir)).toEqual(wanted)
  })
})

/** What staff do wrong in a row, the row itself, and what they are told. */
const MISTAKES: readonly { did: string; row: readonly string[]; says: string; cure: string; kept?: true }[] =
  [
    { did: 'no question', row: ['', '', '', '有答案没问题'], says: '没有标准问题', cure: '补上问题' },
    { did: 'a question of signs', row: ['', '？？', '', '答'], says: '“？？”里没有字', cure: '写成一句话' },
    { did: 'no answer', row: ['', '没有答案的问题', '', ''], says: '没有答案', cure: '补上答案' },
    {
      did: 'an id used before',
      row: ['faq-1', '编号重复了吗', '', '答'],
      says: '编号“faq-1”和第 2 行的一样',
      cure: '没有用过的编号',
    },
    {
      did: 'a question asked before',
      row: ['', '第一个问题?', '', '另一个答案'],
      says: '标准问题和第 2 行的一样',
      cure: '合成一行',
    },
    {
      did: 'an id with a slash',
      row: ['A/1', '斜杠编号', '', '答'],
      says: '编号“A/1”里的“/”不能用在文件名里',
      cure: '例如 FAQ-001',
    },
    {
      did: 'an id with a space',
      row: ['A 1', '空格编号', '', '答'],
      says: '里的“ ”不能用在文件名里',
      cure: '例如 FAQ-001',
    },
    {
      did: 'an id that climbs out',
      row: ['..', '点点编号', '', '答'],
      says: '编号“..”不能用作文件名',
      cure: '例如 FAQ-001',
    },
    {
      did: 'an id Windows keeps for itself',
      row: ['CON', '设备编号', '', '答'],
      says: '编号“CON”不能用作文件名',
      cure: '例如 FAQ-001',
    },
    {
      did: 'an id that is a sentence',
      row: ['编'.repeat(65), '很长的编号', '', '答'],
      says: '“编号”有 65 个字，最多 64 个',
      cure: '缩短',
    },
    {
      did: 'a question that is a story',
      row: ['', '问'.repeat(201), '', '答'],
      says: '“标准问题”有 201 个字，最多 200 个',
      cure: '缩短',
    },
    {
      did: 'an answer that is a document',
      row: ['', '长答案', '', '答'.repeat(3001)],
      says: '“答案”有 3001 个字，最多 3000 个',
      cure: '缩短',
    },
    {
      did: 'phrasings that are not separated',
      row: ['', '粘在一起', '问'.repeat(201), '答'],
      says: '“相似问法”有 201 个字',
      cure: '用 | 或换行隔开',
    },
    {
      did: 'a web page as an answer',
      row: ['', '网页答案', '', '<p>第一段</p>'],
      says: '“答案”里有网页代码“<p>”',
      cure: '纯文字',
    },
    {
      did: 'an entity of a web page',
      row: ['', '网页空格', '', '甲&nbsp;乙'],
      says: '网页代码“&nbsp;”',
      cure: '纯文字',
    },
    {
      did: 'a formula',
      row: ['', '公式答案', '', '=A1&"元"'],
      says: '“答案”这一格是公式',
      cure: '选择性粘贴为“数值”',
    },
    {
      did: 'a formula that failed',
      row: ['', '#N/A', '', '答'],
      says: '“标准问题”这一格是“#N/A”',
      cure: '改正',
    },
    {
      did: 'a column too narrow to print',
      row: ['', '太窄', '', '#######'],
      says: '“答案”这一格是“#######”',
      cure: '直接写上文字',
    },
    {
      did: 'characters lost on the way',
      row: ['', '乱码', '', '标\uFFFD准'],
      says: '“答案”里有读不出来的字',
      cure: '重新输入',
    },
    {
      did: 'two regions in one row',
      row: ['', '两地', '', '答', '昆明、莲都'],
      says: '“地区”写了不止一个',
      cure: '一行写一个地区',
    },
    {
      did: 'a comma that splits the answer',
      row: ['', '逗号', '', '答', '', '', '', '后半句'],
      says: '多出一格“后半句”',
      cure: '英文双引号',
    },
    {
      did: 'a phrasing another row asks itself',
      row: ['', '另一个问题', '第一个问题', '答'],
      says: '(提醒)相似问法“第一个问题”和第 2 行的重复',
      cure: '删去它',
      kept: true,
    },
    {
      did: 'a phrasing another row lists',
      row: ['', '再一个问题', '头一个怎么说', '答'],
      says: '(提醒)相似问法“头一个怎么说”和第 2 行的重复',
      cure: '删去它',
      kept: true,
    },
  ]
const FINE: readonly { did: string; row: readonly string[] }[] = [
  { did: 'comparing signs', row: ['', '比大小', '', '年龄<18岁且>6岁,a<b'] },
  { did: 'an empty row', row: ['', '', '', ''] },
  {
    did: 'signs that mean something in YAML',
    row: ['', "'- *x: {y}' #z", '* 甲|@乙|%丙| - 丁|是|null', '---\n## 标题\n: 冒号'],
  },
  { did: 'a quotation inside a cell', row: ['', '他说"好"怎么办', '', '引号"可以"'] },
  { did: 'the same phrasing twice in one row', row: ['', '重复说', '重复说|重复说!|再说', '答'] },
]

describe('a row that is wrong', () => {
  let result: Finished & { dir: string }
  const first = ['FAQ-1', '第一个问题', '头一个怎么说', '第一个答案']
  const all = [HEADS, first, ...MISTAKES.map(({ row }) => row), ...FINE.map(({ row }) => row)]
  beforeAll(async () => {
    result = await importing('错.csv', csv(all))
  })

  it.each(MISTAKES.map((mistake, i) => ({ ...mistake, number: i + 3 })))(
    '$did: told by number, with the cure',
    ({ number, row, says, cure, kept }) => {
      const told = result.err.split(/^(?=第 )/m).filter((one) => one.startsWith(`第 ${number} 行`))
      expect(told).toHaveLength(1)
      expect(told[0]).toContain(says)
      expect(told[0]?.split('\n')[1]).toContain(cure)
      expect(everythingIn(result.dir).includes(`title: ${row[1]}\n`)).toBe(kept ?? false)
    },
  )

  it.each(FINE.map((fine, i) => ({ ...fine, number: i + 3 + MISTAKES.length })))(
    '$did: nothing is said',
    ({ number }) => {
      expect(result.err).not.toContain(`第 ${number} 行`)
    },
  )

  it('does not keep the good ones from being written, and the command ends with 1', async () => {
    const bad = MISTAKES.filter(({ kept }) => !kept).length
    const good = all.length - 1 - bad - 1
    expect(result.out).toContain(`${all.length - 2} 行，写入 ${good} 条答案`)
    expect(result.out).toContain(`${bad} 行没有写入`)
    expect(result.code).toBe(1)
    const check = await run('src/cli/check.ts', [], { env: { CONTENT_DIR: result.dir } })
    expect(check.out).toContain(`没有错误。${good} 条答案`)
  })

  it('in a workbook is found by its formula and its error', async () => {
    const bytes = await writeXlsx({
      sheets: [
        {
          name: '问答',
          rows: [
            ['标准问题', '答案'],
            ['好的一行', '答案'],
            ['公式', null],
            ['出错', null],
          ],
          cells: new Map([
            ['2,1', { formula: 'A3&"元"', formulaResult: '公式元', type: 'formula' as const }],
            ['3,1', { value: '#N/A', type: 'error' as const }],
          ]),
        },
      ],
    })
    const { code, err, out } = await importing('错.xlsx', bytes)
    expect(err).toMatch(/第 3 行“公式” {2}“答案”这一格是公式/)
    expect(err).toMatch(/第 4 行“出错” {2}“答案”这一格是“#N\/A”/)
    expect(out).toContain('写入 1 条答案')
    expect(code).toBe(1)
  })
})

function everythingIn(dir: string): string {
  return filesOf(dir)
    .filter((file) => file.startsWith('knowledge/faq'))
    .map((file) => readFileSync(join(dir, file), 'utf8'))
    .join('\n')
}

describe('a file that is wrong', () => {
  it.concurrent.for<[string, string, string | Uint8Array, RegExp]>([
    ['is empty', 'a.csv', '', /文件是空的/],
    ['holds heads alone', 'a.csv', csv([HEADS]), /0 行里没有一行能用[\s\S]+在表头下面写上/],
    [
      'has no heads',
      'a.csv',
      csv([['居住证怎么办', '带身份证去']]),
      /没有找到“标准问题”和“答案”两个表头，看到的是：居住证怎么办、带身份证去/,
    ],
    [
      'has a head misspelt',
      'a.csv',
      csv([
        ['标准问提', '答案'],
        ['甲', '乙'],
      ]),
      /“标准问提”是不是想写“标准问题”/,
    ],
    [
      'has a column twice',
      'a.csv',
      csv([
        ['标准问题', '答案', '回答'],
        ['甲', '乙', '丙'],
      ]),
      /表头“答案”不止一列/,
    ],
    ['is cut by Chinese commas', 'a.csv', '标准问题，答案\n甲，乙\n', /挤在一格里。\n.*不能用中文逗号/],
    [
      'is an old workbook',
      'a.xls',
      Uint8Array.of(0xd0, 0xcf, 0x11, 0xe0, 0xa1, 0xb1),
      /旧版的 \.xls[\s\S]+另存为/,
    ],
    ['is a broken workbook', 'a.xlsx', Uint8Array.of(0x50, 0x4b, 3, 4, 20, 0), /打不开，可能损坏了/],
    ['is a picture', 'a.csv', Uint8Array.of(0x89, 0x50, 0x4e, 0x47, 0, 0, 0, 13), /不是 CSV，也不是 XLSX/],
    [
      'has nothing but bad rows',
      'a.csv',
      csv([HEADS, ['', '问', '', '']]),
      /1 行里没有一行能用，什么都没有写/,
    ],
  ])('because it %s is told, and nothing is written', async ([, name, bytes, says], { expect }) => {
    const { code, err, out, dir, folder } = await importing(name, bytes)
    expect(err).toMatch(says)
    expect(err).not.toMatch(/^ +at /m)
    expect(out).toBe('')
    expect(code).toBe(1)
    expect(existsSync(dir)).toBe(false)
    expect(readdirSync(folder)).toEqual([name])
  })

  it('because a quotation never ends is read as far as it goes', async () => {
    const { code, err, out } = await importing('a.csv', '标准问题,答案\n甲,乙\n丙,"丁\n戊,己\n')
    expect(err).toMatch(/第 3 行 {2}这一行有个引号没有成对，从这里到文件末尾都读不出来/)
    expect(out).toContain('写入 1 条答案')
    expect(code).toBe(1)
  })

  it('because it is not there is told', async () => {
    const { code, err } = await run(IMPORT, [join(place, 'nowhere.csv'), '--to', join(place, 'x')])
    expect(err).toContain('nowhere.csv 读不到(ENOENT)。看看文件名和路径对不对。')
    expect(code).toBe(1)
  })
})

describe.concurrent('a call that is wrong', () => {
  it.for<[string, string[], string]>([
    ['no file', ['--to', 'x'], '写一个要导入的文件'],
    ['no folder', ['x.csv'], '用 --to 写明放到哪个文件夹'],
    ['two files', ['x.csv', 'y.csv', '--to', 'x'], '写一个要导入的文件'],
    ['an unknown option', ['x.csv', '--too', 'x'], '--too'],
  ])('%s ends with 2 and shows the help', async ([, args, says], { expect }) => {
    const { code, err } = await run(IMPORT, args)
    expect(err).toContain(says)
    expect(err).toContain('退出码')
    expect(code).toBe(2)
  })
})

describe('what was imported', () => {
  let env: { CONTENT_DIR: string }
  beforeAll(async () => {
    const { dir } = await importing('问答.csv', csv(TABLE))
    env = { CONTENT_DIR: dir }
  })

  it('answers at once, in every region it speaks of, and honestly elsewhere', async () => {
    const asked = [
      { text: '我想办居住证', region: '昆明' },
      { text: '居住證要多少錢', region: '昆明' },
      { text: '房租补贴怎么申请', region: '昆明' },
      { text: '房租补贴怎么申请', region: '苏州' },
      { text: '居住证怎么办理', region: '苏州' },
      { text: '图书馆开到几点', region: '苏州', visitor: '小李' },
      { text: '出处呢', visitor: '小李' },
      { text: '你好' },
      { text: '我不想活了' },
    ]
    const { out, code } = await run(ASK, ['--jsonl'], {
      env,
      input: asked.map((line) => JSON.stringify(line)).join('\n'),
    })
    const told = out
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as { decision: string; entries: string[]; text: string })
    expect(told.map(({ decision, entries }) => `${decision} ${entries[0] ?? ''}`.trim())).toEqual([
      'answer FAQ-001',
      'answer FAQ-001',
      'answer 88',
      'answer row-4',
      'hand-over row-4',
      'answer 天天-4',
      'answer 天天-4',
      'small-talk',
      'urgent',
    ])
    const texts = told.map(({ text }) => text)
    expect(texts[0]).toContain('出处：《居住证办理须知》第三条，发文机关未写明')
    expect(texts[0]).not.toContain('核对于')
    // The answer names the fee, and nobody has said that it does not.
    expect(texts[1]).toContain('工本費20元')
    expect(texts[1]).not.toContain('文件沒有寫明')
    expect(texts[4]).toContain('苏州的文件没有提到')
    expect(texts[5]).toContain('这条内容没有登记出处，请以官方答复为准')
    expect(texts[6]).toContain('这条内容没有登记出处。')
    expect(texts[5]).toContain('＃ 每天 9:00 到 21:00')
    expect(texts[7]).toContain('昆明、苏州')
    for (const text of texts) expect(text).not.toMatch(/莲都|呼和浩特|创业贷款|undefined/)
    expect(code).toBe(0)
  })

  it('passes the check, which says what it lacks once, not row by row', async () => {
    const { out, code } = await run('src/cli/check.ts', [], { env })
    expect(out).toContain('没有错误。4 条答案，3 个意图，9 种问法，2 处提醒。')
    expect(out).toContain('有 1 条没有写地区')
    expect(out).toContain('有 2 条没有写出处')
    expect(code).toBe(0)
  })

  it('is served over HTTP', async () => {
    const server = spawn(process.execPath, ['--import', 'tsx', 'src/main.ts'], {
      env: {
        PATH: process.env.PATH,
        PORT: '0',
        DATA_DIR: join(place, 'data'),
        SEGMENTER: 'intl',
        LOG_LEVEL: 'error',
        ...env,
      },
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    try {
      const url = await new Promise<string>((resolve, reject) => {
        server.stdout.on('data', (chunk: Buffer) => {
          const address = /https?:\/\/[\w.:[\]-]+/.exec(chunk.toString())?.[0]
          if (address) resolve(address)
        })
        server.once('exit', (code) => reject(new Error(`the server ended with ${code}`)))
      })
      const response = await fetch(`${url}/api/messages`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ visitor: '小李', text: '图书馆几点关门' }),
      })
      expect(await response.json()).toMatchObject({
        decision: 'answer',
        entries: expect.arrayContaining(['天天-4']),
      })
    } finally {
      server.kill('SIGTERM')
    }
  })

  it('without any region or topic speaks of no city, and offers its own questions', async () => {
    const { dir } = await importing(
      'a.csv',
      csv([
        ['问题', '答案'],
        ['深圳社保卡丢了', '打12333挂失。'],
      ]),
    )
    const { out } = await run(ASK, ['--jsonl'], {
      env: { CONTENT_DIR: dir },
      input:
        '{"text":"深圳社保卡丢了怎么办"}\n{"text":"你好"}\n{"text":"讲个笑话"}\n{"text":"/start"}\n{"text":"帮助"}\n{"text":"换城市"}',
    })
    expect(out).toContain('打12333挂失')
    expect(out).toContain('“深圳社保卡丢了”')
    expect(out).not.toMatch(/莲都|昆明|呼和浩特|创业|租房|文件只有|三份/)
  })
})

describe('the folder it goes to', () => {
  const table = csv([
    ['问题', '答案'],
    ['甲怎么办', '乙'],
  ])
  const newer = csv([
    ['问题', '答案'],
    ['丙怎么办', '丁'],
  ])

  it('is made, with the folders above it', async () => {
    const folder = mkdtempSync(join(place, 'deep-'))
    writeFileSync(join(folder, 'a.csv'), table)
    const dir = join(folder, '一', '二')
    expect((await run(IMPORT, [join(folder, 'a.csv'), '--to', dir])).code).toBe(0)
    expect(existsSync(join(dir, 'knowledge/phrases.yaml'))).toBe(true)
  })

  it('is not touched when something else is in it, --force or not', async () => {
    const folder = mkdtempSync(join(place, 'taken-'))
    writeFileSync(join(folder, 'a.csv'), table)
    mkdirSync(join(folder, 'content'))
    writeFileSync(join(folder, 'content', 'mine.txt'), 'mine')
    for (const more of [[], ['--force']]) {
      const { code, err } = await run(IMPORT, [
        join(folder, 'a.csv'),
        '--to',
        join(folder, 'content'),
        ...more,
      ])
      expect(err).toContain('里已经有别的东西，没有动它')
      expect(code).toBe(1)
    }
    expect(filesOf(join(folder, 'content'))).toEqual(['mine.txt'])
    expect(readdirSync(folder).sort()).toEqual(['a.csv', 'content'])
  })

  it('is replaced with --force when it is an import, and the old one is kept beside', async () => {
    const { dir, folder } = await importing('a.csv', table)
    writeFileSync(join(folder, 'b.csv'), newer)
    const again = (more: string[]) => run(IMPORT, [join(folder, 'b.csv'), '--to', dir, ...more])
    const refused = await again([])
    expect(refused.err).toContain('--force')
    expect(refused.code).toBe(1)
    expect(everythingIn(dir)).toContain('甲怎么办')
    expect((await again(['--force'])).code).toBe(0)
    expect(everythingIn(dir)).toContain('丙怎么办')
    expect(everythingIn(dir)).not.toContain('甲怎么办')
    expect(everythingIn(`${dir}.previous`)).toContain('甲怎么办')
    expect((await again(['--force'])).code).toBe(0)
    expect(readdirSync(folder).sort()).toEqual(['a.csv', 'b.csv', 'content', 'content.previous'])
  })

  it('that cannot be made ends with 3 and leaves nothing', async () => {
    const folder = mkdtempSync(join(place, 'blocked-'))
    writeFileSync(join(folder, 'a.csv'), table)
    const { code, err } = await run(IMPORT, [join(folder, 'a.csv'), '--to', join(folder, 'a.csv', 'x')])
    expect(err).toMatch(/(读不到|写不进去)\(ENOTDIR\)/)
    expect(err).not.toMatch(/^ +at /m)
    expect(code).toBe(3)
    expect(readdirSync(folder)).toEqual(['a.csv'])
  })

  it('is not begun when Ctrl-C comes while it is written', async () => {
    const folder = mkdtempSync(join(place, 'stopped-'))
    const rows = Array.from({ length: 20_000 }, (_, i) => [`问题${i}怎么办`, `答案${i}`])
    writeFileSync(join(folder, 'a.csv'), csv([['问题', '答案'], ...rows]))
    const child = spawn(
      process.execPath,
      ['--import', 'tsx', IMPORT, join(folder, 'a.csv'), '--to', join(folder, 'content')],
      {
        stdio: 'ignore',
        env: { PATH: process.env.PATH },
      },
    )
    const ended = new Promise<number | null>((resolve) => child.once('close', resolve))
    await vi.waitFor(() => expect(readdirSync(folder).join()).toContain('importing'), {
      timeout: 60_000,
      interval: 5,
    })
    child.kill('SIGINT')
    expect(await ended).toBe(130)
    expect(readdirSync(folder)).toEqual(['a.csv'])
  })
})
