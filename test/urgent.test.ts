import { readFileSync } from 'node:fs'
import { beforeAll, describe, expect, it } from 'vitest'
import { loadContent } from '../src/content/load.ts'
import type { Content } from '../src/model/content.ts'
import { FALLBACK_HOTLINES } from '../src/talk/content-down.ts'
import { createUrgentLane } from '../src/talk/urgent.ts'
import { FALLBACK_URGENT } from '../src/talk/urgent-fallback.ts'
import { normalize } from '../src/text/normalize.ts'

/** Measured on messages written by somebody who saw neither the wordings nor what the classifier was fitted on. */
const FLOOR = { recall: 0.96, falseAlarms: 0.05 }

let content: Content
beforeAll(async () => {
  const loaded = await loadContent('.')
  if (!loaded.content) throw new Error('the shipped content has errors')
  content = loaded.content
})

describe('the urgent lane', () => {
  it('hears who needs somebody now and leaves the others alone', () => {
    const hears = createUrgentLane(content.urgent)
    const messages = readFileSync('test/urgent/messages.jsonl', 'utf8')
      .split('\n')
      .filter(Boolean)
      .map((line) => JSON.parse(line) as { text: string; urgent: boolean; kind: string })
    const urgent = messages.filter((one) => one.urgent)
    const calm = messages.filter((one) => !one.urgent)
    const missed = urgent.filter(({ text }) => hears(normalize(text).text) === undefined)
    const alarmed = calm.filter(({ text }) => hears(normalize(text).text) !== undefined)
    const recall = 1 - missed.length / urgent.length
    const falseAlarms = alarmed.length / calm.length
    console.log(
      `urgent: recall ${(100 * recall).toFixed(1)} % of ${urgent.length}, false alarms ${(100 * falseAlarms).toFixed(1)} % of ${calm.length}`,
    )
    expect(recall, missed.map(({ text }) => text).join('\n')).toBeGreaterThanOrEqual(FLOOR.recall)
    expect(falseAlarms, alarmed.map(({ text }) => text).join('\n')).toBeLessThanOrEqual(FLOOR.falseAlarms)
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
