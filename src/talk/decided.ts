import type { Decision } from '../answer/decide.ts'
import type { Question } from '../answer/question.ts'
import type { Candidate, Ranking, Scope } from '../answer/rank.ts'
import type { Content, Entry, PhraseName } from '../model/content.ts'
import type { Message } from '../model/conversation.ts'
import type { Session } from '../model/session.ts'
import {
  type Draft,
  type DraftChoice,
  entryChoices,
  plainDraft,
  regionName,
  say,
  unsaidAmong,
} from './compose.ts'
import { CLEAR_LEAD, isElliptical } from './context.ts'
import type { Around, Outcome } from './converse.ts'
import { offered } from './follow-up.ts'
import { goesOnFrom, perhapsOn } from './going-on.ts'
import { notHere, unsure } from './honest.ts'
import { mask } from './mask.ts'
import { candidatesOf, entryOf, tell, traceOf } from './tell.ts'

/** A question as it is understood so far. */
export interface Understood {
  readonly question: Question
  /** What the conversation remembers from before the message. */
  readonly before: Session
  /** The same with the town that the message names. */
  readonly session: Session
  readonly region: string | undefined
  /** Entries that were turned down. */
  readonly exclude: Scope['exclude']
  readonly ranking: Ranking
  readonly decision: Decision
  /** Says too little to stand alone, and names no other place than what was told is about. */
  readonly leans: boolean
}

/** What a decision becomes in words, and what is remembered of it. */
export function asDecided(
  around: Around,
  message: Message,
  { question, before, session: moved, region, exclude, ranking, decision, leans }: Understood,
): Outcome {
  const { now } = around
  const { content } = around.knowledge
  const { facets } = question
  const remember = (kind: Draft['decision'], entry?: string): Session => ({
    ...moved,
    topic: {
      entry,
      facet: facets[0]?.id,
      candidates: candidatesOf(ranking),
      rejected: [...(exclude ?? [])],
      decision: kind,
      at: now.getTime(),
    },
  })

  const unanswered = { text: mask(question.written), at: now.getTime() }
  const topic = message.inGroup ? privateTopic(content, entriesIn(decision)) : undefined
  if (topic)
    return {
      draft: { ...plainDraft(content, 'act', 'continuePrivately', { topic }), ...traceOf(ranking) },
      session: moved,
    }

  switch (decision.kind) {
    case 'answer':
      return tell(around, moved, decision.candidate.entry, { facets }, ranking)
    case 'ask-region':
      return {
        draft: {
          decision: 'ask-back',
          sections: [{ kind: 'note', text: say(content, 'askRegion') }],
          choices: decision.among.flatMap(({ entry }) =>
            entry.region
              ? [
                  {
                    label: `${regionName(content, entry.region)}：${entry.title}`,
                    entry: entry.id,
                    action: {
                      do: 'set-region' as const,
                      region: entry.region,
                      entry: entry.id,
                      facet: facets[0]?.id,
                    },
                  },
                ]
              : [],
          ),
          facet: facets[0]?.id,
          ...traceOf(ranking),
        },
        session: remember('ask-back', decision.among[0]?.entry.id),
      }
    case 'ask-back': {
      const [only] = decision.among.length === 1 ? decision.among : []
      // Who goes on about the only thing that was asked back, or told, means it.
      const isOffered = before.topic?.decision === 'ask-back' && offered(before).join() === only?.entry.id
      const isTold =
        leans &&
        before.topic?.decision === 'answer' &&
        only !== undefined &&
        only.entry.id === before.topic.entry
      if (only && (isOffered || isTold)) return tell(around, moved, only.entry, { facets }, ranking)
      const meant =
        exclude && isElliptical(question) ? likeTheLast(around, before, question, decision.among) : undefined
      if (meant) return tell(around, moved, meant, { facets }, ranking)
      const asked: Outcome = {
        draft: {
          decision: 'ask-back',
          sections: [
            ...(region === undefined || (!decision.sure && decision.among.length === 1)
              ? []
              : unsaidAmong(
                  content,
                  decision.among.map(({ entry }) => entry),
                  facets,
                )),
            { kind: 'note', text: say(content, questionFor(decision)) },
          ],
          choices: withRegionNames(content, entryChoices(decision.among, facets[0]), decision.among, region),
          facet: facets[0]?.id,
          region,
          ...traceOf(ranking),
        },
        session: { ...remember('ask-back'), unanswered },
      }
      const last = decision.sure ? undefined : goesOnFrom(around, before, question, region)
      return last ? perhapsOn(around, last, question, asked) : asked
    }
    case 'elsewhere':
      return {
        draft: { ...notHere(content, decision.there, decision.near, region, facets[0]), ...traceOf(ranking) },
        session: { ...remember('hand-over', decision.there[0]?.entry.id), unanswered },
      }
    case 'hand-over': {
      if (question.rest === '' || question.rest.length < 2)
        return {
          draft: {
            ...plainDraft(content, 'hand-over', facets.length > 0 ? 'whatAbout' : 'incomplete'),
            ...traceOf(ranking),
          },
          session: moved,
        }
      const handedOver: Outcome = {
        draft: { ...unsure(content, decision.why, question, region), ...traceOf(ranking) },
        session: { ...remember('hand-over'), unanswered },
      }
      const last = goesOnFrom(around, before, question, region)
      return last ? perhapsOn(around, last, question, handedOver) : handedOver
    }
  }
}

function questionFor({ among, sure }: Extract<Decision, { kind: 'ask-back' }>): PhraseName {
  if (among.length === 1) return 'askThis'
  return sure ? 'askWhich' : 'askWhichUnsure'
}

/** 「打错了，我问的是幼儿园的」 keeps the wish: of those that would be asked back the one most like what is turned down. */
function likeTheLast(
  { knowledge: { content, catalog, rank } }: Around,
  { topic }: Session,
  question: Question,
  among: readonly Candidate[],
): Entry | undefined {
  const last = entryOf(content, topic?.entry)
  if (last === undefined) return undefined
  const wish = catalog.readQuestion(`${question.text}${last.title.toLowerCase()}`)
  const only = new Set(among.map(({ entry }) => entry.id))
  const [first, second] = rank(wish, { only }).here
  return first && first.strength - (second?.strength ?? 0) >= CLEAR_LEAD ? first.entry : undefined
}

function withRegionNames(
  content: Content,
  choices: DraftChoice[],
  among: readonly Candidate[],
  region: string | undefined,
): DraftChoice[] {
  if (region !== undefined) return choices
  return choices.map((choice, i) => {
    const own = among[i]?.entry.region
    return own ? { ...choice, label: `${regionName(content, own)}：${choice.label}` } : choice
  })
}

/** What a reply to the decision would name. */
function entriesIn(decision: Decision): readonly Entry[] {
  switch (decision.kind) {
    case 'answer':
      return [decision.candidate.entry]
    case 'ask-region':
    case 'ask-back':
      return decision.among.map(({ entry }) => entry)
    case 'elsewhere':
      return decision.there.map(({ entry }) => entry)
    case 'hand-over':
      return []
  }
}

/** A topic that is nobody else's business, if one of the entries is about such. */
function privateTopic(content: Content, entries: readonly Entry[]): string | undefined {
  return entries
    .flatMap(({ topics }) => topics)
    .find((topic) => content.topics.some(({ name, private: secret }) => secret && name === topic))
}
