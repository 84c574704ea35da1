import { existsSync, readFileSync } from 'node:fs'
import { mkdir, rename, writeFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import { buildCatalog } from './answer/catalog.ts'
import { type Loaded, loadContent } from './content/load.ts'
import { describe, watchContent } from './content/watch.ts'
import type { Log, Respond } from './model/channel.ts'
import { type Content, PHRASES } from './model/content.ts'
import type { Database } from './store/database.ts'
import { forgetOldReplies } from './store/inbound.ts'
import { forgetOldSessions } from './store/sessions.ts'
import { type Outgoing, regionByName } from './talk/converse.ts'
import { inOrder } from './talk/in-order.ts'
import { type Knowledge, readyToTalk } from './talk/knowledge.ts'
import { createTurn } from './talk/turn.ts'
import { createUrgentLane } from './talk/urgent.ts'
import { FALLBACK_URGENT } from './talk/urgent-fallback.ts'
import { checkWordings } from './talk/wordings.ts'
import { normalize } from './text/normalize.ts'
import { loadSegmenter, type Segmenter } from './text/segment.ts'
import { tokenizer } from './text/views.ts'

export interface BotOptions {
  /** The folder that holds `knowledge/` and `intents/`. */
  readonly contentDir: string
  readonly db: Database
  readonly log: Log
  readonly now?: () => Date
  readonly defaultRegion?: string | undefined
  /** The channels that can write to somebody first; without any, nobody is promised a reminder. */
  readonly outgoing?: Outgoing | undefined
  /** Where visitors open the web pages. */
  readonly publicUrl?: string | undefined
  readonly segmenter?: 'jieba' | 'intl'
  /** Follow edits of the content. */
  readonly watch?: boolean
  /** Where the last good content is kept for a start over a broken one. */
  readonly lastGood?: string | undefined
  /** For measurements and one-off commands: as many messages as come. */
  readonly unlimited?: boolean
}

export interface Bot {
  readonly respond: Respond
  readonly segmenter: Segmenter
  readonly knowledge: () => Knowledge | undefined
  /** Whether a text must be answered however many came before it. */
  readonly isUrgent: (text: string) => boolean
  /** What was found when the content was last read. */
  readonly loaded: () => Loaded
  /** Resolves when the replies in hand are out and nothing is being read any more. */
  stop(): Promise<void>
}

/** Reads the content, loads the segmenter and answers; a content that is broken from the start leaves the urgent lane. */
export async function startBot(options: BotOptions): Promise<Bot> {
  const { log } = options
  const now = options.now ?? (() => new Date())
  const read = (found: Loaded): Loaded => {
    const wrong = found.content ? checkWordings(found.content) : []
    if (wrong.length === 0) return found
    return { problems: [...found.problems, ...wrong], version: found.version }
  }
  let loaded = read(await loadContent(options.contentDir, undefined, now()))
  const content = loaded.content ?? lastGoodContent(options.lastGood)
  report(loaded, log, content !== undefined)
  const segmenter = loadSegmenter(content ? namesOf(content) : [], options.segmenter)

  const prepare = async (from: Content, pause?: () => Promise<void>): Promise<Knowledge> =>
    readyToTalk(await buildCatalog(from, tokenizer(segmenter, from.concepts), pause), pause)
  let knowledge = content ? await prepare(content) : undefined
  let keeping = loaded.content ? keepLastGood(options.lastGood, loaded.content, log) : undefined

  const stopWatching = options.watch
    ? watchContent(
        options.contentDir,
        async (seen) => {
          if (seen.version === loaded.version) return
          await nextTurn()
          const found = read(seen)
          await nextTurn()
          loaded = found
          if (found.content) {
            // One assignment: every message is answered wholly from the old content or wholly from the new.
            knowledge = await prepare(found.content, nextTurn)
            await keeping
            keeping = keepLastGood(options.lastGood, found.content, log)
          }
          report(found, log, knowledge !== undefined)
        },
        log,
        now,
      )
    : async () => {}

  const turn = createTurn({
    db: options.db,
    log,
    now,
    knowledge: () => knowledge,
    defaultRegion: () =>
      knowledge && options.defaultRegion ? regionByName(knowledge.content, options.defaultRegion) : undefined,
    outgoing: options.outgoing,
    publicUrl: options.publicUrl,
    ...(options.unlimited ? { allowPace: () => true } : {}),
  })
  const fallbackUrgent = createUrgentLane(FALLBACK_URGENT)
  const order = inOrder()
  const inHand = new Set<Promise<unknown>>()
  const sweep = setInterval(
    () =>
      void Promise.all([forgetOldReplies(options.db, now()), forgetOldSessions(options.db, now())]).catch(
        (error: unknown) => log.warn({ error: String(error) }, 'what is kept too long could not be deleted'),
      ),
    HOUR,
  )
  sweep.unref()

  return {
    segmenter,
    knowledge: () => knowledge,
    isUrgent: (text) => (knowledge?.urgent ?? fallbackUrgent)(normalize(text).text) !== undefined,
    loaded: () => loaded,
    respond: (message) => {
      const reply = order(`${message.address.channel}:${message.address.chat}`, () => turn(message))
      inHand.add(reply)
      const done = (): void => void inHand.delete(reply)
      reply.then(done, done)
      return reply
    },
    stop: async () => {
      clearInterval(sweep)
      await stopWatching()
      await keeping
      await Promise.allSettled(inHand)
    },
  }
}

const SNAPSHOT_PARTS: readonly (keyof Content)[] = [
  'entries',
  'intents',
  'phrases',
  'filler',
  'notOurs',
  'notices',
  'past',
]
const HOUR = 3600 * 1000
const nextTurn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

function namesOf(content: Content): string[] {
  return [
    ...new Set(
      [...content.names, ...content.entries.flatMap(({ aliases }) => aliases)].map((name) =>
        name.toLowerCase(),
      ),
    ),
  ]
}

function report({ content, problems }: Loaded, log: Log, serving: boolean): void {
  const errors = problems.filter(({ severity }) => severity === 'error')
  for (const problem of errors.slice(0, 20))
    log.error({ file: problem.file, line: problem.line }, describe(problem))
  if (content)
    log.info({ entries: content.entries.length, intents: content.intents.length }, 'content loaded')
  else
    log.error(
      { problems: errors.length },
      serving
        ? 'the content has errors: the last good content stays in force; mend the files named above, npm run check lists all'
        : 'the content has errors and no good one is at hand: only urgent messages are answered; npm run check lists all',
    )
}

function lastGoodContent(file: string | undefined): Content | undefined {
  if (file === undefined || !existsSync(file)) return undefined
  try {
    const kept = JSON.parse(readFileSync(file, 'utf8')) as Partial<Content>
    // An older version of the bot may have kept it: what it lacks, it cannot serve.
    return SNAPSHOT_PARTS.every((part) => part in kept) &&
      Object.keys(PHRASES).every((name) => name in (kept.phrases ?? {}))
      ? (kept as Content)
      : undefined
  } catch {
    // A snapshot that cannot be read is as good as none.
    return undefined
  }
}

/** Written beside the replies, a piece at a time; whoever reads it meanwhile, or after a kill, finds the one before. */
async function keepLastGood(file: string | undefined, content: Content, log: Log): Promise<void> {
  if (file === undefined) return
  try {
    await mkdir(dirname(file), { recursive: true })
    await writeFile(`${file}.new`, jsonOf(content))
    await rename(`${file}.new`, file)
  } catch (error) {
    log.warn(
      { error: String(error) },
      'the last good content could not be kept; a start over broken files would find none',
    )
  }
}

function* jsonOf(content: Content): Generator<string> {
  let piece = '{'
  let separator = ''
  for (const [part, value] of Object.entries(content)) {
    piece += `${separator}${JSON.stringify(part)}:`
    separator = ','
    if (!Array.isArray(value)) piece += JSON.stringify(value)
    else {
      piece += '['
      for (const [i, item] of value.entries()) {
        piece += `${i > 0 ? ',' : ''}${JSON.stringify(item)}`
        if (piece.length < PIECE) continue
        yield piece
        piece = ''
      }
      piece += ']'
    }
  }
  yield `${piece}}`
}

const PIECE = 50_000
