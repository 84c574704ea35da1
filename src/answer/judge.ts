import { bare } from '../text/normalize.ts'
import type { Target, Unit } from './catalog.ts'
import type { Compared } from './compare.ts'
import type { Question } from './question.ts'
import fitted from './weights.json' with { type: 'json' }

/** What speaks for an entry, each between 0 and 1; `weights.json` says how much each counts. */
export const FEATURES = [
  'phrasing-char', // cosine of tf-idf over characters with the closest phrasing
  'phrasing-pair', // the same over pairs of characters
  'phrasing-word', // the same over segmented words and concepts
  'phrasing-sound', // the same over syllables
  'name', // closest title or alias: mean of the three written views
  'name-sound',
  'answer-word', // cosine with the entry's own text
  'covered-word', // share of the question's words, by information, that the entry knows in any of its texts
  'covered-char',
  'covered-sound',
  'covered-by-best', // share of the question's characters that the closest text holds
  'covers-best', // share of the closest text's characters that the question holds
  'name-inside', // longest name found whole in the question, as a share of what the question says
  'named', // a name is written out in the question; less when others share it
  'name-held', // share of the characters of a name that the question holds, for the name held best
  'name-run', // the same for its longest stretch
  'run', // longest common run with the closest text
  'same', // the question is the phrasing
  'latin-sound', // sound agreement once more when the question is typed in Latin letters
  'context', // the conversation is about this or something next to it
] as const
export type Feature = (typeof FEATURES)[number]

/** One candidate with all that speaks for it. */
export interface Judged {
  readonly target: Target
  readonly closest: Unit | undefined
  readonly features: Float32Array
  /** Sum of weighted features; comparable within one question only. */
  readonly strength: number
}

/** A target that was compared, and what else is known of it. */
export interface ToJudge {
  readonly target: Target
  readonly compared: Compared
  /** How plainly the question names it. */
  readonly named: number
  readonly inContext: boolean
}

const RANK = Float64Array.from(FEATURES, (feature) => fitted.rank[feature])

/** Weighs what speaks for each candidate. */
export function judge({ text, weights }: Question, candidates: readonly ToJudge[], latin: boolean): Judged[] {
  let said = 0
  for (const weight of weights) said += weight
  const topic = bare(text)
  inTopic.hold(topic)
  return candidates.map((candidate) => judgeOne(candidate, text, topic, said, latin))
}

function judgeOne(
  { target, compared: { phrasing, name, answer, covered, closest }, named, inContext }: ToJudge,
  text: string,
  topic: string,
  said: number,
  latin: boolean,
): Judged {
  const best = bare(closest?.text ?? '')
  inBest.hold(best)
  let inside = 0
  let held = 0
  let run = 0
  for (const own of target.names) {
    if (own.length >= 2 && own.length > inside && text.includes(own)) inside = own.length
    const share = inTopic.shareOf(own)
    if (share > held) held = share
    // A stretch is no longer than what is shared at all.
    if (share > run) run = Math.max(run, longestRun(own, topic) / Math.max(2, own.length))
  }
  const values: Record<Feature, number> = {
    'phrasing-char': phrasing.char,
    'phrasing-pair': phrasing.pair,
    'phrasing-word': phrasing.word,
    'phrasing-sound': phrasing.sound,
    name: (name.char + name.pair + name.word) / 3,
    'name-sound': name.sound,
    'answer-word': answer.word,
    'covered-word': covered.word,
    'covered-char': covered.char,
    'covered-sound': covered.sound,
    'covered-by-best': inBest.shareOf(topic),
    'covers-best': inTopic.shareOf(best),
    'name-inside': said === 0 ? 0 : Math.min(1, inside / said),
    named,
    'name-held': held,
    'name-run': run,
    run: longestRun(topic, best) / Math.max(2, Math.min(topic.length, best.length)),
    same: topic === best ? 1 : 0,
    'latin-sound': latin ? Math.max(phrasing.sound, name.sound) : 0,
    context: inContext ? 1 : 0,
  }
  const features = new Float32Array(FEATURES.length)
  for (let k = 0; k < features.length; k++) features[k] = values[FEATURES[k] as Feature]
  return { target, closest, features, strength: weighted(features, RANK) }
}

/** Sum of the values, each times its weight. */
export function weighted(values: Float32Array, weights: Float64Array): number {
  let sum = 0
  for (let i = 0; i < values.length; i++) sum += (values[i] as number) * (weights[i] as number)
  return sum
}

/** The characters of one text at a time. */
class Characters {
  private readonly marks = new Uint8Array(0x10000)
  private text = ''

  hold(text: string): void {
    for (let i = 0; i < this.text.length; i++) this.marks[this.text.charCodeAt(i)] = 0
    for (let i = 0; i < text.length; i++) this.marks[text.charCodeAt(i)] = 1
    this.text = text
  }

  /** Share of another text's characters that this one holds. */
  shareOf(other: string): number {
    if (other === '') return 0
    let count = 0
    for (let i = 0; i < other.length; i++) count += this.marks[other.charCodeAt(i)] as number
    return count / other.length
  }
}

const inTopic = new Characters()
const inBest = new Characters()

const LONGEST_RUN = 64
const row = new Uint8Array(LONGEST_RUN + 1)

/** The longest stretch of characters that stands in both. */
function longestRun(a: string, b: string): number {
  const [left, right] = [a.slice(0, LONGEST_RUN), b.slice(0, LONGEST_RUN)]
  let best = 0
  row.fill(0)
  for (let i = 0; i < left.length; i++) {
    const code = left.charCodeAt(i)
    // From the end, so that what stands before in the row is still of the character before.
    for (let j = right.length; j > 0; j--) {
      const run = right.charCodeAt(j - 1) === code ? (row[j - 1] as number) + 1 : 0
      row[j] = run
      if (run > best) best = run
    }
  }
  return best
}
