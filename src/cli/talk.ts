import { parseArgs } from 'node:util'
import { startBot } from '../bot.ts'
import { talkInTerminal } from '../channels/terminal.ts'
import { createLog } from '../log.ts'
import { openDatabase } from '../store/database.ts'
import { say } from '../talk/compose.ts'
import { EXIT, runCommand, UsageError } from './command.ts'

const HELP = `在终端里和机器人聊天。什么都不会被保存；改了 knowledge/ 或 intents/ 马上生效。

  npm run talk [-- --region 莲都]

  --region NAME   所在地区：编号或名称
  --help          显示这段说明`

await runCommand(HELP, async (config) => {
  const { values } = parseArgs({
    options: { region: { type: 'string' }, help: { type: 'boolean', short: 'h' } },
  })
  const bot = await startBot({
    contentDir: config.CONTENT_DIR,
    db: await openDatabase(':memory:'),
    log: createLog('error'),
    defaultRegion: config.DEFAULT_REGION,
    segmenter: config.SEGMENTER,
    watch: true,
  })
  const content = bot.knowledge()?.content
  // The watching would keep the process alive.
  if (content === undefined) return bot.stop().then(() => EXIT.input)
  if (
    values.region !== undefined &&
    !content.regions.some(({ id, name, aliases }) => [id, name, ...aliases].includes(values.region ?? ''))
  ) {
    await bot.stop()
    throw new UsageError(
      `没有叫“${values.region}”的地区，可用的有：${content.regions.map(({ name }) => name).join('、')}`,
    )
  }
  await talkInTerminal({
    respond: bot.respond,
    input: process.stdin,
    output: process.stdout,
    greeting: say(content, 'greeting', { regions: content.regions.map(({ name }) => name).join('、') }),
    sorry: content.phrases.sorry,
    region: values.region,
  })
  await bot.stop()
  return EXIT.fine
})
