import { startBot } from '../../src/bot.ts'
import { plainText } from '../../src/model/conversation.ts'
import { openDatabase } from '../../src/store/database.ts'
import { quiet } from './log.ts'

// A process that subscribes somebody, prints the last reply and then waits to be killed.

const [database = '', contentDir = ''] = process.argv.slice(2)
const bot = await startBot({ contentDir, db: await openDatabase(database), log: quiet, segmenter: 'intl' })
for (const [i, text] of ['订阅昆明的志愿活动', '同意'].entries()) {
  const reply = await bot.respond({ id: `${i}`, address: { channel: 'test', chat: 'killed' }, text })
  console.log(JSON.stringify(reply ? plainText(reply) : ''))
}
setInterval(() => {}, 1000)
