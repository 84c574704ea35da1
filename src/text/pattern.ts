import { soundOf } from './pinyin.ts'

/**
 * The wording mini-language staff write. Everything is literal except
 *
 *     …        a gap of up to eight characters
 *     (a|b)    alternatives; `(a|)` for something that may be missing
 *     #        a number, in digits or characters: 3, 三十, 几
 *     a + b    both, anywhere in the message, in any order (a space on each side of the plus)
 *
 * Full-width （｜） from a Chinese keyboard mean the same.
 */
export function compileWording(
  wordings: readonly string[],
  place: 'whole' | 'anywhere',
): (text: string) => boolean {
  const wrap = place === 'whole' ? (source: string) => `^(?:${source})$` : (source: string) => source
  const tests = compileAll(wordings, (source) => new RegExp(wrap(source), 'u'))
  return (text) => tests.some((parts) => parts.every((part) => part.test(text)))
}

/** Takes the wordings out of a text: what they cover counts no longer, the rest stays where it was. */
export function compileExcuses(wordings: readonly string[]): (text: string) => string {
  return compileRemoval(
    wordings,
    (source) => new RegExp(source, 'gu'),
    () => EXCUSED,
  )
}

/** The stretches of a text that sound like the wordings; the text in syllables with a space after each. */
export function compileSounds(wordings: readonly string[]): (syllables: string) => string[] {
  const tests = compileAll(wordings.filter(isHan), (source) => new RegExp(toSoundSource(source), 'giu'))
  return (syllables) =>
    tests.flatMap((parts) => {
      const found = parts.map((part) => syllables.match(part) ?? [])
      if (found.some((matches) => matches.length === 0)) return []
      return found.length === 1 ? found.flat() : [found.map(([first]) => first).join('')]
    })
}

/** `compileExcuses` by sound. Two syllables sound like too many things to excuse anything. */
export function compileSoundExcuses(wordings: readonly string[]): (syllables: string) => string {
  return compileRemoval(
    wordings.filter(isHan),
    (source) => new RegExp(toSoundSource(source), 'giu'),
    (stretch) => (stretch.split(' ').length > 3 ? `${EXCUSED} ` : stretch),
  )
}

/** Why a wording cannot be compiled, or undefined. */
export function wordingFault(wording: string): string | undefined {
  try {
    const empty = partsOf(wording).some((part) => new RegExp(`^(?:${part})$`, 'u').test(''))
    return empty ? 'it would match any message' : undefined
  } catch {
    return 'brackets do not pair up'
  }
}

const EXCUSED = '□'
const GAP = '.{0,8}?'
const NUMBER = '[0-9零〇一二两三四五六七八九十百千万几多]+'

/** Wordings without a plus become one pattern, which is much faster than many. */
function compileAll(wordings: readonly string[], compile: (source: string) => RegExp): RegExp[][] {
  const split = wordings.map(partsOf)
  const single = split.filter((parts) => parts.length === 1).join('|')
  const several = split.filter((parts) => parts.length > 1).map((parts) => parts.map(compile))
  return single === '' ? several : [[compile(single)], ...several]
}

function compileRemoval(
  wordings: readonly string[],
  compile: (source: string) => RegExp,
  replace: (stretch: string) => string,
): (text: string) => string {
  const excuses = compileAll(wordings, compile)
  return (text) =>
    excuses.reduce((rest, parts) => {
      // `search` ignores the state a global pattern keeps.
      if (!parts.every((part) => rest.search(part) >= 0)) return rest
      return parts.reduce((left, part) => left.replace(part, replace), rest)
    }, text)
}

function partsOf(wording: string): string[] {
  return wording.normalize('NFKC').toLowerCase().split(' + ').map(toRegExpSource)
}

function toRegExpSource(part: string): string {
  return part
    .replace(/[.*+?^${}[\]\\/]/g, '\\$&')
    .replace(/(?:\\\.){3,}/g, GAP)
    .replaceAll('(', '(?:')
    .replaceAll('#', NUMBER)
}

/** A match begins where a syllable begins. */
function toSoundSource(source: string): string {
  const sounds = source
    .replaceAll(GAP, '(?:[^ ]+ ){0,8}?')
    .replaceAll(NUMBER, '(?:[^ ]+ ){1,2}?')
    .replace(/\p{Script=Han}/gu, (character) => `${soundOf(character)[0] ?? character} `)
  return `(?<![^ ])(?:${sounds})`
}

const isHan = (wording: string): boolean => !/[a-z]/i.test(wording)
