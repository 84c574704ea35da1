import { randomUUID } from 'node:crypto'
import type { Log } from '../model/channel.ts'
import type { UrgentKind } from '../model/content.ts'
import type { Message, Reply } from '../model/conversation.ts'
import type { Session } from '../model/session.ts'
import type { Database } from '../store/database.ts'
import { rememberReply, repliedBefore } from '../store/inbound.ts'
import { loadSession, saveSession } from '../store/sessions.ts'
import { inScript, normalize } from '../text/normalize.ts'
import { composeUrgent, type Draft, plainDraft } from './compose.ts'
import { CONTENT_DOWN, FALLBACK_HOTLINES } from './content-down.ts'
import { converse, type Outcome, type Outgoing, regionByName } from './converse.ts'
import type { Knowledge } from './knowledge.ts'
import { messagePace } from './pace.ts'
import { createUrgentLane, UNCLEAR } from './urgent.ts'
import { FALLBACK_URGENT } from './urgent-fallback.ts'

export interface TurnParts {
  /** The content in force; undefined while there is none. */
  readonly knowledge: () => Knowledge | undefined
  readonly db: Database
  readonly log: Log
  readonly now: () => Date
  /** Region of visitors who have named none. */
  readonly defaultRegion?: () => string | undefined
  readonly outgoing?: Outgoing | undefined
  /** Where visitors open our web pages. */
  readonly publicUrl?: string | undefined
  readonly allowPace?: ReturnType<typeof messagePace>
}

export type Turn = (message: Message) => Promise<Reply>

/** A message goes in, its reply is returned; what is remembered of it is stored before it is. */
export function createTurn(parts: TurnParts): Turn {
  const allow = parts.allowPace ?? messagePace()
  const fallbackUrgent = createUrgentLane(FALLBACK_URGENT)

  /** A full disk or a damaged file must silence nobody who only asks; what changes something still fails as a whole. */
  const unlessBroken = async <T>(work: Promise<T>, otherwise: T): Promise<T> => {
    try {
      return await work
    } catch (error) {
      parts.log.error(
        { error: String(error) },
        'the database fails: replies go out, but nothing is remembered. Look whether the disk of DATA_DIR is full and whether this user may write there',
      )
      return otherwise
    }
  }

  return async (message) => {
    const before = await unlessBroken(repliedBefore(parts.db, message), undefined)
    if (before) return before

    const now = parts.now()
    const knowledge = parts.knowledge()
    const { text, script, truncated } = normalize(message.text)
    const heard = (knowledge?.urgent ?? fallbackUrgent)(text)
    const urgent = heard && knowledge && isExplained(knowledge, heard, text) ? undefined : heard
    if (knowledge === undefined)
      return finish(urgent ? composeUrgent(urgent, FALLBACK_HOTLINES) : CONTENT_DOWN, {}, false)

    const { content } = knowledge
    const visitor = `${message.address.channel}:${message.address.chat}`
    if (!urgent && !allow(visitor, now.getTime()))
      return finish(plainDraft(content, 'small-talk', 'tooFast'), {}, false)

    const stored = await unlessBroken(loadSession(parts.db, message.address), {})
    // A bare digit or a button says nothing about the script; what the visitor wrote before does.
    const traditional = script === undefined ? (stored.traditional ?? false) : script === 'traditional'
    const region = message.region === undefined ? undefined : regionByName(content, message.region)
    const session: Session = { ...stored, traditional, ...(region && { region }) }
    const outcome: Outcome = urgent
      ? {
          draft: composeUrgent(urgent, content.hotlines),
          session: {
            ...session,
            urgent: { kind: urgent.id, at: now.getTime() },
            menu: undefined,
            pending: undefined,
          },
        }
      : await converse(
          {
            knowledge,
            db: parts.db,
            now,
            channel: message.address.channel,
            defaultRegion: parts.defaultRegion?.(),
            outgoing: parts.outgoing,
            publicUrl: parts.publicUrl,
          },
          message,
          text,
          session,
        )

    const menu = outcome.draft.choices?.length ? randomUUID().slice(0, 8) : undefined
    const remembered: Session = {
      ...outcome.session,
      menu: menu
        ? { id: menu, at: now.getTime(), actions: outcome.draft.choices?.map(({ action }) => action) ?? [] }
        : outcome.session.menu,
    }
    const noted: Draft = truncated
      ? {
          ...outcome.draft,
          sections: [...outcome.draft.sections, { kind: 'note', text: content.phrases.truncated }],
        }
      : outcome.draft
    const reply = finish(noted, menu ? { menu } : {}, traditional)
    const kept = async (): Promise<void> => {
      if (!outcome.forgotten) await saveSession(parts.db, message.address, remembered, now)
      await rememberReply(parts.db, message, reply, now, outcome.forgotten)
    }
    await unlessBroken(kept(), undefined)
    return reply
  }
}

/** A message that only sounds urgent may still plainly ask for something else. */
function isExplained({ catalog, rank, acts }: Knowledge, heard: UrgentKind, text: string): boolean {
  if (heard.id !== UNCLEAR) return false
  const question = catalog.readQuestion(text)
  if (acts.worded(text, question.written) !== undefined) return true
  const region = question.regions.at(-1)
  const { here, latin } = rank(question, { region })
  return !latin && (here[0]?.score ?? 0) >= (region === undefined ? PLAIN_QUESTION : PLAIN_FOR_A_TOWN)
}

// Of 2,900 urgent messages in which no wording was found, none in characters asks as plainly for something else, and none
// names a town of ours. Pinyin sounds like too much.
const PLAIN_QUESTION = 0.95
const PLAIN_FOR_A_TOWN = 0.4

function finish(draft: Draft, menu: { menu?: string }, traditional: boolean): Reply {
  const script = traditional ? 'traditional' : 'simplified'
  return {
    decision: draft.decision,
    sections: draft.sections.map((section) => ({ ...section, text: inScript(section.text, script) })),
    choices: (draft.choices ?? []).map(({ label, entry }) => ({
      label: inScript(label, script),
      ...(entry ? { entry } : {}),
    })),
    ...menu,
    entries: (draft.entries ?? []).slice(0, 5),
    score: draft.score ?? 0,
    ...(draft.intent ? { intent: draft.intent } : {}),
    ...(draft.facet ? { facet: draft.facet } : {}),
    ...(draft.region ? { region: draft.region } : {}),
    ...(draft.reasons ? { reasons: draft.reasons } : {}),
  }
}
