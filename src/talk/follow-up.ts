import { answerIn } from '../answer/catalog.ts'
import type { Question } from '../answer/question.ts'
import type { Content, Entry, Facet } from '../model/content.ts'
import type { Session } from '../model/session.ts'
import { type DraftChoice, plainDraft, regionName, say } from './compose.ts'
import type { Around, Outcome } from './converse.ts'
import { notHere } from './honest.ts'
import { candidatesOf, entryOf, tell, traceOf } from './tell.ts'

export const offered = ({ menu }: Session): string[] =>
  (menu?.actions ?? []).flatMap((action) => ('entry' in action && action.entry ? [action.entry] : []))
/** 「还有别的吗」: the neighbours of what was told, and what else came close. */
export function otherThings(around: Around, session: Session): Outcome | undefined {
  const { content } = around.knowledge
  const last = entryOf(content, session.topic?.entry ?? session.told?.[0])
  if (!last) return undefined
  const told = new Set(session.told)
  const others = [...last.related, ...(session.topic?.candidates ?? [])].filter((id) => !told.has(id))
  const choices = choicesOf(content, [...new Set(others)].slice(0, 4))
  return {
    draft: {
      ...plainDraft(content, 'ask-back', choices.length > 0 ? 'otherThings' : 'noOtherThings'),
      choices,
      entries: choices.flatMap(({ entry }) => entry ?? []),
      region: session.region,
    },
    session,
  }
}

function choicesOf(content: Content, ids: readonly string[], facet?: Facet): DraftChoice[] {
  return ids
    .flatMap((id) => entryOf(content, id) ?? [])
    .map((entry) => ({
      label: entry.title,
      entry: entry.id,
      action: { do: 'show-entry', entry: entry.id, facet: facet?.id },
    }))
}

/** Asks a question as if it had just been written. */
export type Ask = (question: Question, session: Session) => Outcome

/** The visitor turned the last answer down. @param askBut asks, but for some entries */
export function notThat(
  around: Around,
  session: Session,
  text: string,
  askBut: (exclude: ReadonlySet<string>, ...asked: Parameters<Ask>) => Outcome,
): Outcome {
  const { content } = around.knowledge
  const question = afterCorrection(around.knowledge.catalog.readQuestion, text)
  const topic = session.topic
  const rejected = [...(topic?.rejected ?? []), ...(topic?.entry ? [topic.entry] : [])]
  if (question.rest.length >= 2 && !/^不(?:是|对)/.test(question.text))
    return askBut(new Set(rejected), question, session)
  // 「说错了，我问的是昆明的」 takes back the region only.
  if (question.rest === '' && question.regions.length > 0) return askBut(new Set(), question, session)
  // The rivals come first, but for far ones; what was chosen from a list has none.
  const [rivals, far] = [(topic?.candidates ?? []).slice(0, 3), (topic?.candidates ?? []).slice(3)]
  const others = [...rivals, ...(entryOf(content, topic?.entry)?.related ?? []), ...far]
  const choices = choicesOf(content, [...new Set(others)].filter((id) => !rejected.includes(id)).slice(0, 3))
  return {
    draft: {
      decision: 'ask-back',
      sections: [{ kind: 'note', text: say(content, choices.length > 0 ? 'notThat' : 'noOtherThings') }],
      choices: [...choices, { label: say(content, 'humanLabel'), action: { do: 'hand-over' } }],
      entries: choices.flatMap(({ entry }) => entry ?? []),
      region: session.region,
    },
    session: topic ? { ...session, topic: { ...topic, entry: undefined, rejected } } : session,
  }
}

function afterCorrection(read: (text: string) => Question, text: string): Question {
  const rest = text.replace(
    /^(?:[哦噢啊呃额哎诶嗯,，\s]*(?:不对|不是|手滑了?|我?[搞说问打弄记看写]?[错混岔反]了)(?:这个|这|它|的|吧)?[,。!.、\s]*)+(?:我?(?:是|就是|明明)?(?:问|说|要|想问|想说|想找|要找)的?(?:不是这个|是)?|是)?(?:那个|的是)?[,。、\s]*/u,
    '',
  )
  return read(rest === '' ? text : rest)
}

/** 「那昆明呢」 keeps the wish and changes the region; 「要什么材料」 keeps the entry and changes the facet. */
export function followUp(
  around: Around,
  session: Session,
  question: Question,
  region: string | undefined,
  ask: Ask,
): Outcome | undefined {
  const { content, catalog } = around.knowledge
  const last = entryOf(content, session.topic?.entry)
  const said = question.regions.at(-1)
  const { facets } = question
  if (last === undefined) {
    if (facets.length > 0) return said === undefined ? askAgain(around, session, question) : undefined
    if (said === undefined) return undefined
    // 「杭州租房补贴」 was not ours to answer; 「那莲都呢」 asks the same of a place that is.
    const before = session.unanswered && withoutPlaces(catalog.readQuestion, session.unanswered.text)
    if (before && before.rest !== '')
      return ask({ ...before, regions: [] }, { ...session, unanswered: undefined })
    return {
      draft: {
        ...plainDraft(content, 'act', 'regionSet', { region: regionName(content, said) }),
        region: said,
      },
      session,
    }
  }
  if (said !== undefined && said !== last.region) return sameWishIn(around, session, question, last, said)
  if (facets.length > 0 || said !== undefined)
    return tell(around, { ...session, region: said ?? session.region ?? region }, last, {
      facets,
      facetFirst: true,
    })
  return ONCE_MORE.test(question.text) ? tell(around, session, last, {}) : undefined
}

/** Asks for what an answer begins with. */
const ONCE_MORE =
  /叫|名字|干(?:点|些)?[啥嘛什]|做(?:点|些)?[啥什]|用处|[啥么]用|意思|总共|一共|图个?[啥什]|为[了啥何]|介绍|讲讲|说说|具体/u

/** A detail asked while a choice is open: which of them it is about is still to be said. */
function askAgain(around: Around, session: Session, { facets }: Question): Outcome | undefined {
  if (session.topic?.decision !== 'ask-back') return undefined
  const { content } = around.knowledge
  const list = offered(session)
  const only = list.length === 1 ? entryOf(content, list[0]) : undefined
  if (only) return tell(around, session, only, { facets })
  const choices = choicesOf(content, list, facets[0])
  if (choices.length === 0) return undefined
  return {
    draft: {
      ...plainDraft(content, 'ask-back', 'askWhich'),
      choices,
      entries: choices.flatMap(({ entry }) => entry ?? []),
      facet: facets[0]?.id,
      region: session.region,
    },
    session,
  }
}

function withoutPlaces(read: (text: string) => Question, text: string): Question {
  const before = read(text)
  return read(before.unknownPlaces.reduce((rest, place) => rest.replaceAll(place, ''), before.text))
}

function sameWishIn(
  around: Around,
  session: Session,
  question: Question,
  last: Entry,
  region: string,
): Outcome {
  const { content, catalog, rank } = around.knowledge
  const facets =
    question.facets.length > 0
      ? question.facets
      : content.facets.filter(({ id }) => id === session.topic?.facet)
  const target = catalog.targets[catalog.byEntry.get(last.id) ?? -1]
  for (const intent of target?.intents ?? []) {
    const there = entryOf(content, answerIn(intent, region))
    if (there) return tell(around, session, there, { facets })
  }
  const ranking = rank(catalog.readQuestion(last.title.toLowerCase()), { region })
  const near = ranking.here
    .filter(
      ({ entry, score }) =>
        score >= WORTH_NAMING && entry.topics.some((topic) => last.topics.includes(topic)),
    )
    .slice(0, 2)
  const [nearest] = near
  if (nearest && nearest.score >= SAME_MATTER && nearest.entry.topics[0] === last.topics[0]) {
    const told = tell(around, session, nearest.entry, { facets, beside: facets.length > 0 }, ranking)
    const lead = say(content, 'notHereBut', {
      region: regionName(content, region),
      thing: target?.intents[0]?.title ?? last.title,
    })
    return {
      ...told,
      draft: { ...told.draft, sections: [{ kind: 'unsaid', text: lead }, ...told.draft.sections] },
    }
  }
  return {
    draft: {
      ...notHere(
        content,
        ranking.elsewhere.filter(({ entry }) => entry.id === last.id),
        near,
        region,
        facets[0],
        target?.intents[0]?.title,
      ),
      ...traceOf(ranking),
    },
    session: {
      ...session,
      topic: {
        entry: last.id,
        candidates: candidatesOf(ranking),
        rejected: [],
        decision: 'hand-over',
        at: around.now.getTime(),
      },
    },
  }
}

const WORTH_NAMING = 0.15
/** So sure the same words lead to an entry there that it need not be chosen first. */
const SAME_MATTER = 0.95
