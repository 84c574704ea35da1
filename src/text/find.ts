/** A word found in a text: `to` is exclusive. */
export interface FoundWord {
  readonly word: string
  readonly from: number
  readonly to: number
}

/** The words that begin alike, each with its place among them, and how long they are. */
interface Words {
  readonly places: Map<string, number>
  readonly lengths: number[]
}

/**
 * Finds every occurrence of many words in one walk through a text, so that the cost grows with the text and not
 * with the list: three thousand place names are looked for in every message. A Latin word is found whole only.
 */
export function wordFinder(words: Iterable<string>): (text: string) => FoundWord[] {
  const byStart = new Map<string, Words>()
  // Most places of a text begin no word: this tells without looking anything up.
  const starts = new Uint8Array(0x10000)
  let byOne = false
  for (const word of new Set(words)) {
    if (word === '') continue
    const start = word.slice(0, 2)
    starts[startAt(word, 0)] = 1
    if (word.length === 1) byOne = true
    let same = byStart.get(start)
    if (same === undefined) {
      same = { places: new Map(), lengths: [] }
      byStart.set(start, same)
    }
    same.places.set(word, same.places.size)
    if (!same.lengths.includes(word.length)) same.lengths.push(word.length)
  }
  return (text) => {
    const found: FoundWord[] = []
    for (let from = 0; from < text.length; from++) {
      if (byOne) findAt(text, from, byStart.get(text.charAt(from)), found)
      if (from + 1 < text.length && starts[startAt(text, from)] === 1)
        findAt(text, from, byStart.get(text.slice(from, from + 2)), found)
    }
    return found
  }
}

/** A number of sixteen bits for the two characters at a place; different ones may share it. */
function startAt(text: string, from: number): number {
  return (text.charCodeAt(from) * 31 + (from + 1 < text.length ? text.charCodeAt(from + 1) : 0)) & 0xffff
}

/** Adds the words that stand at one place, those listed first before the others. */
function findAt(text: string, from: number, words: Words | undefined, found: FoundWord[]): void {
  if (words === undefined) return
  const before = found.length
  for (const length of words.lengths) {
    const to = from + length
    if (to > text.length) continue
    const word = text.slice(from, to)
    if (words.places.has(word) && !isInsideLatin(text, from, to)) found.push({ word, from, to })
  }
  if (found.length - before < 2) return
  const here = found.splice(before)
  here.sort((a, b) => (words.places.get(a.word) ?? 0) - (words.places.get(b.word) ?? 0))
  found.push(...here)
}

/** Whether a stretch begins or ends in the middle of a Latin word: `rent` is not in `parent`. */
function isInsideLatin(text: string, from: number, to: number): boolean {
  return (
    (LETTER.test(text.charAt(from)) && LETTER.test(text.charAt(from - 1))) ||
    (LETTER.test(text.charAt(to - 1)) && LETTER.test(text.charAt(to)))
  )
}

const LETTER = /[a-z]/
