import { simulatedChannel } from '../channels/simulated.ts'
import { createLog } from '../log.ts'
import type { Content } from '../model/content.ts'
import type { BroadcastReport, Notice, Reach } from '../model/notice.ts'
import { approve } from '../notices/approve.ts'
import { type Forecast, forecast } from '../notices/audience.ts'
import { send } from '../notices/plan.ts'
import { startOutbox } from '../outbox/run.ts'
import { virtualClock } from '../outbox/virtual-clock.ts'
import { fillAudience } from '../store/audience.ts'
import { findBroadcast } from '../store/broadcasts.ts'
import { type Database, openDatabase } from '../store/database.ts'
import { report } from '../store/ledger.ts'

export interface Rehearsal {
  readonly forecast: readonly Forecast[]
  readonly report: BroadcastReport
  /** From the order to the last send, waiting for quiet hours and the time to send included. */
  readonly seconds: number
}

/**
 * The whole way from approval to the last outcome, over channels that only pretend, in a store that is thrown away,
 * with as many recipients as there are. Time passes as fast as the work allows.
 */
export async function rehearse(
  real: Database,
  notice: Notice,
  content: Content,
  options: {
    readonly reaches: readonly Reach[]
    readonly quietHours: string
    readonly publicUrl?: string | undefined
  },
  now: Date,
): Promise<Rehearsal> {
  const { reaches, quietHours, publicUrl } = options
  const forecasts = await forecast(real, notice, reaches)
  const db = await openDatabase(':memory:')
  await seat(db, notice, forecasts, now)
  await approve({ db, content, reaches, publicUrl, onePersonOffice: true, now }, notice, 'rehearsal')
  await send(db, notice.id, { by: 'rehearsal', repeat: 'at-least-once' }, now)

  const clock = virtualClock(now, new Date(8.64e15))
  const never = new AbortController().signal
  const outbox = startOutbox({
    db,
    log: createLog('silent'),
    senders: reaches.map((reach) =>
      simulatedChannel({ ...reach, seed: 1, sleep: (ms) => clock.sleep(ms, never) }),
    ),
    quietHours,
    clock,
  })
  for (;;) {
    const broadcast = await findBroadcast(db, notice.id)
    if (broadcast && broadcast.state !== 'sending') {
      const figures = await report(db, broadcast)
      await outbox.stop()
      await db.destroy()
      return {
        forecast: forecasts,
        report: figures,
        seconds: ((broadcast.endedAt ?? 0) - now.getTime()) / 1000,
      }
    }
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}

/** As many subscribers as there really are, none of them real. */
async function seat(db: Database, notice: Notice, forecasts: readonly Forecast[], now: Date): Promise<void> {
  const [topic = ''] = notice.topics
  for (const { channel, reachable, unreachable } of forecasts)
    await fillAudience(db, { channel, region: notice.region, topic, reachable, unreachable }, now)
}
