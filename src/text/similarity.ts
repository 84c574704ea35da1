import Fuse from 'fuse.js'

/**
 * How nearly a question contains one of each candidate's names, 0 to 1, typos forgiven. Fuse.js reads every
 * name it is given and its time grows with the question, so this is for the few best candidates only, and
 * 32 characters are all it sees.
 * @param names the names of each candidate
 * @returns for each candidate the agreement of its nearest name
 */
export function nearestNames(question: string, names: readonly (readonly string[])[]): number[] {
  const best = names.map(() => 0)
  const query = question.slice(0, LONGEST)
  if (query === '' || names.length === 0) return best
  const list = names.flatMap((own, owner) => own.map((name) => ({ name, owner })))
  const fuse = new Fuse(list, {
    keys: ['name'],
    includeScore: true,
    shouldSort: false,
    ignoreLocation: true,
    useTokenSearch: true,
    tokenize: pairs,
    threshold: 0.5,
  })
  for (const { item, score } of fuse.search(query))
    best[item.owner] = Math.max(best[item.owner] ?? 0, 1 - (score ?? 1))
  return best
}

const LONGEST = 32

// Chinese has no spaces: pairs of neighbouring characters are what Fuse compares.
function pairs(text: string): string[] {
  const characters = Array.from(text.replace(/[^\p{L}\p{N}]+/gu, ''))
  if (characters.length < 2) return characters
  return characters.slice(1).map((character, i) => `${characters[i]}${character}`)
}
