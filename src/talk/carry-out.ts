import type { Question } from '../answer/question.ts'
import type { Content } from '../model/content.ts'
import type { Message } from '../model/conversation.ts'
import type { ChoiceAction, Session } from '../model/session.ts'
import { momentInWords } from '../model/when.ts'
import { addInquiry } from '../store/inquiries.ts'
import { erase, personalData } from '../store/personal-data.ts'
import { subscriptionsOf } from '../store/subscriptions.ts'
import type { ActId } from './acts.ts'
import { type Draft, dayInShanghai, plainDraft, regionName, say } from './compose.ts'
import type { Around, Outcome } from './converse.ts'
import { eventsIn, showEvents, type Wanted } from './events.ts'
import { mask } from './mask.ts'
import { askedToRemind, callOffReminders } from './remind.ts'
import {
  agreeToSubscribe,
  endSubscriptions,
  keepOnly,
  listSubscriptions,
  offerSubscription,
  scopeInWords,
  topicsIn,
} from './subscribing.ts'
import { spanIn } from './when.ts'

/**
 * Does what the visitor asked to be done, by words or by a choice. Undefined: nothing was asked to be done,
 * so the message is a question.
 */
export async function carryOut(
  around: Around,
  message: Message,
  session: Session,
  asked: ActId | ChoiceAction | undefined,
  text = '',
  question?: Question,
): Promise<Outcome | undefined> {
  const { content } = around.knowledge
  const act = typeof asked === 'object' ? asked.do : asked
  const pending = session.pending
  const calm: Session = { ...session, pending: undefined }
  const one = (
    name: Parameters<typeof say>[1],
    slots: Record<string, string> = {},
    next: Session = calm,
  ): Outcome => ({
    draft: plainDraft(content, 'act', name, slots),
    session: next,
  })
  const region = question?.regions.at(-1) ?? session.region ?? around.defaultRegion

  switch (act) {
    case 'start':
      return one('greeting', { regions: regionList(content) })
    case 'help':
      return one('help', { regions: regionList(content) })
    case 'events':
    case 'events-perhaps':
      return eventsAsked(around, calm, { region, topics: topicsIn(content, text), text }, act === 'events')
    case 'remind':
      return askedToRemind(around, message, calm, { text, region, topics: topicsIn(content, text) })
    case 'call-off-reminder':
      return callOffReminders(around, message, calm, { text, region, topics: [] })
    case 'change-region': {
      const said = question?.regions.at(-1)
      // 「换成莲都」 in the middle of a matter asks for the same there.
      if (said && session.topic?.entry) return undefined
      if (said) return one('regionSet', { region: regionName(content, said) }, { ...calm, region: said })
      return { draft: regionMenu(content, 'regionWhich'), session: calm }
    }
    case 'human':
    case 'hand-over':
      if (session.unanswered) {
        await addInquiry(around.db, message.address, region, session.unanswered.text, around.now)
        return one('handedOver', { office: officeOf(content, region) }, { ...calm, unanswered: undefined })
      }
      return one('handOverAsk', {}, { ...calm, pending: { for: 'inquiry', at: around.now.getTime() } })

    case 'subscribe':
    case 'subscribe-in':
    case 'subscribe-to':
    case 'subscribe-more': {
      const isNamed = topicsIn(content, text).length > 0 || (question?.regions.length ?? 0) > 0
      if (act === 'subscribe-to' && !isNamed) break
      if (
        act === 'subscribe-more' &&
        !(isNamed && text.includes('订')) &&
        pending?.for !== 'consent' &&
        (await subscriptionsOf(around.db, message.address)).length === 0
      )
        break
      if (message.inGroup) return one('subscribeInPrivate')
      const waiting = pending?.for === 'consent' ? pending.scope.at(-1)?.region : undefined
      const where = act === 'subscribe-more' ? (question?.regions.at(-1) ?? waiting ?? region) : region
      return offerSubscription(around, message, calm, asked, text, where, pending)
    }
    case 'my-subscriptions':
      return listSubscriptions(around, message, session)
    case 'unsubscribe':
    case 'unsubscribe-perhaps':
    case 'unsubscribe-from': {
      const ended = await endSubscriptions(around, message, calm, act, {
        topics: topicsIn(content, text),
        region: question?.regions[0],
        pending,
        chosen: typeof asked === 'object' && asked.do === 'unsubscribe' ? asked.scope : undefined,
      })
      if (ended) return ended
      break
    }
    case 'keep-only': {
      const kept = await keepOnly(around, message, calm, text, question?.regions.at(-1), pending)
      if (kept) return kept
      break
    }

    case 'my-data':
      return showMyData(around, message, calm)
    case 'erase-my-data':
      return askErasure(around, calm)

    case 'agree':
      if (pending?.for === 'erasure') {
        await erase(around.db, message.address, around.now)
        return { ...one('erased'), forgotten: true, session: {} }
      }
      // 「好，删掉」 agrees to no subscription.
      if (pending?.for === 'consent' && !/删|清/.test(text)) {
        const subscribed = await agreeToSubscribe(around, message, pending)
        return one('subscribed', { scope: scopeInWords(content, subscribed) })
      }
      return undefined
    case 'yes':
      // What cannot be undone takes the word itself.
      return pending?.for === 'erasure' ? askErasure(around, calm) : undefined
    case 'cancel':
      return one(
        pending?.for === 'erasure'
          ? 'eraseCancelled'
          : pending?.for === 'inquiry'
            ? 'nothingToHandOver'
            : /删/.test(text)
              ? 'eraseCancelled'
              : 'cancelled',
      )
  }
  if (pending?.for === 'inquiry' && text !== '') {
    await addInquiry(
      around.db,
      message.address,
      region,
      mask(message.text.slice(0, 2000)).slice(0, 500),
      around.now,
    )
    return one('handedOver', { office: officeOf(content, region) })
  }
  return announced(around, calm, text, region)
}

function askErasure({ now, knowledge: { content } }: Around, session: Session): Outcome {
  return {
    draft: {
      ...plainDraft(content, 'act', 'eraseConfirm'),
      choices: [
        { label: say(content, 'eraseLabel'), action: { do: 'agree' } },
        { label: say(content, 'keepLabel'), action: { do: 'cancel' } },
      ],
    },
    session: { ...session, pending: { for: 'erasure', at: now.getTime() } },
  }
}

/** 「最近有什么志愿活动」 may be about what the documents say, when nothing of the kind is announced. */
function eventsAsked(around: Around, session: Session, wanted: Wanted, isSure: boolean): Outcome | undefined {
  const { content } = around.knowledge
  const announced = eventsIn(content, { ...wanted, text: '' }, around.now).length > 0
  return (!isSure || wanted.topics.length > 0) && !announced ? undefined : showEvents(around, session, wanted)
}

/** 「明天下午的招聘会」 names a time and a kind of event: announced events come first, if there are any. */
function announced(
  around: Around,
  session: Session,
  text: string,
  region: string | undefined,
): Outcome | undefined {
  const { content } = around.knowledge
  const speaksOfATime = /最近|近期/.test(text) || spanIn(text, around.now) !== undefined
  if (content.notices.length === 0 || !speaksOfATime) return undefined
  const wanted = { region, topics: topicsIn(content, text), text }
  if (wanted.topics.length === 0 || eventsIn(content, wanted, around.now).length === 0) return undefined
  return showEvents(around, session, wanted)
}

async function showMyData(around: Around, message: Message, session: Session): Promise<Outcome> {
  const { content } = around.knowledge
  const data = await personalData(around.db, message.address)
  const lines = [
    ...(data.region ? [say(content, 'dataRegion', { region: regionName(content, data.region) })] : []),
    ...(data.subscriptions.length > 0
      ? [say(content, 'dataSubscriptions', { scope: scopeInWords(content, data.subscriptions) })]
      : []),
    ...data.reminders.map(({ title, due }) =>
      say(content, 'dataReminder', { title, due: momentInWords(due) }),
    ),
    ...data.consents.map(({ given_at, withdrawn_at }) =>
      withdrawn_at === null
        ? say(content, 'dataConsent', { day: dayOf(given_at) })
        : say(content, 'dataConsentWithdrawn', { day: dayOf(given_at), until: dayOf(withdrawn_at) }),
    ),
    ...data.inquiries.map(({ question, created_at }) =>
      say(content, 'dataInquiry', { day: dayOf(created_at), question }),
    ),
  ]
  const draft: Draft =
    lines.length === 0
      ? plainDraft(content, 'act', 'myDataNothing')
      : plainDraft(content, 'act', 'myData', { list: `\n${lines.join('\n')}\n` })
  return { draft, session }
}

function regionMenu(content: Content, name: 'regionWhich'): Draft {
  return {
    ...plainDraft(content, 'act', name),
    choices: content.regions.map(({ id, name: label }) => ({
      label,
      action: { do: 'set-region', region: id },
    })),
  }
}

const regionList = (content: Content): string => content.regions.map(({ name }) => name).join('、')
/** Whom to ask in person. */
export const officeOf = (content: Content, region: string | undefined): string =>
  content.regions.find(({ id }) => id === region)?.office ??
  content.regions.map(({ office }) => office).join('、')
const dayOf = (time: number): string => dayInShanghai(new Date(time))
