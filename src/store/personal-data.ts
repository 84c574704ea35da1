import type { Address } from '../model/conversation.ts'
import { anonymise, withholdUnwanted } from './addresses.ts'
import type { Database } from './database.ts'
import { type Reminder, remindersOf } from './reminders.ts'
import { loadSession } from './sessions.ts'
import { type Subscription, subscriptionsOf } from './subscriptions.ts'

/** Everything kept about one visitor. */
export interface PersonalData {
  readonly region: string | undefined
  readonly subscriptions: readonly Subscription[]
  readonly reminders: readonly Reminder[]
  readonly consents: readonly { readonly given_at: number; readonly withdrawn_at: number | null }[]
  readonly inquiries: readonly { readonly question: string; readonly created_at: number }[]
}

export async function personalData(db: Database, address: Address): Promise<PersonalData> {
  const session = await loadSession(db, address)
  const consents = await db
    .selectFrom('consent')
    .select(['given_at', 'withdrawn_at'])
    .where('channel', '=', address.channel)
    .where('chat', '=', address.chat)
    .orderBy('given_at')
    .execute()
  const inquiries = await db
    .selectFrom('inquiry')
    .select(['question', 'created_at'])
    .where('channel', '=', address.channel)
    .where('chat', '=', address.chat)
    .orderBy('created_at')
    .execute()
  return {
    region: session.region,
    subscriptions: await subscriptionsOf(db, address),
    reminders: await remindersOf(db, address),
    consents,
    inquiries,
  }
}

/** Deletes everything kept about one visitor; all of it or nothing. The ledger keeps its rows without the address. */
export async function erase(db: Database, address: Address, now: Date = new Date()): Promise<void> {
  await db.transaction().execute(async (transaction) => {
    for (const table of ['session', 'inquiry', 'consent', 'subscription', 'reminder', 'inbound'] as const)
      await transaction
        .deleteFrom(table)
        .where('channel', '=', address.channel)
        .where('chat', '=', address.chat)
        .execute()
    await withholdUnwanted(transaction, address, now)
    await anonymise(transaction, address)
  })
}
