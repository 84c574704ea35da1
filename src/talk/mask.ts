/** Hides numbers that name a person or an account: phone, identity card, bank card, e-mail. */
export function mask(text: string): string {
  return text
    .replace(/\p{Cf}/gu, '')
    .replace(/[０-９Ａ-Ｚａ-ｚ＠．＋－]/g, (wide) => wide.normalize('NFKC'))
    .replace(/[\w.+-]+@[\w-]+(?:\.[\w-]+)+/g, '[邮箱]')
    .replace(/(?<![\dA-Za-z])(?:\d[ -]?){17}[\dXx](?!\d)/g, '[证件号]')
    .replace(/(?<!\d)(?:\d[ -]?){14,18}\d(?!\d)/g, '[卡号]')
    .replace(/(?<!\d)(?:\+?86[ -]?)?1[3-9]\d[ -]?\d{4}[ -]?\d{4}(?!\d)/g, '[手机号]')
    .replace(/(?<!\d)0\d{2,3}[ -]?\d{7,8}(?!\d)/g, '[电话]')
}
