import { readFileSync } from 'node:fs'
import { readModel } from '../text/linear.ts'
import { bare } from '../text/normalize.ts'
import { traitsOf } from '../text/traits.ts'
import { notionsIn } from './notions.ts'

/** Reads a model; it says how urgent a normalised message sounds, 0 to 1. */
export function compileAlarm(model: string): (text: string) => number {
  const { bias, weigh } = readModel(model)
  return (text) => 1 / (1 + Math.exp(-bias - weigh(soundsOf(text))))
}

/**
 * All traits of a normalised message that count: its characters and syllables, its notions, which of them stands
 * before which, which is first and last, and how long it is.
 */
export function soundsOf(text: string): Set<string> {
  const traits = traitsOf(text)
  const letters = bare(text).slice(0, LONGEST)
  const notions = notionsIn(letters)
  notions.forEach((some, i) => {
    for (const one of some) {
      traits.add(`${one}>`)
      for (const others of notions.slice(i + 1, i + NEAR))
        for (const other of others) traits.add(`${one}>${other}`)
      if (i === 0) traits.add(`^>${one}`)
      if (i === notions.length - 1) traits.add(`${one}>$`)
    }
  })
  for (const length of LENGTHS) if (letters.length < length) traits.add(`<${length}`)
  return traits
}

const LONGEST = 200
const NEAR = 11
const LENGTHS = [3, 5, 8, 12, 18, 30, 60, 100]

/**
 * How urgent a normalised message sounds, 0 to 1, whatever its words: logistic regression over its traits,
 * fitted by `bench/fit-urgent.ts`. It stands beside the code, so that it works without any content.
 */
export const alarm = compileAlarm(readFileSync(new URL('./urgent-model.tsv', import.meta.url), 'utf8'))
