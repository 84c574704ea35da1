import { readFileSync } from 'node:fs'
import type { Content } from '../model/content.ts'
import { type LinearModel, readModel } from '../text/linear.ts'
import { bare } from '../text/normalize.ts'
import { traitsOf } from '../text/traits.ts'
import type { ActId } from './acts.ts'

/** An act that a message seems to ask for, and how likely that is, 0 to 1. */
export interface Request {
  readonly act: ActId
  readonly likely: number
}

/** The traits of a normalised message; what it is asked for of which town and topic stands apart from the rest. */
export function requestTraits(content: Content): (text: string) => Set<string> {
  const towns = content.regions.flatMap(({ name, full, aliases }) => [name, full, ...aliases])
  const topics = content.topics.flatMap(({ name, words }) => [name, ...words])
  const standsFor = new Map([
    ...topics.map((name) => [name.toLowerCase(), TOPIC] as const),
    ...towns.map((name) => [name.toLowerCase(), TOWN] as const),
  ])
  const names = [...standsFor.keys()]
    .sort((a, b) => b.length - a.length)
    .map((name) => name.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'))
  const anyName = new RegExp(names.join('|'), 'gu')
  return (text) => {
    const traits = traitsOf(text)
    const masked = text.replace(anyName, (name) => standsFor.get(name) ?? name)
    if (masked !== text)
      for (const trait of traitsOf(masked))
        if (trait.includes(TOWN) || trait.includes(TOPIC)) traits.add(trait)
    const { length } = bare(text)
    for (const most of LENGTHS) if (length < most) traits.add(`<${most}`)
    return traits
  }
}

// Wide letters, which no normalised text holds.
const TOWN = 'Ｒ'
const TOPIC = 'Ｔ'
const LENGTHS = [3, 5, 8, 12, 18, 30, 60]

/** One model for each act: its name in a line, then the model as `readModel` reads it; an empty line between two. */
export function readModels(text: string): [ActId, LinearModel][] {
  return text
    .trimEnd()
    .split('\n\n')
    .map((section) => {
      const end = section.indexOf('\n')
      return [section.slice(0, end) as ActId, readModel(section.slice(end + 1))]
    })
}

/** The likeliest of all acts. */
export function compileRequests(
  models: readonly (readonly [ActId, LinearModel])[],
  traitsIn: (text: string) => Set<string>,
): (text: string) => Request | undefined {
  return (text) => {
    const traits = traitsIn(text)
    let best: Request | undefined
    for (const [act, { bias, weigh }] of models) {
      const likely = 1 / (1 + Math.exp(-bias - weigh(traits)))
      if (likely > (best?.likely ?? 0)) best = { act, likely }
    }
    return best
  }
}

const MODELS = readModels(readFileSync(new URL('./requests.tsv', import.meta.url), 'utf8'))

/**
 * Hears what a message asks the bot to do, whatever its words: logistic regression for each act, fitted by
 * `bench/fit-requests.ts`. Most of what people want done they say in words that no list foresees.
 */
export const requestReader = (content: Content): ((text: string) => Request | undefined) =>
  compileRequests(MODELS, requestTraits(content))
