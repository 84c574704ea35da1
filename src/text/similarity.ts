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
  const fuse = new Fuse([text], {
    includeScore: true,
    shouldSort: false,
    ignoreLocation: true,
    ignoreFieldNorm: true,
    threshold: 0.6,
  })
  return names.map((own) => {
    let best = 0
    for (const name of own) {
      if (best === 1) break
      const [found] = fuse.search(name.slice(0, LONGEST_NAME))
      if (found) best = Math.max(best, 1 - (found.score ?? 1))
    }
    return best
  })
}

const LONGEST_QUESTION = 48
/** Fuse.js cuts longer ones up and looks for the pieces. */
const LONGEST_NAME = 32
