import { type Kysely, type Migration, Migrator, sql } from './kysely.ts'

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
  '002-notices': {
    // SQLite changes a schema step by step: a start that was cut short must be able to go on.
    async up(db) {
      await db.schema
        .createTable('broadcast')
        .ifNotExists()
        .addColumn('id', 'text', (column) => column.primaryKey())
        .addColumn('state', 'text', (column) => column.notNull())
        .addColumn('title', 'text', (column) => column.notNull())
        .addColumn('region', 'text', (column) => column.notNull())
        .addColumn('topics', 'text', (column) => column.notNull())
        .addColumn('audience', 'text', (column) => column.notNull())
        .addColumn('starts', 'bigint', (column) => column.notNull())
        .addColumn('ends', 'bigint', (column) => column.notNull())
        .addColumn('send_at', 'bigint')
        .addColumn('expires', 'bigint')
        .addColumn('texts', 'text', (column) => column.notNull())
        .addColumn('content_hash', 'text', (column) => column.notNull())
        .addColumn('author', 'text', (column) => column.notNull())
        .addColumn('approver', 'text', (column) => column.notNull())
        .addColumn('approved_at', 'bigint', (column) => column.notNull())
        .addColumn('repeat', 'text', (column) => column.notNull())
        .addColumn('correction_of', 'text')
        .addColumn('sent_by', 'text')
        .addColumn('ordered_at', 'bigint')
        .addColumn('started_at', 'bigint')
        .addColumn('ended_at', 'bigint')
        .addColumn('why', 'text')
        .execute()
      await db.schema
        .createTable('delivery')
        .ifNotExists()
        .addColumn('broadcast', 'text', (column) => column.notNull())
        .addColumn('channel', 'text', (column) => column.notNull())
        .addColumn('chat', 'text', (column) => column.notNull())
        .addColumn('state', 'text', (column) => column.notNull())
        .addColumn('reason', 'text')
        .addColumn('attempts', 'integer', (column) => column.notNull())
        .addColumn('not_before', 'bigint')
        .addColumn('updated_at', 'bigint', (column) => column.notNull())
        .addPrimaryKeyConstraint('delivery_key', ['broadcast', 'channel', 'chat'])
        .execute()
      await db.schema
        .createIndex('delivery_due')
        .ifNotExists()
        .on('delivery')
        .columns(['broadcast', 'channel', 'not_before', 'chat'])
        .where('not_before', 'is not', null)
        .execute()
      await db.schema
        .createIndex('delivery_in_flight')
        .ifNotExists()
        .on('delivery')
        .columns(['channel', 'broadcast'])
        .where(sql.ref('reason'), '=', sql.lit('in-flight'))
        .execute()
      await db.schema
        .createIndex('delivery_address')
        .ifNotExists()
        .on('delivery')
        .columns(['channel', 'chat'])
        .execute()
      await db.schema
        .createIndex('subscription_audience')
        .ifNotExists()
        .on('subscription')
        .columns(['region', 'topic', 'channel', 'chat'])
        .execute()
      await db.schema
        .createTable('reachability')
        .ifNotExists()
        .addColumn('channel', 'text', (column) => column.notNull())
        .addColumn('chat', 'text', (column) => column.notNull())
        .addColumn('state', 'text', (column) => column.notNull())
        .addColumn('changed_at', 'bigint', (column) => column.notNull())
        .addPrimaryKeyConstraint('reachability_key', ['channel', 'chat'])
        .execute()
      await db.schema
        .createTable('audit')
        .ifNotExists()
        .addColumn('at', 'bigint', (column) => column.notNull())
        .addColumn('who', 'text', (column) => column.notNull())
        .addColumn('act', 'text', (column) => column.notNull())
        .addColumn('broadcast', 'text')
        .addColumn('detail', 'text', (column) => column.notNull())
        .execute()
      await db.schema
        .createIndex('audit_broadcast')
        .ifNotExists()
        .on('audit')
        .columns(['broadcast', 'at'])
        .execute()
      await db.schema
        .createTable('heartbeat')
        .ifNotExists()
        .addColumn('name', 'text', (column) => column.primaryKey())
        .addColumn('owner', 'text', (column) => column.notNull())
        .addColumn('at', 'bigint', (column) => column.notNull())
        .addColumn('detail', 'text', (column) => column.notNull())
        .execute()
    },
  },
  '003-replies-of-a-visitor': {
    async up(db) {
      await db.schema.alterTable('inbound').addColumn('chat', 'text').execute()
      await db.schema.createIndex('inbound_address').on('inbound').columns(['channel', 'chat']).execute()
    },
  },
  '004-reminders': {
    async up(db) {
      await db.schema
        .createTable('reminder')
        .ifNotExists()
        .addColumn('channel', 'text', (column) => column.notNull())
        .addColumn('chat', 'text', (column) => column.notNull())
        .addColumn('notice', 'text', (column) => column.notNull())
        .addColumn('title', 'text', (column) => column.notNull())
        .addColumn('starts', 'bigint', (column) => column.notNull())
        .addColumn('lead', 'bigint')
        .addColumn('due_at', 'bigint', (column) => column.notNull())
        .addColumn('created_at', 'bigint', (column) => column.notNull())
        .addColumn('planned_at', 'bigint')
        .addPrimaryKeyConstraint('reminder_key', ['channel', 'chat', 'notice'])
        .execute()
      await db.schema
        .createIndex('reminder_event')
        .ifNotExists()
        .on('reminder')
        .columns(['notice', 'starts', 'planned_at', 'due_at'])
        .execute()
      const tables = await db.introspection.getTables()
      const broadcast = tables.find(({ name }) => name === 'broadcast')
      if (!broadcast?.columns.some(({ name }) => name === 'reminder_of'))
        await db.schema.alterTable('broadcast').addColumn('reminder_of', 'text').execute()
    },
  },
}
