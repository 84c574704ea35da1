import { mkdirSync } from 'node:fs'
import { dirname } from 'node:path'
import Sqlite from 'better-sqlite3'
import { type Generated, Kysely, SqliteDialect } from 'kysely'
import { migrate } from './migrations.ts'

/** The tables. Text ids, times as epoch milliseconds, JSON as text: one schema for every SQL dialect. */
export interface Tables {
  session: { channel: string; chat: string; data: string; updated_at: number }
  inquiry: {
    id: Generated<number>
    channel: string
    chat: string
    region: string | null
    /** As asked, with phone, identity and bank numbers masked. */
    question: string
    state: 'open' | 'answered'
    created_at: number
  }
  consent: {
    channel: string
    chat: string
    text: string
    version: string
    given_at: number
    withdrawn_at: number | null
  }
  subscription: { channel: string; chat: string; region: string; topic: string; created_at: number }
  inbound: { channel: string; message_id: string; reply: string | null; received_at: number }
}

export type Database = Kysely<Tables>

/**
 * Opens the embedded database and brings its schema up to date.
 * @param file a path, or `:memory:`
 */
export async function openDatabase(file: string): Promise<Database> {
  if (file !== ':memory:') mkdirSync(dirname(file), { recursive: true, mode: 0o700 })
  const sqlite = new Sqlite(file)
  sqlite.pragma('journal_mode = WAL')
  // A consent or a 退订 that was acknowledged must survive a power cut.
  sqlite.pragma('synchronous = FULL')
  sqlite.pragma('busy_timeout = 5000')
  const database = new Kysely<Tables>({ dialect: new SqliteDialect({ database: sqlite }) })
  await migrate(database)
  return database
}
