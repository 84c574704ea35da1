import { PairTable } from './pair-table.ts'

/** A word found in a text: `to` is exclusive. */
export interface FoundWord {
  readonly word: string
  readonly from: number
  readonly to: number
}

/** Finds every occurrence of many words in one walk through a text; those listed first come first. */
export function wordFinder(words: Iterable<string>): (text: string) => FoundWord[] {
  const list = new WordList()
  for (const word of words) list.add(word)
  return (text) => list.findIn(text)
}

/**
 * Words to be found in texts, so that the cost grows with the text and not with the list: three thousand place names
 * are looked for in every message. A Latin word is found whole only.
 */
export class WordList {
  private readonly words: string[] = []
  /** Beginnings of words by number: the number of one, and a unit, lead to the next one's. */
  private readonly longer = new PairTable()
  /** For each of them the place in the list of the word that is there whole, one more than it is. */
  private readonly whole: number[] = [0]
  // Most places of a text begin no word: this tells without looking anything up.
  private readonly starts = new Uint8Array(0x10000)
  private single: Uint8Array | undefined
  /** Places in the list of the words found at one place of a text. */
  private readonly here: number[] = []

  add(word: string): void {
    if (word === '') return
    let beginning = 0
    for (let i = 0; i < word.length; i++) {
      let next = this.longer.find(beginning, word.charCodeAt(i))
      if (next < 0) {
        next = this.whole.push(0) - 1
        this.longer.add(beginning, word.charCodeAt(i), next)
      }
      beginning = next
    }
    if (this.whole[beginning] !== 0) return
    this.whole[beginning] = this.words.push(word)
    if (word.length > 1) this.starts[startAt(word, 0)] = 1
    else {
      this.single ??= new Uint8Array(0x10000)
      this.single[word.charCodeAt(0)] = 1
    }
  }

  /** Of words that begin at one place those listed first come first, but single characters before all. */
  findIn(text: string): FoundWord[] {
    const { words, longer, whole, starts, single, here } = this
    const found: FoundWord[] = []
    for (let from = 0; from < text.length; from++) {
      if (starts[startAt(text, from)] === 0 && !single?.[text.charCodeAt(from)]) continue
      let first = found.length
      let beginning = 0
      for (let to = from + 1; to <= text.length; to++) {
        beginning = longer.find(beginning, text.charCodeAt(to - 1))
        if (beginning < 0) break
        const place = (whole[beginning] as number) - 1
        if (place < 0 || isInsideLatin(text, from, to)) continue
        const word = { word: words[place] as string, from, to }
        if (to === from + 1) first = found.push(word)
        else {
          let at = found.length
          while (at > first && (here[at - first - 1] as number) > place) at--
          if (at === found.length) {
            here[at - first] = place
            found.push(word)
          } else {
            here.length = found.length - first
            here.splice(at - first, 0, place)
            found.splice(at, 0, word)
          }
        }
      }
    }
    return found
  }
}

/** A number of sixteen bits for the two characters at a place; different ones may share it. */
function startAt(text: string, from: number): number {
  return (text.charCodeAt(from) * 31 + (from + 1 < text.length ? text.charCodeAt(from + 1) : 0)) & 0xffff
}

/** Whether a stretch begins or ends in the middle of a Latin word: `rent` is not in `parent`. */
function isInsideLatin(text: string, from: number, to: number): boolean {
  return (isLetter(text, from) && isLetter(text, from - 1)) || (isLetter(text, to - 1) && isLetter(text, to))
}

/** Whether a Latin letter stands there; there is none before the beginning and after the end. */
function isLetter(text: string, at: number): boolean {
  const code = text.charCodeAt(at)
  return code >= 0x61 && code <= 0x7a
}
