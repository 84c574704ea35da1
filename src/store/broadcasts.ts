import type { Broadcast, BroadcastState, Repeat } from '../model/notice.ts'
import { planDeliveries } from './audience.ts'
import { type Connection, type Database, IN_FLIGHT, type Tables } from './database.ts'
import { type Selectable, sql } from './kysely.ts'

/** Keeps an approved text; a second approval replaces the first until the order to send. @returns whether it did */
export async function saveApproved(db: Connection, broadcast: Broadcast): Promise<boolean> {
  const row = rowOf(broadcast)
  const { id: _, ...rest } = row
  const saved = await db
    .insertInto('broadcast')
    .values(row)
    .onConflict((conflict) =>
      conflict.column('id').doUpdateSet(rest).where('broadcast.state', '=', 'approved'),
    )
    .executeTakeFirst()
  return Number(saved.numInsertedOrUpdatedRows ?? 0) > 0
}

export async function findBroadcast(db: Connection, id: string): Promise<Broadcast | undefined> {
  const row = await db.selectFrom('broadcast').selectAll().where('id', '=', id).executeTakeFirst()
  return row && broadcastOf(row)
}

/** The latest first. */
export async function listBroadcasts(db: Database, most = 100): Promise<Broadcast[]> {
  const rows = await db
    .selectFrom('broadcast')
    .selectAll()
    .orderBy('approved_at', 'desc')
    .orderBy('id')
    .limit(most)
    .execute()
  return rows.map(broadcastOf)
}

/** Those that are being sent, in the order in which they were ordered; reminders, which have a time, before notices. */
export async function broadcastsUnderWay(db: Database): Promise<Broadcast[]> {
  const rows = await db
    .selectFrom('broadcast')
    .selectAll()
    .where('state', '=', 'sending')
    .orderBy((eb) => eb.case().when('reminder_of', 'is', null).then(1).else(0).end())
    .orderBy('ordered_at')
    .orderBy('id')
    .execute()
  return rows.map(broadcastOf)
}

export async function countCorrections(db: Database, id: string): Promise<number> {
  const { count } = await db
    .selectFrom('broadcast')
    .select((eb) => eb.fn.countAll<number>().as('count'))
    .where('correction_of', '=', id)
    .executeTakeFirstOrThrow()
  return Number(count)
}

/** Plans the deliveries and hands the broadcast to the outbox; both or neither. @returns whether it was approved */
export async function startSending(
  db: Database,
  id: string,
  order: { readonly repeat: Repeat; readonly by: string },
  now: Date,
): Promise<boolean> {
  return db.transaction().execute(async (transaction) => {
    const started = await transaction
      .updateTable('broadcast')
      .set({ state: 'sending', repeat: order.repeat, sent_by: order.by, ordered_at: now.getTime() })
      .where('id', '=', id)
      .where('state', '=', 'approved')
      .executeTakeFirst()
    if (Number(started.numUpdatedRows) === 0) return false
    const broadcast = await findBroadcast(transaction, id)
    if (broadcast) await planDeliveries(transaction, broadcast, now)
    return true
  })
}

/** @returns whether it stood in one of the states before */
export async function changeState(
  db: Connection,
  id: string,
  from: readonly BroadcastState[],
  to: BroadcastState,
  more: { readonly why?: string | null; readonly endedAt?: Date } = {},
): Promise<boolean> {
  const changed = await db
    .updateTable('broadcast')
    .set({
      state: to,
      ...(more.why === undefined ? {} : { why: more.why }),
      ...(more.endedAt ? { ended_at: more.endedAt.getTime() } : {}),
    })
    .where('id', '=', id)
    .where('state', 'in', [...from])
    .executeTakeFirst()
  return Number(changed.numUpdatedRows) > 0
}

/** Ends a broadcast for good; who still waits will not get it. @returns whether it stood in one of the states before */
export async function endBroadcast(
  db: Database,
  id: string,
  from: readonly BroadcastState[],
  to: 'cancelled' | 'aborted',
  now: Date,
  why?: string,
): Promise<boolean> {
  return db.transaction().execute(async (transaction) => {
    const more = { endedAt: now, ...(why === undefined ? {} : { why }) }
    const ended = await changeState(transaction, id, from, to, more)
    if (ended) await withholdRest(transaction, id, to, now)
    return ended
  })
}

/** Withholds what waits and was never sent. What may have been sent stays unknown and is not sent again. */
export async function withholdRest(db: Connection, id: string, reason: string, now: Date): Promise<void> {
  const waiting = db
    .updateTable('delivery')
    .where('broadcast', '=', id)
    .where('not_before', 'is not', null)
    .set({ not_before: null, updated_at: now.getTime() })
  await waiting.where('state', '=', 'planned').set({ state: 'withheld', reason }).execute()
  await waiting.execute()
}

export async function noteStart(db: Connection, id: string, now: Date): Promise<void> {
  await db
    .updateTable('broadcast')
    .set({ started_at: now.getTime() })
    .where('id', '=', id)
    .where('started_at', 'is', null)
    .execute()
}

/**
 * Done, if no row waits and none is on its way; asked and written at once, for reminders are planned at any time.
 * @returns whether it is done just now
 */
export async function finish(db: Connection, id: string, now: Date): Promise<boolean> {
  const rows = (open: 'waits' | 'is on its way') =>
    db
      .selectFrom('delivery')
      .select('broadcast')
      .where('broadcast', '=', id)
      .where((eb) =>
        open === 'waits' ? eb('not_before', 'is not', null) : eb('reason', '=', sql.lit(IN_FLIGHT)),
      )
  const done = await db
    .updateTable('broadcast')
    .set({ state: 'done', ended_at: now.getTime() })
    .where('id', '=', id)
    .where('state', '=', 'sending')
    .where(({ not, exists }) => not(exists(rows('waits'))))
    .where(({ not, exists }) => not(exists(rows('is on its way'))))
    .executeTakeFirst()
  return Number(done.numUpdatedRows) > 0
}

type Row = Selectable<Tables['broadcast']>

function broadcastOf(row: Row): Broadcast {
  return {
    id: row.id,
    state: row.state,
    title: row.title,
    region: row.region,
    topics: JSON.parse(row.topics) as string[],
    audience: row.audience,
    starts: Number(row.starts),
    ends: Number(row.ends),
    sendAt: row.send_at ?? undefined,
    expires: row.expires ?? undefined,
    texts: JSON.parse(row.texts) as Record<string, string>,
    contentHash: row.content_hash,
    author: row.author,
    approver: row.approver,
    approvedAt: row.approved_at,
    repeat: row.repeat,
    correctionOf: row.correction_of ?? undefined,
    reminderOf: row.reminder_of ?? undefined,
    sentBy: row.sent_by ?? undefined,
    orderedAt: row.ordered_at ?? undefined,
    startedAt: row.started_at ?? undefined,
    endedAt: row.ended_at ?? undefined,
    why: row.why ?? undefined,
  }
}

function rowOf(broadcast: Broadcast): Row {
  return {
    id: broadcast.id,
    state: broadcast.state,
    title: broadcast.title,
    region: broadcast.region,
    topics: JSON.stringify(broadcast.topics),
    audience: broadcast.audience,
    starts: broadcast.starts,
    ends: broadcast.ends,
    send_at: broadcast.sendAt ?? null,
    expires: broadcast.expires ?? null,
    texts: JSON.stringify(broadcast.texts),
    content_hash: broadcast.contentHash,
    author: broadcast.author,
    approver: broadcast.approver,
    approved_at: broadcast.approvedAt,
    repeat: broadcast.repeat,
    correction_of: broadcast.correctionOf ?? null,
    reminder_of: broadcast.reminderOf ?? null,
    sent_by: broadcast.sentBy ?? null,
    ordered_at: broadcast.orderedAt ?? null,
    started_at: broadcast.startedAt ?? null,
    ended_at: broadcast.endedAt ?? null,
    why: broadcast.why ?? null,
  }
}
