import type { Address } from '../model/conversation.ts'
import type { Session } from '../model/session.ts'
import type { Database } from './database.ts'

export async function loadSession(db: Database, address: Address): Promise<Session> {
  const row = await db
    .selectFrom('session')
    .select('data')
    .where('channel', '=', address.channel)
    .where('chat', '=', address.chat)
    .executeTakeFirst()
  return row ? (JSON.parse(row.data) as Session) : {}
}

export async function saveSession(
  db: Database,
  address: Address,
  session: Session,
  now: Date,
): Promise<void> {
  const data = JSON.stringify(session)
  await db
    .insertInto('session')
    .values({ ...address, data, updated_at: now.getTime() })
    .onConflict((conflict) =>
      conflict.columns(['channel', 'chat']).doUpdateSet({ data, updated_at: now.getTime() }),
    )
    .execute()
}
