import { mkdirSync, statSync } from 'node:fs'
import { dirname } from 'node:path'
import Sqlite from 'better-sqlite3'
import type { BroadcastState, DeliveryState, Repeat, Unreachable } from '../model/notice.ts'
import {
  CompiledQuery,
  type DatabaseConnection,
  type Generated,
  Kysely,
  type SqliteDatabase,
  SqliteDialect,
  type SqliteDialectConfig,
  SqliteDriver,
  type Transaction,
} from './kysely.ts'
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
  inbound: {
    channel: string
    chat: string | null
    message_id: string
    reply: string | null
    received_at: number
  }
  broadcast: {
    id: string
    state: BroadcastState
    title: string
    region: string
    topics: string
    audience: 'topics' | 'region'
    starts: number
    ends: number
    send_at: number | null
    expires: number | null
    /** The approved text by channel, as JSON. */
    texts: string
    content_hash: string
    author: string
    approver: string
    approved_at: number
    repeat: Repeat
    correction_of: string | null
    reminder_of: string | null
    sent_by: string | null
    ordered_at: number | null
    started_at: number | null
    ended_at: number | null
    why: string | null
  }
  delivery: {
    broadcast: string
    channel: string
    chat: string
    state: DeliveryState
    reason: string | null
    attempts: number
    /** A row waits exactly when this is set, whatever is known of it so far. */
    not_before: number | null
    updated_at: number
  }
  /** One event that one visitor wants to be reminded of; there until the day after it begins. */
  reminder: {
    channel: string
    chat: string
    notice: string
    title: string
    /** When the event begins, as far as the visitor has been told. */
    starts: number
    /** How long before that they want it, in milliseconds; null: whenever it is sensible. */
    lead: number | null
    due_at: number
    created_at: number
    /** When it was handed to the outbox. */
    planned_at: number | null
  }
  /** Addresses that could not be reached; one that is not here is as good as any. */
  reachability: { channel: string; chat: string; state: Unreachable; changed_at: number }
  audit: { at: number; who: string; act: string; broadcast: string | null; detail: string }
  /** Who is at work: the bot, and the one process that may send on a channel. */
  heartbeat: { name: string; owner: string; at: number; detail: string }
}

/** The reason of a row that is with a channel right now, or was when the process died. */
export const IN_FLIGHT = 'in-flight'
/** The reason of a row found in flight after a start. */
export const INTERRUPTED = 'interrupted'

export type Database = Kysely<Tables>
/** For what may be part of a larger transaction. */
export type Connection = Database | Transaction<Tables>

/**
 * Opens the embedded database and brings its schema up to date.
 * @param file a path, or `:memory:`
 */
export async function openDatabase(file: string): Promise<Database> {
  if (file !== ':memory:') makeFolder(dirname(file))
  const sqlite = new Sqlite(file)
  sqlite.pragma('journal_mode = WAL')
  // A consent or a 退订 that was acknowledged must survive a power cut.
  sqlite.pragma('synchronous = FULL')
  sqlite.pragma('busy_timeout = 5000')
  const database = new Kysely<Tables>({ dialect: new Dialect(sqlite) })
  await migrate(database)
  return database
}

/**
 * Makes a folder and those above it. Node does so itself, but goes round in circles for ever where a folder cannot be
 * made although the one above it is there, as below /proc.
 */
function makeFolder(folder: string): void {
  if (isFolder(folder)) return
  makeFolder(dirname(folder))
  try {
    mkdirSync(folder, { mode: 0o700 })
  } catch (error) {
    // Another process may have been quicker.
    if (!isFolder(folder)) throw error
  }
}

const isFolder = (path: string): boolean => statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false

/**
 * Staff commands write to the same file from processes of their own. A transaction that first reads and then
 * writes would fail at once if one of them wrote in between; one that asks for the lock at its beginning waits.
 */
class Dialect extends SqliteDialect {
  readonly #config: SqliteDialectConfig

  constructor(sqlite: Sqlite.Database) {
    const config = { database: preparedOnce(sqlite) }
    super(config)
    this.#config = config
  }

  override createDriver(): SqliteDriver {
    return new ImmediateDriver(this.#config)
  }
}

class ImmediateDriver extends SqliteDriver {
  override async beginTransaction(connection: DatabaseConnection): Promise<void> {
    await connection.executeQuery(CompiledQuery.raw('begin immediate'))
  }
}

/** The same few statements run all day; preparing one takes longer than running it. */
function preparedOnce(sqlite: Sqlite.Database): SqliteDatabase {
  const statements = new Map<string, Sqlite.Statement>()
  return {
    prepare: (text) => {
      const known = statements.get(text)
      if (known) return known
      if (statements.size >= MOST_STATEMENTS) statements.clear()
      const statement = sqlite.prepare(text)
      statements.set(text, statement)
      return statement
    },
    close: () => sqlite.close(),
  }
}

const MOST_STATEMENTS = 500
