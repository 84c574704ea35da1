import { bare } from './normalize.ts'
import { soundOf } from './pinyin.ts'

/**
 * The traits of a short message for a linear classifier: its characters, pairs and triples of them, and pairs and
 * triples of syllables, so that homophones and pinyin count too. Each trait once.
 */
export function traitsOf(normalized: string): Set<string> {
  const traits = new Set<string>()
  const text = bare(normalized).slice(0, LONGEST)
  const characters = Array.from(`^${text}$`)
  for (let i = 0; i < characters.length; i++) {
    const character = characters[i] ?? ''
    traits.add(character)
    if (i + 1 < characters.length) traits.add(`${character}${characters[i + 1]}`)
    if (i + 2 < characters.length) traits.add(`${character}${characters[i + 1]}${characters[i + 2]}`)
  }
  const sounds = soundOf(normalized.slice(0, LONGEST))
  for (let i = 0; i + 1 < sounds.length; i++) {
    traits.add(`~${sounds[i]} ${sounds[i + 1]}`)
    if (i + 2 < sounds.length) traits.add(`~${sounds[i]} ${sounds[i + 1]} ${sounds[i + 2]}`)
  }
  return traits
}

const LONGEST = 200
