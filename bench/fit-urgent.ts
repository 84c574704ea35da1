import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { loadContent } from '../src/content/load.ts'
import { compileAlarm, soundsOf } from '../src/talk/alarm.ts'
import { createUrgentLane } from '../src/talk/urgent.ts'
import { normalize } from '../src/text/normalize.ts'
import { readMoreQuestions, readRequests } from './labelled.ts'
import { learn } from './linear.ts'

/**
 * Fits `src/talk/urgent-model.tsv`, which hears what no wording in `intents/urgent.yaml` foresaw: logistic
 * regression over the traits of a message, on `bench/urgent/*.jsonl` and, as calm messages, all phrasings, the
 * questions of `bench/questions.yaml` and what visitors want done.
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
const requests = new Set(readRequests().map(({ text }) => normalize(text).text))
const calm = [
  ...content.intents.flatMap(({ phrasings }) => phrasings),
  ...readMoreQuestions().map(({ ask }) => ask),
  // Who wants a person may need one.
  ...readRequests().flatMap(({ text, act }) => (act === 'human' || act === 'none' ? [] : [text])),
].map((text) => normalize(text).text)

/** Held-out hands are heard better with rare traits at 1 to 2 than at 0. */
const LEARNING = { seen: 2, trust: 30, rarer: 1.65 }
/**
 * The calm ones among messages of about one length weigh at least so many times as much as the urgent ones: most
 * long ones here are cries for help, most long ones of visitors are stories of an ordinary day.
 */
const CALM_SHARE = 2
/** 「别叫我了」 is a request and may be a farewell: at 1, farewells are heard less. */
const REQUEST_WEIGHT = 0.4
const [, , option, ...chosen] = process.argv
if (option === '--folds') {
  const tally = new Map<string, { heard: number; of: number }>()
  for (const file of chosen.length > 0 ? chosen : files) {
    const held = labelled.filter((one) => one.file === file)
    const texts = new Set(held.map(({ text }) => text))
    const model = learnFrom(
      labelled.filter(({ text }) => !texts.has(text)),
      calm.filter((text) => !texts.has(text)),
    )
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
  const model = learnFrom(labelled, calm)
  writeFileSync('src/talk/urgent-model.tsv', model)
  console.log(
    `${labelled.length} labelled messages and ${calm.length} questions; ${model.split(':').length - 1} traits kept`,
  )
}

function learnFrom(messages: readonly Labelled[], questions: readonly string[]): string {
  const weights = weigh(messages)
  const lessons = messages.map(({ text, urgent }, i) => ({
    traits: soundsOf(text),
    label: urgent,
    weight: weights[i] ?? 1,
  }))
  return learn(
    [
      ...lessons,
      ...questions.map((text) => ({
        traits: soundsOf(text),
        label: false,
        weight: requests.has(text) ? REQUEST_WEIGHT : 1,
      })),
    ],
    LEARNING,
  )
}

interface Labelled {
  readonly text: string
  readonly urgent: boolean
}

/** What each message counts, see `CALM_SHARE`. */
function weigh(messages: readonly Labelled[]): number[] {
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
