import { startTelegram } from '../../src/channels/telegram.ts'
import { startOutbox } from '../../src/outbox/run.ts'
import { markReachable, markUnreachable } from '../../src/store/addresses.ts'
import { openDatabase } from '../../src/store/database.ts'
import { quiet } from './log.ts'

// A process that sends what the store says, as the bot does, and waits to be killed.

const [file = '', apiRoot = '', token = '', perSecond = '30'] = process.argv.slice(2)
const db = await openDatabase(file)
const telegram = await startTelegram({
  token,
  apiRoot,
  log: quiet,
  sorry: '',
  respond: async () => undefined,
  perSecond: Number(perSecond),
  onReachable: (chat, reachable) =>
    reachable
      ? markReachable(db, { channel: 'telegram', chat })
      : markUnreachable(db, { channel: 'telegram', chat }, 'blocked', new Date()),
})
const outbox = startOutbox({ db, log: quiet, senders: [telegram.sender], quietHours: 'off' })
process.once('SIGTERM', async () => {
  await Promise.all([outbox.stop(), telegram.stop()])
  await db.destroy()
})
// Whoever started it may be killed too; then nobody would end it.
process.once('disconnect', () => process.exit(1))
process.channel?.unref()
process.send?.('ready')
