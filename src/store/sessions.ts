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

/** How long a visitor's city and script are remembered after the last message. */
const KEPT_MS = 90 * 24 * 3600 * 1000
/** An unanswered question waits this long to be handed to staff. */
const QUESTION_KEPT_MS = 3600 * 1000

/** Deletes the sessions of visitors who have not come back, and questions nobody handed over. */
export async function forgetOldSessions(db: Database, now: Date): Promise<void> {
  await db
    .deleteFrom('session')
    .where('updated_at', '<', now.getTime() - KEPT_MS)
    .execute()
  const waiting = await db
    .selectFrom('session')
    .selectAll()
    .where('updated_at', '<', now.getTime() - QUESTION_KEPT_MS)
    .where('data', 'like', '%"unanswered":%')
    .limit(1000)
    .execute()
  for (const { channel, chat, data, updated_at } of waiting) {
    const { unanswered: _, ...kept } = JSON.parse(data) as Session
    await db
      .updateTable('session')
      .set({ data: JSON.stringify(kept) })
      .where('channel', '=', channel)
      .where('chat', '=', chat)
      .where('updated_at', '=', updated_at)
      .execute()
  }
}
