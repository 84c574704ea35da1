import { randomBytes } from 'node:crypto'
import { hostname } from 'node:os'
import type { Database } from './database.ts'

/** A sign of life older than this is none. */
const FRESH_MS = 15_000
/** How often a process shows that it lives. */
export const BEAT_MS = 5000

/** The process that runs the outbox; what it says of itself is the state of each lane, as JSON. */
export const BOT = 'bot'
/** The one process that may send on a channel. */
export const laneOf = (channel: string): string => `lane:${channel}`

/** This process, told from every other one, also from an earlier one that had the same number. */
export const newOwner = (): string => `${hostname()}:${process.pid}:${randomBytes(4).toString('hex')}`

/** Takes a name for this process, unless another living one holds it; taken again, it stays taken. */
export async function takeName(
  db: Database,
  name: string,
  owner: string,
  now: Date,
  detail = '',
): Promise<boolean> {
  return db.transaction().execute(async (transaction) => {
    const held = await transaction
      .selectFrom('heartbeat')
      .selectAll()
      .where('name', '=', name)
      .executeTakeFirst()
    if (held && held.owner !== owner && isAlive(held, now)) return false
    const row = { owner, at: now.getTime(), detail }
    await transaction
      .insertInto('heartbeat')
      .values({ name, ...row })
      .onConflict((conflict) => conflict.column('name').doUpdateSet(row))
      .execute()
    return true
  })
}

export async function dropName(db: Database, name: string, owner: string): Promise<void> {
  await db.deleteFrom('heartbeat').where('name', '=', name).where('owner', '=', owner).execute()
}

/** What the living holder of a name says of itself. */
export async function heartbeat(db: Database, name: string, now: Date): Promise<string | undefined> {
  const held = await db.selectFrom('heartbeat').selectAll().where('name', '=', name).executeTakeFirst()
  return held && isAlive(held, now) ? held.detail : undefined
}

function isAlive({ owner, at }: { readonly owner: string; readonly at: number }, now: Date): boolean {
  if (Math.abs(now.getTime() - at) > FRESH_MS) return false
  const [host, pid] = owner.split(':')
  if (host !== hostname()) return true
  // The same number on the same machine and another owner: this process has been started anew.
  if (Number(pid) === process.pid) return false
  try {
    process.kill(Number(pid), 0)
    return true
  } catch (error) {
    // Somebody else's process may not be signalled, but it is there.
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}
