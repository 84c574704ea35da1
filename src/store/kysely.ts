import { createRequire } from 'node:module'

export type {
  DatabaseConnection,
  Generated,
  Migration,
  RawBuilder,
  Selectable,
  SqliteDatabase,
  SqliteDialectConfig,
  Transaction,
} from 'kysely'
export type Kysely<Tables> = import('kysely').Kysely<Tables>
export type SqliteDriver = import('kysely').SqliteDriver

/**
 * Kysely in its other form. As modules its 260 files pass one by one through the loader that reads TypeScript:
 * a second of every start, and of every command of the staff. By `require` they take a quarter of it.
 */
export const { CompiledQuery, Kysely, Migrator, SqliteDialect, SqliteDriver, sql } = createRequire(
  import.meta.url,
)('kysely') as typeof import('kysely')
