import type { Intent } from '../model/content.ts'
import { bare, normalizedText } from '../text/normalize.ts'
import { nearestNames } from '../text/similarity.ts'
import { answerIn } from './catalog.ts'
import { type Candidate, holds, type Ranking, type Scope } from './rank.ts'
import fitted from './weights.json' with { type: 'json' }

/** What becomes of a ranked question; talk composes a reply from it. */
export type Decision =
  | { readonly kind: 'answer'; readonly candidate: Candidate }
  /** One wish that several regions fulfil, and the region is not known: one candidate for each. */
  | { readonly kind: 'ask-region'; readonly among: readonly Candidate[] }
  | { readonly kind: 'ask-back'; readonly among: readonly Candidate[]; readonly sure: boolean }
  /** The region's document does not mention it, another one's does. */
  | { readonly kind: 'elsewhere'; readonly there: readonly Candidate[]; readonly near: readonly Candidate[] }
  | { readonly kind: 'hand-over'; readonly why: 'unknown-place' | 'nothing-like-it' }

/** The only place for thresholds. They are derived from labelled questions with the costs written in `bench/fitting.ts`. */
export function decide(ranking: Ranking, scope: Scope): Decision {
  const { here, elsewhere, question } = ranking
  const [first] = here
  if (question.unknownPlaces.some((place) => !first || !speaksOf(first, place)))
    return { kind: 'hand-over', why: 'unknown-place' }

  const lead = (elsewhere[0]?.strength ?? Number.NEGATIVE_INFINITY) - (first?.strength ?? 0)
  const asked = lead >= limits.elsewhereLead ? onlyThere(elsewhere, scope, lead) : []
  const there = asked.length > 0 ? asked : namedOnlyThere(ranking)
  if (there.length > 0 && ranking.knownElsewhere >= limits.elsewhere)
    return { kind: 'elsewhere', there, near: here.filter(worthAsking).slice(0, 2) }

  if (first && first.score >= limits.answer) {
    const sameWish = scope.region === undefined ? oneForEachRegion(first, here) : []
    return sameWish.length > 1
      ? { kind: 'ask-region', among: sameWish }
      : { kind: 'answer', candidate: first }
  }
  const among = distinctWishes(here).filter(worthAsking).slice(0, MOST_CHOICES)
  const together = among.reduce((sum, { score }) => sum + score, 0)
  if (together >= limits.askBack) return { kind: 'ask-back', among, sure: together >= limits.answer }
  return { kind: 'hand-over', why: 'nothing-like-it' }
}

/** A place that the entry names, or the phrasing closest to what is asked: 「泸州叙永的，想过来打工」. */
const speaksOf = ({ entry, closest }: Candidate, place: string): boolean =>
  holds(entry, place) || (closest?.text.includes(place) ?? false)

const limits = fitted.thresholds
const MOST_CHOICES = 4

/** Rather about something the base knows than about something else, whichever entry it is. */
export const isLikelyKnown = ({ known }: Ranking): boolean => known >= 0.5

/**
 * Fuse.js: 「心理硫导」 is a name but for one character, which leaves too little for anything else. Of names with one
 * wrong character that would have been handed over, two thirds are found at this agreement, and no stranger was.
 */
export function nearlyNamed({ question, here }: Ranking): Decision | undefined {
  const said = bare(question.rest)
  if (said.length > LONGEST_SAID || question.notOurs.length > 0) return undefined
  const near = nearestNames(
    said,
    here.map(({ target }) => target.names),
  )
  const among = here
    .flatMap((candidate, i) => ((near[i] ?? 0) >= NEARLY ? [{ candidate, agrees: near[i] ?? 0 }] : []))
    .sort((a, b) => b.agrees - a.agrees)
    .slice(0, MOST_CHOICES)
    .map(({ candidate }) => candidate)
  return among.length > 0 ? { kind: 'ask-back', among, sure: false } : undefined
}

const NEARLY = 0.7
const LONGEST_SAID = 8

const worthAsking = ({ score }: Candidate): boolean => score >= limits.worthAsking

/** Candidates of other regions whose wish this region does not fulfil. @param lead over what it has, in strength */
function onlyThere(elsewhere: readonly Candidate[], scope: Scope, lead: number): Candidate[] {
  const [best] = elsewhere
  const meant = best && (lead >= MEANT_BY_NAME ? wishesOf(best) : best.target.intents)
  if (!meant || meant.some((intent) => answerIn(intent, scope.region))) return []
  const wishes = new Set(best.target.intents.map(({ id }) => id))
  return elsewhere.filter((one) => one === best || one.target.intents.some(({ id }) => wishes.has(id)))
}

/** What a title names that no candidate here has: 「科创中国」 asked where another town's document alone speaks of it. */
function namedOnlyThere({ here, elsewhere, question }: Ranking): Candidate[] {
  return elsewhere
    .filter(({ entry }) =>
      [...entry.title.matchAll(/“([^“”]{4,})”/gu)].some(
        ([, name = '']) => question.text.includes(name) && !here.some((one) => holds(one.entry, name)),
      ),
    )
    .slice(0, 1)
}

/** Of what is so far ahead the closest text alone says what is wished; nearer things are close in other words, too. */
const MEANT_BY_NAME = 6

/**
 * What the visitor wishes who means this entry: 「白桥双创园」 is the name of one park, though this entry also tells who asks
 * for any park.
 */
function wishesOf({ target, closest }: Candidate): readonly Intent[] {
  if (closest?.kind === 'name') return []
  const asked = target.intents.filter(({ phrasings }) =>
    phrasings.some((phrasing) => normalizedText(phrasing) === closest?.text),
  )
  return asked.length > 0 ? asked : target.intents
}

function oneForEachRegion(first: Candidate, here: readonly Candidate[]): Candidate[] {
  const wishes = new Set(first.target.intents.map(({ id }) => id))
  const byRegion = new Map<string | undefined, Candidate>()
  for (const one of here)
    if (one.target.intents.some(({ id }) => wishes.has(id)) && !byRegion.has(one.entry.region))
      byRegion.set(one.entry.region, one)
  return [...byRegion.values()]
}

function distinctWishes(here: readonly Candidate[]): Candidate[] {
  const seen = new Set<string>()
  return here.filter(({ entry }) => {
    if (seen.has(entry.id)) return false
    seen.add(entry.id)
    return true
  })
}
