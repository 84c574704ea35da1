import { createHash } from 'node:crypto'
import { type Broadcast, type BroadcastReport, type BroadcastState, overAt } from '../model/notice.ts'
import { audit } from '../store/audit.ts'
import { countCorrections, findBroadcast, saveApproved } from '../store/broadcasts.ts'
import { type Desk, isSamePerson } from './approve.ts'
import { send } from './plan.ts'
import { renderCorrection } from './render.ts'

export type Correction =
  | { readonly kind: 'sending'; readonly broadcast: Broadcast; readonly report: BroadcastReport }
  | { readonly kind: 'refused'; readonly because: 'unknown' | 'own-notice' | 'over' }
  | { readonly kind: 'refused'; readonly because: 'too-long'; readonly channel: string }
  /** Nobody has received it, or it is still going out: what is wrong must be stopped first. */
  | {
      readonly kind: 'refused'
      readonly because: 'not-out' | 'still-sending'
      readonly state: BroadcastState
    }

/**
 * Tells exactly those who have, or may have, received a notice how it is right. It goes out at once, because people
 * may be on their way to the wrong place; in return nobody corrects a notice of their own alone.
 */
export async function correct(desk: Desk, id: string, who: string, text: string): Promise<Correction> {
  const { db, content, now } = desk
  const wrong = await findBroadcast(db, id)
  // A reminder is told from the notice's file; what is wrong in it is put right there.
  if (wrong === undefined || wrong.reminderOf !== undefined) return { kind: 'refused', because: 'unknown' }
  if (wrong.state === 'sending') return { kind: 'refused', because: 'still-sending', state: wrong.state }
  if (wrong.orderedAt === undefined) return { kind: 'refused', because: 'not-out', state: wrong.state }
  if (isSamePerson(wrong.author, who) && !desk.onePersonOffice) {
    await audit(db, { who, act: 'correction-refused', broadcast: id, detail: 'own-notice' }, now)
    return { kind: 'refused', because: 'own-notice' }
  }
  const texts: Record<string, string> = {}
  for (const reach of desk.reaches) {
    const corrected = renderCorrection(wrong.title, text, content, { reach })
    if (corrected === undefined) return { kind: 'refused', because: 'too-long', channel: reach.channel }
    texts[reach.channel] = corrected
  }
  const correction: Broadcast = {
    ...wrong,
    id: `${id}-correction-${(await countCorrections(db, id)) + 1}`,
    state: 'approved',
    // A correction is worth reading as long as the event is not over.
    sendAt: undefined,
    expires: undefined,
    texts,
    contentHash: createHash('sha256').update(text).digest('hex'),
    approver: who,
    approvedAt: now.getTime(),
    repeat: 'at-least-once',
    correctionOf: id,
    sentBy: undefined,
    orderedAt: undefined,
    startedAt: undefined,
    endedAt: undefined,
    why: undefined,
  }
  if (overAt(correction) <= now.getTime()) return { kind: 'refused', because: 'over' }
  await saveApproved(db, correction)
  await audit(db, { who, act: 'correct', broadcast: id, detail: correction.id }, now)
  const sending = await send(db, correction.id, { by: who, repeat: 'at-least-once' }, now)
  return sending.kind === 'sending' ? sending : { kind: 'refused', because: 'over' }
}
