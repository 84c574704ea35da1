import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import { regionsFile, urgentFile } from '../src/content/schema.ts'
import { createUrgentLane } from '../src/talk/urgent.ts'
import { FALLBACK_URGENT } from '../src/talk/urgent-fallback.ts'
import { normalize } from '../src/text/normalize.ts'
import { compileExcuses, compileWording, wordingFault } from '../src/text/pattern.ts'

const kinds = urgentFile.parse(parse(readFileSync('intents/urgent.yaml', 'utf8')))
const hotlines = regionsFile.parse(parse(readFileSync('knowledge/regions.yaml', 'utf8'))).hotlines
const lane = createUrgentLane(kinds)
const hear = (text: string) => lane(normalize(text).text)?.id

// None of these is a line of intents/urgent.yaml; they are what a visitor might send.
const URGENT: Readonly<Record<string, readonly string[]>> = {
  'suicide-now|self-harm|self-harm-mention': [
    '不想再醒过来了',
    '我现在站在天台上',
    '真的活不下去了,谁能听我说两句',
    '我室友割腕了怎么办',
    '活着好累,想一了百了',
    '遗书已经写好了放在枕头下面',
    '如果我消失了,爸妈会不会轻松一点',
    '攒了一个月的安眠药,今晚应该够了',
    '有没有不疼的死法',
    '又拿刀片划自己了,停不下来',
    '想紫砂',
    '要不要跳lou算了',
    '我想自鲨',
    '我弟弟说他不想活了,刚才跑出去了',
    '笑死我了哈哈,其实我想自杀',
    '跳楼价的衣服买了也没用,我还是想跳楼',
  ],
  medical: [
    '我爸突然晕倒了叫不醒',
    '孩子掉进河里了快来人',
    '室友煤气中毒昏过去了',
    '胸口疼得喘不上气直冒冷汗',
  ],
  danger: ['救命', '有人拿着刀在砸我家门', '一个男的跟了我两条街,我好怕', '孩子放学到现在没回家,电话关机'],
  trapped: [
    '护照被公司扣了,园区不让我们走',
    '我好像进传销窝点了,手机都被收了',
    '爸妈把我锁在家里不让出门',
    '朋友被骗到缅北了,说要赎金',
  ],
  'sexual-abuse': ['继父半夜进我房间摸我', '我被老师猥亵了,不敢说', '昨晚被同事强迫发生了关系'],
  violence: ['老公喝醉了又打我', '我爸拿皮带抽我,身上全是伤', '被男朋友掐脖子,差点没气', '我妈又被我爸打了'],
  blackmail: ['他拿我的果照威胁我转钱', '裸聊被录屏了,说不给钱就发给通讯录里的人'],
  'bullying|violence|danger': [
    '在学校天天被同学堵在厕所里打',
    '全班都孤立我,往我书包里倒水',
    '高年级的问我要保护费,不给就打',
  ],
  fraud: [
    '刚刚给骗子转了两万,现在怎么办',
    '客服让我打开屏幕共享,说要关百万保障',
    '刷单做了三单提不出钱,还让我再充五千',
    '高利贷天天上门威胁要砍我',
  ],
  distress: [
    '惊恐发作了,手一直抖,感觉要死了',
    '连续三周睡不着,每天躲起来哭',
    '抑郁症复发了,药也断了半个月',
    '我真的撑不下去了',
  ],
}

const CALM: readonly string[] = [
  '笑死',
  '今天累死了',
  '大家都好卷啊,卷死了',
  '想死你了,什么时候见面',
  '爱死这个公园了',
  '昨天迟到还摔了一跤,社死',
  '这作业要命',
  '救命这也太好吃了',
  '商场跳楼价清仓',
  '自杀式袭击是什么意思',
  '楼下新开的蹦极,跳下去是什么感觉',
  '王者荣耀里被队友坑死了',
  '狼人杀我第一晚就被杀了',
  '看完电影哭了一晚上',
  '余华的《活着》有读书会吗',
  '反诈讲座什么时候办',
  '校园霸凌普法讲座在哪报名',
  '心理咨询室在哪',
  '最近压力大,想约心理咨询',
  '我不打算考研了',
  '刚失恋想参加联谊',
  '论文怎么写自杀预防',
  '想学心肺复苏,哪里有急救培训',
  '预防溺水的课有吗',
  '去老挝交流的项目怎么报名',
  '产业园区招人吗',
  '房东不退押金怎么办',
  '天台能不能办音乐会',
  '我想买一把紫砂壶',
  '我妈打我电话没接到',
  '没想自杀,就是随口吐槽一下',
  '做噩梦梦到被追杀',
]

describe('紧急情况', () => {
  it.each(Object.entries(URGENT).flatMap(([ids, texts]) => texts.map((text) => [text, ids] as const)))(
    '听得出急:%s(%s)',
    (text, ids) => {
      expect(ids.split('|')).toContain(hear(text))
    },
  )

  it.each(CALM)('不当成急事:%s', (text) => {
    expect(hear(text)).toBeUndefined()
  })

  it.each([
    'bu xiang huo le',
    'huo zhe mei yi si',
    'buxianghuole',
    'wo xiang zi sha',
    'wo lao gong da wo',
    'jiu jiu wo',
    'wo bei pian le',
    '我不xiang活了',
  ])('用拼音写也听得出急:%s', (text) => {
    expect(hear(text)).toBeDefined()
  })

  it.each([
    'xiao si wo le',
    'xiang si ni le',
    'wo xiang shi shi',
    'zen me shen qing bu tie',
    'zi shang er xia',
  ])('拼音的平常话不当成急事:%s', (text) => {
    expect(hear(text)).toBeUndefined()
  })

  it.each(['我不想活了', '他拿著刀追我', '我媽媽被爸爸打', '剛剛轉帳給騙子了'])(
    '繁体和简体一样:%s',
    (text) => {
      expect(hear(text)).toBeDefined()
    },
  )

  it('夹着标点、空格也听得出', () => {
    for (const text of ['想 死', '我。想。自。杀', '不想，活了', '我想死，你们都不懂'])
      expect(hear(text), text).toBeDefined()
  })

  it('读两千字也不费多少时间', () => {
    for (const piece of [
      '我',
      '不想',
      '爸妈打骂我',
      '钱转账了',
      '想死你了',
      'xiang',
      'ni hao ',
      '((((',
      '……',
    ]) {
      const text = normalize(piece.repeat(2000)).text
      lane(text)
      const start = performance.now()
      lane(text)
      expect(performance.now() - start, piece).toBeLessThan(500)
    }
  })

  it('回复短、不带号码,热线都有据可查', () => {
    const known = hotlines.map(({ number }) => number)
    for (const { id, reply, hotlines: shown } of kinds) {
      expect(reply.match(/[。!?！？]/g)?.length ?? 0, id).toBeLessThanOrEqual(4)
      expect(reply, id).not.toMatch(/\d{3}/)
      for (const number of shown) expect(known, id).toContain(number)
    }
    expect(new Set(kinds.map(({ id }) => id)).size).toBe(kinds.length)
  })

  it('每一行说法都能读懂', () => {
    const faults = kinds.flatMap(({ id, exactly, contains, unless }) =>
      [...exactly, ...contains, ...unless].filter(wordingFault).map((line) => `${id}: ${line}`),
    )
    expect(faults).toEqual([])
  })

  it('没有一种政策问法被当成急事', () => {
    const wrong = readdirSync('intents', { recursive: true, encoding: 'utf8' })
      .filter((file) => /[/\\].*\.yaml$/.test(file))
      .flatMap(
        (file) => (parse(readFileSync(`intents/${file}`, 'utf8')) as { phrasings: unknown[] }).phrasings,
      )
      .map(String)
      .filter((phrasing) => hear(phrasing))
    expect(wrong).toEqual([])
  })
})

describe('资料读不了时的后备', () => {
  const fallback = createUrgentLane(FALLBACK_URGENT)
  const known = hotlines.map(({ number }) => number)

  it.each(['我不想活了', '我想自杀', '救命', '我被骗了五万', '老公又打我', '站在楼顶了', '他拿裸照威胁我'])(
    '仍然听得出急:%s',
    (text) => {
      expect(fallback(normalize(text).text)).toBeDefined()
    },
  )

  it.each(['笑死', '想死你了', '反诈讲座什么时候办', '创业补贴怎么申请'])('平常话照旧:%s', (text) => {
    expect(fallback(normalize(text).text)).toBeUndefined()
  })

  it('热线都有据可查', () => {
    for (const { id, hotlines: shown } of FALLBACK_URGENT)
      for (const number of shown) expect(known, id).toContain(number)
  })
})

describe('说法的写法', () => {
  const matches = (wording: string, text: string) => compileWording([wording], 'anywhere')(text)

  it('… 最多隔八个字', () => {
    expect(matches('爸…打我', '爸昨晚又喝酒打我')).toBe(true)
    expect(matches('爸…打我', '爸爸昨天晚上又喝了酒打我')).toBe(false)
  })

  it('(a|b) 任选其一,(a|) 可有可无,# 是一个数', () => {
    expect(matches('(爸|妈)打(了|)我', '妈打了我')).toBe(true)
    expect(matches('#天没睡', '三天没睡')).toBe(true)
    expect(matches('#天没睡', '12天没睡')).toBe(true)
    expect(matches('#天没睡', '每天没睡')).toBe(false)
  })

  it('a + b 先后不论,缺一不可', () => {
    expect(matches('转账 + 骗子', '骗子让我转账')).toBe(true)
    expect(matches('转账 + 骗子', '转账限额多少')).toBe(false)
  })

  it('全角的括号和竖线也认得', () => {
    expect(matches('（爸｜妈）打我', '妈打我')).toBe(true)
  })

  it('unless 只拿掉它说的那几个字', () => {
    expect(compileExcuses(['想死你', '电影 + 自杀'])('想死你了,电影里有人自杀')).toBe('□了,□里有人□')
  })

  it('括号不成对、或者什么都能对上的说法会被指出来', () => {
    expect(wordingFault('(爸|妈打我')).toBeDefined()
    expect(wordingFault('爸)打我')).toBeDefined()
    expect(wordingFault('(爸|)')).toBeDefined()
    expect(wordingFault('(爸|妈)打我')).toBeUndefined()
  })
})

/** Labelled by somebody else; nobody who edits the wordings looks at them. */
const labelled = existsSync('test/urgent')
  ? readdirSync('test/urgent')
      .filter((file) => file.endsWith('.jsonl'))
      .flatMap((file) => readFileSync(`test/urgent/${file}`, 'utf8').split('\n').filter(Boolean))
      .map((line) => JSON.parse(line) as { text: string; urgent: boolean; kind?: string })
  : []

describe.skipIf(labelled.length === 0)('没见过的消息', () => {
  const urgent = labelled.filter((message) => message.urgent)
  const calm = labelled.filter((message) => !message.urgent)

  it('急事至少认出 99%', () => {
    const missed = urgent.filter(({ text }) => hear(text) === undefined)
    const recall = 1 - missed.length / Math.max(1, urgent.length)
    expect(recall, report('漏认', missed, urgent.length)).toBeGreaterThanOrEqual(0.99)
  })

  it('平常话误认不超过 2%', () => {
    const alarmed = calm.filter(({ text }) => hear(text) !== undefined)
    const rate = alarmed.length / Math.max(1, calm.length)
    expect(rate, report('误认', alarmed, calm.length)).toBeLessThanOrEqual(0.02)
  })

  function report(what: string, wrong: readonly { text: string; kind?: string }[], all: number): string {
    const lines = wrong.map(({ text, kind }) => `  ${kind ?? ''} ${text} → ${hear(text) ?? '平常'}`)
    return `${what} ${wrong.length}/${all}\n${lines.join('\n')}`
  }
})
