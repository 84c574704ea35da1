import { Converter } from 'opencc-js/cn2t'
import { pinyin } from 'pinyin-pro'
import { startBot } from '../src/bot.ts'
import { createLog } from '../src/log.ts'
import type { Content } from '../src/model/content.ts'
import { openDatabase } from '../src/store/database.ts'
import { type Labelled, readQuestions } from './labelled.ts'
import { oneIn, randomFrom, round } from './measure.ts'

/** What somebody is told, and what stood first. */
interface Told {
  /** Answered with the entry that is wanted. */
  readonly right: boolean
  readonly wrong: boolean
  readonly first: boolean
}

export type NoiseRow = Readonly<Record<string, number>>

/**
 * Each disturbance over the questions it changes, asked through the front door like any message.
 * @param many only one question in so many is asked
 * @param tell is called with each disturbance when it has been measured
 */
export async function measureNoise(
  many: number,
  tell: (name: string, row: NoiseRow) => void,
  only?: readonly string[],
): Promise<Record<string, NoiseRow>> {
  const db = await openDatabase(':memory:')
  const bot = await startBot({ contentDir: '.', db, log: createLog('silent'), unlimited: true })
  const content = bot.knowledge()?.content
  if (!content) throw new Error('the content has errors: npm run check')
  const wantedBy = new Map(content.intents.map(({ id, answers }) => [id, answers]))
  let number = 0
  const ask = async (text: string, { intent, region }: Labelled): Promise<Told> => {
    const chat = String(number++)
    const reply = await bot.respond({ id: chat, address: { channel: 'bench', chat }, text, region })
    const wanted = wantedBy.get(intent)?.[region]
    const answered = reply?.decision === 'answer'
    const first = reply?.entries[0] === wanted
    return { right: answered && first, wrong: answered && !first, first }
  }

  const questions = oneIn(many, readQuestions())
  const undisturbed: Told[] = []
  for (const question of questions) undisturbed.push(await ask(question.ask, question))
  const rows: Record<string, NoiseRow> = { 'as they were written': row(undisturbed, undisturbed) }
  for (const [name, disturb] of Object.entries(disturbances(content))) {
    if (only && !only.includes(name)) continue
    const before: Told[] = []
    const after: Told[] = []
    for (const [i, question] of questions.entries()) {
      const text = disturb(question.ask, randomFrom(i + 1))
      const told = undisturbed[i]
      if (text === question.ask || told === undefined) continue
      before.push(told)
      after.push(await ask(text, question))
    }
    const measured = row(before, after)
    rows[name] = measured
    tell(name, measured)
  }
  await bot.stop()
  await db.destroy()
  return rows
}

function row(before: readonly Told[], after: readonly Told[]): NoiseRow {
  const share = (list: readonly Told[], counts: (told: Told) => boolean): number =>
    (100 * list.filter(counts).length) / Math.max(1, list.length)
  const right = share(after, (told) => told.right)
  return {
    questions: after.length,
    'right, %': round(right, 1),
    'lost, points': round(share(before, (told) => told.right) - right, 1),
    'wrong, %': round(
      share(after, (told) => told.wrong),
      1,
    ),
    'top-1, %': round(
      share(after, (told) => told.first),
      1,
    ),
    'top-1 lost, points': round(share(before, (told) => told.first) - share(after, (told) => told.first), 1),
  }
}

type Disturb = (ask: string, random: () => number) => string

/** Slips of the fingers, each at one random place. */
export function slipsIn(content: Content): Disturb[] {
  const all = disturbances(content)
  return ['two neighbours swapped', 'one homophone', 'one character left out'].flatMap(
    (name) => all[name] ?? [],
  )
}

/** One thing done to a whole set of questions. What is done at one place is done at a random one. */
function disturbances(content: Content): Record<string, Disturb> {
  const traditional = Converter({ from: 'cn', to: 'tw' })
  const homophones = homophonesIn(content)
  return {
    traditional: (ask) => traditional(ask),
    'full width': (ask) =>
      ask.replace(/[!-~]/g, (character) => String.fromCharCode(character.charCodeAt(0) + 0xfee0)),
    'a space between all characters': (ask) => (HAN.test(ask) ? Array.from(ask).join(' ') : ask),
    'politely wrapped': (ask) => `你好请问一下${ask}谢谢`,
    'pasted from a page': (ask, random) => {
      const characters = Array.from(ask)
      const at = placesOf(characters, (character) => HAN.test(character))
      const here = among(at, random)
      if (here !== undefined) {
        const annotated = characters[here] ?? ''
        characters[here] = `${annotated}(${pinyin(annotated, { toneType: 'symbol' })})`
      }
      const middle = Math.floor(characters.length / 2)
      return `1.\u00a0「${characters.slice(0, middle).join('')}\u200b\u00ad${characters.slice(middle).join('')}」\r\n`
    },
    emoji: (ask, random) => {
      const characters = Array.from(ask)
      const at = among(
        placesOf(characters, (character) => HAN.test(character)),
        random,
      )
      const middle = at === undefined ? characters : characters.toSpliced(at, 0, '😂')
      return `👋${middle.join('')}🙏🏻🙏🏻`
    },
    'emoticons of WeChat': (ask) => `[旺柴]${ask}[捂脸][捂脸]`,
    'marks repeated': (ask) => `${ask.replace(/[?？。!！]+$/u, '')}？？？！！……`,
    'two neighbours swapped': (ask, random) => {
      const characters = Array.from(ask)
      const at = among(
        placesOf(characters, (left, i) => {
          const right = characters[i + 1] ?? ''
          return HAN.test(left) && HAN.test(right) && left !== right
        }),
        random,
      )
      return at === undefined
        ? ask
        : characters
            .with(at, characters[at + 1] ?? '')
            .with(at + 1, characters[at] ?? '')
            .join('')
    },
    'one homophone': (ask, random) => {
      const characters = Array.from(ask)
      const othersOf = (character: string): string[] =>
        HAN.test(character)
          ? (homophones.get(syllable(character)) ?? []).filter((other) => other !== character)
          : []
      const at = among(
        placesOf(characters, (character) => othersOf(character).length > 0),
        random,
      )
      if (at === undefined) return ask
      return characters.with(at, among(othersOf(characters[at] ?? ''), random) ?? '').join('')
    },
    'one character left out': (ask, random) => {
      const characters = Array.from(ask)
      const at = among(
        placesOf(characters, (character) => HAN.test(character)),
        random,
      )
      return at === undefined ? ask : characters.toSpliced(at, 1).join('')
    },
    'one character twice': (ask, random) => {
      const characters = Array.from(ask)
      const at = among(
        placesOf(characters, (character) => HAN.test(character)),
        random,
      )
      return at === undefined ? ask : characters.toSpliced(at, 0, characters[at] ?? '').join('')
    },
    'typed in pinyin': (ask) =>
      HAN.test(ask)
        ? pinyin(ask, { toneType: 'none', v: true, type: 'array', nonZh: 'consecutive' }).join(' ')
        : ask,
    'pinyin without spaces': (ask) =>
      HAN.test(ask)
        ? pinyin(ask, { toneType: 'none', v: true, type: 'array', nonZh: 'consecutive' }).join('')
        : ask,
  }
}

function placesOf(characters: readonly string[], fits: (character: string, at: number) => boolean): number[] {
  return characters.flatMap((character, at) => (fits(character, at) ? [at] : []))
}

function among<T>(list: readonly T[], random: () => number): T | undefined {
  return list[Math.floor(random() * list.length)]
}

/** The characters of the content by syllable, tones aside, as an input method offers them. */
function homophonesIn({ intents, entries }: Content): Map<string, string[]> {
  const texts = [...intents.flatMap(({ phrasings }) => phrasings), ...entries.map(({ answer }) => answer)]
  const bySyllable = new Map<string, string[]>()
  for (const character of new Set(texts.join('')))
    if (HAN.test(character))
      bySyllable.set(syllable(character), [...(bySyllable.get(syllable(character)) ?? []), character])
  return bySyllable
}

const HAN = /\p{Script=Han}/u
const syllable = (character: string): string => pinyin(character, { toneType: 'none' })
