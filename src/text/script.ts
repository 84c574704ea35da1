import { Locale } from 'opencc-js/cn2t'
import { Converter } from 'opencc-js/t2cn'

/** Traditional characters, of whatever place, as the mainland writes them. */
export const toMainland = whereNeeded(Converter({ from: 't', to: 'cn' }))

/** Simplified characters as Taiwan writes them. */
export const toTaiwan = whereNeeded(taiwanConverter())

/**
 * Converting looks up every stretch of a text, and most texts need no converting: one without any character
 * that is converted on its own is left alone.
 */
function whereNeeded(convert: (text: string) => string): (text: string) => string {
  /** Of each character of the basic plane; 0 where nobody has asked. */
  const known = new Uint8Array(0x10000)
  const changes = (character: string): boolean => convert(character) !== character
  return (text) => {
    for (let i = 0; i < text.length; i++) {
      const unit = text.charCodeAt(i)
      if (known[unit] === 0) {
        const character = characterAt(text, i)
        // The first half of a character says nothing of the others that begin with it.
        if (character.length > 1) {
          if (changes(character)) return convert(text)
          i++
          continue
        }
        known[unit] = changes(character) ? CHANGES : STAYS
      }
      if (known[unit] === CHANGES) return convert(text)
    }
    return text
  }
}

const STAYS = 1
const CHANGES = 2

/**
 * What opencc-js's own converter from `cn` to `tw` does, over the same dictionaries: phrases first, the characters
 * between them one by one, and Taiwan's variants within each stretch. Its converter holds the fifty thousand phrases
 * in two trees of Maps, some fifty megabytes; here they are one Map. Left out: descriptions of characters (⿰亻尔),
 * which it leaves as they are.
 */
function taiwanConverter(): (text: string) => string {
  const { normalizationChain = [], segmentation, conversionChain } = Locale.configs.s2tw as unknown as Steps
  const [first = [], second = []] = conversionChain
  const compatible = replacing(normalizationChain.flat())
  const phrases = replacing(segmentation)
  const characters = replacing(first.filter((dictionary) => !segmentation.includes(dictionary)))
  const variants = replacing(second)
  return (text) =>
    phrases(compatible(text).join(''), (kept) => characters(kept).join(''))
      .map((stretch) => variants(stretch).join(''))
      .join('')
}

/** The dictionaries of one direction, each as `from to|from to|…`. */
interface Steps {
  readonly normalizationChain?: readonly (readonly string[])[]
  readonly segmentation: readonly string[]
  readonly conversionChain: readonly (readonly string[])[]
}

/** A text in stretches: the longest match at each place replaced, what stands between them as `between` makes it. */
type Replace = (text: string, between?: (kept: string) => string) => string[]

/** Of two dictionaries that know a word the first one tells. */
function replacing(dictionaries: readonly string[]): Replace {
  const known = new Map<string, string>()
  const longest = new Map<string, number>()
  for (const dictionary of dictionaries.toReversed())
    for (const line of dictionary.split('|')) {
      const space = line.indexOf(' ')
      const word = line.slice(0, space)
      known.set(word, line.slice(space + 1))
      const start = characterAt(word, 0)
      longest.set(start, Math.max(longest.get(start) ?? 0, word.length))
    }
  return (text, between = (kept) => kept) => {
    const stretches: string[] = []
    let done = 0
    const leave = (to: number): void => {
      if (to > done) stretches.push(between(text.slice(done, to)))
    }
    for (let at = 0; at < text.length; ) {
      const start = characterAt(text, at)
      let length = Math.min(longest.get(start) ?? 0, text.length - at)
      while (length > 0 && !known.has(text.slice(at, at + length))) length--
      if (length > 0) {
        leave(at)
        stretches.push(known.get(text.slice(at, at + length)) ?? '')
        done = at + length
      }
      at += length || start.length
    }
    leave(text.length)
    return stretches
  }
}

function characterAt(text: string, at: number): string {
  return String.fromCodePoint(text.codePointAt(at) ?? 0)
}
