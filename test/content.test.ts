import { readFileSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { checkFigures } from '../src/content/figures.ts'
import { type Loaded, loadContent } from '../src/content/load.ts'
import { describe as inWords } from '../src/content/watch.ts'
import { FALLBACK_HOTLINES } from '../src/talk/content-down.ts'
import { checkWordings } from '../src/talk/wordings.ts'
import { type ContentFolder, filesOf, smallContent } from './fakes/content-folder.ts'

const FEE = 'knowledge/faq/liandu/finance/guarantee-fee.md'
const LOAN = 'knowledge/faq/liandu/finance/qingchuangdai.md'
const INTENT = 'intents/finance/cheaper-guarantee.yaml'
const OTHER_INTENT = 'intents/finance/loan-interest.yaml'

let folder: ContentFolder
let sound: ReadonlyMap<string, string>
beforeAll(async () => {
  folder = await smallContent()
  sound = new Map(filesOf(folder.root).map((file) => [file, folder.read(file)]))
})
afterAll(() => folder.remove())

/** Breaks the folder, looks at it and mends it again. */
async function whileBroken<T>(how: () => void, look: () => Promise<T>): Promise<T> {
  try {
    how()
    return await look()
  } finally {
    for (const file of filesOf(folder.root)) if (!sound.has(file)) folder.delete(file)
    for (const [file, text] of sound) folder.write(file, text)
  }
}

const broken = (how: () => void) =>
  whileBroken(how, async () => {
    const loaded = await loadContent(folder.root)
    const files = new Map(filesOf(folder.root).map((file) => [file, folder.read(file)]))
    return { ...loaded, errors: loaded.problems.filter(({ severity }) => severity === 'error'), files }
  })

/** The line, counted from 1, on which a text stands. */
function lineOf(text: string | undefined, part: string): number | undefined {
  const at = text?.indexOf(part) ?? -1
  return text === undefined || at < 0 ? undefined : text.slice(0, at).split('\n').length
}

describe('the shipped content', () => {
  let loaded: Loaded
  beforeAll(async () => {
    loaded = await loadContent('.')
  })

  it('has no errors', () => {
    const { content, problems } = loaded
    const all = [...problems, ...(content ? [...checkWordings(content), ...checkFigures(content, '.')] : [])]
    expect(all.filter(({ severity }) => severity === 'error').map(inWords)).toEqual([])
    expect(content?.regions.map(({ name }) => name)).toEqual(['莲都', '昆明', '呼和浩特'])
  })

  it('names a source, a clause and the day of checking for every answer', () => {
    const bare = loaded.content?.entries.filter(
      ({ source, checked, region }) => !source?.clause || !checked || !region,
    )
    expect(bare?.map(({ file }) => file)).toEqual([])
  })

  it('says everything with the punctuation of Chinese', () => {
    const { entries, smallTalk, urgent, facets, phrases, sources, hotlines } = loaded.content ?? {}
    const said = [
      ...(entries ?? []).flatMap(({ title, answer, facets: parts }) => [
        title,
        answer,
        ...Object.values(parts),
      ]),
      ...[...(smallTalk ?? []), ...(urgent ?? [])].map(({ reply }) => reply),
      ...(facets ?? []).map(({ unsaid }) => unsaid),
      ...(sources ?? []).map(({ status }) => status),
      ...(hotlines ?? []).map(({ name, hours }) => `${name}${hours}`),
      ...Object.values(phrases ?? {}),
    ]
    expect(said.filter((text) => /\p{Script=Han}[,;:?!]|[,;:?!]\p{Script=Han}/u.test(text))).toEqual([])
  })

  it('shows the same hotlines when the files cannot be read', () => {
    const own = FALLBACK_HOTLINES.map(({ number, name, hours }) => ({ number, name, hours }))
    const shipped = loaded.content?.hotlines.map(({ number, name, hours }) => ({ number, name, hours }))
    expect(shipped).toEqual(expect.arrayContaining(own))
  })
})

describe('one thing wrong', () => {
  interface Row {
    /** What staff did. */
    readonly did: string
    readonly how: () => void
    readonly file: string
    /** The text on whose line the problem is reported; a number where the text is gone. */
    readonly at: string | number | undefined
    readonly says: string
    readonly cure: string
  }
  const rows: Row[] = [
    {
      did: 'an unknown key in an answer',
      how: () => folder.edit(FEE, 'aliases:', 'alliases:'),
      file: FEE,
      at: 'alliases',
      says: '不认识的键“alliases”',
      cure: '是不是想写“aliases”？',
    },
    {
      did: 'an unknown key inside another',
      how: () => folder.edit(FEE, 'clause: （三）3', 'clauze: （三）3'),
      file: FEE,
      at: 'clauze',
      says: '不认识的键“clauze”',
      cure: '是不是想写“clause”？',
    },
    {
      did: 'an unknown key in a list',
      how: () => folder.edit('knowledge/regions.yaml', 'office: 共青团昆明市委', 'ofice: 共青团昆明市委'),
      file: 'knowledge/regions.yaml',
      at: 'ofice',
      says: '不认识的键“ofice”',
      cure: '是不是想写“office”？',
    },
    {
      did: 'an unknown key in an intent',
      how: () => folder.edit(INTENT, 'phrasings:', 'phrasing:'),
      file: INTENT,
      at: 'phrasing:',
      says: '不认识的键“phrasing”',
      cure: '是不是想写“phrasings”？',
    },
    {
      did: 'a missing key',
      how: () => folder.edit(FEE, /title: .*\n/, ''),
      file: FEE,
      at: 2,
      says: '缺少“title”',
      cure: '补上一行“title: …”。',
    },
    {
      did: 'a sentence of the bot that is missing',
      how: () => folder.edit('knowledge/phrases.yaml', /^sorry: .*\n/m, ''),
      file: 'knowledge/phrases.yaml',
      at: 1,
      says: '缺少“sorry”',
      cure: '补上一行“sorry: …”。',
    },
    {
      did: 'a tab for indentation',
      how: () => folder.edit(INTENT, '  - 担保费减免\n', '\t- 担保费减免\n'),
      file: INTENT,
      at: '\t- 担保费减免',
      says: 'YAML 写法有误',
      cure: '缩进请用空格，不要用 Tab。',
    },
    {
      did: 'a bracket that is never closed',
      how: () => folder.edit(FEE, 'topics: [金融, 创业]', 'topics: [金融, 创业'),
      file: FEE,
      at: 'aliases:',
      says: 'YAML 写法有误',
      cure: '补上 ] 或 }',
    },
    {
      did: 'a colon and a space inside a phrasing',
      how: () => folder.edit(INTENT, '  - 担保费减免\n', '  - 担保费: 减免: 多少\n'),
      file: INTENT,
      at: '担保费: 减免: 多少',
      says: 'YAML 写法有误',
      cure: '单引号',
    },
    {
      did: 'a phrasing that begins with an asterisk',
      how: () => folder.edit(INTENT, '  - 担保费减免\n', '  - *担保费减免\n'),
      file: INTENT,
      at: '*担保费减免',
      says: 'YAML 写法有误',
      cure: '单引号',
    },
    {
      did: 'the same key twice',
      how: () => folder.edit(FEE, 'region: liandu\n', 'region: liandu\nregion: kunming\n'),
      file: FEE,
      at: 'region: kunming',
      says: 'YAML 写法有误',
      cure: '删去一个，或合成一行。',
    },
    {
      did: 'no front matter',
      how: () => folder.edit(FEE, '---\n', ''),
      file: FEE,
      at: 1,
      says: '文件开头缺少两行“---”',
      cure: '写在两行“---”之间',
    },
    {
      did: 'a heading that is no facet',
      how: () => folder.edit(FEE, '## 谁能享受', '## 谁能享用'),
      file: FEE,
      at: '## 谁能享用',
      says: '不认识的小标题“谁能享用”',
      cure: '是不是想写“谁能享受”？',
    },
    {
      did: 'a heading of the wrong level',
      how: () => folder.edit(FEE, '## 标准', '# 标准'),
      file: FEE,
      at: '# 标准',
      says: '小标题“# 标准”要用两个 #',
      cure: '写成“## 标准”。',
    },
    {
      did: 'a heading twice',
      how: () => folder.edit(FEE, '## 标准', '## 谁能享受\n人人都能。\n\n## 标准'),
      file: FEE,
      at: '## 谁能享受\n人人都能',
      says: '小标题“谁能享受”出现了两次',
      cure: '把两段合成一段。',
    },
    {
      did: 'a section without text',
      how: () => folder.edit(FEE, /## 标准\n+[^\n]+/, '## 标准\n'),
      file: FEE,
      at: '## 标准',
      says: '“标准”一节是空的',
      cure: '写上内容，或删去这个小标题。',
    },
    {
      did: 'no direct answer',
      how: () => folder.edit(FEE, /---\n+莲都区2023年[^\n]+/, '---\n'),
      file: FEE,
      at: 12,
      says: '没有直接回答',
      cure: '在“---”下面写一两句直接的回答。',
    },
    {
      did: 'a region nobody has registered',
      how: () => folder.edit(FEE, 'region: liandu', 'region: liandou'),
      file: FEE,
      at: 'region: liandou',
      says: '没有叫“liandou”的地区',
      cure: '是不是想写“liandu”？',
    },
    {
      did: 'a topic nobody has registered',
      how: () => folder.edit(FEE, '[金融, 创业]', '[金融, 创业者]'),
      file: FEE,
      at: 'topics:',
      says: '没有叫“创业者”的主题',
      cure: '是不是想写“创业”？',
    },
    {
      did: 'a document nobody has registered',
      how: () => folder.edit(FEE, 'liandu-plan-2023', 'liandu-plan-2032'),
      file: FEE,
      at: 'source:',
      says: '没有编号为“liandu-plan-2032”的文件',
      cure: '是不是想写“liandu-plan-2023”？',
    },
    {
      did: 'a neighbour that is not there',
      how: () => folder.edit(FEE, 'related: [liandu-qingchuangdai', 'related: [liandu-qinchuangdai'),
      file: FEE,
      at: 'related:',
      says: 'related 里的“liandu-qinchuangdai”没有这条答案',
      cure: '是不是想写“liandu-qingchuangdai”？',
    },
    {
      did: 'an intent that leads to nothing',
      how: () => folder.edit(OTHER_INTENT, 'liandu: liandu-loan-interest', 'liandu: liandu-loan-intrest'),
      file: OTHER_INTENT,
      at: 'liandu: liandu-loan-intrest',
      says: '指向“liandu-loan-intrest”，但没有这条答案',
      cure: '是不是想写“liandu-loan-interest”？',
    },
    {
      did: 'an answer under another region',
      how: () => folder.edit(INTENT, 'liandu: liandu-guarantee-fee', 'kunming: liandu-guarantee-fee'),
      file: INTENT,
      at: 'kunming: liandu-guarantee-fee',
      says: '“liandu-guarantee-fee”是 liandu 的答案，却写在 kunming 下',
      cure: '写成“liandu: liandu-guarantee-fee”。',
    },
    {
      did: 'a phrasing of another intent',
      how: () => folder.edit(OTHER_INTENT, 'phrasings:\n', 'phrasings:\n  - 担保费减免？\n'),
      file: OTHER_INTENT,
      at: '担保费减免？',
      says: `问法“担保费减免？”已经写在“cheaper-guarantee”(${INTENT})`,
      cure: '一种问法只能属于一个意图，删去一处。',
    },
    {
      did: 'an id that is taken',
      how: () => folder.write('knowledge/faq/liandu/finance/zz-copy.md', sound.get(LOAN) ?? ''),
      file: 'knowledge/faq/liandu/finance/zz-copy.md',
      at: 'id: liandu-qingchuangdai',
      says: `编号“liandu-qingchuangdai”已经用在 ${LOAN}`,
      cure: '换一个没有用过的编号。',
    },
    {
      did: 'an intent whose name is taken',
      how: () => folder.edit(OTHER_INTENT, 'intent: loan-interest', 'intent: cheaper-guarantee'),
      file: OTHER_INTENT,
      at: 'intent: cheaper-guarantee',
      says: `意图“cheaper-guarantee”已经写在 ${INTENT}`,
      cure: '换一个名字，或把两份合起来。',
    },
    {
      did: 'an id with capital letters',
      how: () => folder.edit(INTENT, 'intent: cheaper-guarantee', 'intent: Cheaper_Guarantee'),
      file: INTENT,
      at: 'intent: Cheaper_Guarantee',
      says: '“intent”:只用小写字母、数字和连字符',
      cure: '对照',
    },
    {
      did: 'an answer no intent leads to',
      how: () =>
        folder.write(
          'knowledge/faq/liandu/finance/new.md',
          (sound.get(LOAN) ?? '').replace('id: liandu-qingchuangdai', 'id: liandu-new'),
        ),
      file: 'knowledge/faq/liandu/finance/new.md',
      at: 'id: liandu-new',
      says: '没有任何意图指向“liandu-new”',
      cure: '在 intents/ 里给它加一个意图',
    },
    {
      did: 'an intent without a phrasing',
      how: () => folder.edit(INTENT, /phrasings:[\s\S]*/, 'phrasings: []\n'),
      file: INTENT,
      at: 'phrasings:',
      says: '“phrasings”:至少一种问法',
      cure: '对照',
    },
    {
      did: 'a hotline that is not registered',
      how: () => folder.edit('knowledge/regions.yaml', /(?<head>number: ['"]?)12356/, '$<head>12366'),
      file: 'intents/urgent.yaml',
      at: 'hotlines:',
      says: '热线“12356”没有登记',
      cure: '在 knowledge/regions.yaml 的 hotlines 里补上它和服务时间。',
    },
    {
      did: 'a {slot} that nothing fills',
      how: () => folder.edit('knowledge/phrases.yaml', /(handedOver: .*)\{office\}/, '$1{ofice}'),
      file: 'knowledge/phrases.yaml',
      at: 'handedOver:',
      says: '“{ofice}”没有可填的内容，这一句只能用 {office}',
      cure: '对照',
    },
    {
      did: 'a validity that ends before it begins',
      how: () =>
        folder.edit(FEE, 'from: 2023-05-29, until: 2023-12-31', 'from: 2023-12-31, until: 2023-05-29'),
      file: FEE,
      at: 'valid:',
      says: 'from 晚于 until，起止写反了',
      cure: '对照',
    },
    {
      did: 'a day that no calendar has',
      how: () => folder.edit(FEE, 'until: 2023-12-31', 'until: 2023-02-30'),
      file: FEE,
      at: 'valid:',
      says: '日期写成 2026-11-22 这样',
      cure: '对照',
    },
    {
      did: 'a day with slashes',
      how: () => folder.edit(FEE, 'checked: 2026-11-22', 'checked: 2026/11/22'),
      file: FEE,
      at: 'checked:',
      says: '日期写成 2026-11-22 这样',
      cure: '对照',
    },
    {
      did: 'a file that is gone',
      how: () => folder.delete('intents/acts.yaml'),
      file: 'intents/acts.yaml',
      at: undefined,
      says: '这个文件不见了或无法读取',
      cure: '恢复这个文件',
    },
    {
      did: 'a file saved in the old Windows encoding',
      // 「担保」 in GBK
      how: () =>
        folder.write(
          FEE,
          Buffer.concat([Buffer.from(sound.get(FEE) ?? ''), Buffer.from([0xb5, 0xa3, 0xb1, 0xa3])]),
        ),
      file: FEE,
      at: undefined,
      says: 'UTF-8',
      cure: 'UTF-8',
    },
  ]

  it.each(rows)('$did is reported with file, line and cure', async ({ how, file, at, says, cure }) => {
    const { errors, content, files } = await broken(how)
    const line = typeof at === 'string' ? lineOf(files.get(file), at) : at
    const found = errors.find((error) => error.file === file && error.message.includes(says))
    expect(found, errors.map(inWords).join('\n')).toBeDefined()
    expect(found?.line).toBe(line)
    expect(found?.cure).toContain(cure)
    expect(content).toBeUndefined()
  })
})

describe('nothing wrong', () => {
  const rewritten = (by: (text: string) => string) => () => {
    for (const [file, text] of sound) folder.write(file, by(text))
  }
  it.each([
    ['Windows line ends', rewritten((text) => text.replaceAll('\n', '\r\n'))],
    ['a byte order mark', rewritten((text) => `\uFEFF${text}`)],
    ['both, as Notepad writes them', rewritten((text) => `\uFEFF${text.replaceAll('\n', '\r\n')}`)],
    [
      'a byte order mark before a list and a remark in it',
      () => folder.edit('knowledge/sources.yaml', /^(?:#.*\n)*- id: (.*)$/m, '\uFEFF- id: $1 # 备注'),
    ],
    ['spaces at the ends of lines', rewritten((text) => text.replace(/^(- .*|[a-z]+: .*)$/gm, '$1  '))],
  ])('%s are fine and change no content', async (_, how) => {
    const before = await loadContent(folder.root)
    const { errors, content } = await broken(how)
    expect(errors.map(inWords)).toEqual([])
    expect(content).toEqual(before.content)
  })

  it('a number as a phrasing is text', async () => {
    const { content } = await broken(() => folder.edit(INTENT, 'phrasings:\n', 'phrasings:\n  - 12345\n'))
    expect(content?.intents.find(({ file }) => file === INTENT)?.phrasings[0]).toBe('12345')
  })

  it('hidden files and an editor’s leavings are not read', async () => {
    const { errors, content } = await broken(() => {
      folder.write('knowledge/faq/liandu/finance/.guarantee-fee.md.swp', 'x')
      folder.write('knowledge/faq/liandu/finance/.~guarantee-fee.md', 'x')
      folder.write('intents/finance/cheaper-guarantee.yaml~', 'x')
    })
    expect(errors).toEqual([])
    expect(content).toBeDefined()
  })

  it('an answer without region and source is a reminder, as imported ones have neither', async () => {
    const { problems, content } = await broken(() => {
      folder.edit(FEE, /region: .*\n/, '')
      folder.edit(FEE, /source: .*\n/, '')
    })
    expect(content).toBeDefined()
    expect(problems.map(({ severity, file, line }) => ({ severity, file, line }))).toEqual([
      { severity: 'warning', file: FEE, line: 2 },
      { severity: 'warning', file: FEE, line: 2 },
    ])
  })
})

describe('many things wrong', () => {
  it('do not make more of one mistake: what leads to a broken answer is not blamed as well', async () => {
    const { errors } = await broken(() => folder.edit(FEE, 'aliases:', 'alliases:'))
    expect(errors.map(({ file, message }) => `${file} ${message}`)).toEqual([`${FEE} 不认识的键“alliases”`])
  })

  it('are reported all at once, each in a line staff can act on', async () => {
    const { errors } = await broken(() => {
      folder.edit(FEE, 'aliases:', 'alliases:')
      folder.edit(FEE, '## 标准', '## 标淮')
      folder.edit(LOAN, 'region: liandu', 'region: liandou')
      folder.edit(OTHER_INTENT, 'liandu: liandu-loan-interest', 'liandu: liandu-loan-intrest')
      folder.edit('knowledge/phrases.yaml', /^sorry: .*\n/m, '')
      folder.edit('knowledge/topics.yaml', 'folder: about', 'foldr: about')
    })
    const places = errors.map(({ file }) => file)
    expect(places).toEqual(
      expect.arrayContaining([FEE, FEE, 'knowledge/phrases.yaml', 'knowledge/topics.yaml']),
    )
    for (const error of errors) {
      expect(error.message).not.toBe('')
      expect(error.cure).not.toBe('')
      expect(inWords(error)).toMatch(/^(knowledge|intents)\/\S+:\d+ {2}[\s\S]+\n {4}.+/)
    }
  })

  it('that only show across files are reported together too', async () => {
    const { errors } = await broken(() => {
      folder.edit(LOAN, 'region: liandu', 'region: liandou')
      folder.edit(FEE, 'topics: [金融, 创业]', 'topics: [金融, 创叶]')
      folder.edit(OTHER_INTENT, 'liandu: liandu-loan-interest', 'liandu: liandu-loan-intrest')
      folder.edit('knowledge/regions.yaml', /(?<head>number: ['"]?)12356/, '$<head>12366')
    })
    expect(errors.map(({ file }) => file)).toEqual(
      expect.arrayContaining([
        LOAN,
        FEE,
        OTHER_INTENT,
        'intents/urgent.yaml',
        'knowledge/faq/liandu/finance/loan-interest.md',
      ]),
    )
  })
})

describe('figures', () => {
  const text = '对青年创业贷款的担保费率减免75%以上。青年创业贷款对象为１８岁以上,建成驿站 3 家。'
  const figures = (how: () => void) => {
    const withText = () => {
      folder.edit('knowledge/sources.yaml', /text: .*000_.*/, 'text: documents/liandu.txt')
      folder.write('documents/liandu.txt', text)
      how()
    }
    return whileBroken(withText, async () => {
      const { content, problems } = await loadContent(folder.root)
      if (!content) throw new Error(problems.map(inWords).join('\n'))
      return checkFigures(content, folder.root).filter(({ file }) => file === FEE)
    })
  }

  it('that stand in the source, in any width and spacing, are fine', async () => {
    expect(
      await figures(() => folder.edit(FEE, '减的是担保费', '建成驿站3家，18岁以上。减的是担保费')),
    ).toEqual([])
  })

  it('that the source lacks are reported with the clause to compare', async () => {
    const found = await figures(() => folder.edit(FEE, '减免75%以上。减的是', '减免85%以上。减的是'))
    expect(found).toMatchObject([
      {
        severity: 'error',
        file: FEE,
        message: '答案里的“85%”在原文里找不到',
        cure: '对照 liandu-plan-2023 的（三）3，改成原文的数字和单位。',
      },
    ])
    expect(found[0]?.line).toBe(lineOf((sound.get(FEE) ?? '').replace('75%', '85%'), '85%'))
  })

  it('are not compared when the text of the document is not at hand', async () => {
    const { content } = await loadContent(folder.root)
    expect(readFileSync(`${folder.root}/knowledge/sources.yaml`, 'utf8')).toContain('text:')
    expect(content && checkFigures(content, folder.root)).toEqual([])
  })
})
