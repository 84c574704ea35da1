import type { Question } from '../answer/question.ts'
import type { Entry } from '../model/content.ts'
import type { Session } from '../model/session.ts'
import {
  agrees,
  anyOf,
  fromContext,
  isElliptical,
  leaning,
  oneOfThose,
  plainlyNext,
  speaksMostOf,
  speaksOf,
} from './context.ts'
import type { Around, Outcome } from './converse.ts'
import type { Understood } from './decided.ts'
import { goesOnFrom, perhapsOn } from './going-on.ts'
import { takenUp } from './pointing.ts'
import { entryOf, tell } from './tell.ts'

/**
 * What a half sentence is about, when the conversation tells: the readings in their order. Undefined: it stands for
 * itself.
 * @param context what the conversation is about
 */
export function leanOn(
  around: Around,
  { question, before, session, region, ranking, decision, leans }: Understood,
  context: ReadonlySet<string> | undefined,
): Outcome | undefined {
  const { content, rank } = around.knowledge
  const last = entryOf(content, before.topic?.entry)
  const { facets } = question
  const isAnswered = decision.kind === 'answer'

  if (context && leans) {
    const taken = takenUp(around, session, question)
    const outcome =
      (isAnswered ? undefined : oneOfThose(around, session, question, ranking)) ??
      (taken && (taken.plainly || !isAnswered) ? taken.outcome : undefined)
    if (outcome) return outcome
  }
  if (isAnswered) return undefined

  if (leans && last && before.topic?.decision === 'hand-over') {
    // Another town's document has it, the visitor was told.
    const [there] = last.region === region ? [] : rank(question, { only: new Set([last.id]) }).here
    if (there && (WHO_HAS_IT.test(question.text) || agrees(there)))
      return tell(around, session, last, { facets, facetFirst: facets.length > 0 })
  }
  if (context && leans) {
    const next = plainlyNext(ranking, context, last)
    if (next) {
      const lean = leaning(ranking, next.entry)
      return tell(around, session, next.entry, { facets, facetFirst: next.entry === last }, lean)
    }
    const outcome =
      decision.kind === 'hand-over' || decision.kind === 'elsewhere'
        ? fromContext(around, session, question, region, context, true)
        : undefined
    if (outcome) return outcome
  }

  // 「全部小孩都给？」 asks for a detail of the entry just told or offered first, if that speaks of such things at all.
  const about = last ?? likeliestOffered(around, before, question)
  const same = ranking.here.find(({ entry }) => entry === about)
  const asksOfIt =
    (facets.length > 0 && isElliptical(question)) ||
    (PRONOUN.test(question.text) && question.rest.length <= LITTLE_OWN)
  const isOther =
    question.unknownPlaces.length > 0 || question.notOurs.length > 0 || question.regions.length > 0
  if (
    about &&
    same &&
    asksOfIt &&
    !isOther &&
    speaksOf(same) &&
    (decision.kind !== 'ask-back' || speaksMostOf(same, ranking))
  )
    return tell(around, session, about, { facets, facetFirst: true })

  if (!context || !leans || (decision.kind !== 'hand-over' && decision.kind !== 'ask-back')) return undefined
  const outcome =
    decision.kind === 'hand-over'
      ? anyOf(around, session, question, region, context)
      : fromContext(around, session, question, region, context, false)
  const goesOn =
    outcome?.draft.decision === 'ask-back' && before.topic?.decision === 'answer'
      ? goesOnFrom(around, before, question, region)
      : undefined
  return outcome && goesOn ? perhapsOn(around, goesOn, question, outcome) : outcome
}

/** While a choice is open: the one of those offered that speaks most of what is asked. */
function likeliestOffered(around: Around, { topic }: Session, question: Question): Entry | undefined {
  if (topic?.decision !== 'ask-back') return undefined
  const offered = topic.candidates.slice(0, MOST_CHOICES)
  return around.knowledge.rank(question, { only: new Set(offered) }).here[0]?.entry
}
const MOST_CHOICES = 4

/** 「那谁家减」 */
const WHO_HAS_IT = /谁家|哪(?:家|儿|里|边|个(?:城市|市|区|地方))/u

/** 「哪些房子会改成它」 speaks of what was told. */
const PRONOUN = /它|[这那](?:个|些|俩)|其中|里面/u
const LITTLE_OWN = 10
