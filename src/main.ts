import { join } from 'node:path'
import { getConnInfo } from '@hono/node-server/conninfo'
import { type Context, Hono } from 'hono'
import { startBot } from './bot.ts'
import type { TelegramChannel } from './channels/telegram.ts'
import { webChannel } from './channels/web.tsx'
import { EnvironmentError, EXIT, runCommand, UsageError } from './cli/command.ts'
import { openStore } from './cli/store.ts'
import { type Config, SECRETS, wechatPace } from './config.ts'
import { createLog } from './log.ts'
import type { Channel, Log, Respond } from './model/channel.ts'
import type { NoticeSender } from './model/notice.ts'
import { differsFromApproved } from './notices/approve.ts'
import { remindOfEvents } from './notices/remind.ts'
import { type Outbox, startOutbox } from './outbox/run.ts'
import { type RunningServer, serve } from './server.ts'
import { markReachable, markUnreachable } from './store/addresses.ts'
import type { Database } from './store/database.ts'
import { say } from './talk/compose.ts'
import { CONTENT_DOWN } from './talk/content-down.ts'
import { regionByName } from './talk/converse.ts'

const HELP = `青答 Qingda: answers questions about local youth policies, in the browser, on Telegram and on WeChat.

  npm start              the web chat on http://127.0.0.1:3000, over the shipped knowledge
  npm run talk           the same conversation in this terminal

Settings come from .env or the environment; .env.example lists them all. Ctrl-C stops cleanly.`

const STOP_MS = 5000
/** A reminder comes so much late at most. */
const REMIND_MS = 15_000

await runCommand(HELP, async (config) => {
  if (process.argv.length > 2) throw new UsageError(`npm start takes no argument (${process.argv[2]}).`)
  const log = createLog(
    config.LOG_LEVEL,
    SECRETS.flatMap((name) => config[name] ?? []),
  )
  const stops: (() => Promise<unknown>)[] = []
  const stop = async (): Promise<void> => {
    for (const end of stops.splice(0).reverse()) await end()
  }
  // A start that fails half-way must not leave the process hanging on what already runs.
  await start(config, log, stops).catch((error: unknown) => stop().then(() => Promise.reject(error)))
  await new Promise<void>((resolve) => {
    process.once('SIGINT', resolve)
    process.once('SIGTERM', resolve)
  })
  log.info({}, 'stopping: the replies in hand go out first')
  // A second Ctrl-C, or a part that hangs, must not keep the process.
  process.once('SIGINT', () => process.exit(EXIT.environment))
  setTimeout(() => process.exit(EXIT.environment), STOP_MS).unref()
  await stop()
  log.info({}, 'stopped')
  return EXIT.fine
})

/** Builds the parts and hands them to each other; `stops` gets what ends each, in the order they were built. */
async function start(config: Config, log: Log, stops: (() => Promise<unknown>)[]): Promise<void> {
  const db = await openStore(config)
  stops.push(() => db.destroy())
  const senders: NoticeSender[] = []
  const bot = await startBot({
    contentDir: config.CONTENT_DIR,
    db,
    log,
    segmenter: config.SEGMENTER,
    watch: true,
    lastGood: join(config.DATA_DIR, 'last-good-content.json'),
    defaultRegion: config.DEFAULT_REGION,
    outgoing: { channels: () => senders.map(({ channel }) => channel), quietHours: config.QUIET_HOURS },
    publicUrl: config.PUBLIC_URL,
  })
  stops.push(() => bot.stop())
  const content = () => bot.knowledge()?.content
  const known = content()
  if (
    config.DEFAULT_REGION !== undefined &&
    known &&
    regionByName(known, config.DEFAULT_REGION) === undefined
  )
    throw new EnvironmentError(`DEFAULT_REGION names no region. Known names: ${namesOf(known.regions)}.`)
  if (bot.segmenter.missing)
    log.warn(
      {},
      `words are cut by Intl.Segmenter: ${bot.segmenter.missing}; answers stay right, typos in names are forgiven less`,
    )
  if (bot.segmenter.limits)
    log.warn(
      {},
      `jieba takes more memory than it needs, and cuts some names into pieces: ${bot.segmenter.limits}. Set TMPDIR to a folder that can be written.`,
    )

  const sorry = (): string => content()?.phrases.sorry ?? CONTENT_DOWN.sections[0]?.text ?? ''
  const regions = () => content()?.regions.map(({ id, name }) => ({ id, name })) ?? []
  const greeting = (): string => {
    const known = content()
    return known ? say(known, 'greeting', { regions: namesOf(known.regions) }) : sorry()
  }
  const channels: Channel[] = []
  let server: RunningServer | undefined
  let outbox: Outbox | undefined
  // The outbox first: no notice sets out on a channel that is stopping.
  stops.push(() =>
    Promise.allSettled([outbox?.stop(), server?.close(), ...channels.map((channel) => channel.stop())]),
  )
  const app = new Hono()
  const respond: Respond = async (message) => {
    const reply = await bot.respond(message)
    // After 「已退订」 no notice arrives, not even one that had set out before.
    await outbox?.settled(message.address)
    return reply
  }
  const telegram = await connectTelegram(config, db, log, sorry, respond)
  if (telegram) {
    app.post('/telegram/webhook', (context) => telegram.handle(context.req.raw))
    channels.push(telegram)
    senders.push(telegram.sender)
  }
  const notices = wechatPace(config)
  // A channel that is off is not even read.
  const wechat =
    config.WECHATY_PUPPET === undefined
      ? undefined
      : (await import('./channels/wechat.ts')).startWechat({
          puppet: config.WECHATY_PUPPET,
          dataDir: config.DATA_DIR,
          respond,
          log,
          get sorry() {
            return sorry()
          },
          get greeting() {
            return greeting()
          },
          ...(notices ? { notices } : {}),
        })
  if (wechat) {
    channels.push(wechat)
    if (wechat.sender) senders.push(wechat.sender)
  }
  app.route(
    '/',
    webChannel({
      respond: bot.respond,
      log,
      sorry,
      greeting,
      regions,
      notices: () => [...(content()?.notices ?? []), ...(content()?.past ?? [])],
      publicUrl: config.PUBLIC_URL,
      suggestions: () => content()?.phrases.suggestions.split('|') ?? [],
      isUrgent: bot.isUrgent,
      clientAddress: (context) => clientAddress(context, config.TRUST_PROXY === 'on'),
    }),
  )

  server = await serve(app, { host: config.HOST, port: config.PORT, log })
  outbox = startOutbox({
    db,
    log,
    senders,
    quietHours: config.QUIET_HOURS,
    edited: (broadcast) => differsFromApproved(broadcast, content()?.notices ?? []),
  })
  const reminding = remindNowAndThen(() => {
    const known = content()
    return known
      ? remindOfEvents({
          db,
          log,
          content: known,
          reaches: senders,
          publicUrl: config.PUBLIC_URL,
          quietHours: config.QUIET_HOURS,
          now: new Date(),
        })
      : Promise.resolve()
  }, log)
  stops.push(() => reminding.stop())
  console.log(`青答已启动：${server.url}\n（Ctrl-C 结束；另开一个终端运行 npm run talk 可以在终端里聊）`)
}

/** Looks for reminders that are due; one at a time, however long it takes. */
function remindNowAndThen(work: () => Promise<void>, log: Log): { stop(): Promise<void> } {
  let inHand: Promise<void> | undefined
  const look = (): void => {
    inHand ??= work()
      .catch((error: unknown) =>
        log.error({ error: String(error) }, 'the reminders that are due could not be planned; trying again'),
      )
      .finally(() => {
        inHand = undefined
      })
  }
  look()
  const timer = setInterval(look, REMIND_MS)
  return {
    stop: async () => {
      clearInterval(timer)
      await inHand
    },
  }
}

/** A channel that cannot start leaves the others alone: the reason is in the log, the web chat runs. */
async function connectTelegram(
  config: Config,
  db: Database,
  log: Log,
  sorry: () => string,
  respond: Respond,
): Promise<TelegramChannel | undefined> {
  if (config.TELEGRAM_TOKEN === undefined) return undefined
  log.warn(
    {},
    'Telegram is on: what visitors write there passes through servers outside mainland China; see the README before offering it to the public there',
  )
  const { TELEGRAM_WEBHOOK_URL: url, TELEGRAM_WEBHOOK_SECRET: secret = '' } = config
  try {
    const { startTelegram } = await import('./channels/telegram.ts')
    return await startTelegram({
      token: config.TELEGRAM_TOKEN,
      apiRoot: config.TELEGRAM_API_ROOT,
      respond,
      log,
      get sorry() {
        return sorry()
      },
      perSecond: config.TELEGRAM_PER_SECOND,
      onReachable: (chat, reachable) =>
        reachable
          ? markReachable(db, { channel: 'telegram', chat })
          : markUnreachable(db, { channel: 'telegram', chat }, 'blocked', new Date()),
      ...(url ? { webhook: { url: `${url.replace(/\/$/, '')}/telegram/webhook`, secret } } : {}),
    })
  } catch (error) {
    log.error(
      { error: error instanceof Error ? error.message : String(error) },
      'Telegram is off until the next start; the other channels run',
    )
    return undefined
  }
}

/** The nearest proxy writes the last entry; the ones before it can be made up by anybody. */
function clientAddress(context: Context, behindProxy: boolean): string {
  const forwarded = behindProxy ? context.req.header('x-forwarded-for')?.split(',').at(-1)?.trim() : undefined
  return forwarded || (getConnInfo(context).remote.address ?? 'unknown')
}

function namesOf(regions: readonly { readonly name: string }[]): string {
  return regions.map(({ name }) => name).join('、')
}
