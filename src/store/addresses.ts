import type { Address } from '../model/conversation.ts'
import type { Unreachable } from '../model/notice.ts'
import { isWantedBy, type Target } from './audience.ts'
import { type Connection, type Database, IN_FLIGHT, INTERRUPTED } from './database.ts'
import { sql } from './kysely.ts'

/** Remembers that a subscriber cannot be reached; of anybody else nothing is kept. */
export async function markUnreachable(
  db: Connection,
  address: Address,
  state: Unreachable,
  now: Date,
): Promise<void> {
  const { channel, chat } = address
  const subscribed = await db
    .selectFrom('subscription')
    .select('chat')
    .where('channel', '=', channel)
    .where('chat', '=', chat)
    .limit(1)
    .executeTakeFirst()
  if (subscribed === undefined) return
  await db
    .insertInto('reachability')
    .values({ channel, chat, state, changed_at: now.getTime() })
    .onConflict((conflict) =>
      conflict.columns(['channel', 'chat']).doUpdateSet({ state, changed_at: now.getTime() }),
    )
    .execute()
}

export async function markReachable(db: Connection, { channel, chat }: Address): Promise<void> {
  await db.deleteFrom('reachability').where('channel', '=', channel).where('chat', '=', chat).execute()
}

/**
 * Withholds what waits for a visitor and is not covered by a subscription or a reminder any more; part of the
 * transaction that ends it.
 */
export async function withholdUnwanted(db: Connection, { channel, chat }: Address, now: Date): Promise<void> {
  const waiting = await db
    .selectFrom('delivery')
    .innerJoin('broadcast', 'broadcast.id', 'delivery.broadcast')
    .select(['broadcast.id', 'region', 'topics', 'audience', 'reminder_of', 'delivery.state'])
    .where('channel', '=', channel)
    .where('chat', '=', chat)
    .where('not_before', 'is not', null)
    .execute()
  if (waiting.length === 0) return
  const left = await db
    .selectFrom('subscription')
    .select(['region', 'topic'])
    .where('channel', '=', channel)
    .where('chat', '=', chat)
    .execute()
  const reminders = await db
    .selectFrom('reminder')
    .select('notice')
    .where('channel', '=', channel)
    .where('chat', '=', chat)
    .execute()
  for (const { id, region, topics, audience, reminder_of, state } of waiting) {
    const target: Target = { region, topics: JSON.parse(topics) as string[], audience }
    const wanted =
      reminder_of === null
        ? left.some((subscription) => isWantedBy(target, subscription))
        : reminders.some(({ notice }) => notice === reminder_of)
    if (wanted) continue
    await db
      .updateTable('delivery')
      .set({
        not_before: null,
        updated_at: now.getTime(),
        // What may have been sent already stays unknown.
        ...(state === 'planned' ? { state: 'withheld', reason: 'unsubscribed' } : {}),
      })
      .where('broadcast', '=', id)
      .where('channel', '=', channel)
      .where('chat', '=', chat)
      .execute()
  }
}

/** Takes the visitor out of the ledger; the rows stay, so that its figures still add up. */
export async function anonymise(db: Connection, { channel, chat }: Address): Promise<void> {
  const { last } = await db
    .selectFrom('delivery')
    .select(sql<number | null>`max(cast(substr(chat, 8) as bigint))`.as('last'))
    .where('channel', '=', channel)
    .where('chat', '>=', 'erased-')
    .where('chat', '<', 'erased.')
    .executeTakeFirstOrThrow()
  await db
    .updateTable('delivery')
    .set((eb) => ({
      chat: `erased-${Number(last ?? 0) + 1}`,
      not_before: null,
      // One that is on its way now will not find its row any more.
      reason: eb.case().when('reason', '=', IN_FLIGHT).then(INTERRUPTED).else(eb.ref('reason')).end(),
    }))
    .where('channel', '=', channel)
    .where('chat', '=', chat)
    .execute()
  await markReachable(db, { channel, chat })
}

/**
 * The chat lives on under another id: everything we know of it goes along. Where the new id has a row of its own
 * in a broadcast, the old one is withheld, for nobody should get it twice.
 * @returns whether the new id is the one to send this broadcast to
 */
export async function moveAddress(
  db: Database,
  channel: string,
  from: string,
  to: string,
  broadcast: string,
  now: Date,
): Promise<boolean> {
  if (from === to) return true
  return db.transaction().execute(async (transaction) => {
    for (const table of ['session', 'reachability'] as const) {
      const there = await transaction
        .selectFrom(table)
        .select('chat')
        .where('channel', '=', channel)
        .where('chat', '=', to)
        .executeTakeFirst()
      if (there)
        await transaction.deleteFrom(table).where('channel', '=', channel).where('chat', '=', from).execute()
    }
    await sql`
      delete from subscription where channel = ${channel} and chat = ${to} and exists (
        select 1 from subscription old where old.channel = subscription.channel and old.chat = ${from}
          and old.region = subscription.region and old.topic = subscription.topic)`.execute(transaction)
    await sql`
      delete from reminder where channel = ${channel} and chat = ${from} and exists (
        select 1 from reminder other where other.channel = reminder.channel and other.chat = ${to}
          and other.notice = reminder.notice)`.execute(transaction)
    const twice = sql`exists (
      select 1 from delivery other
      where other.broadcast = delivery.broadcast and other.channel = delivery.channel and other.chat = ${to})`
    await sql`
      update delivery set state = 'withheld', reason = 'duplicate', not_before = null, updated_at = ${now.getTime()}
      where channel = ${channel} and chat = ${from} and (not_before is not null or reason = ${sql.lit(IN_FLIGHT)})
        and ${twice}`.execute(transaction)
    await sql`
      update delivery set chat = ${to}
      where channel = ${channel} and chat = ${from} and not ${twice}`.execute(transaction)
    for (const table of [
      'session',
      'reachability',
      'subscription',
      'reminder',
      'consent',
      'inquiry',
    ] as const)
      await transaction
        .updateTable(table)
        .set({ chat: to })
        .where('channel', '=', channel)
        .where('chat', '=', from)
        .execute()
    const left = await transaction
      .selectFrom('delivery')
      .select('chat')
      .where('broadcast', '=', broadcast)
      .where('channel', '=', channel)
      .where('chat', '=', from)
      .executeTakeFirst()
    return left === undefined
  })
}
