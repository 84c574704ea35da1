import type { Address } from '../model/conversation.ts'
import type { Database } from './database.ts'

/** Hands a question to staff. @param question already masked */
export async function addInquiry(
  db: Database,
  address: Address,
  region: string | undefined,
  question: string,
  now: Date,
): Promise<void> {
  await db
    .insertInto('inquiry')
    .values({ ...address, region: region ?? null, question, state: 'open', created_at: now.getTime() })
    .execute()
}
