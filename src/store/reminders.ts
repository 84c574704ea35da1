import type { Address } from '../model/conversation.ts'
import type { Broadcast } from '../model/notice.ts'
import { DAY } from '../model/when.ts'
import { markReachable, withholdUnwanted } from './addresses.ts'
import { finish } from './broadcasts.ts'
import { type Connection, type Database, IN_FLIGHT } from './database.ts'
import { sql } from './kysely.ts'

/** An event somebody wants to be reminded of. Times are epoch milliseconds. */
export interface Reminder {
  /** The notice's id. */
  readonly notice: string
  readonly title: string
  readonly starts: number
  readonly due: number
  /** It has been handed to the outbox. */
  readonly planned: boolean
}

// ---- what the visitor asks for ----

/** Keeps one reminder for an event; asked again, the later wish holds. @returns false when it has gone out already */
export async function remind(
  db: Database,
  { channel, chat }: Address,
  wish: {
    readonly notice: string
    readonly title: string
    readonly starts: number
    readonly due: number
    readonly lead?: number | undefined
  },
  now: Date,
): Promise<boolean> {
  const { notice, title, starts, due, lead = null } = wish
  return db.transaction().execute(async (transaction) => {
    const kept = await transaction
      .insertInto('reminder')
      .values({
        channel,
        chat,
        notice,
        title,
        starts,
        lead,
        due_at: due,
        created_at: now.getTime(),
        planned_at: null,
      })
      .onConflict((conflict) =>
        conflict
          .columns(['channel', 'chat', 'notice'])
          .doUpdateSet({ title, starts, lead, due_at: due })
          .where('reminder.planned_at', 'is', null),
      )
      .executeTakeFirst()
    // Who talks to us can be written to.
    await markReachable(transaction, { channel, chat })
    return Number(kept.numInsertedOrUpdatedRows ?? 0) > 0
  })
}

/** Everything kept, the next one first. */
export async function remindersOf(db: Connection, { channel, chat }: Address): Promise<Reminder[]> {
  const rows = await db
    .selectFrom('reminder')
    .selectAll()
    .where('channel', '=', channel)
    .where('chat', '=', chat)
    .orderBy('due_at')
    .orderBy('notice')
    .execute()
  return rows.map(({ notice, title, starts, due_at, planned_at }) => ({
    notice,
    title,
    starts,
    due: due_at,
    planned: planned_at !== null,
  }))
}

/** Calls off reminders, also those that wait in the outbox; without a notice, all of them. */
export async function callOff(db: Database, address: Address, now: Date, notice?: string): Promise<void> {
  await db.transaction().execute(async (transaction) => {
    await forgetReminders(transaction, address, notice)
    await withholdUnwanted(transaction, address, now)
  })
}

/** Part of a transaction that then withholds what waits. What is settled stays: nobody is reminded twice. */
export async function forgetReminders(
  db: Connection,
  { channel, chat }: Address,
  notice?: string,
): Promise<void> {
  const one = notice === undefined ? sql`` : sql`and notice = ${notice}`
  await sql`
    delete from reminder where channel = ${channel} and chat = ${chat} ${one} and (
      planned_at is null or not exists (
        select 1 from delivery join broadcast on broadcast.id = delivery.broadcast
        where broadcast.reminder_of = reminder.notice and delivery.channel = reminder.channel
          and delivery.chat = reminder.chat and delivery.not_before is null
          and delivery.state not in ('planned', 'withheld')
          and coalesce(delivery.reason, '') <> ${sql.lit(IN_FLIGHT)}
      )
    )`.execute(db)
}

/** The notices that have reached an address since a time, the latest first. */
export async function noticesReceived(
  db: Database,
  { channel, chat }: Address,
  since: Date,
): Promise<string[]> {
  const rows = await db
    .selectFrom('delivery')
    .innerJoin('broadcast', 'broadcast.id', 'delivery.broadcast')
    .select('broadcast.id')
    .where('channel', '=', channel)
    .where('chat', '=', chat)
    .where('delivery.state', 'in', ['sent', 'unknown'])
    .where('correction_of', 'is', null)
    .where('reminder_of', 'is', null)
    .where('updated_at', '>=', since.getTime())
    .orderBy('updated_at', 'desc')
    .limit(5)
    .execute()
  return rows.map(({ id }) => id)
}

// ---- what becomes of them ----

/** The events that anybody is to be reminded of, with the beginning their visitors know. */
export async function remindedEvents(
  db: Database,
): Promise<{ readonly notice: string; readonly starts: number; readonly waiting: boolean }[]> {
  const { rows } = await sql<{ notice: string; starts: number; waiting: number }>`
    select notice, starts, max(case when planned_at is null then 1 else 0 end) as waiting
    from reminder group by notice, starts order by starts`.execute(db)
  return rows.map(({ notice, starts, waiting }) => ({
    notice,
    starts: Number(starts),
    waiting: Number(waiting) === 1,
  }))
}

/**
 * The event begins at another time than its visitors know: the reminders wait for a new time. Those that have gone out
 * told the old one, so they go out again at once.
 */
export async function reschedule(
  db: Database,
  event: { readonly notice: string; readonly starts: number },
  starts: number,
  dueFor: (lead: number | undefined) => number,
  now: Date,
): Promise<void> {
  await db.transaction().execute(async (transaction) => {
    await transaction
      .updateTable('reminder')
      .set({ starts, due_at: now.getTime(), planned_at: null })
      .where('notice', '=', event.notice)
      .where('starts', '=', event.starts)
      .where('planned_at', 'is not', null)
      .execute()
    const leads = await transaction
      .selectFrom('reminder')
      .select('lead')
      .distinct()
      .where('notice', '=', event.notice)
      .where('starts', '=', event.starts)
      .execute()
    for (const { lead } of leads)
      await transaction
        .updateTable('reminder')
        .set({ starts, due_at: dueFor(lead ?? undefined) })
        .where('notice', '=', event.notice)
        .where('starts', '=', event.starts)
        .where('lead', lead === null ? 'is' : '=', lead)
        .execute()
  })
}

export async function isAnyDue(
  db: Database,
  notice: string,
  channels: readonly string[],
  now: Date,
): Promise<boolean> {
  const row = await db
    .selectFrom('reminder')
    .select('notice')
    .where('notice', '=', notice)
    .where('channel', 'in', [...channels])
    .where('planned_at', 'is', null)
    .where('due_at', '<=', now.getTime())
    .limit(1)
    .executeTakeFirst()
  return row !== undefined
}

/**
 * Hands the reminders that are due to the outbox, all or none: one delivery for each address under a broadcast that
 * holds their text. Those of a channel that has none wait for it to come back. One that has gone out is not planned again; one that was called off and asked for anew is.
 */
export async function planReminders(db: Database, broadcast: Broadcast, now: Date): Promise<void> {
  const { id, reminderOf } = broadcast
  const channels = Object.keys(broadcast.texts)
  const at = sql`cast(${now.getTime()} as bigint)`
  const due = sql`notice = ${reminderOf} and channel in (${sql.join(channels)})
    and planned_at is null and due_at <= ${now.getTime()}`
  await db.transaction().execute(async (transaction) => {
    await transaction
      .updateTable('broadcast')
      .set({ state: 'sending', ended_at: null })
      .where('id', '=', id)
      .where('state', '=', 'done')
      .execute()
    await sql`
      insert into delivery (broadcast, channel, chat, state, reason, attempts, not_before, updated_at)
      select ${id}, one.channel, one.chat,
        case when one.withheld is null then 'planned' else 'withheld' end,
        one.withheld, 0,
        case when one.withheld is null then ${at} end,
        ${at}
      from (
        select channel, chat, case
          when (select state from broadcast where id = ${id}) in ('cancelled', 'aborted') then 'cancelled'
        end as withheld
        from reminder where ${due}
      ) one
      where one.chat is not null
      on conflict (broadcast, channel, chat) do update set
        state = excluded.state, reason = excluded.reason,
        not_before = excluded.not_before, updated_at = excluded.updated_at
      where delivery.state = 'withheld'`.execute(transaction)
    await sql`update reminder set planned_at = ${now.getTime()} where ${due}`.execute(transaction)
    // Where all are withheld there is nothing to send.
    await finish(transaction, id, now)
  })
}

/** Deletes the reminders of what began more than a day ago; until then they tell what was asked for. */
export async function forgetOldReminders(db: Database, now: Date): Promise<void> {
  await db
    .deleteFrom('reminder')
    .where('starts', '<', now.getTime() - DAY)
    .execute()
}
