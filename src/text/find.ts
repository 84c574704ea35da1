/** A word found in a text: `to` is exclusive. */
export interface FoundWord {
  readonly word: string
  readonly from: number
  readonly to: number
}

/**
 * Finds every occurrence of many words in one walk through a text, so that the cost grows with the text and not
 * with the list: three thousand place names are looked for in every message. A Latin word is found whole only.
 */
export function wordFinder(words: Iterable<string>): (text: string) => FoundWord[] {
  const byStart = new Map<string, string[]>()
  for (const word of new Set(words)) {
    if (word === '') continue
    const start = word.slice(0, 2)
    const same = byStart.get(start)
    if (same) same.push(word)
    else byStart.set(start, [word])
  }
  return (text) => {
    const found: FoundWord[] = []
    const look = (start: string, from: number): void => {
      for (const word of byStart.get(start) ?? [])
        if (text.startsWith(word, from) && !isInsideLatin(text, from, from + word.length))
          found.push({ word, from, to: from + word.length })
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
