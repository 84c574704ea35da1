import { parseArgs } from 'node:util'
import { checkFigures } from '../content/figures.ts'
import { loadContent } from '../content/load.ts'
import { describe } from '../content/watch.ts'
import { checkWordings } from '../talk/wordings.ts'
import { EXIT, runCommand } from './command.ts'

const HELP = `检查 knowledge/ 和 intents/:格式、编号、引用、重复的问法、没有出处的答案、原文里找不到的数字。

  npm run check [-- --json]

  --json   输出 JSON，一个问题一项
  --help   显示这段说明

没有错误时退出码是 0，有错误时是 1；提醒不算错误。`

const MOST_SHOWN = 100

await runCommand(HELP, async (config) => {
  const { values } = parseArgs({ options: { json: { type: 'boolean' }, help: { type: 'boolean' } } })
  const { content, problems: found } = await loadContent(config.CONTENT_DIR)
  const problems = [
    ...found,
    ...(content ? [...checkWordings(content), ...checkFigures(content, config.CONTENT_DIR)] : []),
  ]
  const errors = problems.filter(({ severity }) => severity === 'error').length

  if (values.json) console.log(JSON.stringify(problems))
  else {
    for (const problem of problems.slice(0, MOST_SHOWN)) console.log(`${describe(problem)}\n`)
    if (problems.length > MOST_SHOWN) console.log(`……还有 ${problems.length - MOST_SHOWN} 处，先改上面的。\n`)
    console.log(
      errors > 0
        ? `${errors} 处错误，${problems.length - errors} 处提醒。改好后再运行一次 npm run check。`
        : `没有错误。${content?.entries.length} 条答案，${content?.intents.length} 个意图，${content?.intents.reduce((sum, { phrasings }) => sum + phrasings.length, 0)} 种问法，${problems.length} 处提醒。`,
    )
  }
  return errors > 0 ? EXIT.input : EXIT.fine
})
