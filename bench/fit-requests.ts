import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { loadContent } from '../src/content/load.ts'
import { compileRequests, readModels, requestTraits } from '../src/talk/requests.ts'
import { normalize } from '../src/text/normalize.ts'
import { readMoreQuestions, readOutOfScope, readRequests } from './labelled.ts'
import { learn } from './linear.ts'

/**
 * Fits `src/talk/requests.tsv`, which hears what a message asks the bot to do: a logistic regression for each act, on
 * `bench/requests/*.jsonl` and, as messages that ask for none, all phrasings, the questions and strangers of `bench/`
 * and one in five of `bench/urgent/`.
 * `--folds` writes nothing: it fits on all files but one and shows, for several thresholds, what becomes of that one.
 * `test/requests/` is never looked at here: it measures.
 */
const { content } = await loadContent('.')
if (!content) throw new Error('the content has errors; npm run check lists them')

interface Labelled {
  readonly text: string
  readonly act: string
}

const NONE = 'none'
/** How many messages of other kinds are passed over for one that is taken. */
const ONE_IN = 5
const LEARNING = { seen: 2, trust: 30, rarer: 1.2 }
/** An act's own messages are few. */
const OWN_WEIGHT = 2
const OTHERS_WEIGHT = 0.3

const traitsIn = requestTraits(content)
const messages = readRequests().map(({ file, text, act }) => ({ file, act, text: normalize(text).text }))
const files = [...new Set(messages.map(({ file }) => file))]
const others = [
  ...content.intents.flatMap(({ phrasings }) => phrasings),
  ...readMoreQuestions().map(({ ask }) => ask),
  ...readOutOfScope('bench/strangers.yaml').map(({ ask }) => ask),
  ...readdirSync('bench/urgent')
    .flatMap((file) => readFileSync(`bench/urgent/${file}`, 'utf8').split('\n').filter(Boolean))
    .flatMap((line, i) => (i % ONE_IN === 0 ? [(JSON.parse(line) as { text: string }).text] : [])),
].map((text) => ({ traits: traitsIn(normalize(text).text), label: false, weight: OTHERS_WEIGHT }))

if (process.argv[2] === '--folds') {
  const heard = files.flatMap((file) => {
    const hears = compileRequests(
      readModels(learnFrom(messages.filter((one) => one.file !== file))),
      traitsIn,
    )
    return messages.filter((one) => one.file === file).map(({ text, act }) => ({ act, request: hears(text) }))
  })
  const asking = heard.filter(({ act }) => act !== NONE)
  const share = (some: readonly unknown[], all: readonly unknown[]): string =>
    `${((100 * some.length) / all.length).toFixed(1)} %`
  for (const least of [0.2, 0.25, 0.3, 0.35, 0.4, 0.5, 0.6]) {
    const taken = heard.filter(({ request }) => (request?.likely ?? 0) >= least)
    console.log(
      `from ${least}: heard ${share(
        taken.filter(({ act, request }) => act === request?.act),
        asking,
      )}, another act ${share(
        taken.filter(({ act, request }) => act !== NONE && act !== request?.act),
        asking,
      )}, of those that ask for none taken ${share(
        taken.filter(({ act }) => act === NONE),
        heard.filter(({ act }) => act === NONE),
      )}`,
    )
  }
} else {
  const models = learnFrom(messages)
  writeFileSync('src/talk/requests.tsv', models)
  console.log(`${messages.length} labelled messages and ${others.length} others`)
}

function learnFrom(from: readonly Labelled[]): string {
  const lessons = from.map(({ text, act }) => ({ act, traits: traitsIn(text) }))
  const acts = [...new Set(from.map(({ act }) => act))].filter((act) => act !== NONE).sort()
  return acts
    .map((own) => {
      const model = learn(
        [
          ...lessons.map(({ act, traits }) => ({
            traits,
            label: act === own,
            weight: act === own ? OWN_WEIGHT : 1,
          })),
          ...others,
        ],
        LEARNING,
      )
      return `${own}\n${model}`
    })
    .join('\n')
}
