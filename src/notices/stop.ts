import type { BroadcastState } from '../model/notice.ts'
import { audit } from '../store/audit.ts'
import { changeState, endBroadcast, findBroadcast } from '../store/broadcasts.ts'
import type { Database } from '../store/database.ts'

export type Stop =
  | { readonly kind: 'done'; readonly state: BroadcastState }
  /** Undefined: nothing of that name was ever approved. */
  | { readonly kind: 'refused'; readonly state: BroadcastState | undefined }

/** Nothing more goes out; it can be resumed exactly where it was. */
export const pause = (db: Database, id: string, who: string, now: Date): Promise<Stop> =>
  act(db, id, who, 'pause', 'paused', now, () => changeState(db, id, ['sending'], 'paused', { why: null }))

export const resume = (db: Database, id: string, who: string, now: Date): Promise<Stop> =>
  act(db, id, who, 'resume', 'sending', now, () => changeState(db, id, ['paused'], 'sending', { why: null }))

/** For good. The ledger stays; who has not received it is listed as withheld. */
export const cancel = (db: Database, id: string, who: string, now: Date): Promise<Stop> =>
  act(db, id, who, 'cancel', 'cancelled', now, () =>
    endBroadcast(db, id, ['approved', 'sending', 'paused'], 'cancelled', now),
  )

async function act(
  db: Database,
  id: string,
  who: string,
  name: string,
  state: BroadcastState,
  now: Date,
  change: () => Promise<boolean>,
): Promise<Stop> {
  if (!(await change())) return { kind: 'refused', state: (await findBroadcast(db, id))?.state }
  await audit(db, { who, act: name, broadcast: id }, now)
  return { kind: 'done', state }
}
