import { type Kysely, type Migration, Migrator } from 'kysely'

/** Brings a database of any earlier version up to date; steps already taken are skipped. */
export async function migrate<T>(database: Kysely<T>): Promise<void> {
  const migrator = new Migrator({ db: database, provider: { getMigrations: async () => MIGRATIONS } })
  const { error } = await migrator.migrateToLatest()
  if (error)
    throw new Error(`The database could not be brought up to date: ${String(error)}`, { cause: error })
}

const MIGRATIONS: Record<string, Migration> = {
  '001-conversation': {
    async up(db) {
      await db.schema
        .createTable('session')
        .addColumn('channel', 'text', (column) => column.notNull())
        .addColumn('chat', 'text', (column) => column.notNull())
        .addColumn('data', 'text', (column) => column.notNull())
        .addColumn('updated_at', 'bigint', (column) => column.notNull())
        .addPrimaryKeyConstraint('session_key', ['channel', 'chat'])
        .execute()
      await db.schema
        .createTable('inquiry')
        .addColumn('id', 'integer', (column) => column.primaryKey().autoIncrement())
        .addColumn('channel', 'text', (column) => column.notNull())
        .addColumn('chat', 'text', (column) => column.notNull())
        .addColumn('region', 'text')
        .addColumn('question', 'text', (column) => column.notNull())
        .addColumn('state', 'text', (column) => column.notNull())
        .addColumn('created_at', 'bigint', (column) => column.notNull())
        .execute()
      await db.schema.createIndex('inquiry_address').on('inquiry').columns(['channel', 'chat']).execute()
      await db.schema
        .createTable('consent')
        .addColumn('channel', 'text', (column) => column.notNull())
        .addColumn('chat', 'text', (column) => column.notNull())
        .addColumn('text', 'text', (column) => column.notNull())
        .addColumn('version', 'text', (column) => column.notNull())
        .addColumn('given_at', 'bigint', (column) => column.notNull())
        .addColumn('withdrawn_at', 'bigint')
        .execute()
      await db.schema.createIndex('consent_address').on('consent').columns(['channel', 'chat']).execute()
      await db.schema
        .createTable('subscription')
        .addColumn('channel', 'text', (column) => column.notNull())
        .addColumn('chat', 'text', (column) => column.notNull())
        .addColumn('region', 'text', (column) => column.notNull())
        .addColumn('topic', 'text', (column) => column.notNull())
        .addColumn('created_at', 'bigint', (column) => column.notNull())
        .addPrimaryKeyConstraint('subscription_key', ['channel', 'chat', 'region', 'topic'])
        .execute()
      await db.schema
        .createTable('inbound')
        .addColumn('channel', 'text', (column) => column.notNull())
        .addColumn('message_id', 'text', (column) => column.notNull())
        .addColumn('reply', 'text')
        .addColumn('received_at', 'bigint', (column) => column.notNull())
        .addPrimaryKeyConstraint('inbound_key', ['channel', 'message_id'])
        .execute()
      await db.schema.createIndex('inbound_age').on('inbound').column('received_at').execute()
    },
  },
}
