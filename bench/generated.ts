import type { Content, Entry, Intent } from '../src/model/content.ts'
import { wordFinder } from '../src/text/find.ts'
import { randomFrom } from './measure.ts'

export interface Generated {
  readonly content: Content
  readonly questions: readonly { readonly ask: string; readonly region: string; readonly wanted: string }[]
}

export const PHRASINGS_OF_ONE = 12
const QUESTIONS = 1000

/**
 * A base of any size in the manner of the shipped one: each entry is a shipped wish about a place that does
 * not exist, asked for in phrasings put together from the shipped ones. The same size gives the same base.
 */
export function generate(shipped: Content, size: number): Generated {
  const random = randomFrom(size)
  const among = <T>(list: readonly T[]): T => list[Math.floor(random() * list.length)] as T
  const placeNames = placeNamer(among)
  const swapWords = wordSwapper(shipped, among)
  const regionNames = shipped.regions.flatMap(({ name, full, aliases }) => [full, ...aliases, name])
  const regionName = new RegExp(regionNames.sort((a, b) => b.length - a.length).join('|'), 'g')
  const byId = new Map(shipped.entries.map((entry) => [entry.id, entry]))
  const wishes = shipped.intents.filter(({ phrasings }) => phrasings.length >= 6)

  const entries: Entry[] = []
  const intents: Intent[] = []
  for (let left = size; left > 0; left -= PHRASINGS_OF_ONE) {
    const wish = among(wishes)
    const [region, answer] = among(Object.entries(wish.answers))
    const model = byId.get(answer) as Entry
    const name = placeNames()
    const place = `${name}${among(KINDS_OF_PLACE)}`
    const id = `${answer}-${entries.length}`
    const bareAlias = among(model.aliases).replace(regionName, '')
    entries.push({
      ...model,
      id,
      related: [],
      title: `${place}${model.title.replace(regionName, '')}`,
      aliases: [`${name}${bareAlias}`, ...(random() < 0.5 ? [`${place}的${bareAlias}`] : [])],
      answer: `${place}：${swapWords(model.answer)}`,
    })
    const phrasings = new Set<string>()
    for (let tries = 0; phrasings.size < Math.min(left, PHRASINGS_OF_ONE) && tries < 100; tries++) {
      const [one, other] = [among(wish.phrasings), among(wish.phrasings)]
      const text = swapWords(random() < 0.4 ? one : recombine(one, other))
      phrasings.add(among(WAYS_TO_NAME)(text.replace(regionName, name), random() < 0.5 ? name : place))
    }
    intents.push({ ...wish, id, answers: { [region]: id }, phrasings: [...phrasings] })
  }

  const vocabulary = wishes.flatMap(({ phrasings }) => phrasings.flatMap(wordsOf))
  const questions = Array.from({ length: QUESTIONS }, () => {
    const { answers, phrasings } = among(intents)
    const [[region, wanted] = ['', '']] = Object.entries(answers)
    const words = wordsOf(among(phrasings))
    const at = Math.floor(random() * words.length)
    const changed =
      words.length > 2 && random() < 0.5 ? words.toSpliced(at, 1) : words.with(at, among(vocabulary))
    return { ask: changed.join(''), region, wanted }
  })
  return { content: { ...shipped, entries, intents }, questions }
}

/** Two-character names, none given twice. */
function placeNamer(among: <T>(list: readonly T[]) => T): () => string {
  const given = new Set<string>()
  const characters = Array.from(NAME_CHARACTERS)
  return () => {
    for (;;) {
      const name = `${among(characters)}${among(characters)}`
      if (given.has(name)) continue
      given.add(name)
      return name
    }
  }
}

/** Says a thing with another of the words that the content knows for it. */
function wordSwapper({ concepts }: Content, among: <T>(list: readonly T[]) => T): (text: string) => string {
  const others = new Map<string, readonly string[]>()
  for (const [concept, words] of Object.entries(concepts)) {
    const all = [concept, ...words].filter((word) => /^\p{Script=Han}{2,}$/u.test(word))
    for (const word of all) others.set(word, all)
  }
  // The longer word first where two begin at one place.
  const findWords = wordFinder([...others.keys()].sort((a, b) => b.length - a.length))
  return (text) => {
    let swapped = ''
    let copied = 0
    for (const { word, from, to } of findWords(text)) {
      if (from < copied) continue
      swapped += text.slice(copied, from) + among(others.get(word) ?? [word])
      copied = to
    }
    return swapped + text.slice(copied)
  }
}

function recombine(one: string, other: string): string {
  const left = wordsOf(one)
  const right = wordsOf(other)
  return [...left.slice(0, Math.ceil(left.length / 2)), ...right.slice(Math.ceil(right.length / 2))].join('')
}

const WORDS = new Intl.Segmenter('zh-Hans', { granularity: 'word' })
const known = new Map<string, string[]>()

/** The same few texts are put together again and again. */
function wordsOf(text: string): string[] {
  let words = known.get(text)
  if (words === undefined) {
    words = Array.from(WORDS.segment(text), ({ segment }) => segment)
    if (known.size < 20_000) known.set(text, words)
  }
  return words
}

// Somebody who asks where they live does not say the name: about one phrasing in eight.
const WAYS_TO_NAME: readonly ((text: string, name: string) => string)[] = [
  (text, name) => `${name}${text}`,
  (text, name) => `${name}的${text}`,
  (text, name) => `${name}那边${text}`,
  (text, name) => `在${name}，${text}`,
  (text, name) => `${text}，${name}`,
  (text, name) => `想问${name}${text}`,
  (text, name) => `${text}（${name}）`,
  (text) => text,
]
const KINDS_OF_PLACE = ['街道', '社区', '镇', '新区', '园区', '学院', '青年驿站', '中心', '工业园', '大学']
const NAME_CHARACTERS =
  '澜栖霞岚锦绣瑞祥禾苑枫桦柏榆槐桐梓楠荷莲菱芦苇萍蓝翠碧青黛绛朱紫银铜铁岩石砂泉溪涧沟渠塘湖泊湾浦滨洲屿岛峰岭冈坡谷坪塬川云雾雪霜露虹霓晨曦暮晚晴朗皓月星辰斗魁奎璧珠琳琅瑶瑾瑜珂玥琪珏鹤鹭鸿雁鹰隼鹏鸾凤麟龙虎豹鹿驹骏马牛羊泰康宁安平和顺昌盛兴隆裕丰登嘉庆福禄寿喜德仁义礼智信忠孝廉耻文武韬略弘毅致远博雅思齐敏求笃行知新承启明光华彩'
