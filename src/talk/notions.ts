import { readFileSync } from 'node:fs'

/**
 * The notions a message speaks of, in their order: 「我把药都吃了」 speaks of oneself, of drugs, of having done it.
 * The longest word counts; a word may stand for several notions. A classifier that knows them hears 敌敌畏 where it
 * was only taught 百草枯.
 */
export function notionsIn(text: string): (readonly string[])[] {
  const found: (readonly string[])[] = []
  for (let at = 0; at < text.length; ) {
    let length = Math.min(LONGEST, text.length - at)
    let notions = WORDS.get(text.slice(at, at + length))
    while (notions === undefined && length > 1) {
      length--
      notions = WORDS.get(text.slice(at, at + length))
    }
    if (notions) found.push(notions)
    at += length
  }
  return found
}

/** Word → its notions. The file has a line for each notion: its name, a tab, its words. Fit anew after a change. */
const WORDS = new Map<string, string[]>()
for (const line of readFileSync(new URL('./urgent-notions.tsv', import.meta.url), 'utf8')
  .trimEnd()
  .split('\n')) {
  const [notion = '', words = ''] = line.split('\t')
  for (const word of words.split(' ')) WORDS.set(word, [...(WORDS.get(word) ?? []), notion])
}
const LONGEST = Math.max(...Array.from(WORDS.keys(), (word) => word.length))
