import { parseArgs } from 'node:util'
import { benchCalibration, writeTables } from './calibration.ts'
import { benchHouse } from './house.ts'
import { benchMatch } from './match.ts'
import { benchScale } from './scale.ts'

const HELP = `Measures the bot on this machine. Figures are only comparable within one run.

  npm run bench [-- house|match|calibration|scale] [--json]

  house        start to first answer, reload, time of an answer, replies per second over HTTP, resident memory
  match        top-1, rejection, time and memory beside Fuse.js, MiniSearch, FlexSearch, Orama, nlp.js and BM25;
               what each part of the ranking is worth; noise
  calibration  whether a score means what it says, and where the thresholds come from
  scale        the same ranker with 1,000, 10,000 and 100,000 phrasings
  --json       one JSON object instead of tables`

const BENCHES: Readonly<Record<string, () => Promise<Record<string, unknown>>>> = {
  house: benchHouse,
  match: benchMatch,
  calibration: benchCalibration,
  scale: benchScale,
}

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { json: { type: 'boolean' }, help: { type: 'boolean', short: 'h' } },
})
const name = positionals[0] ?? 'house'
const bench = BENCHES[name]
if (values.help) console.log(HELP)
else if (bench === undefined) {
  console.error(`There is no benchmark called ${name}.\n\n${HELP}`)
  process.exitCode = 2
} else {
  const figures = await bench()
  if (values.json) console.log(JSON.stringify(figures, null, 2))
  else print(figures)
}

/** One table, or one below the other. */
function print(figures: Record<string, unknown>): void {
  const rows = Object.values(figures) as object[]
  if (rows.some((row) => Object.values(row).every((cell) => typeof cell !== 'object'))) console.table(figures)
  else writeTables(figures)
}
