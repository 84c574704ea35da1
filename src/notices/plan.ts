import { type Broadcast, type BroadcastReport, overAt, type Repeat } from '../model/notice.ts'
import { audit } from '../store/audit.ts'
import { findBroadcast, startSending } from '../store/broadcasts.ts'
import type { Database } from '../store/database.ts'
import { report } from '../store/ledger.ts'

export type Sending =
  | { readonly kind: 'sending'; readonly broadcast: Broadcast; readonly report: BroadcastReport }
  | { readonly kind: 'refused'; readonly because: 'not-approved' | 'over' }
  | { readonly kind: 'refused'; readonly because: 'already'; readonly broadcast: Broadcast }

/** Plans one delivery for everybody concerned and hands the broadcast to the outbox; the bot does the sending. */
export async function send(
  db: Database,
  id: string,
  order: { readonly by: string; readonly repeat: Repeat },
  now: Date,
): Promise<Sending> {
  const approved = await findBroadcast(db, id)
  if (approved === undefined) return { kind: 'refused', because: 'not-approved' }
  if (approved.state !== 'approved') return { kind: 'refused', because: 'already', broadcast: approved }
  if (overAt(approved) <= now.getTime()) return { kind: 'refused', because: 'over' }
  const started = await startSending(db, id, order, now)
  const broadcast = (await findBroadcast(db, id)) ?? approved
  if (!started) return { kind: 'refused', because: 'already', broadcast }
  const figures = await report(db, broadcast)
  await audit(
    db,
    {
      who: order.by,
      act: 'send',
      broadcast: id,
      detail: `${figures.planned} planned, ${figures.waiting} to send, ${order.repeat}`,
    },
    now,
  )
  return { kind: 'sending', broadcast, report: figures }
}
