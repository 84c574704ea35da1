import { WordList } from '../text/find.ts'
import { soundOf } from '../text/pinyin.ts'
import { workload } from './token-index.ts'

/** Which entries a text names, each with how plainly: 1 for a name written out that is nobody else's. */
export type FindNamed = (text: string) => ReadonlyMap<number, number>

const SHORTEST = 3
const LONGEST_SOUND = 12
/** A name that only sounds right may be another word. */
const BY_SOUND = 0.8
/** So many names are listened to between two pauses. */
const BREATH = 100

/**
 * Finds names written out in a text, and names that are there but for characters that sound alike (春城请居,
 * 亲亲恋基地). A name inside a longer one that was found does not count.
 * @param names the normalised names of each target
 * @param pause awaited now and then
 */
export async function nameFinder(
  names: readonly (readonly string[])[],
  pause: () => Promise<void>,
): Promise<FindNamed> {
  const owners = new Map<string, number[]>()
  const bySound = new Map<string, number[]>()
  const written = new WordList()
  // Most places of a text begin no name by sound: its first syllables tell.
  const beginnings = new Set<string>()
  const due = workload(BREATH)
  for (const [target, own] of names.entries())
    for (const name of own) {
      if (name.length < SHORTEST) continue
      addTo(owners, name, target)
      written.add(name)
      const sounds = soundOf(name)
      if (sounds.length >= SHORTEST && sounds.length <= LONGEST_SOUND) {
        addTo(bySound, sounds.join(' '), target)
        beginnings.add(beginningOf(sounds, 0))
      }
      if (due(1)) await pause()
    }

  return (text) => {
    const named = new Map<number, number>()
    const note = (targets: readonly number[], plainness: number): void => {
      for (const target of targets)
        named.set(target, Math.max(named.get(target) ?? 0, plainness / Math.sqrt(targets.length)))
    }
    for (const { word } of outermost(written.findIn(text))) note(owners.get(word) ?? [], 1)

    const sounds = soundOf(text)
    const heard = []
    for (let from = 0; from + SHORTEST <= sounds.length; from++) {
      if (!beginnings.has(beginningOf(sounds, from))) continue
      for (let length = SHORTEST; length <= LONGEST_SOUND && from + length <= sounds.length; length++) {
        const key = sounds.slice(from, from + length).join(' ')
        if (bySound.has(key)) heard.push({ word: key, from, to: from + length })
      }
    }
    for (const { word } of outermost(heard)) note(bySound.get(word) ?? [], BY_SOUND)
    return named
  }
}

function beginningOf(sounds: readonly string[], from: number): string {
  return `${sounds[from]} ${sounds[from + 1]} ${sounds[from + 2]}`
}

/** Notes a target, which come one after the other, under a name. */
function addTo(index: Map<string, number[]>, name: string, target: number): void {
  const known = index.get(name)
  if (known === undefined) index.set(name, [target])
  else if (known.at(-1) !== target) known.push(target)
}

function outermost<T extends { readonly from: number; readonly to: number }>(found: readonly T[]): T[] {
  return found.filter(
    (one) =>
      !found.some(
        (other) => other.from <= one.from && one.to <= other.to && other.to - other.from > one.to - one.from,
      ),
  )
}
