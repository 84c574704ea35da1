import { createHmac, randomBytes } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { userInfo } from 'node:os'
import { basename } from 'node:path'
import { parseArgs } from 'node:util'
import { reachesOf } from '../channels/reaches.ts'
import { type Config, wechatPace } from '../config.ts'
import { type Loaded, loadContent } from '../content/load.ts'
import { describe } from '../content/watch.ts'
import { closest } from '../content/yaml.ts'
import type { Content } from '../model/content.ts'
import { type Broadcast, type BroadcastReport, lengthOn, type Notice, type Reach } from '../model/notice.ts'
import { momentInWords, quietUntil, spanInWords } from '../model/when.ts'
import { approve, type Desk, differsFromApproved } from '../notices/approve.ts'
import { forecast, secondsFor } from '../notices/audience.ts'
import { correct } from '../notices/correct.ts'
import { send } from '../notices/plan.ts'
import { renderNotice } from '../notices/render.ts'
import { cancel, pause, resume, type Stop } from '../notices/stop.ts'
import { audit, auditOf } from '../store/audit.ts'
import { findBroadcast, listBroadcasts } from '../store/broadcasts.ts'
import type { Database } from '../store/database.ts'
import { BOT, heartbeat } from '../store/heartbeat.ts'
import { deliveriesOf, report, waitingByChannel } from '../store/ledger.ts'
import { EnvironmentError, EXIT, InputError, runCommand, UsageError } from './command.ts'
import { rehearse } from './notice-rehearse.ts'
import {
  actInWords,
  barInWords,
  channelName,
  csvCell,
  durationInWords,
  figuresInWords,
  fitting,
  forecastInWords,
  reasonInWords,
  reasonsInWords,
  STATES,
  whenInWords,
  whoInWords,
} from './notice-words.ts'
import { openStore } from './store.ts'

const HELP = `活动通知：从 knowledge/notices/ 里的文件，到订阅的人手里。编号就是文件名去掉 .md。

  npm run -s notice -- list [--json]                 有哪些通知，各到哪一步
  npm run -s notice -- preview ID                    各渠道收到的原文和长度
  npm run -s notice -- forecast ID [--json]          能送达多少人，要多久
  npm run -s notice -- rehearse ID [--json]          从头到尾演练一遍，不发给任何人
  npm run -s notice -- approve ID --as 姓名           批准(不能是作者本人)，原文就此定下
  npm run -s notice -- send ID [--at-most-once]      开始发送；机器人没开时，等它启动
  npm run -s notice -- watch ID                      看进度，Ctrl-C 离开，发送不受影响
  npm run -s notice -- pause|resume|cancel ID        暂停、继续、取消(台账保留)
  npm run -s notice -- correct ID --as 姓名 --text "更正内容"    只发给收到过原通知的人
  npm run -s notice -- report ID [--json] [--csv 文件]          台账

  --as 姓名         谁在操作，记入操作记录；不写就记电脑的用户名
  --at-most-once   没有回音的不再补发：宁可有人没收到，不让人收到两遍(平时反过来)
  --json           输出 JSON
  --csv 文件        另存一份逐条明细，会话编号已打散
  --help           显示这段说明`

const OPTIONS = {
  as: { type: 'string' },
  text: { type: 'string' },
  csv: { type: 'string' },
  json: { type: 'boolean' },
  'at-most-once': { type: 'boolean' },
  help: { type: 'boolean', short: 'h' },
} as const

/** What a command works with. */
interface Office {
  readonly db: Database
  readonly config: Config
  readonly id: string
  readonly options: {
    readonly as?: string | undefined
    readonly text?: string | undefined
    readonly csv?: string | undefined
    readonly json?: boolean | undefined
    readonly 'at-most-once'?: boolean | undefined
  }
  readonly who: string
  readonly reaches: readonly Reach[]
  /** Read when a command needs it: stopping something must not wait for it. */
  readonly loaded: () => Promise<Loaded>
  readonly now: Date
}

const COMMANDS: Readonly<Record<string, (office: Office) => Promise<number>>> = {
  list,
  preview,
  forecast: showForecast,
  rehearse: showRehearsal,
  approve: approveOne,
  send: sendOne,
  watch,
  pause: (office) => stopOne(office, pause, '已暂停，2 秒内不再发出。继续：'),
  resume: (office) => stopOne(office, resume, '接着发。看进度：'),
  cancel: (office) => stopOne(office, cancel, '已取消，没发的不再发，台账保留。查看：'),
  correct: correctOne,
  report: showReport,
}

const BROKEN = '内容文件有错误，先改好：npm run check 会列出文件、行号和改法。'
const UNDER_WAY: readonly Broadcast['state'][] = ['approved', 'sending', 'paused']

await runCommand(HELP, async (config) => {
  const { values: options, positionals } = parseArgs({ allowPositionals: true, options: OPTIONS })
  const [verb = '', id, ...rest] = positionals
  const command = COMMANDS[verb]
  if (command === undefined)
    throw new UsageError(
      verb === ''
        ? '要做什么？'
        : `没有“${verb}”这个命令。${orDidYouMean(closest(verb, Object.keys(COMMANDS)))}`,
    )
  if ((id === undefined) !== (verb === 'list') || rest.length > 0)
    throw new UsageError(
      verb === 'list' ? 'list 后面不写编号。' : `写成 ${verb} ID，一次一个编号；有空格的要加引号。`,
    )
  const db = await openStore(config)
  let loading: Promise<Loaded> | undefined
  try {
    return await command({
      db,
      config,
      id: basename(id ?? '', '.md'),
      options,
      who: nameOf(options.as) ?? userInfo().username,
      reaches: reachesOf({ telegramPerSecond: config.TELEGRAM_PER_SECOND, wechat: wechatPace(config) }),
      loaded: () => {
        loading ??= loadContent(config.CONTENT_DIR)
        return loading
      },
      now: new Date(),
    })
  } finally {
    await db.destroy()
  }
})

// ---- looking ----

async function list({ db, loaded, options, config, now }: Office): Promise<number> {
  const broadcasts = await listBroadcasts(db)
  const { content, problems } = await loaded()
  const notices = content?.notices ?? []
  const rows = [
    ...notices
      .filter(({ id }) => !broadcasts.some((one) => one.id === id))
      .map(({ id, title }) => ({ id, title, state: 'new', words: '等待批准', figures: undefined })),
    ...(await Promise.all(
      broadcasts.map(async (broadcast) => ({
        id: broadcast.id,
        title: `${broadcast.correctionOf ? '更正:' : broadcast.reminderOf ? '访客要的提醒:' : ''}${broadcast.title}`,
        state: broadcast.state,
        words: whenInWords(broadcast, quietUntil(config.QUIET_HOURS, now.getTime()), now),
        figures: broadcast.orderedAt === undefined ? undefined : await report(db, broadcast),
      })),
    )),
  ]
  if (options.json) console.log(JSON.stringify(rows.map(({ words: _, ...row }) => row)))
  else {
    if (rows.length === 0)
      console.log('还没有通知。在 knowledge/notices/ 里写一个文件，写法见 docs/send-notice.md。')
    for (const { id, title, words, figures } of rows)
      console.log(`${id}  ${title}\n    ${words}${figures ? `;${figuresInWords(figures)}` : ''}`)
  }
  for (const problem of problems.filter(({ file }) => file.startsWith('knowledge/notices/')))
    console.error(describe(problem))
  return EXIT.fine
}

async function preview(office: Office): Promise<number> {
  const { db, id, reaches, config } = office
  const approved = await findBroadcast(db, id)
  if (approved)
    console.log(
      approved.reminderOf === undefined
        ? `下面是 ${approved.approver} 批准的原文，发出去的就是它。`
        : '下面是访客要的提醒的原文。',
    )
  const found = approved ? undefined : await noticeOf(office)
  for (const reach of reaches) {
    const text =
      approved?.texts[reach.channel] ??
      (found && renderNotice(found.notice, found.content, { reach, publicUrl: config.PUBLIC_URL }))
    if (text === undefined)
      throw new InputError(
        `${channelName(reach.channel)}最多 ${reach.longest} ${unitOf(reach)}，这条连短的也放不下。缩短标题、地点或网址。`,
      )
    const length = lengthOn(reach, text)
    console.log(
      `—— ${channelName(reach.channel)}(${length} ${unitOf(reach)}，最多 ${reach.longest} ${unitOf(reach)})——\n${text}\n`,
    )
  }
  if (approved) await tellIfEdited(office, approved)
  return EXIT.fine
}

function unitOf({ counts }: Reach): string {
  return counts === 'bytes' ? '字节' : '字'
}

async function showForecast(office: Office): Promise<number> {
  const { db, reaches, options } = office
  const target = (await findBroadcast(db, office.id)) ?? (await noticeOf(office)).notice
  const forecasts = await forecast(db, target, reaches)
  console.log(options.json ? JSON.stringify(forecasts) : forecastInWords(forecasts))
  return EXIT.fine
}

async function showRehearsal(office: Office): Promise<number> {
  const { db, reaches, options, config, now } = office
  const { notice, content } = await noticeOf(office)
  if (Date.parse(notice.ends) <= now.getTime()) throw new InputError('活动已经结束，没有可演练的。')
  if (!options.json) console.log('演练：人数是真的，渠道是假的，不发给任何人。')
  const rehearsal = await rehearse(
    db,
    notice,
    content,
    { reaches, quietHours: config.QUIET_HOURS, publicUrl: config.PUBLIC_URL },
    now,
  )
  if (options.json) console.log(JSON.stringify(rehearsal))
  else {
    console.log(`预计:\n${forecastInWords(rehearsal.forecast)}`)
    console.log(`演练结果(${STATES[rehearsal.report.state]}):\n${inLines(rehearsal.report)}`)
    console.log(`现在开始发，${momentInWords(now.getTime() + rehearsal.seconds * 1000)}前后发完。`)
  }
  return EXIT.fine
}

async function showReport(office: Office): Promise<number> {
  const { db, options, now, who } = office
  const broadcast = await broadcastOf(office)
  const figures = await report(db, broadcast)
  if (options.csv !== undefined) {
    await writeCsv(db, broadcast.id, options.csv)
    await audit(db, { who, act: 'export', broadcast: broadcast.id, detail: basename(options.csv) }, now)
    console.error(`明细写到了 ${options.csv}。`)
  }
  if (options.json) {
    const { state, id, planned, sent, failed, unknown, withheld, waiting, byReason } = figures
    const edited = await isEdited(office, broadcast)
    console.log(
      JSON.stringify({ id, planned, sent, failed, unknown, withheld, waiting, byReason, state, edited }),
    )
    return EXIT.fine
  }
  console.log(`${broadcast.title}(${broadcast.id})\n${spanInWords(broadcast.starts, broadcast.ends)}`)
  console.log(whenInWords(broadcast, quietUntil(office.config.QUIET_HOURS, now.getTime()), now))
  if (broadcast.why) console.log(`原因：${reasonInWords(broadcast.why)}`)
  console.log(inLines(figures))
  await tellIfEdited(office, broadcast)
  console.log('操作记录：')
  for (const { at, who: name, act, detail } of await auditOf(db, broadcast.id))
    console.log(
      `  ${momentInWords(at)}  ${whoInWords(name)}  ${actInWords(act)}${detail ? `(${detail})` : ''}`,
    )
  return EXIT.fine
}

/** Chat ids are replaced by codes that tell two rows apart and mean nothing outside this file. */
async function writeCsv(db: Database, id: string, file: string): Promise<void> {
  const key = randomBytes(16)
  const lines = ['渠道,会话代码,状态,原因,发送次数,时间']
  for await (const { channel, chat, state, reason, attempts, updated_at } of deliveriesOf(db, id)) {
    const code = createHmac('sha256', key).update(`${channel}:${chat}`).digest('hex').slice(0, 10)
    const cells = [
      channelName(channel),
      `c-${code}`,
      state,
      reason ?? '',
      attempts,
      new Date(updated_at).toISOString(),
    ]
    lines.push(cells.map(csvCell).join(','))
  }
  try {
    // The mark at the beginning tells Excel that this is UTF-8.
    writeFileSync(file, `\uFEFF${lines.join('\r\n')}\r\n`, { mode: 0o600 })
  } catch (error) {
    throw new EnvironmentError(`写不了 ${file}:${String(error)}。换一个可写的位置。`)
  }
}

// ---- approving and sending ----

async function approveOne(office: Office): Promise<number> {
  const { id, options, config } = office
  const approver = nameOf(options.as)
  if (approver === undefined) throw new UsageError('写上是谁批准:--as 姓名。')
  const { notice, content } = await noticeOf(office)
  const approval = await approve(deskOf(office, content), notice, approver)
  if (approval.kind === 'approved') {
    console.log(
      `${approver} 批准了“${notice.title}”。原文就此定下，之后改文件不影响它；要改就改好再批准一次。`,
    )
    console.log(`发送:npm run -s notice -- send ${id}`)
    return EXIT.fine
  }
  switch (approval.because) {
    case 'own-notice':
      throw new InputError(
        `作者(${notice.author})不能批准自己的通知，请另一位同事批准。单位里确实只有一个人时，设置 ONE_PERSON_OFFICE=on。`,
      )
    case 'over':
      throw new InputError('活动已经结束或过了失效时间，不能批准。核对文件里的 ends 和 expires。')
    case 'too-long':
      throw new InputError(
        `${channelName(approval.channel)}放不下这条通知，连短的也放不下。缩短标题、地点或网址${config.PUBLIC_URL ? '' : '，或设置 PUBLIC_URL'}。`,
      )
    case 'already':
      throw new InputError(
        `这条通知${STATES[approval.state]}，不能再批准。内容有错用 correct 发更正；要另发一条，换个文件名。`,
      )
  }
}

async function sendOne(office: Office): Promise<number> {
  const { db, id, options, who, config, reaches, now } = office
  const repeat = options['at-most-once'] ? 'at-most-once' : 'at-least-once'
  const sending = await send(db, id, { by: who, repeat }, now)
  if (sending.kind === 'refused')
    switch (sending.because) {
      case 'not-approved':
        // An id nobody knows is told as such.
        await noticeOf(office)
        throw new InputError(
          `这条通知还没有批准。先请另一位同事:npm run -s notice -- approve ${id} --as 姓名`,
        )
      case 'over':
        throw new InputError('活动已经结束或过了失效时间，不发了。')
      case 'already':
        throw new InputError(`这条通知${STATES[sending.broadcast.state]}。${cureFor(sending.broadcast)}`)
    }
  await tellIfEdited(office, sending.broadcast)
  await tellSending(db, sending.broadcast, sending.report, { config, reaches, now })
  return EXIT.fine
}

async function tellSending(
  db: Database,
  broadcast: Broadcast,
  figures: BroadcastReport,
  { config, reaches, now }: Pick<Office, 'config' | 'reaches' | 'now'>,
): Promise<void> {
  const seconds = (await waitingByChannel(db, broadcast.id)).map(({ channel, count }) => {
    const reach = reaches.find((one) => one.channel === channel)
    return reach ? secondsFor(count, reach) : 0
  })
  console.log(
    `“${broadcast.title}”(${broadcast.id})交给机器人发送：${figures.waiting} 人要发，约需 ${durationInWords(Math.max(0, ...seconds))}。`,
  )
  if (figures.withheld > 0)
    console.log(`另有 ${figures.withheld} 人不发：${reasonsInWords(figures).join('，')}。`)
  if (figures.planned === 0) console.log('目前没有人订阅这个地区的这些主题。')
  console.log(`${whenInWords(broadcast, quietUntil(config.QUIET_HOURS, now.getTime()), now)}。`)
  const trouble = await troubleWith(db, figures, now)
  console.log(trouble ?? '机器人在运行。')
  console.log(`看进度:npm run -s notice -- watch ${broadcast.id}`)
}

/** Why nothing will go out for the moment. */
async function troubleWith(
  db: Database,
  { waiting }: BroadcastReport,
  now: Date,
): Promise<string | undefined> {
  const detail = await heartbeat(db, BOT, now)
  if (detail === undefined) return '没有看到机器人在运行，它启动后(npm start)自动开始发。'
  const lanes = JSON.parse(detail === '' ? '{}' : detail) as Record<string, string>
  if (waiting === 0) return undefined
  if (Object.keys(lanes).length === 0)
    return '机器人在运行，但没有连上能主动发消息的渠道。设置 TELEGRAM_TOKEN 后重新启动。'
  for (const [channel, state] of Object.entries(lanes)) {
    if (state === 'refused')
      return `${channelName(channel)} 拒绝了机器人的令牌。核对 TELEGRAM_TOKEN，再重新启动。`
    if (state === 'out-of-reach') return `现在连不上 ${channelName(channel)}，正在重试。`
    if (state === 'asked-to-wait') return `${channelName(channel)} 要求等一等，到时间接着发。`
  }
  return undefined
}

async function correctOne(office: Office): Promise<number> {
  const { id, options, loaded } = office
  const who = nameOf(options.as)
  const text = options.text?.trim()
  if (who === undefined || !text) throw new UsageError('写成 correct ID --as 姓名 --text "更正内容"。')
  const { content } = await loaded()
  if (content === undefined) throw new InputError(BROKEN)
  const correction = await correct(deskOf(office, content), id, who, text)
  if (correction.kind === 'sending') {
    await tellSending(office.db, correction.broadcast, correction.report, office)
    return EXIT.fine
  }
  switch (correction.because) {
    case 'unknown':
      await noticeOf(office)
      throw new InputError('这条通知还没有发过。直接改文件，再批准。')
    case 'not-out':
      throw new InputError(`这条通知${STATES[correction.state]}，没有人收到过。直接改文件，再批准一次。`)
    case 'still-sending':
      throw new InputError(
        `还在发送。先 npm run -s notice -- cancel ${id}(没收到的人不会再收到错的)，再发更正。`,
      )
    case 'own-notice':
      throw new InputError(
        '更正也不能由原通知的作者自己发，请另一位同事来发。单位里确实只有一个人时，设置 ONE_PERSON_OFFICE=on。',
      )
    case 'over':
      throw new InputError('活动已经结束，不用更正了。')
    case 'too-long':
      throw new InputError(`${channelName(correction.channel)}放不下这么长的更正，写短一些。`)
  }
}

async function stopOne(
  office: Office,
  act: (db: Database, id: string, who: string, now: Date) => Promise<Stop>,
  told: string,
): Promise<number> {
  const { db, id, who, now } = office
  const stop = await act(db, id, who, now)
  if (stop.kind === 'refused') {
    const broadcast = await broadcastOf(office)
    throw new InputError(`这条通知${STATES[broadcast.state]}，做不了这一步。${cureFor(broadcast)}`)
  }
  console.log(
    `${told}npm run -s notice -- ${stop.state === 'paused' ? 'resume' : stop.state === 'sending' ? 'watch' : 'report'} ${id}`,
  )
  return EXIT.fine
}

function cureFor({ id, state }: Broadcast): string {
  switch (state) {
    case 'approved':
      return `发送:npm run -s notice -- send ${id}`
    case 'sending':
      return `看进度:npm run -s notice -- watch ${id}`
    case 'paused':
      return `接着发:npm run -s notice -- resume ${id}`
    default:
      return `要再发一条，换个文件名另写一份；查台账：npm run -s notice -- report ${id}`
  }
}

// ---- watching ----

async function watch(office: Office): Promise<number> {
  const { db } = office
  let broadcast = await broadcastOf(office)
  await tellIfEdited(office, broadcast)
  const leaving = new AbortController()
  process.once('SIGINT', () => leaving.abort())
  const live = process.stdout.isTTY
  let rate: number | undefined
  let last = { at: performance.now(), out: Number.NaN }
  for (let told = ''; ; ) {
    broadcast = await broadcastOf(office)
    const figures = await report(db, broadcast)
    const out = figures.planned - figures.waiting - figures.withheld
    const at = performance.now()
    if (out >= last.out && at > last.at) {
      const now = ((out - last.out) * 1000) / (at - last.at)
      rate = rate === undefined ? now : 0.7 * rate + 0.3 * now
    }
    last = { at, out }
    const over = !UNDER_WAY.includes(broadcast.state)
    const line = await progress(office, broadcast, figures, rate)
    if (live) {
      const shown = fitting(line, (process.stdout.columns || 80) - 1)
      process.stdout.write(`\r\u001b[K${shown}${over ? '\n' : ''}`)
    } else if (line !== told) console.log(line)
    told = line
    if (over || leaving.signal.aborted) break
    await nap(live ? 1000 : 2000, leaving.signal)
  }
  if (leaving.signal.aborted) console.log(`${live ? '\n' : ''}离开了，发送不受影响。`)
  return EXIT.fine
}

async function progress(
  { db, config }: Office,
  broadcast: Broadcast,
  figures: BroadcastReport,
  rate: number | undefined,
): Promise<string> {
  const now = new Date()
  const trouble = broadcast.state === 'sending' ? await troubleWith(db, figures, now) : undefined
  const quiet = quietUntil(config.QUIET_HOURS, now.getTime())
  const speed =
    broadcast.state === 'sending' && rate !== undefined && rate > 0
      ? `${rate.toFixed(1)} 条/秒，还要约 ${durationInWords(figures.waiting / rate)}`
      : ''
  return [
    `${barInWords(figures)} ${whenInWords(broadcast, quiet, now)}`,
    speed,
    figuresInWords(figures),
    reasonsInWords(figures, 4).join('，'),
    trouble ?? '',
  ]
    .filter(Boolean)
    .join('；')
}

function nap(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve()
    const timer = setTimeout(resolve, ms)
    signal.addEventListener('abort', () => {
      clearTimeout(timer)
      resolve()
    })
  })
}

// ---- what the commands share ----

function deskOf({ db, reaches, config, now }: Office, content: Content): Desk {
  const onePersonOffice = config.ONE_PERSON_OFFICE === 'on'
  return { db, content, reaches, publicUrl: config.PUBLIC_URL, onePersonOffice, now }
}

/** The notice as its file stands, or why there is none. */
async function noticeOf({ id, loaded, db }: Office): Promise<{ notice: Notice; content: Content }> {
  const { content, problems } = await loaded()
  const notice = content?.notices.find((one) => one.id === id)
  if (content && notice) return { notice, content }
  const own = problems.filter(
    ({ file }) => file.startsWith('knowledge/notices/') && basename(file, '.md') === id,
  )
  if (own.length > 0)
    throw new InputError(`这条通知的文件有错误，还不能用：\n${own.map(describe).join('\n')}`)
  if (content === undefined) throw new InputError(BROKEN)
  throw unknown(id, [...content.notices, ...(await listBroadcasts(db))])
}

/** What was approved under this id, or why nothing was. */
async function broadcastOf(office: Office): Promise<Broadcast> {
  const broadcast = await findBroadcast(office.db, office.id)
  if (broadcast) return broadcast
  const { notice } = await noticeOf(office)
  throw new InputError(
    `“${notice.title}”还没有批准，也就没有发过。先：npm run -s notice -- approve ${office.id} --as 姓名`,
  )
}

function unknown(id: string, known: readonly { readonly id: string }[]): InputError {
  const ids = [...new Set(known.map((one) => one.id))]
  return new InputError(
    `没有编号是“${id}”的通知。${orDidYouMean(closest(id, ids))}有哪些:npm run -s notice -- list`,
  )
}

function orDidYouMean(like: string | undefined): string {
  return like ? `是不是想写“${like}”？` : ''
}

async function isEdited({ loaded }: Office, broadcast: Broadcast): Promise<boolean> {
  const { content } = await loaded()
  return content !== undefined && differsFromApproved(broadcast, content.notices)
}

async function tellIfEdited(office: Office, broadcast: Broadcast): Promise<void> {
  if (await isEdited(office, broadcast))
    console.log(
      `注意：文件在批准之后改过。发出的是 ${broadcast.approver} 批准的原文，改动不会发出去。${broadcast.state === 'approved' ? '要发改过的，再批准一次。' : '要让收到的人知道，用 correct 发更正。'}`,
    )
}

function inLines(figures: BroadcastReport): string {
  return [figuresInWords(figures), ...reasonsInWords(figures).map((reason) => `  ${reason}`)].join('\n')
}

/** A name typed after --as; nothing that could draw a second line into a log. */
function nameOf(given: string | undefined): string | undefined {
  const name = given?.replace(/\p{C}/gu, '').trim()
  return name ? name.slice(0, 40) : undefined
}
