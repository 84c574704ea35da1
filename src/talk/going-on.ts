import { dailyLife } from '../answer/daily-life.ts'
import type { Question } from '../answer/question.ts'
import type { Entry } from '../model/content.ts'
import type { Session } from '../model/session.ts'
import { composeAnswer, dayInShanghai, inQuotes, say } from './compose.ts'
import { LITTLE_SAID } from './context.ts'
import type { Around, Outcome } from './converse.ts'
import { entryOf } from './tell.ts'

/**
 * 「里头东西齐不」 after an answer is too little to be understood alone, and nothing in it says that it is about something
 * else. Undefined: something does, or nothing was told.
 */
export function goesOnFrom(
  { knowledge: { content, catalog } }: Around,
  session: Session,
  question: Question,
  region: string | undefined,
): Entry | undefined {
  const last = entryOf(content, session.told?.[0])
  const target = catalog.targets[catalog.byEntry.get(last?.id ?? '') ?? -1]
  if (last === undefined || target === undefined || session.topic === undefined) return undefined
  const isElsewhere =
    question.regions.length > 0 ||
    (last.region !== undefined && last.region !== region && region !== undefined)
  const isOther = question.unknownPlaces.length > 0 || question.notOurs.length > 0
  if (isElsewhere || isOther || question.gist.length > LITTLE_SAID) return undefined
  return dailyLife(question, { target, closest: undefined }) < SOUNDS_LIKE_LIFE ? last : undefined
}

/** Most of what goes on lies below, and of the small talk that nothing else turns away about half above. */
const SOUNDS_LIKE_LIFE = 0.4

/** What the document says of the last thing, told once more as a guess, before what would have been replied alone. */
export function perhapsOn(around: Around, last: Entry, question: Question, alone: Outcome): Outcome {
  const { content } = around.knowledge
  const answer = composeAnswer(content, last, dayInShanghai(around.now), { facets: question.facets })
  const guess = say(content, 'perhapsOnLast', { thing: inQuotes(last.title) })
  return {
    ...alone,
    draft: {
      ...alone.draft,
      sections: [
        { kind: 'note', text: guess },
        ...answer.sections,
        ...alone.draft.sections.filter(({ kind }) => kind === 'note'),
      ],
    },
    session: {
      ...alone.session,
      ...(alone.session.topic && { topic: { ...alone.session.topic, entry: last.id } }),
    },
  }
}
