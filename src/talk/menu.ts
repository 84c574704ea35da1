/** A menu is open for ten minutes; later digits are no choice of it. */
export const MENU_MS = 10 * 60 * 1000

const CHINESE_DIGITS = '一二三四五六七八九'

/** The position (from 0) that a bare 「2」, 「２」, 「第二个」, 「二」 or 「选2」 chooses. */
export function chosenPosition(normalized: string): number | undefined {
  const match =
    /^(?:选|要|我选|我要|就)?(?:第)?([1-9]|[一二两三四五六七八九])(?:个|条|项|号|种)?(?:吧|呢|啊)?[.。、!]?$/u.exec(
      normalized,
    )
  const digit = match?.[1]
  if (digit === undefined) return undefined
  if (digit === '两') return 1
  const chinese = CHINESE_DIGITS.indexOf(digit)
  return chinese >= 0 ? chinese : Number(digit) - 1
}
