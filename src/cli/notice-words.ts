import type { Broadcast, BroadcastReport, BroadcastState } from '../model/notice.ts'
import { momentInWords } from '../model/when.ts'
import type { Forecast } from '../notices/audience.ts'

/** How staff read the ledger. */

export const STATES: Readonly<Record<BroadcastState, string>> = {
  approved: '已批准，还没发送',
  sending: '发送中',
  paused: '已暂停',
  cancelled: '已取消',
  aborted: '已中止',
  done: '已发完',
}

const CHANNELS: Readonly<Record<string, string>> = {
  telegram: 'Telegram',
  wechat: '微信',
  web: '网页',
  terminal: '终端',
}
export const channelName = (channel: string): string => CHANNELS[channel] ?? channel

const REASONS: Readonly<Record<string, string>> = {
  blocked: '对方屏蔽了机器人',
  gone: '对方账号已注销',
  'never-started': '对方没有和机器人说过话',
  'chat-lost': '机器人已被移出',
  'not-found': '平台上没有这个会话',
  unsubscribed: '已退订或取消提醒',
  cancelled: '已取消',
  aborted: '已中止',
  'event-over': '活动已结束或过了失效时间',
  'no-sender': '这个渠道不能主动发消息',
  duplicate: '同一个会话已有一条',
  'in-flight': '正在发',
  interrupted: '发的时候程序中断',
  'repeated-after-interruption': '程序中断后补发，可能收到两遍',
  repeated: '没有回音后补发，可能收到两遍',
  'timed-out': '平台没有回音',
  'connection-lost': '连接断了',
  'server-error': '平台内部出错',
  'not-connected': '连不上平台',
  'content-refused': '平台拒绝了内容',
  'moved-twice': '会话换了两次编号',
  'addresses-unknown': '连着很多会话平台都不认识：可能换了机器人令牌或数据库，核对后再 resume',
  error: '渠道程序出错',
}
export function reasonInWords(reason: string): string {
  if (reason.startsWith('repeat-')) return `补发时：${reasonInWords(reason.slice('repeat-'.length))}`
  const code = /^refused-(\d+)$/.exec(reason)?.[1]
  return REASONS[reason] ?? (code ? `平台拒收(${code})` : reason)
}

/** 「[█████───────────────] 25%」 */
export function barInWords({ planned, waiting }: BroadcastReport): string {
  const share = planned === 0 ? 1 : 1 - waiting / planned
  const full = Math.floor(share * BAR)
  return `[${'█'.repeat(full)}${'─'.repeat(BAR - full)}] ${Math.floor(share * 100)}%`
}

const BAR = 20

/** As much of a line as so many columns show; a line that wraps cannot be written over. */
export function fitting(line: string, columns: number): string {
  let used = 0
  let end = 0
  for (const letter of line) {
    used += WIDE.test(letter) ? 2 : 1
    if (used > columns) return line.slice(0, end)
    end += letter.length
  }
  return line
}

const WIDE = /[\p{Script=Han}\u3000-\u303f\uff01-\uff60“”]/u

export function durationInWords(seconds: number): string {
  const whole = Math.ceil(seconds)
  if (whole < 60) return `${whole} 秒`
  if (whole < 3600) return `${Math.floor(whole / 60)} 分 ${whole % 60} 秒`
  return `${Math.floor(whole / 3600)} 小时 ${Math.ceil((whole % 3600) / 60)} 分`
}

/** One line: what stands where. */
export const figuresInWords = ({
  planned,
  sent,
  failed,
  unknown,
  withheld,
  waiting,
}: BroadcastReport): string =>
  `共 ${planned} 人：已送达 ${sent}，失败 ${failed}，不确定 ${unknown}，不发 ${withheld}，等待 ${waiting}`

/** The most frequent reasons first. */
export const reasonsInWords = ({ byReason }: BroadcastReport, most = 20): string[] =>
  Object.entries(byReason)
    .sort(([, a], [, b]) => b - a)
    .slice(0, most)
    .map(([reason, count]) => `${reasonInWords(reason)} ${count}`)

export function forecastInWords(forecasts: readonly Forecast[]): string {
  if (forecasts.length === 0) return '这个地区还没有人订阅。'
  const lines = forecasts.map(({ channel, carries, reachable, unreachable, notOptedIn, seconds }) =>
    carries
      ? `  ${channelName(channel)}:现在能送达 ${reachable} 人，联系不上 ${unreachable} 人(屏蔽、注销等)，没订这些主题 ${notOptedIn} 人；约需 ${durationInWords(seconds)}`
      : `  ${channelName(channel)}:${reachable + unreachable} 人订了，但这个渠道不能主动发消息，会记为“不发”；没订这些主题 ${notOptedIn} 人`,
  )
  return lines.join('\n')
}

const ACTS: Readonly<Record<string, string>> = {
  approve: '批准',
  'approval-refused': '想批准，未通过',
  send: '下令发送',
  pause: '暂停',
  resume: '继续',
  cancel: '取消',
  correct: '发更正',
  'correction-refused': '想发更正，未通过',
  abort: '中止',
  export: '导出明细',
}
export const actInWords = (act: string): string => ACTS[act] ?? act
export const whoInWords = (who: string): string => PROGRAMS[who] ?? who
const PROGRAMS: Readonly<Record<string, string>> = { outbox: '机器人', visitor: '访客' }

/** What a broadcast in this state waits for. */
export function whenInWords(broadcast: Broadcast, quietEnd: number | undefined, now: Date): string {
  if (broadcast.state !== 'sending') return STATES[broadcast.state]
  if (broadcast.sendAt !== undefined && broadcast.sendAt > now.getTime())
    return `定时，${momentInWords(broadcast.sendAt)}开始`
  return quietEnd === undefined ? STATES.sending : `静默时段，${momentInWords(quietEnd)}接着发`
}

/** A table cell that a spreadsheet will not take for a formula. */
export function csvCell(value: string | number): string {
  const text = String(value)
  const safe = /^[=+\-@\t\r]/.test(text) ? `'${text}` : text
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe
}
