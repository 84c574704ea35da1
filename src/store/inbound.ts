import type { Message, Reply } from '../model/conversation.ts'
import type { Database } from './database.ts'

/** How long a repeated message is recognised: channels redeliver for a day at most. */
const KEPT_MS = 48 * 3600 * 1000

/** The reply already given to a message; `undefined` when the message is new. `null`: it was met with silence. */
export async function repliedBefore(db: Database, message: Message): Promise<Reply | null | undefined> {
  const row = await db
    .selectFrom('inbound')
    .select('reply')
    .where('channel', '=', message.address.channel)
    .where('message_id', '=', message.id)
    .executeTakeFirst()
  if (row === undefined) return undefined
  return row.reply === null ? null : (JSON.parse(row.reply) as Reply)
}

export async function rememberReply(
  db: Database,
  message: Message,
  reply: Reply | undefined,
  now: Date,
  /** Nothing may lead back to the visitor, who has just asked to be forgotten. */
  forgotten = false,
): Promise<void> {
  await db
    .insertInto('inbound')
    .values({
      channel: message.address.channel,
      chat: forgotten ? null : message.address.chat,
      message_id: message.id,
      reply: reply === undefined ? null : JSON.stringify(reply),
      received_at: now.getTime(),
    })
    .onConflict((conflict) => conflict.doNothing())
    .execute()
}

/** Deletes what no channel will repeat any more. */
export async function forgetOldReplies(db: Database, now: Date): Promise<void> {
  await db
    .deleteFrom('inbound')
    .where('received_at', '<', now.getTime() - KEPT_MS)
    .execute()
}
