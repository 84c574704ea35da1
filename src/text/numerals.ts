const DIGITS = '零一二三四五六七八九'
const UNITS: Readonly<Record<string, number>> = { 十: 10, 百: 100, 千: 1000 }

/**
 * Writes Chinese numerals with digits: 「二十亿」 becomes 「20亿」, 「三百套」 「300套」. A lone 「三」 stays, for it is often no
 * number (「三农」), and so do 万 and 亿, which figures are written with.
 */
export function withDigits(text: string): string {
  return text.replace(
    /[一二两三四五六七八九十百千零]+(?=([万亿])?)/gu,
    (written, myriad: string | undefined) => {
      if (!/^[一二两三四五六七八九十]/.test(written)) return written
      if (written.length === 1 && myriad === undefined) return written
      if (written.length > 1 && !/[十百千]/.test(written)) return written
      let value = 0
      let digit = 0
      // 「一千五」 leaves the hundred out, 「一千零五」 does not.
      let tenth = 1
      for (const character of written.replaceAll('两', '二')) {
        const unit = UNITS[character]
        if (unit === undefined) {
          digit = DIGITS.indexOf(character)
          if (digit === 0) tenth = 1
        } else {
          value += (digit || 1) * unit
          digit = 0
          tenth = unit / 10
        }
      }
      return String(value + digit * tenth)
    },
  )
}
