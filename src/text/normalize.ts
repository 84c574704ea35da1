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
  return plainly(raw) ?? folded(toMainland(cleaned(raw)))
}

/**
 * The same for a text whose characters do not depend on what stands beside them, which most texts of a base are;
 * undefined for any other.
 */
function plainly(raw: string): string | undefined {
  if (raw.length > MAX_MESSAGE) return undefined
  let isChanged = false
  for (let i = 0; i < raw.length; i++) {
    const unit = raw.charCodeAt(i)
    if (plainUnits[unit] === 0) plainUnits[unit] = plainUnit(unit)
    const plain = plainUnits[unit] as number
    if (plain === NOT_PLAIN) return undefined
    if (i > 0 && plain === row[i - 1] && ONCE.includes(String.fromCharCode(plain))) return undefined
    row[i] = plain
    if (plain !== unit) isChanged = true
  }
  return isChanged ? String.fromCharCode.apply(null, row.subarray(0, raw.length) as unknown as number[]) : raw
}

const row = new Uint16Array(MAX_MESSAGE)
/** What each UTF-16 unit becomes wherever it stands; 0 where nobody has asked. */
const plainUnits = new Uint16Array(0x10000)
/** Half a character: never what one becomes. */
const NOT_PLAIN = 0xffff

function plainUnit(unit: number): number {
  const character = String.fromCharCode(unit)
  if (!PLAIN.test(character)) return NOT_PLAIN
  const clean = cleaned(character)
  // A character that another script writes differently may depend on the word it stands in.
  if (toMainland(clean) !== clean) return NOT_PLAIN
  const text = folded(clean)
  // A bracket may open 「[微笑]」.
  return text.length === 1 && text !== '[' ? text.charCodeAt(0) : NOT_PLAIN
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

/** A text with a space between all its characters, Latin letters and digits too, is written together again. */
function together(text: string): string {
  const spread = text.trim()
  if (!SPREAD.test(spread) || !HAN.test(spread)) return text
  return spread
    .split(/ {2,}/)
    .map((words) => words.replaceAll(' ', ''))
    .join(' ')
}

function folded(simplified: string): string {
  return together(simplified)
    .toLowerCase()
    .replace(PICTURE, ' ')
    .replace(EMOTICON, ' ')
    .replace(REPEATED, '$1')
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
// What WeChat writes where its own small pictures stood, and what a page leaves of its footnotes and edit marks.
const EMOTICON = new RegExp(
  `\\[(?:${[
    '微笑|撇嘴|色|发呆|得意|流泪|害羞|闭嘴|睡|大哭|尴尬|发怒|调皮|呲牙|惊讶|难过|酷|冷汗|囧|抓狂|吐|偷笑|可爱|愉快|白眼|傲慢',
    '饥饿|困|惊恐|流汗|憨笑|悠闲|大兵|奋斗|咒骂|疑问|嘘|晕|折磨|衰|骷髅|敲打|再见|擦汗|抠鼻|鼓掌|糗大了|坏笑|左哼哼|右哼哼|哈欠',
    '鄙视|委屈|快哭了|阴险|亲亲|吓|可怜|笑脸|生病|脸红|破涕为笑|恐惧|失望|无语|嘿哈|捂脸|奸笑|机智|皱眉|耶|吃瓜|加油|汗|天啊|emm',
    '社会社会|旺柴|好的|打脸|哇|翻白眼|666|让我看看|叹气|苦涩|裂开|嘴唇|爱心|心碎|拥抱|强|弱|握手|胜利|抱拳|勾引|拳头|差劲|ok',
    '合十|啤酒|咖啡|蛋糕|玫瑰|凋谢|菜刀|炸弹|便便|月亮|太阳|庆祝|礼物|红包|发|福|烟花|爆竹|猪头|跳跳|发抖|转圈|doge|笑哭|赞',
    '比心|\\d{1,3}|编辑',
  ].join('|')})\\]`,
  'gu',
)
/** Marks that count once, however often they stand there. */
const ONCE = '。，！？、…~!?,.-'
const REPEATED = new RegExp(`([${ONCE}])\\1+`, 'gu')
// Characters that neither compose with a neighbour nor, like a space, count only beside some.
const PLAIN = /[!-~·—‘’“”、-】一-鿿！-～]/u
const HAN = /\p{Script=Han}/u
const SPREAD = /^\S(?: +\S){3,}$/u
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
