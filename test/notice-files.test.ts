import { readFileSync } from 'node:fs'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { loadContent } from '../src/content/load.ts'
import { describe as inWords } from '../src/content/watch.ts'
import { type ContentFolder, smallContent } from './fakes/content-folder.ts'
import { at, NOW, noticeFile } from './fakes/notices.ts'

const FILE = 'knowledge/notices/2026-12-10-zhubo.md'
let folder: ContentFolder
beforeAll(async () => {
  folder = await smallContent(['finance'])
})
afterAll(() => folder.remove())
afterEach(() => folder.delete('knowledge/notices'))

/** What is found in the notices, one sentence each, and what goes live. */
async function read(now = NOW) {
  const { content, problems } = await loadContent(folder.root, undefined, now)
  return {
    problems: problems.filter(({ severity }) => severity === 'error').map(inWords),
    live: content?.notices.map(({ id }) => id),
    past: content?.past.map(({ id }) => id),
    content,
  }
}

const SOUND = `---
title: 主播沙龙第3期
region: liandu
topics: [电商]
starts: 2026-12-10T14:00:00+08:00
ends: 2026-12-10T16:30:00+08:00
place: 白桥双创园2楼路演厅
author: 王芳
---
两位本地主播讲选品。
带上手机就行。
`

describe('a notice file', () => {
  it('is read as staff write it', async () => {
    folder.write(FILE, SOUND)
    expect(await read()).toMatchObject({ problems: [], live: ['2026-12-10-zhubo'], past: [] })
  })

  it('is read as the handbook shows it', async () => {
    const [, example = ''] = /```markdown\n(.*?)```/s.exec(readFileSync('docs/send-notice.md', 'utf8')) ?? []
    folder.write(FILE, example)
    expect(await read()).toMatchObject({ problems: [], live: ['2026-12-10-zhubo'] })
  })

  it.each<[string, [from: string | RegExp, to: string], number, message: string, cure: string]>([
    ['an end before the start', ['T16:30', 'T13:30'], 6, '结束时间早于开始时间', '对调'],
    ['no place', [/place: .*\n/, ''], 2, '缺少“place”', ''],
    ['an empty place', ['白桥双创园2楼路演厅', ''], 7, '“place”空着', '写上内容'],
    ['a past date', [/2026-12-10T/g, '2026-11-10T'], 6, '活动时间已经过了', 'archive'],
    ['a time without zone', ['T14:00:00+08:00', ' 14:00'], 5, '时间写成 2026-12-10T14:00:00+08:00 这样', ''],
    ['a day that is none', ['starts: 2026-12-10', 'starts: 2026-02-30'], 5, '没有这一天或这个时间', ''],
    [
      'an address that is none',
      ['author', 'link: example.org\nauthor'],
      8,
      '网址要以 http:// 或 https:// 开头',
      '',
    ],
    ['an address that runs', ['author', 'link: javascript:alert(1)\nauthor'], 8, '网址要以 http', ''],
    ['an over-long title', ['主播沙龙第3期', '长'.repeat(41)], 2, '标题有 41 个字，最多 40 个', '缩短标题'],
    ['a title of two lines', ['主播沙龙第3期', '|\n  两行\n  标题'], 2, '标题写了不止一行', '写成一行'],
    ['an unknown topic', ['[电商]', '[电子商务]'], 4, '没有叫“电子商务”的主题', ''],
    ['an unknown region', ['liandu', 'lianduu'], 3, '没有叫“lianduu”的地区', '是不是想写“liandu”'],
    ['a number that is none', ['author', 'quota: 很多\nauthor'], 8, '人数写成数字', ''],
    ['a misspelt key', ['place', 'plcae'], 7, 'plcae', ''],
    ['no author', [/author: .*\n/, ''], 2, '缺少“author”', ''],
    [
      'a time to send after the end',
      ['author', 'send-at: 2026-12-11T08:00:00+08:00\nauthor'],
      8,
      '发送时间晚于',
      '',
    ],
    ['bold marks', ['两位本地主播', '**两位**本地主播'], 10, 'Markdown 记号', '只用普通文字'],
    ['a heading', ['带上手机', '## 带上手机'], 11, 'Markdown 记号', '只用普通文字'],
    [
      'a link in Markdown',
      ['带上手机', '看[这里](https://a.example)'],
      11,
      'Markdown 记号',
      '网址直接写出来',
    ],
    ['HTML', ['带上手机', '<b>带上</b>手机'], 11, 'HTML', '去掉尖括号'],
    ['an HTML code', ['带上手机', '带上&nbsp;手机'], 11, 'HTML', ''],
    ['a face of WeChat', ['带上手机', '带上手机[微笑]'], 11, '微信表情代码', '【】'],
    ['a hidden character', ['带上手机', '带上\u200B手机'], 11, '看不见的控制字符', '重新打一遍'],
    ['a direction mark in the title', ['主播沙龙第3期', '主播\u202E沙龙'], 2, '看不见的控制字符', ''],
    ['marks in the place', ['2楼路演厅', '`2楼`'], 7, '地点里有 Markdown', ''],
    ['no head', [/^---\n/, ''], 1, '文件开头缺少两行“---”', 'docs/send-notice.md'],
    ['too long a text', ['带上手机', '长'.repeat(1501)], 10, '最多 1500 个', '缩短正文'],
  ])('with %s is refused, with its line and the cure', async (_, [from, to], line, message, cure) => {
    const broken = SOUND.replace(from, to)
    expect(broken).not.toBe(SOUND)
    folder.write(FILE, broken)
    const { problems, live, content } = await read()
    const found = problems.find((problem) => problem.startsWith(`${FILE}:${line}  `)) ?? problems[0]
    expect(found).toContain(`${FILE}:${line}  `)
    expect(found).toContain(message)
    expect(found).toContain(cure)
    expect(live).toEqual([])
    // The rest of the content goes live all the same.
    expect(content?.entries.length).toBeGreaterThan(0)
  })

  it.each([
    ['emoji, also joined ones', '欢迎 👨‍👩‍👧 ❤️'],
    ['a list with dashes', '- 第一项\n- 第二项'],
    ['brackets for emphasis', '【重要】[1] 带手机 (免费)'],
    ['comparisons and signs', '年龄 < 35，A&B，5 > 3，#话题 一_二 3*4'],
  ])('may hold %s', async (_, body) => {
    folder.write(FILE, noticeFile({ body }))
    expect((await read()).problems).toEqual([])
  })

  it('whose name is taken is refused, and the first one stays', async () => {
    folder.write(FILE, SOUND)
    folder.write('knowledge/notices/kunming/2026-12-10-zhubo.md', SOUND)
    const { problems, live } = await read()
    expect(problems).toEqual([
      `knowledge/notices/kunming/2026-12-10-zhubo.md:1  已经有一个叫“2026-12-10-zhubo”的通知(${FILE})。\n    换一个文件名。`,
    ])
    expect(live).toEqual(['2026-12-10-zhubo'])
  })

  it('that is not UTF-8 is left out, and nothing else', async () => {
    folder.write(FILE, Buffer.concat([Buffer.from(SOUND), Buffer.from([0xc4, 0xe3])]))
    const { problems, live, content } = await read()
    expect(problems[0]).toContain('不是 UTF-8 编码')
    expect(live).toEqual([])
    expect(content).toBeDefined()
  })
})

describe('an event that is over', () => {
  it('is to be put away; until then and after that it is known as past', async () => {
    folder.write(FILE, SOUND)
    const before = await read(at('10T16:30:00'))
    expect(before.problems[0]).toContain('移到 knowledge/notices/archive/')
    expect([before.live, before.past]).toEqual([[], ['2026-12-10-zhubo']])
    folder.delete('knowledge/notices')
    folder.write('knowledge/notices/archive/2026-12-10-zhubo.md', SOUND)
    expect(await read(at('11T00:00:00'))).toMatchObject({
      problems: [],
      live: [],
      past: ['2026-12-10-zhubo'],
    })
  })

  it('put away is nobody’s work any more, whatever is wrong with it', async () => {
    folder.write('knowledge/notices/archive/old.md', SOUND.replace('[电商]', '[没有了]'))
    folder.write('knowledge/notices/archive/older.md', Buffer.from([0xc4, 0xe3]))
    expect(await read(at('11T00:00:00'))).toMatchObject({ problems: [], live: [], past: [] })
  })
})
