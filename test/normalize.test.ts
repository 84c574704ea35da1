import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { Converter } from 'opencc-js/cn2t'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Bot, startBot } from '../src/bot.ts'
import { plainText } from '../src/model/conversation.ts'
import { type Database, openDatabase } from '../src/store/database.ts'
import { chosenPosition } from '../src/talk/menu.ts'
import { inScript, MAX_MESSAGE, normalize, normalizedText } from '../src/text/normalize.ts'
import { withDigits } from '../src/text/numerals.ts'
import { isPinyin, soundOf, syllablesOf } from '../src/text/pinyin.ts'
import { type ContentFolder, smallContent } from './fakes/content-folder.ts'
import { quiet } from './fakes/log.ts'

/** What one reply may hold, so that every channel can carry it. */
const BOUNDS = { text: 2000, choices: 5, entries: 5 }

let folder: ContentFolder
let db: Database
let bot: Bot
beforeAll(async () => {
  folder = await smallContent()
  db = await openDatabase(':memory:')
  bot = await startBot({ contentDir: folder.root, db, log: quiet, segmenter: 'intl', unlimited: true })
})
afterAll(async () => {
  await bot.stop()
  await db.destroy()
  await folder.remove()
})

let count = 0
async function say(text: string, chat = `${++count}`) {
  const reply = await bot.respond({ id: `${++count}`, address: { channel: 'test', chat }, text })
  if (reply === undefined) throw new Error('no reply')
  return { ...reply, text: plainText(reply) }
}

describe('a message', () => {
  it('is brought into the same form as the texts it is compared with', () => {
    const piece = fc.oneof(
      fc.constantFrom(
        ...'青年公寓创业贷款，，。！？、~～-—…（）()[［《」“·　 \t',
        '青年',
        'Ａｂ１',
        'ＡＢＣ',
        'Internet Plus',
      ),
      fc.constantFrom(
        '發',
        '發(fā)展',
        '臺灣',
        '[微笑]',
        '［微笑］',
        '😀',
        '\u0301',
        '\u1100\u1161',
        '\uD83D',
        '\uF9F4',
        'が',
        'ﬁ',
      ),
      fc.integer({ min: 0, max: 0xffff }).map((unit) => String.fromCharCode(unit)),
    )
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 12 }), (pieces) => {
        const text = pieces.join('')
        expect(normalizedText(text)).toBe(normalize(text).text)
      }),
      { numRuns: 5000 },
    )
  })

  it.each([
    ['traditional characters', '創業貸款擔保費減免', '创业贷款担保费减免'],
    ['Taiwanese variants', '臺灣青年來麗水創業', '台湾青年来丽水创业'],
    ['full width', '我想申请ＡＢＣ１２３！', '我想申请abc123!'],
    ['half-width katakana and ligatures', 'ﬁnance', 'finance'],
    ['upper case', 'Internet Plus 大赛', 'internet plus大赛'],
    ['paste residue of annotated traditional text', '青年發(fā)展型城市', '青年发展型城市'],
    ['paste residue on many characters', '創(chuàng)業(yè)貸(dài)款(kuǎn)', '创业贷款'],
    ['brackets that are no residue', '创业(青年)贷款', '创业(青年)贷款'],
    ['emoji', '租房😀🏠有补贴吗👨‍👩‍👧', '租房有补贴吗'],
    ['flags and skin tones', '🇨🇳青年👍🏽公寓', '青年公寓'],
    ['zalgo', '青\u0336\u0351\u0489年\u0337\u0360公\u0335寓\u0334\u0301', '青年公寓'],
    ['lone surrogates', '\uD83D青年\uDE00公寓\uD800', '青年公寓'],
    ['NUL and control characters', '青\u0000年\u0007公\u001B寓', '青年公寓'],
    ['right-to-left marks', '\u202E青年\u200F公寓\u2066', '青年公寓'],
    ['zero-width characters and a byte order mark', '\uFEFF青\u200B年\u200D公\u2060寓', '青年公寓'],
    ['line breaks and tabs', '  青年\r\n\t公寓 \n', '青年公寓'],
    ['ideographic spaces', '青年　公寓　怎么申请', '青年公寓怎么申请'],
    ['spaces between Latin words', 'how   to  rent', 'how to rent'],
    ['repeated punctuation', '有没有补贴？？？！！！', '有没有补贴?!'],
    ['compatibility ideographs', '\uF9F4\u2F00', '林一'],
    ['a space between all characters', '莲 都 的 l i v e   s h o w 有 3 9 场 吗', '莲都的live show有39场吗'],
    ['emoticons of WeChat', '[旺柴]租房[捂脸][捂脸]有补贴吗[OK]', '租房有补贴吗'],
    ['footnotes of a page', '青年公寓[1]怎么申请[编辑]', '青年公寓怎么申请'],
    ['square brackets around words', '[担保费]怎么减', '[担保费]怎么减'],
    ['nothing', '', ''],
    ['nothing but decoration', ' \u200B😀\u0000\n', ''],
  ])('of %s is read as it was meant', (_, raw, text) => {
    expect(normalize(raw)).toMatchObject({ text, truncated: false })
  })

  it.each([
    ['担保费减免', 'simplified'],
    ['擔保費減免', 'traditional'],
    ['這個補貼怎麼申請', 'traditional'],
  ] as const)('“%s” is %s', (raw, script) => {
    expect(normalize(raw).script).toBe(script)
  })

  it('of any kind is bounded, well-formed and free of what cannot be seen', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 400 }), (raw) => {
        const { text } = normalize(raw)
        expect(text.isWellFormed()).toBe(true)
        expect(text).not.toMatch(/[\p{Cc}\p{Cf}]|^\s|\s$/u)
      }),
    )
  })

  it('of a megabyte is cut before any work is done, and the visitor is told', async () => {
    const long = '担保费减免'.repeat(210_000)
    const { text, truncated } = normalize(long)
    expect(text).toHaveLength(MAX_MESSAGE)
    expect(truncated).toBe(true)
    const reply = await say(long)
    expect(reply.text).toContain('只读了前面一部分')
    expect(reply.text.length).toBeLessThan(BOUNDS.text)
  })

  it('that grows when its ligatures are unfolded is cut again', () => {
    expect(normalize('\uFDFA'.repeat(MAX_MESSAGE)).text.length).toBeLessThanOrEqual(MAX_MESSAGE)
  })

  it('cut in the middle of a character loses only that character', () => {
    expect(normalize(`${'青'.repeat(MAX_MESSAGE - 1)}😀年`).text).toBe('青'.repeat(MAX_MESSAGE - 1))
  })

  it.each([
    ['characters that grow when they are unfolded', '\uFDFA'.repeat(2000)],
    ['one character a thousand times', '啊'.repeat(2000)],
    ['brackets that never close', '發('.repeat(1000)],
    ['letters without a space', 'xian'.repeat(500)],
    ['digits', '1'.repeat(2000)],
    ['marks on one character', `青${'\u0336'.repeat(1999)}`],
    ['every wish at once', '担保费减免青年公寓场租补贴'.repeat(150)],
  ])('of %s is answered', async (_, text) => {
    const reply = await say(text)
    expect(reply.text).not.toBe('')
    expect(reply.text.length).toBeLessThan(BOUNDS.text)
  })
})

describe('numerals', () => {
  it.each([
    ['hundreds', '三百套公寓', '300套公寓'],
    ['tens with ones', '二十四人', '24人'],
    ['ten by itself before 亿', '十亿以上', '10亿以上'],
    ['tens before 亿', '二十亿级', '20亿级'],
    ['one digit before 万', '五万大学生', '5万大学生'],
    ['what is left out in speech', '一千五', '1500'],
    ['the same with hundreds', '三百五', '350'],
    ['what a zero keeps apart', '一千零五', '1005'],
    ['a lone digit, which is mostly none', '三农', '三农'],
    ['no number', '万一', '万一'],
  ])('with %s: “%s” is “%s” in digits', (_, written, digits) => {
    expect(withDigits(written)).toBe(digits)
  })
})

describe('the bot', () => {
  // What visitors type, what machines send, and both mixed with what the bot looks for.
  const piece = fc.oneof(
    fc.string({ unit: 'binary', maxLength: 40 }),
    fc.string({ unit: 'grapheme', maxLength: 40 }),
    fc.constantFrom(
      '担保费',
      '青年公寓',
      '莲都',
      '那昆明呢',
      '要什么材料',
      '订阅',
      '同意',
      '退订',
      '人工',
      '2',
      '第二个',
      '换城市',
      '不是这个',
    ),
    fc.constantFrom(
      'danbaofei',
      'zufang butie',
      '擔保費',
      '我的数据',
      '删除我的数据',
      '更多',
      '出处',
      '谢谢',
      '？',
      '/start',
      '{office}',
      '$&',
      '\\',
      '(|',
      '…',
    ),
  )

  it('answers any string, within bounds and without a throw', async () => {
    // A reply may quote what its visitor typed (“我的数据” does): only a placeholder nobody typed is one left unfilled.
    const typed = new Set<string>()
    await fc.assert(
      fc.asyncProperty(fc.array(piece, { maxLength: 4 }), async (pieces) => {
        // Few visitors, so that the strings meet open menus and pending consents.
        const visitor = `visitor ${pieces.length}`
        if (pieces.includes('{office}')) typed.add(visitor)
        const reply = await say(pieces.join(''), visitor)
        const ours = typed.has(visitor) ? reply.text.replaceAll('{office}', '') : reply.text
        expect(reply.text.trim()).not.toBe('')
        expect(reply.text.length).toBeLessThan(BOUNDS.text)
        expect(ours).not.toMatch(/undefined|\[object|\{\w+\}/)
        expect(reply.entries.length).toBeLessThanOrEqual(BOUNDS.entries)
        expect(reply.choices.length).toBeLessThanOrEqual(reply.decision === 'ask-back' ? 4 : BOUNDS.choices)
        expect(reply.score).toBeGreaterThanOrEqual(0)
        expect(reply.score).toBeLessThanOrEqual(1)
        for (const { label } of reply.choices) expect(label.trim()).not.toBe('')
        for (const section of reply.sections) expect(section.text.trim()).not.toBe('')
      }),
      { numRuns: 200 },
    )
  })

  it.each([
    ['擔保費減免', '出處'],
    ['担保费减免', '出处'],
  ])('answers “%s” in the script it was asked in: %s', async (text, word) => {
    expect((await say(text)).text).toContain(word)
  })

  it.each([
    ['full width', '担保费减免！！'],
    ['invisible characters', '担\u200B保\u200B费减免'],
    ['paste residue', '擔(dān)保費(fèi)減免'],
    ['emoji', '担保费减免😀'],
    ['spaces', '担 保 费 减 免'],
    ['the number of a list', '1. 「担保费减免」'],
    ['two neighbours swapped', '担费保能减多少'],
    ['a character of the same sound', '担宝费能减多少'],
    ['a message typed in pinyin', 'dan bao fei neng jian duo shao'],
    ['pinyin without spaces', 'danbaofeinengjianduoshao'],
  ])('understands a question with %s', async (_, text) => {
    const reply = await say(text)
    expect([reply.decision, reply.entries[0]]).toEqual(['answer', 'liandu-guarantee-fee'])
  })

  it.each(['人工', '更多', '同意', '2', 'ok'])(
    'keeps a visitor’s script over “%s”, which both scripts write alike',
    async (word) => {
      await say('換城市', `alike ${word}`)
      const { text } = await say(word, `alike ${word}`)
      expect(text).toBe(inScript(text, 'traditional'))
    },
  )

  it('puts what a content file says into a reply as it stands, whatever signs are in it', async () => {
    expect(inScript('$& $1 \\ {x} %s', 'traditional')).toBe('$& $1 \\ {x} %s')
  })
})

describe('pinyin', () => {
  it.each([
    ['danbaofei', 'dan bao fei'],
    ['chuangyedaikuan', 'chuang ye dai kuan'],
    ['qingniangongyu', 'qing nian gong yu'],
    ['zhuangshuang', 'zhuang shuang'],
    ['xian', 'xian'],
    ['nver', 'nv er'],
    ['lüyou', 'lü you'],
    ['', ''],
  ])('“%s” is %s', (letters, syllables) => {
    expect(syllablesOf(letters)?.join(' ')).toBe(syllables)
  })

  it.each(['hello', 'zzz', 'v', 'danbaofeix', 'a'.repeat(121)])('“%s” is none', (letters) => {
    expect(syllablesOf(letters)).toBeUndefined()
  })

  const syllable = fc.constantFrom(
    'dan',
    'bao',
    'fei',
    'chuang',
    'ye',
    'dai',
    'kuan',
    'a',
    'er',
    'xiang',
    'zhi',
    'gong',
    'yu',
    'nv',
    'ou',
    'hang',
  )
  it('any syllables written together are taken apart again, letter for letter', () => {
    fc.assert(
      fc.property(fc.array(syllable, { minLength: 1, maxLength: 20 }), (syllables) => {
        const letters = syllables.join('')
        const found = syllablesOf(letters)
        expect(found?.join('')).toBe(letters)
        expect(found?.length).toBeLessThanOrEqual(syllables.length)
      }),
    )
  })

  it.each([
    ['a question in letters', 'zufang you butie ma', true],
    ['one word of two syllables', 'zufang', true],
    ['English', 'how can i rent a flat', false],
    ['one syllable', 'ni', false],
    ['Han characters', 'zu房', false],
    ['digits', '12355', false],
  ])('%s: typed in letters is %s', (_, text, yes) => {
    expect(isPinyin(text)).toBe(yes)
  })

  it.each([
    ['担保费', 'danbaofei'],
    ['担保费', '单保废'],
    ['租房', 'zhufang'],
    ['市场', '四仓'],
    ['兰州', '南洲'],
    ['青年', 'qinnian'],
  ])('“%s” sounds like “%s”', (written, heard) => {
    expect(soundOf(heard)).toEqual(soundOf(written))
  })
})

describe('a reply in traditional characters', () => {
  const opencc = Converter({ from: 'cn', to: 'tw' })
  // One that changes in any case, so that the short cut for texts without such a character is not taken.
  const same = (text: string): void => expect(inScript(`国${text}`, 'traditional')).toBe(opencc(`国${text}`))

  it('is what opencc makes of it, for every line of the knowledge', () => {
    const files = readdirSync('knowledge', { recursive: true, withFileTypes: true }).filter((item) =>
      item.isFile(),
    )
    const lines = files.flatMap((file) => readFileSync(join(file.parentPath, file.name), 'utf8').split('\n'))
    expect(lines.length).toBeGreaterThan(1000)
    for (const line of lines) same(line)
  })

  it('is what opencc makes of it, whatever stands beside what', () => {
    const piece = fc.constantFrom(
      ...'发 头发 发展 后 皇后 干 干净 干部 面 面条 里 公里 台 台风 只 只有 为 为什么 着 喫茶小舖 张栋梁 啓 峰 豈 𠮷 a 1 ，'.split(
        ' ',
      ),
    )
    fc.assert(
      fc.property(fc.array(fc.oneof(piece, fc.string({ unit: 'grapheme', maxLength: 3 }))), (parts) => {
        // opencc leaves what is described (⿰亻尔) as it is.
        same(parts.join('').replace(/[\u2FF0-\u2FFF]/g, ''))
      }),
    )
  })
})

describe('a choice', () => {
  it.each([
    ['2', 2],
    ['２', 2],
    ['②', 2],
    ['2️⃣', 2],
    ['2.', 2],
    ['2。', 2],
    [' 2 ', 2],
    ['2！！', 2],
    ['二', 2],
    ['两', 2],
    ['第二个', 2],
    ['第二個', 2],
    ['第2个', 2],
    ['第２項', 2],
    ['选2', 2],
    ['選二', 2],
    ['我选第二个吧', 2],
    ['要第二条', 2],
    ['二号', 2],
    ['就第一个', 1],
    ['9', 9],
    ['九', 9],
  ])('“%s” is number %i', (raw, number) => {
    expect(chosenPosition(normalize(raw).text)).toBe(number - 1)
  })

  it.each([
    '0',
    '22',
    '十',
    '2个孩子能领多少',
    '二手房',
    '第二个怎么申请',
    '一下',
    '两口子',
    '2023',
    '-2',
    '2 3',
    '',
    '选',
  ])('“%s” is none', (raw) => {
    expect(chosenPosition(normalize(raw).text)).toBeUndefined()
  })
})
