import { wordFinder } from './find.ts'

/**
 * Says foreign words in a Chinese sentence with the documents' words, so that 「有没有loan」 is compared as 「有没有贷款」.
 * A word that stands for several things is left as it is, and so is what is all in Latin letters, pinyin above all.
 * @param concepts a document's word and the everyday words for it
 */
export function foreignSayer(
  concepts: Readonly<Record<string, readonly string[]>>,
): (text: string) => string {
  const meanings = new Map<string, Set<string>>()
  for (const [concept, words] of Object.entries(concepts))
    for (const word of words.map((written) => written.toLowerCase()))
      if (FOREIGN.test(word)) meanings.set(word, (meanings.get(word) ?? new Set()).add(concept))
  const find = wordFinder(meanings.keys())
  return (text) => {
    if (!HAN.test(text) || !LATIN.test(text)) return text
    const longestFirst = find(text).sort((a, b) => a.from - b.from || b.to - a.to)
    let said = ''
    let at = 0
    let last: string | undefined
    for (const { word, from, to } of longestFirst) {
      const [meant, another] = meanings.get(word) ?? []
      if (from < at || meant === undefined || another !== undefined) continue
      const between = text.slice(at, from).trim()
      // 「delivery rider」 is one thing, said with two words.
      said += between === '' && meant === last ? '' : between + meant
      last = meant
      at = to
    }
    return at === 0 ? text : said + text.slice(at).trimStart()
  }
}

const FOREIGN = /^[a-z][a-z .'&-]*[a-z]$/
const HAN = /\p{Script=Han}/u
const LATIN = /[a-z]{2}/
