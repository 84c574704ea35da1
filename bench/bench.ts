import { parseArgs } from 'node:util'
import { benchBroadcast } from './broadcast.ts'
import { benchCalibration, writeTables } from './calibration.ts'
import { benchHouse } from './house.ts'
import { benchImport } from './import.ts'
import { benchMatch, MATCH_PARTS } from './match.ts'
import { benchScale } from './scale.ts'

const HELP = `Measures the bot on this machine. Figures are only comparable within one run.

  npm run bench [-- house|match|scale|import|broadcast|calibration] [--json] [--count N] [--part P]

  house        start to first answer, reload, time of an answer, replies per second over HTTP, resident memory
  match        top-1, rejection, time and memory beside Fuse.js, MiniSearch, FlexSearch, Orama, nlp.js and BM25;
               what each part of the ranking is worth; noise. Some minutes; how far it is stands on standard error.
  scale        the same ranker with 1,000, 10,000 and 100,000 phrasings
  import       tables of questions brought in by npm run import: how they are understood beside the other engines,
               and the time 5,000 rows take
  broadcast    notices over Telegram's protocol, against a server on this machine that enforces its limit, refuses,
               blocks, falls silent and cuts connections: rate, memory, planning, 30 kills, replies meanwhile
  calibration  whether a score means what it says, and where the thresholds come from
  --count N    recipients at the limit of 30 a second, 10000 when left out: they take 5.6 minutes
  --part P     of match only ${MATCH_PARTS.join(', ')}
  --json       one JSON object instead of tables`

interface Options {
  readonly count: number
  readonly part: string | undefined
}

const BENCHES: Readonly<Record<string, (options: Options) => Promise<Record<string, unknown>>>> = {
  broadcast: benchBroadcast,
  house: benchHouse,
  match: benchMatch,
  calibration: benchCalibration,
  scale: benchScale,
  import: benchImport,
}

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    count: { type: 'string', default: '10000' },
    part: { type: 'string' },
    json: { type: 'boolean' },
    help: { type: 'boolean', short: 'h' },
  },
})
const name = positionals[0] ?? 'house'
const bench = BENCHES[name]
const count = Number(values.count)
if (values.help) console.log(HELP)
else if (bench === undefined) {
  console.error(`There is no benchmark called ${name}.\n\n${HELP}`)
  process.exitCode = 2
} else if (!(Number.isInteger(count) && count >= 100)) {
  console.error(`--count takes a whole number from 100 on, not ${values.count}.`)
  process.exitCode = 2
} else if (values.part !== undefined && !MATCH_PARTS.some((part) => part === values.part)) {
  console.error(`--part takes one of ${MATCH_PARTS.join(', ')}, not ${values.part}.`)
  process.exitCode = 2
} else {
  const figures = await bench({ count, part: values.part })
  if (values.json) console.log(JSON.stringify(figures, null, 2))
  else print(figures)
}

/** One table, or one below the other. */
function print(figures: Record<string, unknown>): void {
  const rows = Object.values(figures) as object[]
  if (rows.some((row) => Object.values(row).every((cell) => typeof cell !== 'object'))) console.table(figures)
  else writeTables(figures)
}
