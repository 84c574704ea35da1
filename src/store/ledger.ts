import type {
  Broadcast,
  BroadcastReport,
  BroadcastState,
  DeliveryState,
  Unreachable,
} from '../model/notice.ts'
import { markUnreachable } from './addresses.ts'
import { wishes } from './audience.ts'
import { withholdRest } from './broadcasts.ts'
import { type Connection, type Database, IN_FLIGHT, INTERRUPTED, type Tables } from './database.ts'
import { type Selectable, sql } from './kysely.ts'

/**
 * What was announced to whom and what became of it. A delivery is one row, key = broadcast + address, and waits
 * exactly when its `not_before` is set. Its state says what is known: `planned` rows were never handed to a
 * channel; `unknown` ones were, and nobody can vouch for the outcome, also when they wait to be sent once more.
 */

/** A row that is written down as on its way, and what was known of it before. */
export interface Claimed {
  readonly chat: string
  /** This one included. */
  readonly attempts: number
  readonly before: {
    readonly state: DeliveryState
    readonly reason: string | null
    readonly notBefore: number
  }
}

/** Takes rows that are due, by writing down that nobody can vouch for them from now on. */
export async function claim(
  db: Database,
  broadcast: string,
  channel: string,
  most: number,
  now: Date,
): Promise<Claimed[]> {
  return db.transaction().execute(async (transaction) => {
    const rows = await transaction
      .selectFrom('delivery')
      .select(['chat', 'state', 'reason', 'attempts', 'not_before'])
      .where('broadcast', '=', broadcast)
      .where('channel', '=', channel)
      .where('not_before', '<=', now.getTime())
      .orderBy('not_before')
      .orderBy('chat')
      .limit(most)
      .execute()
    if (rows.length === 0) return []
    await transaction
      .updateTable('delivery')
      .set((eb) => ({
        state: 'unknown',
        reason: IN_FLIGHT,
        attempts: eb('attempts', '+', 1),
        not_before: null,
        updated_at: now.getTime(),
      }))
      .where('broadcast', '=', broadcast)
      .where('channel', '=', channel)
      .where(
        'chat',
        'in',
        rows.map(({ chat }) => chat),
      )
      .execute()
    return rows.map(({ chat, state, reason, attempts, not_before }) => ({
      chat,
      attempts: attempts + 1,
      before: { state, reason, notBefore: not_before ?? 0 },
    }))
  })
}

/** What has become of a claimed row. */
export interface Settled {
  readonly chat: string
  readonly state: DeliveryState
  readonly reason: string | null
  /** Waits, until then at least. */
  readonly notBefore?: number | undefined
  /** It was never handed to the channel, or the channel took no notice of it. */
  readonly noAttempt?: boolean
  readonly unreachable?: Unreachable
}

/** Writes down what became of claimed rows, in one transaction. */
export async function settle(
  db: Database,
  broadcast: string,
  channel: string,
  rows: readonly Settled[],
  now: Date,
): Promise<void> {
  await db.transaction().execute(async (transaction) => {
    for (const alike of groups(rows)) {
      const [{ state, reason, notBefore, noAttempt }] = alike
      await transaction
        .updateTable('delivery')
        .set((eb) => ({
          state,
          reason,
          not_before: notBefore ?? null,
          updated_at: now.getTime(),
          ...(noAttempt ? { attempts: eb('attempts', '-', 1) } : {}),
        }))
        .where('broadcast', '=', broadcast)
        .where('channel', '=', channel)
        .where(
          'chat',
          'in',
          alike.map(({ chat }) => chat),
        )
        .execute()
    }
    for (const { chat, unreachable } of rows)
      if (unreachable) await markUnreachable(transaction, { channel, chat }, unreachable, now)
    if (rows.every(({ notBefore }) => notBefore === undefined)) return
    // It may have been ended while these were on their way.
    const state = await stateOf(transaction, broadcast)
    if (state === 'cancelled' || state === 'aborted') await withholdRest(transaction, broadcast, state, now)
  })
}

function groups(rows: readonly Settled[]): [Settled, ...Settled[]][] {
  const alike = new Map<string, [Settled, ...Settled[]]>()
  for (const row of rows) {
    const key = JSON.stringify([row.state, row.reason, row.notBefore, row.noAttempt])
    const group = alike.get(key)
    if (group) group.push(row)
    else alike.set(key, [row])
  }
  return [...alike.values()]
}

async function stateOf(db: Connection, id: string): Promise<BroadcastState | undefined> {
  const row = await db.selectFrom('broadcast').select('state').where('id', '=', id).executeTakeFirst()
  return row?.state
}

/** Asked right before every single send: is it still being sent, and does the visitor still want it? */
export async function standing(
  db: Database,
  broadcast: Broadcast,
  channel: string,
  chat: string,
): Promise<{ readonly state: BroadcastState | undefined; readonly subscribed: boolean }> {
  const { rows } = await sql<{ state: BroadcastState; subscribed: number }>`
    select state, case when exists (${wishes(broadcast, { channel, chat })}) then 1 else 0 end as subscribed
    from broadcast where id = ${broadcast.id}`.execute(db)
  return { state: rows[0]?.state, subscribed: rows[0]?.subscribed === 1 }
}

/**
 * Rows that were on their way when a process died: nobody can vouch for them. They are sent once more if the
 * broadcast says so, and stay unknown either way.
 */
export async function recoverInterrupted(
  db: Database,
  channel: string,
  mostAttempts: number,
  now: Date,
): Promise<number> {
  const found = await sql`
    update delivery set
      reason = ${INTERRUPTED},
      updated_at = ${now.getTime()},
      not_before = case
        when attempts < ${mostAttempts} and broadcast in (
          select id from broadcast where repeat = 'at-least-once' and state in ('sending', 'paused')
        ) then cast(${now.getTime()} as bigint)
      end
    where channel = ${channel} and reason = ${sql.lit(IN_FLIGHT)}`.execute(db)
  return Number(found.numAffectedRows ?? 0)
}

/** How many sends a channel has used up since a time. */
export async function countSends(db: Database, channel: string, since: Date): Promise<number> {
  const { count } = await db
    .selectFrom('delivery')
    .select((eb) => eb.fn.countAll<number>().as('count'))
    .where('channel', '=', channel)
    .where('attempts', '>', 0)
    .where('updated_at', '>=', since.getTime())
    .executeTakeFirstOrThrow()
  return Number(count)
}

/** Takes back that these could not be reached; they wait again. */
export async function takeBack(
  db: Connection,
  broadcast: string,
  channel: string,
  chats: readonly string[],
  now: Date,
): Promise<void> {
  await db
    .deleteFrom('reachability')
    .where('channel', '=', channel)
    .where('chat', 'in', [...chats])
    .execute()
  await db
    .updateTable('delivery')
    .set({ state: 'planned', reason: null, not_before: 0, updated_at: now.getTime() })
    .where('broadcast', '=', broadcast)
    .where('channel', '=', channel)
    .where('chat', 'in', [...chats])
    .where('state', '=', 'failed')
    .execute()
}

/** The ledger of one broadcast in figures; the states add up to `planned`. */
export async function report(db: Connection, broadcast: Broadcast): Promise<BroadcastReport> {
  const rows = await db
    .selectFrom('delivery')
    .select((eb) => ['state', 'reason', eb.fn.countAll<number>().as('count')])
    .where('broadcast', '=', broadcast.id)
    .groupBy(['state', 'reason'])
    .execute()
  const states: Record<DeliveryState, number> = { planned: 0, sent: 0, failed: 0, unknown: 0, withheld: 0 }
  const byReason: Record<string, number> = {}
  for (const { state, reason, count } of rows) {
    states[state] += Number(count)
    if (state !== 'planned' && reason !== null) byReason[reason] = (byReason[reason] ?? 0) + Number(count)
  }
  const { planned: waiting, sent, failed, unknown, withheld } = states
  const planned = waiting + sent + failed + unknown + withheld
  return {
    id: broadcast.id,
    state: broadcast.state,
    planned,
    sent,
    failed,
    unknown,
    withheld,
    waiting,
    byReason,
  }
}

export async function waitingByChannel(
  db: Connection,
  id: string,
): Promise<{ readonly channel: string; readonly count: number }[]> {
  const rows = await db
    .selectFrom('delivery')
    .select((eb) => ['channel', eb.fn.countAll<number>().as('count')])
    .where('broadcast', '=', id)
    .where('not_before', 'is not', null)
    .groupBy('channel')
    .execute()
  return rows.map(({ channel, count }) => ({ channel, count: Number(count) }))
}

export type DeliveryRow = Pick<
  Selectable<Tables['delivery']>,
  'channel' | 'chat' | 'state' | 'reason' | 'attempts' | 'updated_at'
>

/** All rows of a broadcast, a page at a time. */
export async function* deliveriesOf(db: Database, id: string, page = 1000): AsyncGenerator<DeliveryRow> {
  let last: { channel: string; chat: string } | undefined
  for (;;) {
    let next = db
      .selectFrom('delivery')
      .select(['channel', 'chat', 'state', 'reason', 'attempts', 'updated_at'])
      .where('broadcast', '=', id)
      .orderBy('channel')
      .orderBy('chat')
      .limit(page)
    const after = last
    if (after)
      next = next.where((eb) =>
        eb.or([
          eb('channel', '>', after.channel),
          eb.and([eb('channel', '=', after.channel), eb('chat', '>', after.chat)]),
        ]),
      )
    const rows = await next.execute()
    yield* rows
    last = rows.at(-1)
    if (rows.length < page) return
  }
}
