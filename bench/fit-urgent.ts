import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { loadContent } from '../src/content/load.ts'
import { compileAlarm, STEP, soundsOf } from '../src/talk/alarm.ts'
import { createUrgentLane } from '../src/talk/urgent.ts'
import { normalize } from '../src/text/normalize.ts'

/**
 * Fits `src/talk/urgent-model.tsv`, which hears what no wording in `intents/urgent.yaml` foresaw: logistic
 * regression over the traits of a message, on `bench/urgent/*.jsonl` and, as calm messages, all phrasings.
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
const SEEN = 2
/** How much a message weighs against the wish for small weights. */
const TRUST = 30
/** How much more a rare trait may weigh; held-out hands are heard better with 1 to 2 than with 0. */
const RARER = 1.5
/**
 * The calm ones among messages of about one length weigh at least so many times as much as the urgent ones: most
 * long ones here are cries for help, most long ones of visitors are stories of an ordinary day.
 */
const CALM_SHARE = 3
const ROUNDS = 12
const TURNS = 30
const NEAR_ENOUGH = 0.1
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
  const all = messages.map(({ text }) => [...soundsOf(text)])
  const seen = new Map<string, number>()
  for (const traits of all) for (const trait of traits) seen.set(trait, (seen.get(trait) ?? 0) + 1)
  const kept = [...seen].flatMap(([trait, times]) => (times >= SEEN ? [trait] : [])).sort()
  const ids = new Map(kept.map((trait, id) => [trait, id]))
  const weights = weigh(messages)
  const rows = all.map((traits, i) => ({
    traits: Int32Array.from(traits.flatMap((trait) => ids.get(trait) ?? [])),
    scale: 1 / Math.sqrt(traits.length || 1),
    urgent: messages[i]?.urgent ?? false,
    weight: weights[i] ?? 1,
  }))
  const rarity = kept.map((trait) => Math.log(messages.length / ((seen.get(trait) ?? 0) + 1) + 1))
  const mean = rarity.reduce((total, one) => total + one, 0) / rarity.length
  const { weights: fitted, bias } = regress(
    rows,
    Float64Array.from(rarity, (one) => (one / mean) ** RARER),
  )

  // A line for each first character, sorted, so that a change of the model can be read as a diff.
  const step = (weight: number): number => Math.max(-127, Math.min(127, Math.round(weight / STEP)))
  const steps = (id: number): number => step(fitted[id] ?? 0)
  const lines = new Map<string, string[]>()
  kept.forEach((trait, id) => {
    if (Math.abs(steps(id)) < LEAST) return
    const [head = ''] = trait
    const line = lines.get(head) ?? []
    line.push(`${trait.slice(head.length)}:${steps(id)}`)
    lines.set(head, line)
  })
  const written = [...lines].map(([head, traits]) => `${head}\t${traits.join('\t')}\n`)
  return `bias\t${step(bias)}\n${written.join('')}`
}

/** What each message counts, see `CALM_SHARE`. */
function weigh(messages: readonly { readonly text: string; readonly urgent: boolean }[]): number[] {
  const band = (text: string): number => Math.min(4, Math.floor(text.length / 10))
  const urgents = [0, 0, 0, 0, 0]
  const calms = [0, 0, 0, 0, 0]
  for (const { text, urgent } of messages) {
    const counts = urgent ? urgents : calms
    counts[band(text)] = (counts[band(text)] ?? 0) + 1
  }
  return messages.map(({ text, urgent }) =>
    urgent ? 1 : Math.max(1, (CALM_SHARE * (urgents[band(text)] ?? 0)) / (calms[band(text)] ?? 1)),
  )
}

interface Row {
  readonly traits: Int32Array
  /** What each trait counts in this message. */
  readonly scale: number
  readonly urgent: boolean
  readonly weight: number
}

/**
 * The weights that make ½ Σ (weight / rarity)² + TRUST · Σ log loss least, by Newton's steps, each solved by conjugate
 * gradients. There is one such least, whatever the order of the messages. Within, weights are in units of rarity, and
 * the last of them is the bias.
 */
function regress(rows: readonly Row[], rarity: Float64Array): { weights: Float64Array; bias: number } {
  const bias = rarity.length
  const size = bias + 1
  const weights = new Float64Array(size)
  const along = (vector: Float64Array): Float64Array =>
    Float64Array.from(rows, ({ traits, scale }) => {
      let sum = 0
      for (const id of traits) sum += (vector[id] ?? 0) * (rarity[id] ?? 0)
      return sum * scale + (vector[bias] ?? 0)
    })
  const back = (pulls: Float64Array): Float64Array => {
    const sums = new Float64Array(size)
    rows.forEach(({ traits, scale }, i) => {
      const pull = pulls[i] ?? 0
      for (const id of traits) sums[id] = (sums[id] ?? 0) + pull * scale * (rarity[id] ?? 0)
      sums[bias] = (sums[bias] ?? 0) + pull
    })
    return sums
  }
  const loss = (vector: Float64Array, sums: Float64Array): number =>
    dot(vector, vector) / 2 +
    TRUST *
      rows.reduce(
        (total, { urgent, weight }, i) => total + weight * softplus((urgent ? -1 : 1) * (sums[i] ?? 0)),
        0,
      )

  let sums = along(weights)
  let least = loss(weights, sums)
  for (let round = 0; round < ROUNDS; round++) {
    const chance = sums.map((sum) => 1 / (1 + Math.exp(-sum)))
    const pulls = chance.map((p, i) => TRUST * (rows[i]?.weight ?? 1) * (p - (rows[i]?.urgent ? 1 : 0)))
    const gradient = back(pulls).map((g, id) => g + (weights[id] ?? 0))
    const bend = chance.map((p, i) => TRUST * (rows[i]?.weight ?? 1) * p * (1 - p))
    const step = solve(
      (vector) => {
        const bent = along(vector).map((sum, i) => sum * (bend[i] ?? 0))
        return back(bent).map((sum, id) => sum + (vector[id] ?? 0))
      },
      gradient.map((g) => -g),
    )
    for (let length = 1; length > 1e-3; length /= 2) {
      const next = weights.map((weight, id) => weight + length * (step[id] ?? 0))
      const nextSums = along(next)
      const nextLoss = loss(next, nextSums)
      if (nextLoss >= least) continue
      weights.set(next)
      sums = nextSums
      least = nextLoss
      break
    }
  }
  return { weights: rarity.map((one, id) => one * (weights[id] ?? 0)), bias: weights[bias] ?? 0 }
}

/** The vector that `times` turns into `wanted`, near enough, by conjugate gradients. */
function solve(times: (vector: Float64Array) => Float64Array, wanted: Float64Array): Float64Array {
  const found = new Float64Array(wanted.length)
  const rest = wanted.slice()
  let direction = wanted.slice()
  let size = dot(rest, rest)
  const enough = size * NEAR_ENOUGH ** 2
  for (let turn = 0; turn < TURNS && size > enough; turn++) {
    const turned = times(direction)
    const length = size / dot(direction, turned)
    for (let id = 0; id < found.length; id++) {
      found[id] = (found[id] ?? 0) + length * (direction[id] ?? 0)
      rest[id] = (rest[id] ?? 0) - length * (turned[id] ?? 0)
    }
    const before = size
    size = dot(rest, rest)
    direction = direction.map((d, id) => (rest[id] ?? 0) + (size / before) * d)
  }
  return found
}

function dot(a: Float64Array, b: Float64Array): number {
  let sum = 0
  for (let i = 0; i < a.length; i++) sum += (a[i] ?? 0) * (b[i] ?? 0)
  return sum
}

function softplus(x: number): number {
  return Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x)))
}
