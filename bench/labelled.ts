import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parse } from 'yaml'
import { z } from 'zod'

/** A question written by somebody who had not seen the phrasings, and where it must lead. */
export interface Labelled {
  readonly ask: string
  readonly intent: string
  readonly region: string
  readonly style: string
  readonly facet?: string | undefined
}

export interface OutOfScope {
  readonly ask: string
  readonly kind: string
  readonly region?: string | undefined
}

const question = z.object({
  ask: z.coerce.string(),
  region: z.string(),
  style: z.string(),
  facet: z.string().optional(),
})
const requestLine = z.object({ text: z.string(), act: z.string() })
const questionsFile = z.object({ intent: z.string(), questions: z.array(question) })
const moreQuestionsFile = z.array(question.extend({ intent: z.string() }))
const outOfScopeFile = z.array(
  z.object({ ask: z.coerce.string(), kind: z.string(), region: z.string().optional() }),
)

/** All questions below a folder that mirrors `intents/`. */
export function readQuestions(folder = 'test/questions'): Labelled[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.yaml') && file.includes('/'))
    .sort()
    .flatMap((file) => {
      const { intent, questions } = questionsFile.parse(parse(readFileSync(join(folder, file), 'utf8')))
      return questions.map((question) => ({ ...question, intent }))
    })
}

/** Questions to learn from besides, on which nothing is measured. */
export function readMoreQuestions(): Labelled[] {
  return moreQuestionsFile.parse(parse(readFileSync('bench/questions.yaml', 'utf8')))
}

/** Messages that ask the bot to do something, and some that only sound like it; `act` says what, or `none`. */
export function readRequests(folder = 'bench/requests'): { file: string; text: string; act: string }[] {
  return readdirSync(folder)
    .filter((file) => file.endsWith('.jsonl'))
    .flatMap((file) =>
      readFileSync(join(folder, file), 'utf8')
        .split('\n')
        .filter(Boolean)
        .map((line) => ({ file, ...requestLine.parse(JSON.parse(line)) })),
    )
}

export function readOutOfScope(file = 'test/questions/_hand-over.yaml'): OutOfScope[] {
  return existsSync(file) ? outOfScopeFile.parse(parse(readFileSync(file, 'utf8'))) : []
}
