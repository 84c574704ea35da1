import type { Reach } from '../model/notice.ts'

/** Telegram limits bulk messages to about 30 a second. */
export const TELEGRAM_REACH: Reach = { channel: 'telegram', longest: 4096, perSecond: 30 }

/** A personal account that writes to many is restricted, then banned; it goes slowly and stops for the day. */
export const wechatReach = ({ perMinute, perDay }: WechatPace): Reach => ({
  channel: 'wechat',
  longest: 1500,
  perSecond: perMinute / 60,
  perDay,
})

export interface WechatPace {
  readonly perMinute: number
  readonly perDay: number
}

/**
 * The channels that can write to somebody first. WeChat only where it was asked for: bulk messages of a personal
 * account are against its terms. The web page and the terminal reach only who is looking.
 */
export const reachesOf = (settings: {
  readonly telegramPerSecond: number
  readonly wechat: WechatPace | undefined
}): Reach[] => [
  { ...TELEGRAM_REACH, perSecond: settings.telegramPerSecond },
  ...(settings.wechat ? [wechatReach(settings.wechat)] : []),
]
