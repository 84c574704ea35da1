import type { FoundWord, WordList } from './find.ts'
import type { NamesBySound } from './names-by-sound.ts'
import { readingsOf, soundOfToken, syllablesOf, syllablesUpTo } from './pinyin.ts'

/**
 * Undoes a slip of the fingers where the base's own texts leave little doubt what was meant.
 * @param findKept tells the places whose characters must stay as they are; asked only if something may be mended
 */
export type Repair = (text: string, findKept: () => (at: number) => boolean) => string

/**
 * By how much a slip mended must make a text likelier, in nats. At 9 and 8 two plain questions in a hundred are changed
 * and two thirds of all slips are mended; at 6 twice as many plain ones change, and hardly more slips are mended. Where
 * a name comes out, much less will do.
 */
const SURE = { swap: 7, sound: 8, name: 3 }
/** More slips in one message than this are no slips. */
const MOST_SLIPS = 2
/** One character in so many of a name may be written with another. */
const SLIPS_IN_NAME = 3
/** Two characters that stand together so often belong together. */
const OFTEN = 4
/** Longer messages are stories: a slip in them changes little. */
const LONGEST = 100
const LONGEST_IN_PINYIN = 300
/** In a message typed in pinyin most letters are; a few words of another language may stand between. */
const MOSTLY = 0.7
const FEWEST_SYLLABLES = 2
/** Letters among Chinese characters. */
const BETWEEN = /[a-zü]+(?:[ '][a-zü]+)*/gu
/** How likely each character read from them must be, in nats: what was typed in pinyin is above -5, English words that can be read as syllables are below -10. */
const PLAIN = -7

/**
 * Which characters stand beside each other in the texts of a base, and from that, what a visitor meant who swapped
 * two neighbours (文化站驿), took a character for another of the same sound (联谊拿天) or typed in pinyin.
 */
export class Neighbours {
  private readonly pairs = new PairCounts()
  private readonly single = new Float64Array(0x10000)
  private readonly latin = new Set<string>()
  private total = 0

  /** Learns from one normalised text. */
  add(text: string): void {
    let before = EDGE
    for (let i = 0; i < text.length; i++) {
      const code = hanAt(text, i)
      if (code !== EDGE || before !== EDGE) this.count(before, code)
      before = code
    }
    if (before !== EDGE) this.count(before, EDGE)
    if (LETTER.test(text)) for (const [word] of text.matchAll(/[a-z]+/g)) this.latin.add(word)
  }

  private count(left: number, right: number): void {
    this.pairs.add(left, right)
    this.single[left] = (this.single[left] as number) + 1
    this.total++
  }

  /** Whether any two neighbours of a text stand beside each other elsewhere; a single character always may. */
  hold(text: string): boolean {
    let pairs = 0
    for (let i = 0; i + 1 < text.length; i++) {
      const [left, right] = [hanAt(text, i), hanAt(text, i + 1)]
      if (left === EDGE || right === EDGE) continue
      pairs++
      if (this.pairs.of(left, right) > 0) return true
    }
    return pairs === 0
  }

  /**
   * Nothing may be added afterwards.
   * @param names what things are called here: two neighbours swapped in one of them are put right
   * @param heard the same, to be found by sound
   * @param pause awaited now and then
   */
  async repairer(names: WordList, heard: NamesBySound, pause: () => Promise<void>): Promise<Repair> {
    const bySound = new Map<string, number[]>()
    const byReading = new Map<string, number[]>()
    const note = (index: Map<string, number[]>, key: string, code: number): void => {
      const same = index.get(key)
      if (same) same.push(code)
      else index.set(key, [code])
    }
    let listened = 0
    for (let code = 1; code < this.single.length; code++) {
      if ((this.single[code] as number) === 0) continue
      if (++listened % BREATH === 0) await pause()
      const character = String.fromCharCode(code)
      for (const sound of soundOfToken(character)) note(bySound, sound, code)
      for (const reading of readingsOf(character)) note(byReading, reading, code)
    }
    return (text, findKept) => {
      if (!HAN.test(text)) return text.length > LONGEST_IN_PINYIN ? text : this.read(text, byReading)
      if (text.length > LONGEST) return text
      return this.mend(this.readBetween(text, byReading), bySound, names, heard, findKept)
    }
  }

  /** Mends the likeliest slip, then what is left. */
  private mend(
    text: string,
    bySound: ReadonlyMap<string, readonly number[]>,
    names: WordList,
    heard: NamesBySound,
    findKept: () => (at: number) => boolean,
  ): string {
    let isKept: ((at: number) => boolean) | undefined
    let mended = this.unscramble(this.rename(text, heard, findKept), names, findKept)
    let words = wordsOf(mended)
    for (let slips = 0; slips < MOST_SLIPS; slips++) {
      const codes = Array.from({ length: mended.length }, (_, i) => hanAt(mended, i))
      const at = (i: number): number => codes[i] ?? EDGE
      let best: { gain: number; text: string; words: Words } | undefined
      const consider = (gain: number, from: number, meant: string): void => {
        if (gain <= (best?.gain ?? 0)) return
        isKept ??= findKept()
        if (isKept(from) || isKept(from + meant.length - 1)) return
        const candidate = mended.slice(0, from) + meant + mended.slice(from + meant.length)
        const after = wordsOf(candidate)
        // What was meant is a word, of any dictionary or of the base; what was written was none.
        const isWord = after.count < words.count || this.isOwnWord(mended, candidate, from, meant.length)
        if (isWord) best = { gain, text: candidate, words: after }
      }
      for (let i = 0; i < codes.length; i++) {
        const here = at(i)
        if (here === EDGE || words.inWord[i] || counts(mended, i)) continue
        // 请不请 is a question, no slip for 请不清.
        if (mended.charAt(i - 1) === '不' && at(i - 2) === here) continue
        const next = at(i + 1)
        if (
          next !== EDGE &&
          next !== here &&
          !words.inWord[i + 1] &&
          !isSplitting(here) &&
          !isSplitting(next)
        ) {
          const gain = this.gainOfSwap(at(i - 1), here, next, at(i + 2))
          consider(gain - SURE.swap, i, mended.charAt(i + 1) + mended.charAt(i))
        }
        const written = this.follows(at(i - 1), here) + this.follows(here, next)
        if (written > -SURE.sound) continue
        for (const other of bySound.get(soundOfToken(mended.charAt(i))[0] ?? '') ?? []) {
          if (other === here) continue
          const gain = this.follows(at(i - 1), other) + this.follows(other, next) - written - SURE.sound
          consider(gain, i, String.fromCharCode(other))
        }
      }
      if (best === undefined) break
      mended = best.text
      words = best.words
    }
    return mended
  }

  /** 春城青局 → 春城青居: a name but for a character of the same sound, whatever stands beside it. */
  private rename(text: string, heard: NamesBySound, findKept: () => (at: number) => boolean): string {
    let renamed = text
    for (const { name, from } of heard.findIn(text)) {
      const to = from + name.length
      const slips = Array.from(name, (_, i) => from + i).filter((at) => text[at] !== name[at - from])
      const isOdd = (at: number): boolean =>
        this.pairs.of(hanAt(text, at - 1), hanAt(text, at)) === 0 ||
        this.pairs.of(hanAt(text, at), hanAt(text, at + 1)) === 0
      if (slips.length === 0 || slips.length > name.length / SLIPS_IN_NAME || !slips.every(isOdd)) continue
      if (slips.some((at) => counts(text, at))) continue
      if (slips.some(findKept()) || renamed.slice(from, to) !== text.slice(from, to)) continue
      renamed = renamed.slice(0, from) + name + renamed.slice(to)
    }
    return renamed
  }

  /** 智商慧圈 → 智慧商圈: two neighbours swapped in a name, whatever words the slip has made. */
  private unscramble(text: string, names: WordList, findKept: () => (at: number) => boolean): string {
    let best: { readonly text: string; readonly length: number; readonly at: number } | undefined
    for (let i = 0; i + 1 < text.length; i++) {
      const [here, next] = [hanAt(text, i), hanAt(text, i + 1)]
      if (here === EDGE || next === EDGE || here === next) continue
      if (this.gainOfSwap(hanAt(text, i - 1), here, next, hanAt(text, i + 2)) < SURE.name) continue
      const candidate = text.slice(0, i) + text.charAt(i + 1) + text.charAt(i) + text.slice(i + 2)
      for (const { from, to } of names.findIn(candidate))
        if (from <= i && i + 2 <= to && to - from > (best?.length ?? 0))
          best = { text: candidate, length: to - from, at: i }
    }
    if (best === undefined || standsIn(names.findIn(text), best.at, 1)) return text
    const isKept = findKept()
    return isKept(best.at) || isKept(best.at + 1) ? text : best.text
  }

  /** By how much a text is likelier with two neighbours in the other order. */
  private gainOfSwap(before: number, here: number, next: number, after: number): number {
    const written = this.follows(before, here) + this.follows(here, next) + this.follows(next, after)
    return this.follows(before, next) + this.follows(next, here) + this.follows(here, after) - written
  }

  /** Whether every pair of neighbours that a change touches is often in the base, and none was before. */
  private isOwnWord(written: string, meant: string, from: number, length: number): boolean {
    let pairs = 0
    for (let i = from - 1; i < from + length; i++) {
      if (hanAt(meant, i) === EDGE || hanAt(meant, i + 1) === EDGE) continue
      pairs++
      if (this.pairs.of(hanAt(meant, i), hanAt(meant, i + 1)) < OFTEN) return false
      if (this.pairs.of(hanAt(written, i), hanAt(written, i + 1)) > 0) return false
    }
    return pairs > 0
  }

  /** Characters for syllables: the likeliest way through everything the letters can mean. */
  private read(text: string, byReading: ReadonlyMap<string, readonly number[]>): string {
    const parts = Array.from(text.matchAll(/([a-zü]+)|[^a-zü]+/gu), ([part, letters]) => {
      const syllables = letters === undefined ? undefined : syllablesOf(letters)
      // What the base itself writes in letters is no pinyin: loan, not lo an.
      const isWord = syllables && syllables.length > 1 && this.latin.has(letters ?? '')
      return { part, letters, syllables: isWord ? undefined : syllables }
    })
    let all = 0
    let read = 0
    let syllables = 0
    for (const { letters = '', syllables: own } of parts) {
      all += letters.length
      if (own) read += letters.length
      syllables += own?.length ?? 0
    }
    if (syllables < FEWEST_SYLLABLES || read < MOSTLY * all) return text

    let ways: readonly Way[] = [{ last: EDGE, likely: 0, text: '' }]
    for (const { part, letters, syllables: own } of parts) {
      if (letters !== undefined && own !== undefined) {
        const longer = this.readOn(letters, ways, byReading)
        // A syllable that no text of the base holds.
        if (longer.length === 0) return text
        ways = longer
      } else if (part.trim() !== '')
        ways = ways.map(({ last, likely, text: before }) => ({
          last: EDGE,
          likely: likely + this.follows(last, EDGE),
          text: `${before}${part.trim()}`,
        }))
    }
    const whole = ({ last, likely }: Way): number => likely + this.follows(last, EDGE)
    return ways.reduce((best, way) => (whole(way) > whole(best) ? way : best)).text
  }

  /** Characters for the syllables that stand between characters: 「shequ托育在哪」. */
  private readBetween(text: string, byReading: ReadonlyMap<string, readonly number[]>): string {
    return text.replace(BETWEEN, (run, at: number) => {
      const words = run.split(/[ ']+/)
      if (words.some((word) => this.latin.has(word))) return run
      const before: Way = { last: hanAt(text, at - 1), likely: 0, text: '' }
      const ways = words.reduce<readonly Way[]>((ways, word) => this.readOn(word, ways, byReading), [before])
      const [best] = ways.toSorted((a, b) => b.likely - a.likely)
      if (best === undefined || best.text.length < FEWEST_SYLLABLES) return run
      return best.likely >= PLAIN * best.text.length ? best.text : run
    })
  }

  private readOn(
    letters: string,
    ways: readonly Way[],
    byReading: ReadonlyMap<string, readonly number[]>,
  ): readonly Way[] {
    const upTo: (readonly Way[])[] = [ways]
    for (let end = 1; end <= letters.length; end++) {
      const here = new Map<number, Way>()
      for (const from of syllablesUpTo(letters, end))
        for (const code of byReading.get(letters.slice(from, end)) ?? [])
          for (const way of upTo[from] ?? []) {
            const likely = way.likely + this.follows(way.last, code)
            if (likely > (here.get(code)?.likely ?? Number.NEGATIVE_INFINITY))
              here.set(code, { last: code, likely, text: way.text + String.fromCharCode(code) })
          }
      upTo[end] = [...here.values()].sort((a, b) => b.likely - a.likely).slice(0, WAYS)
    }
    return upTo[letters.length] ?? []
  }

  /** The logarithm of how likely a character comes after another. */
  private follows(left: number, right: number): number {
    const alone = ((this.single[right] as number) + 0.1) / (this.total + 1000)
    return Math.log((this.pairs.of(left, right) + SMOOTH * alone) / ((this.single[left] as number) + SMOOTH))
  }
}

/** Whether a stretch lies within one of the words found. */
const standsIn = (found: readonly FoundWord[], at: number, length: number): boolean =>
  found.some(({ from, to }) => from <= at && at + length <= to)

/** 打卡第40天: what stands before a figure is no part of a name. */
const counts = (text: string, at: number): boolean => /\d/.test(text.charAt(at + 1))

/** 聊会天, 见个面: what stands within a word there has not been swapped. */
const isSplitting = (code: number): boolean => '会个'.includes(String.fromCharCode(code))

/** The words of a text as any dictionary knows them. */
interface Words {
  readonly count: number
  /** Whether a place lies in a word of more than one character. */
  readonly inWord: readonly boolean[]
}

const SEGMENTER = new Intl.Segmenter('zh-Hans', { granularity: 'word' })

function wordsOf(text: string): Words {
  const inWord: boolean[] = []
  let count = 0
  for (const { segment } of SEGMENTER.segment(text)) {
    count++
    for (let i = 0; i < segment.length; i++) inWord.push(segment.length > 1)
  }
  return { count, inWord }
}

interface Way {
  readonly last: number
  readonly likely: number
  readonly text: string
}

/** So many beginnings are followed at once. */
const WAYS = 12
const SMOOTH = 2
/** Where Han characters begin or end. */
const EDGE = 0
/** So many characters are listened to between two pauses. */
const BREATH = 200
const HAN = /\p{Script=Han}/u
const LETTER = /[a-z]/

function hanAt(text: string, at: number): number {
  const code = text.charCodeAt(at)
  return code >= 0x3400 && code <= 0x9fff ? code : EDGE
}

/** Counts of pairs of UTF-16 units in two flat arrays: a hundred thousand texts hold a million pairs. */
class PairCounts {
  private keys = new Uint32Array(1 << 12)
  private counts = new Uint16Array(1 << 12)
  private used = 0

  add(left: number, right: number): void {
    if (2 * this.used > this.keys.length) this.grow()
    const slot = this.slotOf(left * 0x10000 + right)
    if (this.keys[slot] === 0) {
      this.keys[slot] = left * 0x10000 + right
      this.used++
    }
    this.counts[slot] = Math.min(0xffff, (this.counts[slot] as number) + 1)
  }

  of(left: number, right: number): number {
    return this.counts[this.slotOf(left * 0x10000 + right)] as number
  }

  private slotOf(key: number): number {
    const mask = this.keys.length - 1
    let slot = (Math.imul(key, 0x9e3779b1) >>> 7) & mask
    while (this.keys[slot] !== 0 && this.keys[slot] !== key) slot = (slot + 1) & mask
    return slot
  }

  private grow(): void {
    const [keys, counts] = [this.keys, this.counts]
    this.keys = new Uint32Array(2 * keys.length)
    this.counts = new Uint16Array(2 * keys.length)
    keys.forEach((key, i) => {
      if (key === 0) return
      const slot = this.slotOf(key)
      this.keys[slot] = key
      this.counts[slot] = counts[i] as number
    })
  }
}
