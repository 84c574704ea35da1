import { type FoundWord, WordList } from '../text/find.ts'
import { workload } from './token-index.ts'

/** Which entries a text names, each with how plainly: 1 for a name written out that is nobody else's. */
export type FindNamed = (text: string) => ReadonlyMap<number, number>

const SHORTEST = 3
/** So many names are noted between two pauses. */
const BREATH = 100

/**
 * Finds names written out in a text; slips in them have been mended before. A name inside a longer one that was found does
 * not count.
 * @param names the normalised names of each target
 * @param pause awaited now and then
 */
export async function nameFinder(
  names: readonly (readonly string[])[],
  pause: () => Promise<void>,
): Promise<FindNamed> {
  const owners = new Map<string, number[]>()
  const written = new WordList()
  const due = workload(BREATH)
  for (const [target, own] of names.entries())
    for (const name of own) {
      if (name.length < SHORTEST) continue
      // The targets come one after the other.
      const known = owners.get(name)
      if (known === undefined) owners.set(name, [target])
      else if (known.at(-1) !== target) known.push(target)
      written.add(name)
      if (due(1)) await pause()
    }

  return (text) => {
    const named = new Map<number, number>()
    for (const { word } of outermost(written.findIn(text))) {
      const targets = owners.get(word) ?? []
      for (const target of targets)
        named.set(target, Math.max(named.get(target) ?? 0, 1 / Math.sqrt(targets.length)))
    }
    return named
  }
}

function outermost(found: readonly FoundWord[]): FoundWord[] {
  return found.filter(
    (one) =>
      !found.some(
        (other) => other.from <= one.from && one.to <= other.to && other.to - other.from > one.to - one.from,
      ),
  )
}
