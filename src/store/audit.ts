import type { Connection } from './database.ts'

/** One act of staff, or of the outbox in their place. Never a visitor's words or address. */
export interface AuditEntry {
  readonly at: number
  readonly who: string
  readonly act: string
  readonly broadcast: string | null
  readonly detail: string
}

export async function audit(
  db: Connection,
  entry: {
    readonly who: string
    readonly act: string
    readonly broadcast?: string
    readonly detail?: string
  },
  now: Date,
): Promise<void> {
  const { who, act, broadcast = null, detail = '' } = entry
  await db.insertInto('audit').values({ at: now.getTime(), who, act, broadcast, detail }).execute()
}

/** What was done about a broadcast, first things first. */
export async function auditOf(db: Connection, broadcast: string): Promise<AuditEntry[]> {
  return db.selectFrom('audit').selectAll().where('broadcast', '=', broadcast).orderBy('at').execute()
}
