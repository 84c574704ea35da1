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
  for (const word of new Set(words)) {
    if (word === '') continue
    const start = word.slice(0, 2)
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
    const look = (start: string, from: number): void => {
      const same = byStart.get(start)
      if (same === undefined) return
      const here: FoundWord[] = []
      for (const length of same.lengths) {
        const to = from + length
        if (to > text.length) continue
        const word = text.slice(from, to)
        if (same.places.has(word) && !isInsideLatin(text, from, to)) here.push({ word, from, to })
      }
      // Of words that begin at one place, the one that was listed first.
      const placeOf = ({ word }: FoundWord): number => same.places.get(word) ?? 0
      found.push(...(here.length > 1 ? here.sort((a, b) => placeOf(a) - placeOf(b)) : here))
    }
    for (let from = 0; from < text.length; from++) {
      look(text.charAt(from), from)
      if (from + 1 < text.length) look(text.slice(from, from + 2), from)
    }
    return found
  }
}

/** Whether a stretch begins or ends in the middle of a Latin word: `rent` is not in `parent`. */
export function isInsideLatin(text: string, from: number, to: number): boolean {
  return (
    (LETTER.test(text.charAt(from)) && LETTER.test(text.charAt(from - 1))) ||
    (LETTER.test(text.charAt(to - 1)) && LETTER.test(text.charAt(to)))
  )
}

const LETTER = /[a-z]/
