import { chmodSync, existsSync } from 'node:fs'
import { faultOf, orderSchema, type Report, type Send } from './wechat-wire.ts'

// The WeChat process, started by wechat-process.ts; the only place that loads wechaty. It owns nothing that
// must survive: whenever something is not as it should be, it says so and ends, and is started again.

const [puppet, memoryCard] = process.argv.slice(2)
const report = (told: Report): void => void process.send?.(told)
let carryOut: ((order: Send) => void) | undefined
let stop = (): void => process.exit(0)

// The memory card holds the session of the account: for this user's eyes alone.
process.umask(0o077)
if (memoryCard && existsSync(`${memoryCard}.memory-card.json`))
  chmodSync(`${memoryCard}.memory-card.json`, 0o600)

process.on('disconnect', () => process.exit(0))
// Ctrl-C reaches the whole group; the bot still wants to send the replies in hand and then says stop.
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => {})
failLoudly()

process.on('message', (raw) => {
  const order = orderSchema.safeParse(raw)
  if (!order.success) report({ kind: 'error', text: 'an order outside the list' })
  else if (order.data.kind === 'stop') stop()
  else carryOut?.(order.data)
})

try {
  // A puppet that is not installed is told at once, before wechaty takes seconds to load.
  if (puppet) import.meta.resolve(puppet)
  const [{ WechatyBuilder }, { attach }] = await Promise.all([
    import('wechaty'),
    import('./wechat-puppet.ts'),
  ])
  const bot = WechatyBuilder.build({
    puppet: puppet as 'wechaty-puppet-service',
    ...(memoryCard ? { name: memoryCard } : {}),
  })
  carryOut = attach(bot, report)
  // Some puppets keep their timers after a stop, so the end is made explicit.
  stop = () =>
    void bot
      .stop()
      .catch((error: unknown) => report({ kind: 'error', text: faultOf(error) }))
      .finally(() => process.exit(0))
  await bot.start()
  // wechaty tells of a puppet that would not start by an event only, and then sits there.
  if (bot.puppet.state.inactive()) leave('the puppet did not start')
  else report({ kind: 'started' })
} catch (error) {
  leave(faultOf(error))
}

/** Ends the process on what nobody caught, and keeps others from swallowing it: wechat4u does, for the whole process. */
function failLoudly(): void {
  const mine = (error: unknown): void => leave(faultOf(error))
  for (const event of ['uncaughtException', 'unhandledRejection'] as const) process.on(event, mine)
  process.on('newListener', (event: string | symbol, listener: (...args: unknown[]) => void) => {
    if (event === 'uncaughtException' || event === 'unhandledRejection')
      queueMicrotask(() => process.removeListener(event, listener))
  })
}

function leave(text: string): void {
  if (!process.send) process.exit(1)
  process.send({ kind: 'error', text } satisfies Report, () => process.exit(1))
}
