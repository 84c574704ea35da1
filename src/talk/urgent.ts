import type { UrgentKind } from '../model/content.ts'
import { bare } from '../text/normalize.ts'
import {
  compileExcuses,
  compileSoundExcuses,
  compileSounds,
  compileWording,
  EXCUSED,
} from '../text/pattern.ts'
import { soundOf, syllablesOf } from '../text/pinyin.ts'
import { alarm } from './alarm.ts'

/** The kind whose reply is used when a message sounds urgent and no wording says of what kind it is. */
export const UNCLEAR = 'unclear'

/**
 * Above this a message is urgent whatever its words; below the other one no wording makes it so. Chosen on the
 * lists in `test/urgent/`: a little lower cries wolf more often, a little higher hears less.
 */
const SOUNDS_URGENT = 0.37
const SOUNDS_CALM = 0.31
/** A message longer than this is heard by its beginning and its end. */
const HEARD = 240

/**
 * Looks for messages that cannot wait for a ranking. Takes normalised text and gives the first kind it
 * shows, so the file's order is the order of acuteness. A kind's `unless` takes words out of the message;
 * whatever else stands there still counts, so that 「笑死我了,其实我想自杀」 is heard. What no wording foresaw
 * is heard by its sound (`alarm.ts`), which also keeps wordings from crying wolf over slang.
 */
export function createUrgentLane(
  kinds: readonly UrgentKind[],
  compiled: readonly CompiledKind[] = kinds.map(compileKind),
  sounds: (text: string) => number = alarm,
): (text: string) => UrgentKind | undefined {
  const unclear = kinds.find(({ id }) => id === UNCLEAR) ?? kinds[0]
  return (whole) => {
    const text = whole.length > 2 * HEARD ? `${whole.slice(0, HEARD)} ${whole.slice(-HEARD)}` : whole
    const urgency = sounds(text)
    if (urgency < SOUNDS_CALM) return undefined
    const message = read(text)
    return (
      compiled.find(({ shows }) => shows(message))?.kind ?? (urgency >= SOUNDS_URGENT ? unclear : undefined)
    )
  }
}

/** A kind whose wordings are made ready; for a large one that takes a while. */
export interface CompiledKind {
  readonly kind: UrgentKind
  readonly shows: (message: Said) => boolean
}

interface Said {
  /** As written, and without punctuation. */
  readonly forms: readonly string[]
  /** By sound, when syllables were typed in Latin letters (those are in capitals). */
  readonly sounds?: string
  /** The syllables as typed, when the whole message is in Latin letters. */
  readonly spelling?: string
}

function read(text: string): Said {
  const forms = [...new Set([text, bare(text)])]
  const isTyped = text.match(/[a-z]{2,}/g)?.some((run) => syllablesOf(run) !== undefined && !ENGLISH.has(run))
  if (!isTyped) return { forms }
  const sounds = spell(text, (run) =>
    /[a-z]/.test(run) ? soundOf(run).map((sound) => sound.toUpperCase()) : soundOf(run),
  )
  if (/\p{Script=Han}/u.test(text)) return { forms, sounds }
  return { forms, sounds, spelling: spell(text, (run) => syllablesOf(run) ?? [run]) }
}

/** Syllables with a space after each. */
function spell(text: string, syllables: (run: string) => string[]): string {
  const runs = text.match(/\p{Script=Han}+|[a-zü]+/gu) ?? []
  return runs
    .flatMap(syllables)
    .map((syllable) => `${syllable} `)
    .join('')
}

export function compileKind(kind: UrgentKind): CompiledKind {
  const exactly = compileWording(kind.exactly, 'whole')
  const contains = compileWording(kind.contains, 'anywhere')
  const excuse = compileExcuses(kind.unless)
  const byForm = (form: string) =>
    exactly(form.replace(PARTICLES, '')) || (contains(form) && contains(excuse(form)))

  const byPinyin = compilePinyin(kind.pinyin)
  const excusePinyin = compilePinyin(kind.unless.filter((wording) => /^[a-zü…]+$/.test(wording)))

  const soundsLike = compileSounds(kind.contains)
  const excuseSound = compileSoundExcuses(kind.unless)
  const tells = (sounds: string, least: number) =>
    soundsLike(sounds).some((stretch) => isTelling(stretch, least))

  const shows = ({ forms, sounds, spelling }: Said): boolean => {
    if (forms.some(byForm)) return true
    if (sounds === undefined) return false
    const least = spelling === undefined ? MIXED_LEAST : LETTERS_LEAST
    if (!tells(sounds, least) && !(spelling && byPinyin(spelling))) return false
    const excused = excuseSound(sounds)
    if (tells(excused, least)) return true
    return spelling !== undefined && byPinyin(blank(spelling, excused)) && !excusePinyin(spelling)
  }
  return { kind, shows }
}

/** The spelling without the syllables that were excused by sound. */
function blank(spelling: string, excused: string): string {
  const sounds = excused.split(' ')
  return spelling
    .split(' ')
    .map((syllable, i) => (sounds[i] === EXCUSED ? EXCUSED : syllable))
    .join(' ')
}

/** Pinyin words, compared syllable by syllable: `zisha` is not in `zi shang`. */
function compilePinyin(words: readonly string[]): (spelling: string) => boolean {
  if (words.length === 0) return () => false
  const spelled = words.map((word) =>
    word.split(/…+/).map((part) => spell(part, (run) => syllablesOf(run) ?? [run])),
  )
  const pattern = new RegExp(
    `(?<![^ ])(?:${spelled.map((parts) => parts.join('(?:[^ ]+ ){0,8}?')).join('|')})`,
    'u',
  )
  return (spelling) => pattern.test(spelling)
}

/** Few syllables sound like too many things, and at least one must have been typed in letters. */
function isTelling(stretch: string, least: number): boolean {
  return /[A-Z]/.test(stretch) && stretch.split(' ').length > least
}

// English words and names that happen to be pinyin; they stand in Chinese messages as they are.
const ENGLISH = new Set(
  'data demo die men women man name game home make take emo ai he she me we age page people cake like bai pan song long ban gang hang sang tang bin pin min line'.split(
    ' ',
  ),
)
const PARTICLES = /^(?:啊|呜|那个|喂|你好|您好)+|[啊呀呜了吧呢吗嘛哦啦喔唉哎。，！？~.,!?]+$/gu
const MIXED_LEAST = 3
const LETTERS_LEAST = 4
