import { answerIn } from '../answer/catalog.ts'
import type { Question } from '../answer/question.ts'
import type { Candidate } from '../answer/rank.ts'
import type { Content, Facet } from '../model/content.ts'
import { type Draft, type DraftChoice, entryChoices, inQuotes, regionName, say } from './compose.ts'

/** Honest about a region whose document is silent: who else has it, and what comes nearest here. */
export function notHere(
  content: Content,
  there: readonly Candidate[],
  near: readonly Candidate[],
  region: string | undefined,
  facet: Facet | undefined,
  wish = there[0]?.target.intents.find((intent) => answerIn(intent, region) === undefined)?.title,
): Draft {
  const thing = inQuotes(wish ?? there[0]?.entry.title ?? '')
  const others = there.flatMap(({ entry }) => (entry.region ? [regionName(content, entry.region)] : []))
  const here = region ? regionName(content, region) : ''
  const choices: DraftChoice[] = [
    ...entryChoices(near, facet),
    ...there.slice(0, 2).map(({ entry }) => ({
      label: `${regionName(content, entry.region ?? '')}：${entry.title}`,
      entry: entry.id,
      action: { do: 'show-entry' as const, entry: entry.id, facet: facet?.id },
    })),
  ]
  const sentences = [
    say(content, 'notHere', { region: here, thing }),
    others.length > 0 ? say(content, 'elsewhere', { regions: [...new Set(others)].join('、'), thing }) : '',
  ]
  return {
    decision: 'hand-over',
    sections: [
      { kind: 'unsaid', text: sentences.join('') },
      ...(choices.length > 0 ? [{ kind: 'note' as const, text: say(content, 'nearest') }] : []),
    ],
    choices: [...choices, { label: say(content, 'humanLabel'), action: { do: 'hand-over' } }],
    facet: facet?.id,
    region,
  }
}

/** Nothing in the files answers this; who can say more. */
export function unsure(
  content: Content,
  why: 'unknown-place' | 'nothing-like-it',
  question: Question,
  region: string | undefined,
): Draft {
  const regions = content.regions.map(({ name }) => name).join('、')
  const office =
    content.regions.find(({ id }) => id === region)?.office ??
    content.regions.map((one) => one.office).join('、')
  const first =
    why === 'unknown-place'
      ? say(content, 'unknownPlace', { place: question.unknownPlaces[0] ?? '', regions })
      : say(content, 'notInFiles')
  return {
    decision: 'hand-over',
    sections: [
      { kind: 'unsaid', text: first },
      ...(why === 'nothing-like-it'
        ? [{ kind: 'note' as const, text: say(content, 'unsure', { office }) }]
        : []),
    ],
    choices: [{ label: say(content, 'humanLabel'), action: { do: 'hand-over' } }],
    region,
  }
}
