import type { Address } from '../model/conversation.ts'
import { markReachable, withholdUnwanted } from './addresses.ts'
import type { Database } from './database.ts'
import { forgetReminders } from './reminders.ts'

export interface Subscription {
  readonly region: string
  /** A topic's name, or `*` for all. */
  readonly topic: string
}

export { ALL_TOPICS } from './audience.ts'

export async function subscriptionsOf(db: Database, address: Address): Promise<Subscription[]> {
  return db
    .selectFrom('subscription')
    .select(['region', 'topic'])
    .where('channel', '=', address.channel)
    .where('chat', '=', address.chat)
    .orderBy('region')
    .orderBy('created_at')
    .orderBy('topic')
    .execute()
}

/** Records the consent, word for word as it was shown, and what was subscribed by it; both or neither. */
export async function subscribe(
  db: Database,
  address: Address,
  wanted: readonly Subscription[],
  consent: { readonly text: string; readonly version: string },
  now: Date,
): Promise<void> {
  await db.transaction().execute(async (transaction) => {
    await transaction
      .insertInto('consent')
      .values({ ...address, ...consent, given_at: now.getTime(), withdrawn_at: null })
      .execute()
    for (const one of wanted)
      await transaction
        .insertInto('subscription')
        .values({ ...address, ...one, created_at: now.getTime() })
        .onConflict((conflict) => conflict.doNothing())
        .execute()
    // Who talks to us can be written to.
    await markReachable(transaction, address)
  })
}

/**
 * Ends the subscriptions, withdraws the consent and withholds the notices that were to come by them; all or nothing.
 * @param only these; without them all, and the reminders too: nothing comes unasked after that
 */
export async function unsubscribe(
  db: Database,
  address: Address,
  now: Date,
  only?: readonly Subscription[],
): Promise<void> {
  await db.transaction().execute(async (transaction) => {
    let ending = transaction
      .deleteFrom('subscription')
      .where('channel', '=', address.channel)
      .where('chat', '=', address.chat)
    if (only !== undefined)
      ending = ending.where(({ or, and }) => or(only.map(({ region, topic }) => and({ region, topic }))))
    await ending.execute()
    const left = await transaction
      .selectFrom('subscription')
      .select('region')
      .where('channel', '=', address.channel)
      .where('chat', '=', address.chat)
      .executeTakeFirst()
    if (left === undefined)
      await transaction
        .updateTable('consent')
        .set({ withdrawn_at: now.getTime() })
        .where('channel', '=', address.channel)
        .where('chat', '=', address.chat)
        .where('withdrawn_at', 'is', null)
        .execute()
    if (only === undefined) await forgetReminders(transaction, address)
    await withholdUnwanted(transaction, address, now)
    await markReachable(transaction, address)
  })
}
