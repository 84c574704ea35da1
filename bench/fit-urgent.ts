import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { loadContent } from '../src/content/load.ts'
import { normalize } from '../src/text/normalize.ts'
import { traitsOf } from '../src/text/traits.ts'

/**
 * Fits `src/talk/urgent-model.tsv`, which hears what no wording in `intents/urgent.yaml` foresaw: logistic
 * regression over character and syllable runs, on `bench/urgent/*.jsonl` and, as calm messages, all phrasings.
 * `test/urgent/` is never looked at here: it measures.
 */
const { content } = await loadContent('.')
const messages = readdirSync('bench/urgent')
  .filter((file) => file.endsWith('.jsonl'))
  .flatMap((file) => readFileSync(`bench/urgent/${file}`, 'utf8').split('\n').filter(Boolean))
  .map((line) => JSON.parse(line) as { text: string; urgent: boolean })
const calm = (content?.intents ?? [])
  .flatMap(({ phrasings }) => phrasings)
  .map((text) => ({ text, urgent: false }))

const ids = new Map<string, number>()
const seen: number[] = []
const rows = [...messages, ...calm].map(({ text, urgent }) => {
  const traits = Array.from(traitsOf(normalize(text).text), (trait) => {
    const id = ids.get(trait) ?? ids.size
    ids.set(trait, id)
    seen[id] = (seen[id] ?? 0) + 1
    return id
  })
  return { traits: Int32Array.from(traits), urgent }
})
const weights = new Float64Array(ids.size)
const gradientSquares = new Float64Array(ids.size).fill(1e-6)
let bias = 0
const order = rows.map((_, i) => i)
let random = 1
const next = (): number => {
  random = (random * 48271) % 2147483647
  return random / 2147483647
}
for (let epoch = 0; epoch < 40; epoch++) {
  for (let i = order.length - 1; i > 0; i--) {
    const j = Math.floor(next() * (i + 1))
    ;[order[i], order[j]] = [order[j] ?? 0, order[i] ?? 0]
  }
  for (const i of order) {
    const row = rows[i]
    if (!row) continue
    const scale = 1 / Math.sqrt(row.traits.length)
    let sum = bias
    for (const id of row.traits) sum += (weights[id] ?? 0) * scale
    const pull = 1 / (1 + Math.exp(-sum)) - (row.urgent ? 1 : 0)
    bias -= 0.05 * pull
    for (const id of row.traits) {
      const g = pull * scale + 0.0005 * (weights[id] ?? 0)
      gradientSquares[id] = (gradientSquares[id] ?? 0) + g * g
      weights[id] = (weights[id] ?? 0) - (0.5 * g) / Math.sqrt(gradientSquares[id] ?? 1)
    }
  }
}
const kept = [...ids].filter(([, id]) => (seen[id] ?? 0) >= 2 && Math.abs(weights[id] ?? 0) >= 0.25)
const round = (value: number): number => Math.round(value * 100) / 100
// A trait a line, sorted, so that a change of the model can be read as a diff.
const lines = kept.map(([trait, id]) => `${trait}\t${round(weights[id] ?? 0)}`).sort()
writeFileSync('src/talk/urgent-model.tsv', `bias\t${round(bias)}\n${lines.join('\n')}\n`)
console.log(
  `${messages.length} labelled messages and ${calm.length} phrasings; ${kept.length} of ${ids.size} traits kept`,
)
