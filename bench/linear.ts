import { STEP } from '../src/text/linear.ts'

/** A message to learn from: which traits it has, and on which side it stands. */
export interface Lesson {
  readonly traits: ReadonlySet<string>
  readonly label: boolean
  /** What it counts; 1 unless told. */
  readonly weight?: number
}

export interface Learning {
  /** What is seen less often is chance. */
  readonly seen: number
  /** How much a message weighs against the wish for small weights. */
  readonly trust: number
  /** How much more a rare trait may weigh, as a power of its rarity. */
  readonly rarer: number
}

const ROUNDS = 12
const TURNS = 30
const NEAR_ENOUGH = 0.1
/** Weights nearer to nothing than this many steps are left out. */
const LEAST = 2

/** Fits logistic regression to the lessons. @returns the model as text, as `readModel` reads it */
export function learn(lessons: readonly Lesson[], { seen: least, trust, rarer }: Learning): string {
  const seen = new Map<string, number>()
  for (const { traits } of lessons) for (const trait of traits) seen.set(trait, (seen.get(trait) ?? 0) + 1)
  const kept = [...seen].flatMap(([trait, times]) => (times >= least ? [trait] : [])).sort()
  const ids = new Map(kept.map((trait, id) => [trait, id]))
  const rows = lessons.map(({ traits, label, weight = 1 }) => ({
    traits: Int32Array.from([...traits].flatMap((trait) => ids.get(trait) ?? [])),
    scale: 1 / Math.sqrt(traits.size || 1),
    label,
    weight,
  }))
  const rarity = kept.map((trait) => Math.log(lessons.length / ((seen.get(trait) ?? 0) + 1) + 1))
  const mean = rarity.reduce((total, one) => total + one, 0) / rarity.length
  const { weights: fitted, bias } = regress(
    rows,
    Float64Array.from(rarity, (one) => (one / mean) ** rarer),
    trust,
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

interface Row {
  readonly traits: Int32Array
  /** What each trait counts in this message. */
  readonly scale: number
  readonly label: boolean
  readonly weight: number
}

/**
 * The weights that make ½ Σ (weight / rarity)² + trust · Σ log loss least, by Newton's steps, each solved by conjugate
 * gradients. There is one such least, whatever the order of the messages. Within, weights are in units of rarity, and
 * the last of them is the bias.
 */
function regress(
  rows: readonly Row[],
  rarity: Float64Array,
  trust: number,
): { weights: Float64Array; bias: number } {
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
    trust *
      rows.reduce(
        (total, { label, weight }, i) => total + weight * softplus((label ? -1 : 1) * (sums[i] ?? 0)),
        0,
      )

  let sums = along(weights)
  let least = loss(weights, sums)
  for (let round = 0; round < ROUNDS; round++) {
    const chance = sums.map((sum) => 1 / (1 + Math.exp(-sum)))
    const pulls = chance.map((p, i) => trust * (rows[i]?.weight ?? 1) * (p - (rows[i]?.label ? 1 : 0)))
    const gradient = back(pulls).map((g, id) => g + (weights[id] ?? 0))
    const bend = chance.map((p, i) => trust * (rows[i]?.weight ?? 1) * p * (1 - p))
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
