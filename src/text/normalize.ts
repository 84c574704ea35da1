import { toMainland, toTaiwan } from './script.ts'

/** Longer messages are cut before any work is done; a question never needs more. */
export const MAX_MESSAGE = 2000

export type Script = 'simplified' | 'traditional'

export interface Normalized {
  /** For matching: NFKC, lower case, simplified, no emoji, single spaces between Latin words only. */
  readonly text: string
  /** Undefined when both scripts write it alike. */
  readonly script: Script | undefined
  readonly truncated: boolean
}

/** Brings any spelling of a message into the one form that is matched. */
export function normalize(raw: string): Normalized {
  const clean = cleaned(raw)
  const simplified = toMainland(clean)
  return {
    text: folded(simplified),
    script: scriptOf(clean, simplified),
    truncated: raw.length > MAX_MESSAGE,
  }
}

/** The same form for texts whose script does not matter. */
export function normalizedText(raw: string): string {
  return folded(toMainland(cleaned(raw)))
}

function cleaned(raw: string): string {
  return (
    (raw.length > MAX_MESSAGE ? raw.slice(0, MAX_MESSAGE) : raw)
      .normalize('NFKC')
      // Unfolding can make eighteen characters of one.
      .slice(0, MAX_MESSAGE)
      .toWellFormed()
      .replace(/[\t\n\r]/g, ' ')
      .replace(INVISIBLE, '')
      .replace(PASTED_PINYIN, '$1')
  )
}

function folded(simplified: string): string {
  return simplified
    .toLowerCase()
    .replace(PICTURE, ' ')
    .replace(/([。，！？、…~!?,.-])\1+/gu, '$1')
    .replace(/\s+/gu, ' ')
    .replace(SPACE_BY_HAN, '')
    .trim()
}

/** Writes a reply in the script its visitor uses. */
export function inScript(text: string, script: Script): string {
  return script === 'traditional' ? toTaiwan(text) : text
}

/** Only letters, digits and Han characters: what is left of a phrasing when punctuation does not count. */
export function bare(text: string): string {
  return text.replace(/[^\p{L}\p{N}]+/gu, '')
}

// Web pages that annotate traditional characters with a reading leave it in copied text: 發(fā)展.
const PASTED_PINYIN = /(\p{Script=Han})\([a-zü]*[āáǎàēéěèīíǐìōóǒòūúǔùǖǘǚǜ][a-zü]*\)/giu
// Control, formatting and combining marks (zalgo); NFKC has already composed the accents that belong.
const INVISIBLE = /[\p{Cc}\p{Cf}\p{M}]+/gu
const PICTURE = /[\p{Extended_Pictographic}\p{Emoji_Modifier}\p{Regional_Indicator}\uFFFD]/gu
const SPACE_BY_HAN = /(?<=[\p{Script=Han}\p{P}]) | (?=[\p{Script=Han}\p{P}])/gu

function scriptOf(written: string, simplified: string): Script | undefined {
  const backToTraditional = toTaiwan(written)
  let traditionalOnly = 0
  let simplifiedOnly = 0
  for (let i = 0; i < written.length; i++) {
    if (written[i] !== simplified[i]) traditionalOnly++
    if (written[i] !== backToTraditional[i]) simplifiedOnly++
  }
  if (traditionalOnly === 0 && simplifiedOnly === 0) return undefined
  return traditionalOnly > 0 && traditionalOnly * 2 > simplifiedOnly ? 'traditional' : 'simplified'
}
