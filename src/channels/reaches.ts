import type { Reach } from '../model/notice.ts'

/** Telegram limits bulk messages to about 30 a second. */
export const TELEGRAM_REACH: Reach = { channel: 'telegram', longest: 4096, perSecond: 30 }

/**
 * The channels that can write to somebody first. WeChat is not among them: bulk messages of a personal account end
 * in its ban. The web page and the terminal reach only who is looking.
 */
export const reachesOf = (settings: { readonly telegramPerSecond: number }): Reach[] => [
  { ...TELEGRAM_REACH, perSecond: settings.telegramPerSecond },
]
