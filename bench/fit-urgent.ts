import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { loadContent } from '../src/content/load.ts'
import { compileAlarm, STEP } from '../src/talk/alarm.ts'
import { createUrgentLane } from '../src/talk/urgent.ts'
import { normalize } from '../src/text/normalize.ts'
import { traitsOf } from '../src/text/traits.ts'

/**
 * Fits `src/talk/urgent-model.tsv`, which hears what no wording in `intents/urgent.yaml` foresaw: logistic
 * regression over character and syllable runs, on `bench/urgent/*.jsonl` and, as calm messages, all phrasings.
 * `--folds [FILE…]` writes nothing: it fits on all files but one and shows, kind by kind, what the lane makes of
 * that one. `test/urgent/` is never looked at here: it measures.
 */
const { content } = await loadContent('.')
if (!content) throw new Error('the content has errors; npm run check lists them')
const files = readdirSync('bench/urgent').filter((file) => file.endsWith('.jsonl'))
const labelled = files.flatMap((file) =>
  readFileSync(`bench/urgent/${file}`, 'utf8')
    .split('\n')
    .filter(Boolean)
    .map((line) => {
      const { text, urgent, kind } = JSON.parse(line) as { text: string; urgent: boolean; kind?: string }
      return { file, text: normalize(text).text, urgent, kind: kind ?? 'unnamed' }
    }),
)
const calm = content.intents
  .flatMap(({ phrasings }) => phrasings)
  .map((text) => ({ text: normalize(text).text, urgent: false }))

/** What is seen less often is chance. */
const SEEN = 3
const EPOCHS = 8
const RUNS = 5
const MEAN_OF = (RUNS * EPOCHS) / 2
const DECAY = 0.0001
/** Weights nearer to nothing than this many steps are left out. */
const LEAST = 2

const [, , option, ...chosen] = process.argv
if (option === '--folds') {
  const tally = new Map<string, { heard: number; of: number }>()
  for (const file of chosen.length > 0 ? chosen : files) {
    const held = labelled.filter((one) => one.file === file)
    const texts = new Set(held.map(({ text }) => text))
    const model = learn([...labelled, ...calm].filter(({ text }) => !texts.has(text)))
    const hears = createUrgentLane(content.urgent, undefined, compileAlarm(model))
    for (const { text, urgent, kind } of held)
      for (const name of [file, 'all', kind].map((name) => `${urgent ? 'urgent' : 'calm'} ${name}`)) {
        const { heard, of } = tally.get(name) ?? { heard: 0, of: 0 }
        tally.set(name, { heard: heard + (hears(text) ? 1 : 0), of: of + 1 })
      }
  }
  for (const [name, { heard, of }] of [...tally].sort())
    console.log(`${name}: heard ${((100 * heard) / of).toFixed(1)} % of ${of}`)
} else {
  const model = learn([...labelled, ...calm])
  writeFileSync('src/talk/urgent-model.tsv', model)
  console.log(
    `${labelled.length} labelled messages and ${calm.length} phrasings; ${model.split(':').length - 1} traits kept`,
  )
}

/** The model as text, as `compileAlarm` reads it. */
function learn(messages: readonly { readonly text: string; readonly urgent: boolean }[]): string {
  const ids = new Map<string, number>()
  const seen: number[] = []
  const all = messages.map(({ text }) =>
    Array.from(traitsOf(text), (trait) => {
      const id = ids.get(trait) ?? ids.size
      ids.set(trait, id)
      seen[id] = (seen[id] ?? 0) + 1
      return id
    }),
  )
  const rows = messages.map(({ urgent }, i) => ({
    traits: Int32Array.from((all[i] ?? []).filter((id) => (seen[id] ?? 0) >= SEEN)),
    scale: 1 / Math.sqrt(all[i]?.length || 1),
    urgent,
  }))

  // The mean of several runs, each in its own order, and of their later rounds: where a single one happens to stop
  // moves three messages in a hundred.
  const sums = new Float64Array(ids.size)
  let biasSum = 0
  const order = rows.map((_, i) => i)
  let random = 1
  const next = (): number => {
    random = (random * 48271) % 2147483647
    return random / 2147483647
  }
  for (let run = 0; run < RUNS; run++) {
    const weights = new Float64Array(ids.size)
    const gradientSquares = new Float64Array(ids.size).fill(1e-6)
    let bias = 0
    for (let epoch = 0; epoch < EPOCHS; epoch++) {
      for (let i = order.length - 1; i > 0; i--) {
        const j = Math.floor(next() * (i + 1))
        ;[order[i], order[j]] = [order[j] ?? 0, order[i] ?? 0]
      }
      for (const i of order) {
        const row = rows[i]
        if (!row) continue
        let sum = bias
        for (const id of row.traits) sum += (weights[id] ?? 0) * row.scale
        const pull = 1 / (1 + Math.exp(-sum)) - (row.urgent ? 1 : 0)
        bias -= 0.05 * pull
        for (const id of row.traits) {
          const g = pull * row.scale + DECAY * (weights[id] ?? 0)
          gradientSquares[id] = (gradientSquares[id] ?? 0) + g * g
          weights[id] = (weights[id] ?? 0) - (0.5 * g) / Math.sqrt(gradientSquares[id] ?? 1)
        }
      }
      if (epoch < EPOCHS / 2) continue
      biasSum += bias
      for (let id = 0; id < sums.length; id++) sums[id] = (sums[id] ?? 0) + (weights[id] ?? 0)
    }
  }

  // A line for each first character, sorted, so that a change of the model can be read as a diff.
  const steps = (sum: number): number => Math.max(-127, Math.min(127, Math.round(sum / MEAN_OF / STEP)))
  const lines = new Map<string, string[]>()
  for (const [trait, id] of [...ids].sort(([a], [b]) => (a < b ? -1 : 1))) {
    const weight = steps(sums[id] ?? 0)
    if (Math.abs(weight) < LEAST) continue
    const [head = ''] = trait
    const line = lines.get(head) ?? []
    line.push(`${trait.slice(head.length)}:${weight}`)
    lines.set(head, line)
  }
  const written = [...lines].map(([head, traits]) => `${head}\t${traits.join('\t')}\n`)
  return `bias\t${steps(biasSum)}\n${written.join('')}`
}
