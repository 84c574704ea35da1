import { readdirSync, readFileSync } from 'node:fs'
import { beforeAll, describe, expect, it } from 'vitest'
import { loadContent } from '../src/content/load.ts'
import type { Content } from '../src/model/content.ts'
import { FALLBACK_HOTLINES } from '../src/talk/content-down.ts'
import { createUrgentLane } from '../src/talk/urgent.ts'
import { FALLBACK_URGENT } from '../src/talk/urgent-fallback.ts'
import { bare, normalize } from '../src/text/normalize.ts'

/**
 * Messages written by people who saw neither the wordings nor what the classifier was fitted on. The thresholds were
 * chosen on these lists, so the figures flatter a little. The third is by a
 * hand that wrote messages in `bench/urgent/` as well, but before them. Floors are the measured figures, rounded down;
 * they only ever go up.
 */
const LISTS = [
  { file: 'messages.jsonl', recall: 0.986, falseAlarms: 0.01 },
  { file: 'second.jsonl', recall: 0.98, falseAlarms: 0.009 },
  { file: 'third.jsonl', recall: 0.926, falseAlarms: 0.014 },
  { file: 'fourth.jsonl', recall: 0.99, falseAlarms: 0.01 },
]

let content: Content
beforeAll(async () => {
  const loaded = await loadContent('.')
  if (!loaded.content) throw new Error('the shipped content has errors')
  content = loaded.content
})

describe('the urgent lane', () => {
  it.each(LISTS)('hears who needs somebody now and leaves the others alone: $file', (list) => {
    const hears = createUrgentLane(content.urgent)
    const messages = readMessages(`test/urgent/${list.file}`)
    const urgent = messages.filter((one) => one.urgent)
    const calm = messages.filter((one) => !one.urgent)
    const heard = ({ text }: { text: string }): boolean => hears(normalize(text).text) !== undefined
    const recall = urgent.filter(heard).length / urgent.length
    const falseAlarms = calm.filter(heard).length / calm.length
    console.log(
      `urgent, ${list.file}: recall ${(100 * recall).toFixed(1)} % of ${urgent.length}, false alarms ${(100 * falseAlarms).toFixed(1)} % of ${calm.length}`,
    )
    expect(recall).toBeGreaterThanOrEqual(list.recall)
    expect(falseAlarms).toBeLessThanOrEqual(list.falseAlarms)
  })

  it('was fitted on none of these messages, nor on near copies of them', () => {
    const held = LISTS.flatMap(({ file }) => readMessages(`test/urgent/${file}`)).map(({ text }) =>
      pairsOf(text),
    )
    const withPair = new Map<string, Set<string>[]>()
    for (const pairs of held)
      for (const pair of pairs) withPair.set(pair, [...(withPair.get(pair) ?? []), pairs])
    const isNearCopy = (pairs: Set<string>): boolean => {
      const shared = new Map<Set<string>, number>()
      for (const pair of pairs)
        for (const other of withPair.get(pair) ?? []) shared.set(other, (shared.get(other) ?? 0) + 1)
      return Array.from(shared).some(([other, both]) => both / (pairs.size + other.size - both) >= 0.6)
    }
    const fitted = readdirSync('bench/urgent').flatMap((file) => readMessages(`bench/urgent/${file}`))
    expect(fitted.length).toBeGreaterThan(10_000)
    expect(fitted.filter(({ text }) => isNearCopy(pairsOf(text)))).toEqual([])
  })

  it.each([
    ['我不想活了', true],
    ['活著沒意思，想了結', true],
    ['wo bu xiang huo le', true],
    ['刚被骗走两万块怎么办', true],
    ['我室友吞了一瓶安眠药叫不醒', true],
    ['笑死我了这也太好玩了', false],
    ['跳楼价清仓甩卖', false],
    ['想死你了宝贝', false],
    ['反诈讲座什么时候办', false],
    ['担保费能减多少', false],
    // Worry is no cry for help: these ask for a policy, a street or nothing at all.
    ['找工作找到崩溃，有没有补贴', false],
    ['房租贵到活不起了，租房补贴怎么申请', false],
    ['被裁员了压力好大，失业金去哪领', false],
    ['创业亏光了想重新来，还能再贷款吗', false],
    ['我妈半夜叫我起来陪她看球，我困得要死还得装激动', false],
    // Words no message it was fitted on has together.
    ['我爷爷喝了敌百虫，嘴里冒沫', true],
    ['有人在我门口转悠一晚上了，还拧门把手', true],
  ])('%s → %s', (text, urgent) => {
    expect(createUrgentLane(content.urgent)(normalize(text).text) !== undefined).toBe(urgent)
  })

  it('works without any content, with the same hotlines', () => {
    const hears = createUrgentLane(FALLBACK_URGENT)
    for (const text of ['我不想活了', '他一直打我，我不敢回家', '刚刚被骗转了五千块', 'wo xiang zi sha'])
      expect(hears(normalize(text).text), text).toBeDefined()
    for (const text of ['笑死我了', '创业贷款怎么办', '你好'])
      expect(hears(normalize(text).text), text).toBeUndefined()
    for (const { number, name, hours } of FALLBACK_HOTLINES)
      expect(content.hotlines).toContainEqual(expect.objectContaining({ number, name, hours }))
  })

  it('names only registered hotlines in its replies', () => {
    const numbers = new Set(content.hotlines.map(({ number }) => number))
    for (const { reply } of [...content.urgent, ...FALLBACK_URGENT])
      for (const [number] of reply.matchAll(/\d{3,}/g)) expect(numbers, reply).toContain(number)
  })
})

function readMessages(path: string): { text: string; urgent: boolean }[] {
  return readFileSync(path, 'utf8')
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line) as { text: string; urgent: boolean })
}

function pairsOf(text: string): Set<string> {
  const characters = Array.from(bare(normalize(text).text))
  return new Set(characters.map((character, i) => character + (characters[i + 1] ?? '')))
}
