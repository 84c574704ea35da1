import Fuse from 'fuse.js'

/**
 * How nearly a question contains one of each candidate's names, 0 to 1, typos forgiven. Each name is looked
 * for in the question, so the time grows with the names: this is for the few best candidates only, and 48
 * characters of the question are all Fuse.js sees.
 * @param names the names of each candidate
 * @returns for each candidate the agreement of its nearest name
 */
export function nearestNames(question: string, names: readonly (readonly string[])[]): number[] {
  const text = question.slice(0, LONGEST_QUESTION)
  if (text === '') return names.map(() => 0)
  const characters = new Set(text)
  const fuse = new Fuse([text], {
    includeScore: true,
    shouldSort: false,
    ignoreLocation: true,
    ignoreFieldNorm: true,
    threshold: FARTHEST,
  })
  return names.map((own) => {
    let best = 0
    for (const name of own) {
      if (best === 1) break
      if (text.includes(name)) {
        best = 1
        break
      }
      if (sharedWith(characters, name) < 1 - FARTHEST) continue
      const [found] = fuse.search(name.slice(0, LONGEST_NAME))
      if (found) best = Math.max(best, 1 - (found.score ?? 1))
    }
    return best
  })
}

/** Share of a name's characters: Fuse.js cannot find one of which fewer stand in the question at all. */
function sharedWith(characters: ReadonlySet<string>, name: string): number {
  let count = 0
  for (const character of name) if (characters.has(character)) count++
  return count / name.length
}

/** So large a share of a name may be wrong. */
const FARTHEST = 0.5
const LONGEST_QUESTION = 48
/** Fuse.js cuts longer ones up and looks for the pieces. */
const LONGEST_NAME = 32
