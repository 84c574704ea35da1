import { constants } from 'node:os'
import { z } from 'zod'

// What the bot and its WeChat process say to each other: a closed list, checked on both sides.

/** The puppets that may run; wechaty itself would import any module of that name, and spin without one. */
export const PUPPETS = [
  'wechaty-puppet-service',
  'wechaty-puppet-padlocal',
  'wechaty-puppet-wechat4u',
  'wechaty-puppet-mock',
] as const

export const SCAN_STATES = ['unknown', 'cancelled', 'waiting', 'scanned', 'confirmed', 'timed-out'] as const

/** Longer messages are cut before they cross; the bot reads less than this anyway. */
export const MOST_TEXT = 10_000

const id = z.string().min(1).max(500)
const ref = z.number().int().nonnegative()
const fault = z.string().max(300)

/** From the WeChat process. */
export const reportSchema = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('started') }),
  z.strictObject({ kind: z.literal('qrcode'), url: z.string().max(4000), status: z.enum(SCAN_STATES) }),
  z.strictObject({ kind: z.literal('login'), name: z.string().max(500) }),
  z.strictObject({ kind: z.literal('logout') }),
  z.strictObject({
    kind: z.literal('message'),
    id,
    /** The room, or the talker in a private chat. */
    chat: id,
    talker: id,
    text: z.string().max(MOST_TEXT),
    inGroup: z.boolean(),
    unreadable: z.boolean(),
  }),
  z.strictObject({ kind: z.literal('friendship'), id, contact: id }),
  z.strictObject({ kind: z.literal('done'), ref }),
  /** `gone`: there is no such contact or room, so nothing has left. */
  z.strictObject({ kind: z.literal('failed'), ref, text: fault, gone: z.boolean() }),
  z.strictObject({ kind: z.literal('error'), text: fault }),
])
export type Report = z.output<typeof reportSchema>
export type ReportOf<Kind extends Report['kind']> = Extract<Report, { kind: Kind }>

/** To the WeChat process. */
export const orderSchema = z.discriminatedUnion('kind', [
  /** With `mention` the chat is a room, without it a contact. */
  z.strictObject({
    kind: z.literal('say'),
    ref,
    chat: id,
    mention: id.optional(),
    text: z.string().min(1).max(MOST_TEXT),
  }),
  z.strictObject({ kind: z.literal('accept'), ref, id }),
  z.strictObject({ kind: z.literal('stop') }),
])
export type Order = z.output<typeof orderSchema>
export type Send = Exclude<Order, { kind: 'stop' }>

/**
 * What is wrong and where, without a word that somebody wrote: the messages of wechaty's errors carry texts
 * and names, so only the error's class, known codes and the place in the source are told.
 */
export function faultOf(error: unknown): string {
  if (!(error instanceof Error)) return `a thrown ${error === null ? 'null' : typeof error}`
  const told = `${'code' in error ? String(error.code) : ''} ${error.message} ${error.cause instanceof Error ? error.cause.message : ''}`
  const codes = new Set(
    [...(told.match(/\bE[A-Z][A-Z_]{2,30}\b/g) ?? [])].filter(
      (code) => KNOWN_CODES.has(code) || code.startsWith('ERR_'),
    ),
  )
  const ret = /\bret\W{1,4}(\d{1,5})\b/i.exec(told)?.[1]
  const missing = /Cannot find package '(wechaty-puppet-[a-z0-9-]{1,40})'/.exec(told)?.[1]
  const place = /^\s+at .*?([\w.-]{1,60}\.[cm]?[jt]s:\d+)/m.exec(error.stack ?? '')?.[1]
  return [
    /^\w{1,60}$/.test(error.name) ? error.name : 'Error',
    ...codes,
    ...(ret ? [`ret ${ret}`] : []),
    ...(missing ? [`(run: npm install ${missing})`] : []),
    ...(/WECHATY_PUPPET_SERVICE_TOKEN/.test(told) ? ['(set WECHATY_PUPPET_SERVICE_TOKEN)'] : []),
    ...(place ? [`at ${place}`] : []),
  ]
    .join(' ')
    .slice(0, 300)
}

const KNOWN_CODES = new Set([...Object.keys(constants.errno), 'EAI_AGAIN', 'ENOTFOUND'])
