/** Hides numbers that name a person or an account, however they are spelt: phone, identity card, bank card, e-mail. */
export function mask(text: string): string {
  const plain = text
    .replace(/\p{Cf}/gu, '')
    .replace(/[０-９Ａ-Ｚａ-ｚ＠．＋－（）＿]/g, (wide) => wide.normalize('NFKC'))
    .replace(/[\w.+-]+@[\w-]+(?:\.[\w-]+)+/g, '[邮箱]')
  return plain.replace(SPELT_NUMBER, (run) => withoutNames(run))
}

const NUMERALS = '零一二三四五六七八九〇壹贰叁肆伍陆柒捌玖'
const DIGIT = `[0-9⓪①-⑨${NUMERALS}幺]`
const BETWEEN = '[\\s\\-‐-―_.·/()+]{1,2}'
const SPELT_NUMBER = new RegExp(`[(+]{0,2}${DIGIT}(?:(?:${BETWEEN})?${DIGIT})*[xX]?`, 'gu')

function toDigit(character: string): string {
  if (character === '幺') return '1'
  const numeral = NUMERALS.indexOf(character)
  if (numeral >= 0) return String(numeral % 10)
  const plain = character.normalize('NFKC')
  return /^[0-9]$/.test(plain) ? plain : character
}

/** A run may hold several numbers one after the other: from each group on, the longest that is one is hidden. */
function withoutNames(run: string): string {
  const digits = Array.from(run, toDigit).join('')
  const days = DAYS.exec(digits)?.[0].length ?? 0
  if (days > 0) return run.slice(0, days) + withoutNames(run.slice(days))
  const groups = Array.from(digits.matchAll(/[0-9]+[xX]?/g), (match) => ({
    text: match[0],
    from: match.index,
    to: match.index + match[0].length,
  }))
  let hidden = ''
  let done = 0
  for (let first = 0; first < groups.length; ) {
    let last = groups.length
    let name: string | undefined
    for (; last > first && name === undefined; last--) name = nameOf(groups.slice(first, last))
    if (name === undefined) {
      first++
      continue
    }
    hidden += run.slice(done, first === 0 ? 0 : groups[first]?.from) + name
    done = groups[last]?.to ?? run.length
    first = last + 1
  }
  return hidden + run.slice(done)
}

/** 2023.01.01-2024.12.31 has as many digits as a bank card. No identity number begins like a year. */
const DAYS = /^[^0-9]*(?:(?:19|20)\d\d[-./]\d{1,2}[-./]\d{1,2}(?!\d)[^0-9]*)+/
const HOTLINE = /^(?:12\d{3}|9[56]\d{3})$/

function nameOf(groups: readonly { readonly text: string }[]): string | undefined {
  // 「12345 12355 12356」 are three.
  if (groups.some(({ text }) => HOTLINE.test(text))) return undefined
  const digits = groups.map(({ text }) => text).join('')
  if (/^(?:(?:00)?86)?1[3-9]\d{9}$/.test(digits)) return '[手机号]'
  if (/^\d{17}[\dxX]$/.test(digits)) return '[证件号]'
  if (/^0\d{9,11}$/.test(digits)) return '[电话]'
  if (/^\d{15,19}$/.test(digits) || (groups.length === 1 && digits.length > 19)) return '[卡号]'
  return undefined
}
