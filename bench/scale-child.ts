import { readFileSync } from 'node:fs'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { buildCatalog } from '../src/answer/catalog.ts'
import { ranker } from '../src/answer/rank.ts'
import { normalize } from '../src/text/normalize.ts'
import { loadSegmenter, type Segmenter } from '../src/text/segment.ts'
import { tokenizer } from '../src/text/views.ts'
import { docsOf, ENGINES, type EngineName } from './engines.ts'
import type { Generated } from './generated.ts'
import { type Lap, percentile, round, stopwatch } from './measure.ts'

/** The child process of `scale`: one engine over one generated base. */
const [engine = 'ours', file = ''] = process.argv.slice(2)

async function measureOurs() {
  const segmenter = loadNames()
  const before = process.memoryUsage.rss()
  const { content, questions } = read()
  const words = tokenizer(segmenter, content.concepts)

  const start = stopwatch()
  const catalog = await buildCatalog(content, words)
  const rank = ranker(catalog)
  const build = start()
  const grown = process.memoryUsage.rss() - before

  const times: Lap[] = []
  let right = 0
  for (const [i, { ask, region, wanted }] of [...questions, ...questions].entries()) {
    const begin = stopwatch()
    const { here } = rank(catalog.readQuestion(normalize(ask).text), { region })
    // The first round warms the code up.
    if (i < questions.length) continue
    times.push(begin())
    if (here[0]?.entry.id === wanted) right++
  }

  const delay = monitorEventLoopDelay({ resolution: 1 })
  delay.enable()
  await nextTurn()
  const stretches: number[] = []
  let stretch = stopwatch()
  await buildCatalog(content, words, async () => {
    stretches.push(stretch().cpu)
    await nextTurn()
    stretch = stopwatch()
  })
  stretches.push(stretch().cpu)
  delay.disable()
  return {
    entries: content.entries.length,
    'build, s': round(build.wall / 1000),
    'build, s of CPU': round(build.cpu / 1000),
    'above the segmenter, MB': Math.round(grown / 1e6),
    'p50, ms': round(
      percentile(
        times.map(({ wall }) => wall),
        0.5,
      ),
    ),
    'p99, ms': round(
      percentile(
        times.map(({ wall }) => wall),
        0.99,
      ),
    ),
    'p50, ms of CPU': round(
      percentile(
        times.map(({ cpu }) => cpu),
        0.5,
      ),
    ),
    'p99, ms of CPU': round(
      percentile(
        times.map(({ cpu }) => cpu),
        0.99,
      ),
    ),
    'longest pause in a reload, ms': Math.round(delay.max / 1e6),
    'longest pause in a reload, ms of CPU': Math.round(Math.max(...stretches)),
    'top-1, %': share(right, questions.length),
  }
}

async function measureOther(name: EngineName) {
  const { content, questions } = read()
  const index = ENGINES[name]({ content, segmenter: loadNames() })
  await index.build(docsOf(content))
  let right = 0
  for (const { ask, region, wanted } of questions) {
    const [first] = await index.search(normalize(ask).text, region)
    if (first?.entry === wanted) right++
  }
  return { [`top-1 of ${name}, %`]: share(right, questions.length) }
}

function read(): Generated {
  return JSON.parse(readFileSync(file, 'utf8')) as Generated
}

/** The names stand in a file of their own, so that everything of the base itself counts as growth. */
function loadNames(): Segmenter {
  return loadSegmenter(readFileSync(`${file}.names`, 'utf8').split('\n'))
}

const share = (part: number, whole: number): number => round((100 * part) / whole, 1)
const nextTurn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

process.send?.(await (engine === 'ours' ? measureOurs() : measureOther(engine as EngineName)))
