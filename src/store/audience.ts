import type { Address } from '../model/conversation.ts'
import type { Broadcast } from '../model/notice.ts'
import type { Connection, Database } from './database.ts'
import { type RawBuilder, sql } from './kysely.ts'

/** Instead of a topic: all of them. */
export const ALL_TOPICS = '*'

/**
 * One row for everybody concerned, written where the subscriptions are; rows that are there stay as they are.
 * Who cannot be written to is planned too, as withheld with the reason.
 */
export async function planDeliveries(db: Connection, broadcast: Broadcast, now: Date): Promise<void> {
  const channels = Object.keys(broadcast.texts)
  const at = sql`cast(${now.getTime()} as bigint)`
  await sql`
    insert into delivery (broadcast, channel, chat, state, reason, attempts, not_before, updated_at)
    select ${broadcast.id}, one.channel, one.chat,
      case when one.withheld is null then 'planned' else 'withheld' end,
      one.withheld,
      0,
      case when one.withheld is null then 0 end,
      ${at}
    from (
      select audience.channel, audience.chat,
        case
          when audience.channel not in (${sql.join(channels.length > 0 ? channels : [''])}) then 'no-sender'
          when audience.subscribed = 0 then 'unsubscribed'
          else reachability.state
        end as withheld
      from (${audienceOf(broadcast)}) audience
      left join reachability
        on reachability.channel = audience.channel and reachability.chat = audience.chat
    ) one
    where one.chat is not null
    on conflict (broadcast, channel, chat) do nothing`.execute(db)
}

function audienceOf(broadcast: Broadcast): RawBuilder<unknown> {
  const { correctionOf } = broadcast
  if (correctionOf === undefined)
    return sql`select distinct channel, chat, 1 as subscribed from subscription where ${wants(broadcast)}`
  return sql`
    select reached.channel, reached.chat,
      case when exists (
        select 1 from subscription
        where subscription.channel = reached.channel and subscription.chat = reached.chat and ${wants(broadcast)}
      ) then 1 else 0 end as subscribed
    from delivery reached
    where reached.broadcast = ${correctionOf} and reached.state in ('sent', 'unknown')`
}

/** Whom a notice is meant for. */
export type Target = Pick<Broadcast, 'region' | 'topics' | 'audience'>

/** True of a subscription that asks for such notices. */
export function wants({ region, topics, audience }: Target): RawBuilder<unknown> {
  const here = sql`subscription.region = ${region}`
  return audience === 'region'
    ? here
    : sql`${here} and subscription.topic in (${sql.join([...topics, ALL_TOPICS])})`
}

/** Rows that show that a visitor still wants this: a subscription that asks for it, or a reminder of that event. */
export function wishes(
  broadcast: Target & Pick<Broadcast, 'reminderOf'>,
  { channel, chat }: Address,
): RawBuilder<unknown> {
  return broadcast.reminderOf === undefined
    ? sql`select 1 from subscription where channel = ${channel} and chat = ${chat} and ${wants(broadcast)}`
    : sql`select 1 from reminder
        where channel = ${channel} and chat = ${chat} and notice = ${broadcast.reminderOf}`
}

/** The same question of a subscription in hand. */
export const isWantedBy = (
  { region, topics, audience }: Target,
  subscription: { readonly region: string; readonly topic: string },
): boolean =>
  subscription.region === region &&
  (audience === 'region' || [...topics, ALL_TOPICS].includes(subscription.topic))

/** Those subscribed in a notice's region, by channel. */
export interface AudienceCount {
  readonly channel: string
  /** Subscribed to one of its topics, and no reason to think that they cannot be reached. */
  readonly reachable: number
  /** Subscribed to one of its topics, but known to be out of reach. */
  readonly unreachable: number
  /** Subscribed in the region, to other topics only. */
  readonly notOptedIn: number
}

export async function countAudience(db: Connection, target: Target): Promise<AudienceCount[]> {
  const { rows } = await sql<{ channel: string; reachable: number; unreachable: number; other: number }>`
    select one.channel,
      sum(case when one.wanted = 1 and reachability.state is null then 1 else 0 end) as reachable,
      sum(case when one.wanted = 1 and reachability.state is not null then 1 else 0 end) as unreachable,
      sum(case when one.wanted = 0 then 1 else 0 end) as other
    from (
      select channel, chat, max(case when ${wants(target)} then 1 else 0 end) as wanted
      from subscription where region = ${target.region} group by channel, chat
    ) one
    left join reachability on reachability.channel = one.channel and reachability.chat = one.chat
    group by one.channel order by one.channel`.execute(db)
  return rows.map(({ channel, reachable, unreachable, other }) => ({
    channel,
    reachable: Number(reachable),
    unreachable: Number(unreachable),
    notOptedIn: Number(other),
  }))
}

/** Made-up subscribers for a rehearsal; never into a store that is not thrown away. */
export async function fillAudience(
  db: Database,
  {
    channel,
    region,
    topic,
    reachable,
    unreachable,
  }: {
    readonly channel: string
    readonly region: string
    readonly topic: string
    readonly reachable: number
    readonly unreachable: number
  },
  now: Date,
): Promise<void> {
  const PAGE = 2000
  await db.transaction().execute(async (transaction) => {
    for (let first = 0; first < reachable + unreachable; first += PAGE) {
      const count = Math.min(PAGE, reachable + unreachable - first)
      const chats = Array.from({ length: count }, (_, i) => ({
        number: first + i,
        chat: `rehearsal-${first + i}`,
      }))
      await transaction
        .insertInto('subscription')
        .values(chats.map(({ chat }) => ({ channel, chat, region, topic, created_at: now.getTime() })))
        .execute()
      const lost = chats.filter(({ number }) => number >= reachable)
      if (lost.length > 0)
        await transaction
          .insertInto('reachability')
          .values(lost.map(({ chat }) => ({ channel, chat, state: 'blocked', changed_at: now.getTime() })))
          .execute()
    }
  })
}
