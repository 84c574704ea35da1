import { createHash } from 'node:crypto'
import type { Question } from '../answer/question.ts'
import type { Content } from '../model/content.ts'
import type { Message } from '../model/conversation.ts'
import type { ChoiceAction, Pending, Session } from '../model/session.ts'
import {
  ALL_TOPICS,
  type Subscription,
  subscribe,
  subscriptionsOf,
  unsubscribe,
} from '../store/subscriptions.ts'
import { clausesOf } from '../text/clauses.ts'
import { inScript } from '../text/normalize.ts'
import type { ActId } from './acts.ts'
import { plainDraft, regionName, say } from './compose.ts'
import { LITTLE_SAID } from './context.ts'
import type { Around, Outcome } from './converse.ts'
import { inWords, waitingReminders } from './remind.ts'

/** What a visitor is shown and agrees to before anything is sent to him. */
type Consent = Extract<Pending, { for: 'consent' }>

export async function offerSubscription(
  around: Around,
  message: Message,
  session: Session,
  asked: ActId | ChoiceAction | undefined,
  text: string,
  region: string | undefined,
  pending: Session['pending'],
): Promise<Outcome> {
  const { content } = around.knowledge
  const said =
    typeof asked === 'object' && asked.do === 'subscribe-in' ? asked.topics : topicsIn(content, text)
  const where = typeof asked === 'object' && asked.do === 'subscribe-in' ? asked.region : region
  const before = asked === 'subscribe-more' && pending?.for === 'consent' ? pending.scope : []
  const topics = said.length > 0 ? said : [ALL_TOPICS]
  if (where === undefined)
    return {
      draft: {
        ...plainDraft(content, 'act', 'subscribeFirst'),
        choices: content.regions.map(({ id, name }) => ({
          label: name,
          action: { do: 'subscribe-in', region: id, topics },
        })),
      },
      session,
    }
  const wanted = topics.map((topic) => ({ region: where, topic }))
  const current = await subscriptionsOf(around.db, message.address)
  const has = (one: Subscription): boolean =>
    current.some((sub) => sub.region === one.region && (sub.topic === one.topic || sub.topic === ALL_TOPICS))
  if (wanted.every(has))
    return {
      draft: plainDraft(content, 'act', 'alreadySubscribed', { scope: scopeInWords(content, wanted) }),
      session,
    }
  // 「志愿的也要」 after everything was offered means that topic.
  const kept = before.filter((one) => one.topic !== ALL_TOPICS || one.region !== where)
  return askConsent(around, session, withAdded(kept, wanted))
}

function askConsent(
  { now, knowledge: { content } }: Around,
  session: Session,
  scope: readonly Subscription[],
): Outcome {
  const consent = plainDraft(content, 'act', 'consent', { scope: scopeInWords(content, scope) })
  const shown = inScript(consent.sections[0]?.text ?? '', session.traditional ? 'traditional' : 'simplified')
  return {
    draft: {
      ...consent,
      choices: [
        { label: say(content, 'consentLabel'), action: { do: 'agree' } },
        { label: say(content, 'declineLabel'), action: { do: 'cancel' } },
      ],
      region: scope.at(-1)?.region,
    },
    session: { ...session, pending: { for: 'consent', scope, shown, at: now.getTime() } },
  }
}

/**
 * Ends what is named, or everything. 「体育的不要了」 may be about anything: undefined when it names nothing that is
 * subscribed or waits for consent. 「退订」 never fails on a detail: what does not match anything ends everything. What is
 * only heard asks before it ends what is subscribed.
 */
export async function endSubscriptions(
  around: Around,
  message: Message,
  session: Session,
  act: 'unsubscribe' | 'unsubscribe-perhaps' | 'unsubscribe-from',
  {
    topics,
    region,
    pending,
    chosen,
  }: {
    readonly topics: readonly string[]
    readonly region: string | undefined
    readonly pending: Session['pending']
    /** What the visitor said yes to. */
    readonly chosen?: readonly Subscription[] | undefined
  },
): Promise<Outcome | undefined> {
  const { content } = around.knowledge
  const note = (...texts: readonly string[]): Outcome => ({
    draft: { decision: 'act', sections: texts.map((text) => ({ kind: 'note', text })) },
    session,
  })
  const current = await subscriptionsOf(around.db, message.address)
  const reminders = await waitingReminders(around, message)
  const offered = pending?.for === 'consent' ? pending.scope : []
  const isNamed = topics.length > 0 || region !== undefined || chosen !== undefined
  const isMeant = (one: Subscription): boolean =>
    (region === undefined || one.region === region) &&
    (topics.length === 0 || topics.includes(one.topic)) &&
    (chosen === undefined || includes(chosen, one))
  const turnsDown = !isNamed && offered.length > 0
  if (act === 'unsubscribe-from' && !turnsDown && !(isNamed && [...current, ...offered].some(isMeant)))
    return undefined

  const left = offered.filter((one) => !isMeant(one))
  if (isNamed && left.length > 0 && left.length < offered.length) {
    const asked = askConsent(around, session, left)
    const narrowed = note(say(content, 'subscriptionNarrowed', { topics: topics.join('、') }))
    return {
      ...asked,
      draft: { ...asked.draft, sections: [...narrowed.draft.sections, ...asked.draft.sections] },
    }
  }
  const ended = current.filter(isMeant)
  const isOnlyOffered =
    (isNamed && ended.length === 0 && left.length < offered.length) ||
    (turnsDown && (act === 'unsubscribe-from' || (act === 'unsubscribe-perhaps' && current.length === 0)))
  if (isOnlyOffered || (current.length === 0 && reminders.length === 0))
    return note(
      offered.length > 0
        ? say(content, 'subscriptionDropped', { scope: scopeInWords(content, offered) })
        : say(content, message.inGroup ? 'unsubscribeInPrivate' : 'notSubscribed'),
    )

  const partly = ended.length > 0 && isNamed
  if (act === 'unsubscribe-perhaps')
    return current.length > 0
      ? askWhether(around, session, partly ? ended : current, partly)
      : note(say(content, 'remindersStay', { list: inWords(reminders) }))
  await unsubscribe(around.db, message.address, around.now, partly ? ended : undefined)
  const scope = scopeInWords(content, ended.length > 0 ? ended : current)
  const list = inWords(reminders)
  return note(
    ...(current.length > 0 ? [say(content, 'unsubscribed', { scope })] : []),
    ...(reminders.length > 0 ? [say(content, partly ? 'remindersStay' : 'remindCalledOff', { list })] : []),
  )
}

/** What was only heard to end something is asked once more; 「退订」 ends it at once. */
function askWhether(
  { knowledge: { content } }: Around,
  session: Session,
  ending: readonly Subscription[],
  partly: boolean,
): Outcome {
  return {
    draft: {
      ...plainDraft(content, 'act', 'unsubscribeConfirm', { scope: scopeInWords(content, ending) }),
      choices: [
        {
          label: say(content, partly ? 'unsubscribeLabel' : 'unsubscribeAllLabel'),
          action: { do: 'unsubscribe', scope: partly ? ending : undefined },
        },
        { label: say(content, 'stayLabel'), action: { do: 'cancel' } },
      ],
    },
    session,
  }
}

/**
 * 「电商不要，只留体育」: everything else ends, what is named stays or is offered instead. Undefined: nothing is named, or
 * nothing is subscribed or waits for consent.
 */
export async function keepOnly(
  around: Around,
  message: Message,
  session: Session,
  text: string,
  said: string | undefined,
  pending: Session['pending'],
): Promise<Outcome | undefined> {
  const { content } = around.knowledge
  const topics = clausesOf(text)
    .filter((clause) => KEEPS.test(clause.text))
    .flatMap((clause) => topicsIn(content, clause.text))
  const current = await subscriptionsOf(around.db, message.address)
  const offered = pending?.for === 'consent' ? pending.scope : []
  const region = said ?? offered[0]?.region ?? current[0]?.region
  if (topics.length === 0 || region === undefined) return undefined
  const isKept = (one: Subscription): boolean => one.region === region && topics.includes(one.topic)
  // What only waits for consent is narrowed by itself: what is subscribed was not spoken of.
  const ended = offered.length > 0 ? [] : current.filter((one) => !isKept(one))
  if (ended.length > 0) await unsubscribe(around.db, message.address, around.now, ended)
  const ending =
    ended.length > 0 ? [say(content, 'unsubscribed', { scope: scopeInWords(content, ended) })] : []
  const sections = ending.map((line) => ({ kind: 'note' as const, text: line }))
  const isMissing = topics.some((topic) => !current.some((one) => isKept(one) && one.topic === topic))
  if (!isMissing) {
    const list = scopeInWords(content, current.filter(isKept))
    sections.push({ kind: 'note', text: say(content, 'subscriptions', { list }) })
    return { draft: { decision: 'act', sections }, session }
  }
  const asked = askConsent(
    around,
    session,
    topics.map((topic) => ({ region, topic })),
  )
  return { ...asked, draft: { ...asked.draft, sections: [...sections, ...asked.draft.sections] } }
}

const KEEPS = /[只光就].*[留订]/u

/**
 * 「打错，是呼和浩特的」, 「那就消费文旅」 while a subscription waits for consent: the same with what is said instead.
 * Undefined: none waits, or nothing of the kind is said.
 */
export function offeredInstead(
  around: Around,
  session: Session,
  { written, gist, regions }: Question,
  isCorrection: boolean,
): Outcome | undefined {
  const { pending } = session
  const { content } = around.knowledge
  const region = regions.at(-1)
  const topics = topicsIn(content, written)
  const saysOnlyThem = content.topics.some(({ name, words }) => [name, ...words].includes(gist))
  if (pending?.for !== 'consent' || !(isCorrection || saysOnlyThem)) return undefined
  if (topics.length === 0 && region === undefined) return undefined
  const where = region ?? pending.scope.at(-1)?.region
  if (where === undefined) return undefined
  const named = topics.length > 0 ? topics : [...new Set(pending.scope.map(({ topic }) => topic))]
  const said = named.map((topic) => ({ region: where, topic }))
  const kept = ADDS.test(written) && !isCorrection ? pending.scope : []
  return askConsent(around, session, withAdded(kept, said))
}

const ADDS = /[也再还加]/u
const includes = (list: readonly Subscription[], { region, topic }: Subscription): boolean =>
  list.some((one) => one.region === region && one.topic === topic)
/** Both, each once. */
const withAdded = (list: readonly Subscription[], added: readonly Subscription[]): Subscription[] => [
  ...list.filter((one) => !includes(added, one)),
  ...added,
]

/**
 * 「多久推一回啊」, 「创业的也加进去」 while a subscription waits for consent: what would be agreed to, once more, with what is
 * added.
 */
export function offeredAgain(
  around: Around,
  session: Session,
  { gist, written, regions }: Question,
): Outcome | undefined {
  const { pending } = session
  if (pending?.for !== 'consent' || gist.length > LITTLE_SAID) return undefined
  const region = regions.at(-1) ?? pending.scope.at(-1)?.region
  const topics = ADDS.test(written) ? topicsIn(around.knowledge.content, written) : []
  const added = region === undefined ? [] : topics.map((topic) => ({ region, topic }))
  return askConsent(around, session, withAdded(pending.scope, added))
}

export async function listSubscriptions(
  around: Around,
  message: Message,
  session: Session,
): Promise<Outcome> {
  const { content } = around.knowledge
  const current = await subscriptionsOf(around.db, message.address)
  const pending = session.pending
  const waiting =
    pending?.for === 'consent'
      ? say(content, 'subscriptionsPending', { scope: scopeInWords(content, pending.scope) })
      : ''
  const list =
    current.length > 0 ? say(content, 'subscriptions', { list: scopeInWords(content, current) }) : ''
  const coming = await waitingReminders(around, message)
  const reminders = coming.length > 0 ? say(content, 'reminders', { list: inWords(coming) }) : ''
  const text = [list, reminders, waiting].filter(Boolean).join('\n') || say(content, 'notSubscribed')
  return {
    draft: {
      decision: 'act',
      sections: [{ kind: 'note', text }],
      ...(waiting
        ? {
            choices: [
              { label: say(content, 'consentLabel'), action: { do: 'agree' } },
              { label: say(content, 'declineLabel'), action: { do: 'cancel' } },
            ],
          }
        : {}),
    },
    session,
  }
}

/** Records what was agreed to, with the words that were shown. */
export async function agreeToSubscribe(
  { db, now, knowledge: { content } }: Around,
  message: Message,
  pending: Consent,
): Promise<Subscription[]> {
  const consent = { text: pending.shown, version: versionOf(content.phrases.consent) }
  await subscribe(db, message.address, pending.scope, consent, now)
  return subscriptionsOf(db, message.address)
}

/** Changes when staff change the consent text; the words themselves, filled in as they were read, are kept beside it. */
const versionOf = (text: string): string => createHash('sha256').update(text).digest('hex').slice(0, 8)

/** The topics a message names, by name or by an everyday word for it. */
export function topicsIn(content: Content, text: string): string[] {
  return content.topics
    .filter(({ name, words }) => [name, ...words].some((word) => text.includes(word)))
    .map(({ name }) => name)
}

/** 「昆明·创业、志愿；莲都·全部主题」 */
export function scopeInWords(content: Content, subscriptions: readonly Subscription[]): string {
  const byRegion = new Map<string, string[]>()
  for (const { region, topic } of subscriptions)
    byRegion.set(region, [
      ...(byRegion.get(region) ?? []),
      topic === ALL_TOPICS ? say(content, 'allTopics') : topic,
    ])
  const order = content.topics.map(({ name }) => name)
  return [...byRegion]
    .map(([region, topics]) => {
      const sorted = topics.sort((a, b) => order.indexOf(a) - order.indexOf(b))
      return `${regionName(content, region)}·${sorted.join('、')}`
    })
    .join('；')
}
