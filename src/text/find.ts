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
  const byStart = new Map<number, Words>()
  const byCharacter = new Map<number, Words>()
  // Most places of a text begin no word: this tells without looking anything up.
  const starts = new Uint8Array(0x10000)
  for (const word of new Set(words)) {
    if (word === '') continue
    const [alike, start] = word.length === 1 ? [byCharacter, word.charCodeAt(0)] : [byStart, startAt(word, 0)]
    if (word.length > 1) starts[shortened(start)] = 1
    let same = alike.get(start)
    if (same === undefined) {
      same = { places: new Map(), lengths: [] }
      alike.set(start, same)
    }
    same.places.set(word, same.places.size)
    if (!same.lengths.includes(word.length)) same.lengths.push(word.length)
  }
  return (text) => {
    const found: FoundWord[] = []
    for (let from = 0; from < text.length; from++) {
      if (byCharacter.size > 0) findAt(text, from, byCharacter.get(text.charCodeAt(from)), found)
      if (from + 1 === text.length) break
      const start = startAt(text, from)
      if (starts[shortened(start)] === 1) findAt(text, from, byStart.get(start), found)
    }
    return found
  }
}

/** The two characters at a place as one number. */
function startAt(text: string, from: number): number {
  return (text.charCodeAt(from) << 16) | text.charCodeAt(from + 1)
}

/** In sixteen bits; different beginnings may share them. */
const shortened = (start: number): number => ((start >>> 16) * 31 + start) & 0xffff

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
  return (isLetter(text, from) && isLetter(text, from - 1)) || (isLetter(text, to - 1) && isLetter(text, to))
}

/** Whether a Latin letter stands there; there is none before the beginning and after the end. */
function isLetter(text: string, at: number): boolean {
  const code = text.charCodeAt(at)
  return code >= 0x61 && code <= 0x7a
}
