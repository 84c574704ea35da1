import { decide } from '../answer/decide.ts'
import type { Question } from '../answer/question.ts'
import type { Scope } from '../answer/rank.ts'
import { understand } from '../answer/understand.ts'
import type { Message } from '../model/conversation.ts'
import type { Session } from '../model/session.ts'
import { plainDraft } from './compose.ts'
import { contextOf, isElliptical } from './context.ts'
import type { Around, Outcome } from './converse.ts'
import { asDecided, type Understood } from './decided.ts'
import { type Ask, followUp } from './follow-up.ts'
import { leanOn } from './leaning.ts'
import { severalAsked } from './several.ts'
import { entryOf, tell, traceOf } from './tell.ts'

/** A question, fresh or elliptical. */
export function reply(
  around: Around,
  message: Message,
  session: Session,
  question: Question,
  how: Pick<Scope, 'exclude'>,
): Outcome {
  const { knowledge, defaultRegion } = around
  const { content, catalog, rank, acts } = knowledge
  const said = question.regions.at(-1)
  const moved: Session = said === undefined ? session : { ...session, region: said }
  const region = moved.region ?? defaultRegion
  const lastEntry = entryOf(content, session.topic?.entry)
  const { facets } = question

  if (question.rest === '' && question.unknownPlaces.length === 0) {
    const ask: Ask = (anew, from) => reply(around, message, from, anew, how)
    const followed = followUp(around, moved, question, region, ask)
    if (followed) return followed
    if (!facets.some(({ id }) => ABOUT_THE_DOCUMENT.has(id)))
      return {
        draft: plainDraft(content, 'hand-over', facets.length > 0 ? 'whatAbout' : 'incomplete'),
        session: moved,
      }
  }

  // 「服务哪些方面」 after an answer is about the thing told.
  if (
    question.isGeneral &&
    lastEntry &&
    session.topic?.decision === 'answer' &&
    said === undefined &&
    question.unknownPlaces.length === 0
  )
    return tell(around, moved, lastEntry, { facets, facetFirst: facets.length > 0 })

  const several = how.exclude ? undefined : severalAsked(around, message, moved, question, region)
  if (several) return several

  const alone: Scope = { region, ...how }
  const context = contextOf(content, session)
  // A short question leans on what was said before; a longer one only when it is not clear by itself.
  let scope: Scope = context && isElliptical(question) ? { ...alone, context } : alone
  let { ranking, decision } = understand(catalog, rank, question, scope)
  if (context && decision.kind !== 'answer' && scope === alone) {
    const leaning = rank(question, { ...alone, context })
    const second = decide(leaning, { ...alone, context })
    if (second.kind === 'answer') [scope, ranking, decision] = [{ ...alone, context }, leaning, second]
  }
  // What somebody asks instead is mostly next to what was told.
  const leans =
    (said === undefined || said === lastEntry?.region) &&
    (isElliptical(question) || how.exclude !== undefined) &&
    question.unknownPlaces.length === 0
  const { exclude } = how
  const understood: Understood = {
    question,
    before: session,
    session: moved,
    region,
    exclude,
    ranking,
    decision,
    leans,
  }
  const outcome = leanOn(around, understood, context)
  if (outcome) return outcome

  if (decision.kind !== 'answer') {
    const talk = acts.smallTalkWithin(question.text)
    if (talk)
      return {
        draft: {
          decision: 'small-talk',
          sections: [{ kind: 'note', text: talk.reply }],
          ...traceOf(ranking),
        },
        session: moved,
      }
  }
  return asDecided(around, message, understood)
}

/** Asked without a thing, these are about the document as a whole. */
const ABOUT_THE_DOCUMENT = new Set(['是否有效', '出处'])
