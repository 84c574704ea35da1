import type { Question } from '../answer/question.ts'
import type { Content } from '../model/content.ts'
import type { Message } from '../model/conversation.ts'
import type { ChoiceAction, Session } from '../model/session.ts'
import type { Database } from '../store/database.ts'
import { type ActId, SURELY_HEARD } from './acts.ts'
import { carryOut, officeOf } from './carry-out.ts'
import { composeUrgent, type Draft, plainDraft, regionName, say } from './compose.ts'
import { eventBy, showEvent } from './events.ts'
import { notThat, otherThings } from './follow-up.ts'
import type { Knowledge } from './knowledge.ts'
import { chosenPosition, MENU_MS } from './menu.ts'
import { listedInAnswer, pointedAt } from './pointing.ts'
import { remindOf } from './remind.ts'
import { reply } from './reply.ts'
import { offeredAgain, offeredInstead } from './subscribing.ts'
import { entryOf, facetList, tell } from './tell.ts'

/** What a message leads to: the reply, and what is remembered of it. */
export interface Outcome {
  readonly draft: Draft
  readonly session: Session
  /** The visitor's data was erased: nothing may be written again. */
  readonly forgotten?: boolean
}

export interface Around {
  readonly knowledge: Knowledge
  readonly db: Database
  readonly now: Date
  /** Where the message came from. */
  readonly channel: string
  readonly defaultRegion?: string | undefined
  readonly outgoing?: Outgoing | undefined
  /** Where visitors open our web pages. */
  readonly publicUrl?: string | undefined
}

/** What can go out that is no reply. */
export interface Outgoing {
  /** The channels that can write to somebody first, as things stand. */
  readonly channels: () => readonly string[]
  /** `22:00-08:00` in Asia/Shanghai, or `off`. */
  readonly quietHours: string
}

/** A conversation's context ends after a quarter of an hour. */
const CONTEXT_MS = 15 * 60 * 1000

/** Everything but the urgent lane: menus, things asked to be done, follow-ups, small talk, questions. */
export async function converse(
  around: Around,
  message: Message,
  text: string,
  stored: Session,
): Promise<Outcome> {
  const { knowledge, now } = around
  const { content, catalog, acts } = knowledge
  let session = forgetStale(stored, now)
  if (message.choice) return choose(around, message, session, message.choice)
  if (message.unreadable || text === '')
    return { draft: plainDraft(content, 'small-talk', 'unreadable'), session }

  const position = chosenPosition(text)
  if (position !== undefined && session.menu)
    return listedInAnswer(around, session, text) ?? take(around, message, session, position)

  const question = catalog.readQuestion(text)
  const heard = actAsked(around, session, text, question)
  const insteadOfStaff = heard === 'ask-instead'
  if (insteadOfStaff) session = { ...session, pending: undefined }
  const act = insteadOfStaff ? undefined : heard
  const yes = act === 'yes' ? agreedTo(session) : undefined
  if (yes !== undefined) return take(around, message, session, yes)
  if (session.urgent && (act === undefined || act === 'yes')) {
    const still = stayUrgent(around, text, question, session)
    if (still === 'over') session = { ...session, urgent: undefined }
    else if (still) return still
  }
  const sourceAsked = act === 'source' ? facetList(content, '出处') : []
  const about = entryOf(content, session.topic?.entry)
  if (about && (act === 'more' || act === 'source'))
    return tell(around, session, about, { facets: sourceAsked, whole: act === 'more', facetFirst: true })
  if (act === 'simpler')
    return about
      ? tell(around, session, about, { brief: true })
      : { draft: plainDraft(content, 'hand-over', 'whatAbout'), session }
  if (act === 'others') {
    const others = otherThings(around, session)
    if (others) return others
  }

  if (act === undefined && COMMAND.test(text))
    return {
      draft: plainDraft(content, 'small-talk', 'unknownCommand', { command: text.split(/\s/)[0] ?? '' }),
      session,
    }

  const instead = offeredInstead(around, session, question, CORRECTS.test(text))
  if (instead) return instead
  const done = await carryOut(around, message, session, act, text, question)
  if (done && act === undefined && session.pending?.for === 'inquiry')
    return answeredToo(around, message, done, question)
  if (done) return done

  const talk = acts.smallTalk(text, question.written)
  if (talk)
    return { draft: { decision: 'small-talk', sections: [{ kind: 'note', text: talk.reply }] }, session }

  if (act === 'not-that')
    return notThat(around, session, text, (exclude, anew, from) =>
      reply(around, message, from, anew, { exclude }),
    )
  const replied = pointedAt(around, session, text, question) ?? reply(around, message, session, question, {})
  const { decision, score = 0 } = replied.draft
  if (decision === 'ask-back' && score < ASKED_BACK_FAINTLY)
    return offeredAgain(around, session, question) ?? replied
  if (decision !== 'hand-over') return replied
  if (act === 'events-perhaps')
    return (await carryOut(around, message, session, 'events', text, question)) ?? replied
  return offeredAgain(around, session, question) ?? replied
}

/** Said when staff were asked for: they are not needed after all. */
const TAKES_BACK = new Set<ActId>(['ask-instead', 'cancel'])

/** What the message asks to be done, in words that staff wrote down or as it is heard. */
function actAsked(around: Around, session: Session, text: string, question: Question): ActId | undefined {
  const { acts, rank } = around.knowledge
  // 「别管我了」 after an alarm ends no subscription.
  if (session.urgent) return acts.worded(text, question.written)
  const asked = acts.act(text, question.written)
  // What is written for staff is theirs, whatever it sounds like, unless they are no longer wanted.
  if (session.pending?.for === 'inquiry')
    return asked && TAKES_BACK.has(asked.act) && asked.likely >= SURELY_HEARD
      ? asked.act
      : acts.worded(text, question.written)
  if (asked === undefined || asked.likely === 1) return asked?.act
  if (pointedAt(around, session, text, question)) return undefined
  if (asked.likely >= SURELY_HEARD) return asked.act
  const region = question.regions.at(-1) ?? session.region ?? around.defaultRegion
  const isQuestion = (rank(question, { region }).here[0]?.score ?? 0) >= CLEAR_NEW_QUESTION
  const goesOn = session.topic?.entry !== undefined && question.rest === ''
  return isQuestion || goesOn ? undefined : asked.act
}

/** What a plain 「是的」 or 「好的」 chooses: the consent, or the only thing that was asked about. */
function agreedTo({ menu, topic, pending }: Session): number | undefined {
  const actions = menu?.actions ?? []
  if (pending?.for === 'consent' && actions[0]?.do === 'agree') return 0
  const things = actions.filter(({ do: does }) => does !== 'hand-over')
  return topic?.decision === 'ask-back' && things.length === 1 && things[0] === actions[0] ? 0 : undefined
}

const ASKED_BACK_FAINTLY = 0.5

const CORRECTS = /^[哦噢啊哎嗯,，\s]*(?:不对|不是|我?.[错混岔反]|手滑)/u

/** How Telegram writes commands; those we know are acts. */
const COMMAND = /^\/[a-z_]+(?:\s|@|$)/

/** What was written for staff is with them; if the files answer it, the visitor need not wait. */
function answeredToo(around: Around, message: Message, handedOver: Outcome, question: Question): Outcome {
  const answered = reply(around, message, handedOver.session, question, {})
  if (answered.draft.decision !== 'answer') return handedOver
  const office = officeOf(around.knowledge.content, answered.session.region ?? around.defaultRegion)
  const note = say(around.knowledge.content, 'handedOverToo', { office })
  return {
    ...answered,
    draft: { ...answered.draft, sections: [...answered.draft.sections, { kind: 'note', text: note }] },
  }
}

function forgetStale(session: Session, now: Date): Session {
  const fresh = (at: number | undefined, keep: number): boolean =>
    at !== undefined && now.getTime() - at <= keep
  return {
    ...session,
    topic: fresh(session.topic?.at, CONTEXT_MS) ? session.topic : undefined,
    told: fresh(session.topic?.at, CONTEXT_MS) ? session.told : undefined,
    menu: fresh(session.menu?.at, MENU_MS) ? session.menu : undefined,
    events: fresh(session.events?.at, CONTEXT_MS) ? session.events : undefined,
    pending:
      fresh(session.pending?.at, CONTEXT_MS) && isReadable(session.pending) ? session.pending : undefined,
    unanswered: fresh(session.unanswered?.at, CONTEXT_MS) ? session.unanswered : undefined,
    urgent: fresh(session.urgent?.at, CONTEXT_MS) ? session.urgent : undefined,
  }
}

/** A consent asked for before an update may be stored in another shape; it is asked for anew. */
const isReadable = (pending: Session['pending']): boolean =>
  pending?.for !== 'consent' || Array.isArray(pending.scope)

export function regionByName(content: Content, name: string): string | undefined {
  const wanted = name.trim().toLowerCase()
  return content.regions.find((region) =>
    [region.id, region.name, region.full, ...region.aliases].some((one) => one.toLowerCase() === wanted),
  )?.id
}

/** After an alarm the bot stays with it until a clear new question comes. Undefined: thanks are thanks. */
function stayUrgent(
  around: Around,
  text: string,
  question: Question,
  session: Session,
): Outcome | 'over' | undefined {
  const { content, rank, acts } = around.knowledge
  const kind = content.urgent.find(({ id }) => id === session.urgent?.kind)
  if (!kind) return 'over'
  const ranking = rank(question, { region: session.region ?? around.defaultRegion })
  if (question.rest !== '' && (ranking.here[0]?.score ?? 0) >= CLEAR_NEW_QUESTION) return 'over'
  if (RELIEF.test(text))
    return {
      draft: composeUrgent(kind, content.hotlines, say(content, 'urgentRelief')),
      session: { ...session, urgent: undefined },
    }
  if (acts.smallTalk(text, question.written)?.id === 'thanks') return undefined
  return { draft: composeUrgent(kind, content.hotlines, say(content, 'urgentStay')), session }
}

const CLEAR_NEW_QUESTION = 0.75
const RELIEF = /开玩笑|没事|好多了|好点了|不难受了|骗你的|逗你|说着玩/

async function choose(
  around: Around,
  message: Message,
  session: Session,
  { menu, index }: { readonly menu: string; readonly index: number },
): Promise<Outcome> {
  if (session.menu?.id !== menu)
    return { draft: plainDraft(around.knowledge.content, 'small-talk', 'menuExpired'), session }
  return take(around, message, session, index)
}

async function take(around: Around, message: Message, session: Session, index: number): Promise<Outcome> {
  const { content } = around.knowledge
  const actions = session.menu?.actions ?? []
  const action = actions[index]
  if (action === undefined)
    return {
      draft: plainDraft(content, 'small-talk', 'menuOutOfRange', { count: String(actions.length) }),
      session,
    }
  return perform(around, message, { ...session, menu: undefined }, action)
}

async function perform(
  around: Around,
  message: Message,
  session: Session,
  action: ChoiceAction,
): Promise<Outcome> {
  const { content } = around.knowledge
  switch (action.do) {
    case 'show-entry':
    case 'show-all': {
      const entry = entryOf(content, action.entry)
      if (!entry) return { draft: plainDraft(content, 'small-talk', 'menuExpired'), session }
      return tell(around, session, entry, {
        facets: facetList(content, action.facet),
        whole: action.do === 'show-all',
        facetFirst: action.facet !== undefined,
      })
    }
    case 'set-region': {
      const moved: Session = { ...session, region: action.region }
      const entry = entryOf(content, action.entry)
      if (entry) return tell(around, moved, entry, { facets: facetList(content, action.facet) })
      return {
        draft: plainDraft(content, 'act', 'regionSet', { region: regionName(content, action.region) }),
        session: moved,
      }
    }
    case 'show-event':
    case 'remind': {
      const event = eventBy(content, action.notice, around.now)
      if (!event) return { draft: plainDraft(content, 'small-talk', 'menuExpired'), session }
      return action.do === 'show-event'
        ? showEvent(around, session, event)
        : remindOf(around, message, session, event, action.lead)
    }
    case 'subscribe-in':
    case 'agree':
    case 'unsubscribe':
    case 'cancel':
    case 'hand-over': {
      const done = await carryOut(around, message, session, action)
      return done ?? { draft: plainDraft(content, 'small-talk', 'menuExpired'), session }
    }
  }
}
