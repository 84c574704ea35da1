import type { UrgentKind } from '../model/content.ts'
import { bare } from '../text/normalize.ts'
import { compileExcuses, compileSoundExcuses, compileSounds, compileWording } from '../text/pattern.ts'
import { soundOf, syllablesOf } from '../text/pinyin.ts'

/**
 * Looks for messages that cannot wait for a ranking. Takes normalised text and gives the first kind it
 * shows, so the file's order is the order of acuteness. A kind's `unless` takes words out of the message;
 * whatever else stands there still counts, so that 「笑死我了,其实我想自杀」 is heard.
 */
export function createUrgentLane(kinds: readonly UrgentKind[]): (text: string) => UrgentKind | undefined {
  const lanes = kinds.map((kind) => ({ kind, shows: compileKind(kind) }))
  return (text) => {
    const message = read(text)
    return lanes.find(({ shows }) => shows(message))?.kind
  }
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
  const isTyped = text.match(/[a-z]{2,}/g)?.some((run) => syllablesOf(run) !== undefined)
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

function compileKind(kind: UrgentKind): (message: Said) => boolean {
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

  return ({ forms, sounds, spelling }) => {
    if (forms.some(byForm)) return true
    if (spelling !== undefined && byPinyin(spelling) && !excusePinyin(spelling)) return true
    const least = spelling === undefined ? MIXED_LEAST : LETTERS_LEAST
    return sounds !== undefined && tells(sounds, least) && tells(excuseSound(sounds), least)
  }
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

const PARTICLES = /^(?:啊|呜|那个|喂|你好|您好)+|[啊呀呜了吧呢吗嘛哦啦喔唉哎。，！？~.,!?]+$/gu
const MIXED_LEAST = 3
const LETTERS_LEAST = 4
