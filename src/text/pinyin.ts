import { createRequire } from 'node:module'

// By `require` its thirty files take half the time they take as modules, which pass one by one through a loader.
const { pinyin } = createRequire(import.meta.url)('pinyin-pro') as typeof import('pinyin-pro')

/**
 * The sound of each Han character as a syllable, Latin words as they are typed. Sounds that many speakers
 * and input methods mix up (zh/z, ch/c, sh/s, final ng/n, l/n) are merged, so that a homophone typo agrees.
 */
export function soundOf(text: string): string[] {
  const sounds: string[] = []
  for (let from = 0, to = 0; from < text.length; from = to) {
    to = from
    while (isLatin(text.charCodeAt(to))) to++
    if (to > from)
      for (const syllable of syllablesOf(text.slice(from, to)) ?? []) sounds.push(merge(syllable))
    else {
      const character = String.fromCodePoint(text.codePointAt(from) ?? 0)
      to += character.length
      if (isHan(character)) sounds.push(soundOfCharacter(character))
    }
  }
  return sounds
}

const isLatin = (unit: number): boolean => (unit >= 0x61 && unit <= 0x7a) || unit === 0xfc
/** Most characters are in the one great block, which two comparisons tell. */
const isHan = (character: string): boolean =>
  (character >= '一' && character < '\ua000') || /\p{Script=Han}/u.test(character)

/** The same for one Han character or one run of letters. */
export function soundOfToken(token: string): readonly string[] {
  let sounds = tokens.get(token)
  if (sounds === undefined) {
    sounds = soundOf(token)
    // Characters are few; runs of letters can be anything a visitor types.
    if (token.length < 3) tokens.set(token, sounds)
  }
  return sounds
}

const tokens = new Map<string, readonly string[]>()

/** Whether the text is Chinese typed in Latin letters: at least two syllables, no Han character. */
export function isPinyin(text: string): boolean {
  if (/\p{Script=Han}/u.test(text)) return false
  const runs = text.match(/[a-zü]+/gu) ?? []
  const syllables = runs.map(syllablesOf)
  return runs.length > 0 && syllables.every((s) => s !== undefined) && syllables.flat().length >= 2
}

/** Splits letters into pinyin syllables, longest first with backtracking; undefined when they do not fit. */
export function syllablesOf(letters: string): string[] | undefined {
  if (letters.length > 120) return undefined
  const best: (string[] | undefined)[] = [[]]
  for (let end = 1; end <= letters.length; end++) {
    for (let length = Math.min(6, end); length >= 1; length--) {
      const before = best[end - length]
      const syllable = letters.slice(end - length, end)
      if (before === undefined || !SYLLABLES.has(syllable)) continue
      const shorter = best[end]
      if (shorter === undefined || before.length + 1 < shorter.length) best[end] = [...before, syllable]
    }
  }
  return best[letters.length]
}

/** Where the syllables begin that end at a place in a run of letters. */
export function syllablesUpTo(letters: string, end: number): number[] {
  const starts: number[] = []
  for (let from = Math.max(0, end - 6); from < end; from++)
    if (SYLLABLES.has(letters.slice(from, end))) starts.push(from)
  return starts
}

/** Every way one Han character is read, without tones: 都 is dou and du. */
export function readingsOf(character: string): readonly string[] {
  let own = readings.get(character)
  if (own === undefined) {
    own = [...new Set(pinyin(character, { toneType: 'none', v: true, multiple: true, type: 'array' }))]
    readings.set(character, own)
  }
  return own
}

const readings = new Map<string, readonly string[]>()

const known = new Map<string, string>()

function soundOfCharacter(character: string): string {
  let sound = known.get(character)
  if (sound === undefined) {
    sound = merge(pinyin(character, { toneType: 'none', v: true }))
    known.set(character, sound)
  }
  return sound
}

function merge(syllable: string): string {
  return syllable
    .replace(/^(zh|ch|sh)/, (initial) => initial.charAt(0))
    .replace(/^l(?=[aeiouv])/, 'n')
    .replace(/ü/g, 'v')
    .replace(/(?<=[aei])ng$/, 'n')
}

// Initials and the finals each combines with, after the table of Hanyu Pinyin (GB/T 16159).
const TABLE: Readonly<Record<string, string>> = {
  '': 'a ai an ang ao e ei en eng er o ou',
  b: 'a ai an ang ao ei en eng i ian iao ie in ing o u',
  p: 'a ai an ang ao ei en eng i ian iao ie in ing o ou u',
  m: 'a ai an ang ao e ei en eng i ian iao ie in ing iu o ou u',
  f: 'a an ang ei en eng o ou u',
  d: 'a ai an ang ao e ei en eng i ia ian iao ie ing iu ong ou u uan ui un uo',
  t: 'a ai an ang ao e eng i ian iao ie ing ong ou u uan ui un uo',
  n: 'a ai an ang ao e ei en eng i ian iang iao ie in ing iu ong ou u uan uo v ve ü üe',
  l: 'a ai an ang ao e ei eng i ia ian iang iao ie in ing iu o ong ou u uan un uo v ve ü üe',
  g: 'a ai an ang ao e ei en eng ong ou u ua uai uan uang ui un uo',
  k: 'a ai an ang ao e ei en eng ong ou u ua uai uan uang ui un uo',
  h: 'a ai an ang ao e ei en eng ong ou u ua uai uan uang ui un uo',
  j: 'i ia ian iang iao ie in ing iong iu u uan ue un',
  q: 'i ia ian iang iao ie in ing iong iu u uan ue un',
  x: 'i ia ian iang iao ie in ing iong iu u uan ue un',
  zh: 'a ai an ang ao e ei en eng i ong ou u ua uai uan uang ui un uo',
  ch: 'a ai an ang ao e en eng i ong ou u ua uai uan uang ui un uo',
  sh: 'a ai an ang ao e ei en eng i ou u ua uai uan uang ui un uo',
  r: 'an ang ao e en eng i ong ou u ua uan ui un uo',
  z: 'a ai an ang ao e ei en eng i ong ou u uan ui un uo',
  c: 'a ai an ang ao e en eng i ong ou u uan ui un uo',
  s: 'a ai an ang ao e en eng i ong ou u uan ui un uo',
  y: 'a an ang ao e i in ing o ong ou u uan ue un',
  w: 'a ai an ang ei en eng o u',
}
const SYLLABLES = new Set(
  Object.entries(TABLE).flatMap(([initial, finals]) => finals.split(' ').map((final) => initial + final)),
)
