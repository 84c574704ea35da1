import { answerIn } from '../answer/catalog.ts'
import { FEATURES } from '../answer/judge.ts'
import type { Question } from '../answer/question.ts'
import type { Candidate, Ranking } from '../answer/rank.ts'
import type { Content, Entry, Facet } from '../model/content.ts'
import type { Session } from '../model/session.ts'
import { type DraftChoice, entryChoices, plainDraft, regionName, say } from './compose.ts'
import type { Around, Outcome } from './converse.ts'
import { notHere } from './honest.ts'
import { candidatesOf, entryOf, tell, traceOf } from './tell.ts'

/**
 * 「后面那个怎么申请」, 「第二个要什么材料」, 「刚才说的补贴多少钱」: something told or offered before is pointed at.
 * Undefined: nothing is, or nobody can say what.
 */
export function pointedAt(around: Around, session: Session, text: string): Outcome | undefined {
  const { content, catalog, rank } = around.knowledge
  const read = catalog.readQuestion
  const show = (entry: Entry | undefined, { facets }: Question): Outcome | undefined =>
    entry && tell(around, session, entry, { facets, facetFirst: facets.length > 0 })

  const place = placeInList(text)
  if (place) {
    const question = read(place.rest)
    const { together, decision, entry } = session.topic ?? {}
    const item =
      together === undefined && decision === 'answer' ? itemIn(entryOf(content, entry), place.position) : ''
    if (item) {
      const [first] = rank(read(`${item}${place.rest}`), { region: session.region }).here
      if (first && holds(first.entry, item)) return show(first.entry, question)
    }
    const list = together ?? offered(session)
    if (question.rest.length <= LITTLE) return show(entryOf(content, list.at(place.position)), question)
  }

  const back = GOING_BACK.exec(text)
  const told = session.told ?? []
  if (!back || told.length === 0) return undefined
  const question = read(text.replace(GOING_BACK, ''))
  if (question.rest === '') {
    const isLast = told[0] === session.topic?.entry
    return show(entryOf(content, back[1] && isLast ? (told[1] ?? told[0]) : told[0]), question)
  }
  const { here } = rank(question, { only: new Set(told) })
  const [first, second] = here.filter(speaksOf)
  if (first === undefined) return undefined
  const onlyOne = question.rest.length <= LITTLE && first.strength - (second?.strength ?? 0) >= CLEAR_LEAD
  return agrees(first) || onlyOne ? show(first.entry, question) : undefined
}

/** What is left of a message that points at a place in a list may say little else. */
const LITTLE = 4
/** The first group: the visitor leaves what was told last. */
const GOING_BACK =
  /(?:还是)?(?:再|接着)?(说回|回到|再说说|说说)?(?:刚才|刚刚|上面|之前|开头|一开始|前面)(?:你?(?:说|讲|问|提|聊)(?:的|到的|过的)?|那个?|的)*/u

/** 「第二个…」, 「前一个…」, 「最后那个…」 at the beginning of a message; negative positions count from the end. */
function placeInList(text: string): { readonly position: number; readonly rest: string } | undefined {
  const match =
    /^(?:那|就|我?想?(?:问|说|要|看)的?是?)?(?:第([一二三四1-4])(?:个|条|项|种|类)|(前者|(?:前|头)(?:面)?(?:那|一|的那)个)|(后者|最后(?:那|一|的那)[个种类]|后(?:面)?(?:那|一|的那)[个种类]))/u.exec(
      text,
    )
  if (match === null) return undefined
  const [whole, nth, first] = match
  const rest = text.slice(whole.length)
  if (nth !== undefined) return { position: ('一二三四'.indexOf(nth) + 1 || Number(nth)) - 1, rest }
  return { position: first === undefined ? -1 : 0, rest }
}

/** What stands at a place in the first list that an answer gives: 「公租房、保障性租赁住房、共有产权住房」. */
function itemIn(entry: Entry | undefined, position: number): string {
  const list = /[^，。；：、]+(?:、[^，。；：、]+)+/u.exec(entry?.answer ?? '')?.[0]
  const items = list?.split(/、|和|以及|等/u).filter((item) => item !== '') ?? []
  return items.at(position)?.replace(/[“”《》]/gu, '') ?? ''
}

const holds = ({ title, answer, aliases }: Entry, item: string): boolean =>
  [title, answer, ...aliases].some((text) => text.replace(/[“”《》]/gu, '').includes(item))

const offered = ({ menu }: Session): string[] =>
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
    /^(?:(?:不对|不是|[搞说问打弄]?错了)(?:这个|这|它|的|吧)?[,。!.、\s]*)+(?:我(?:是|就是|明明)?(?:问|说|要|想问|想说)的?(?:不是这个|是)?)?(?:那个|的是)?[,。、\s]*/u,
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
  return ONCE_MORE.test(question.written) ? tell(around, session, last, {}) : undefined
}

/** Asks for what an answer begins with. */
const ONCE_MORE = /叫|名字|总共|一共|介绍|讲讲|说说|具体/u

/**
 * 「那店呢」 after 「30道养生美食、30家体验示范店」, 「给多少个岗位」: a word beside a figure of what was just told is taken
 * up. Undefined: it is not.
 */
export function takenUp(
  around: Around,
  session: Session,
  question: Question,
): { readonly outcome: Outcome; readonly plainly: boolean } | undefined {
  const { content, catalog } = around.knowledge
  const last = entryOf(content, session.topic?.entry)
  if (last === undefined || session.topic?.decision !== 'answer' || question.regions.length > 0)
    return undefined
  const { facets } = question
  if (facets.some(({ id }) => !OF_FIGURES.has(id))) return undefined
  const word = question.rest.replace(/^[那要给有都]+|(?:的|那种|那个|这种|这个|呢)+$/gu, '')
  const clauses = [last.answer, ...Object.values(last.facets)]
    .join('，')
    .toLowerCase()
    .split(/[，。；：]/u)
  if (word === '' || !clauses.some((clause) => clause.includes(word) && /\d/.test(clause.replace(word, ''))))
    return undefined
  const position = catalog.byEntry.get(last.id)
  const others = [...catalog.findNamed(question.text)].filter(
    ([at, plainness]) => at !== position && plainness === 1,
  )
  if (others.length > 0) return undefined
  const said = facets.filter(({ id }) => last.facets[id] !== undefined)
  return {
    outcome: tell(around, session, last, { facets: said, facetFirst: true }),
    plainly: word.length === 1 || /\d/.test(word) || facets.length > 0,
  }
}

const OF_FIGURES = new Set(['数量', '标准'])

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

/** A question this short leans on what was said before. */
export const isElliptical = ({ rest }: Question): boolean => rest.length <= 6

/** What an elliptical question may be about: the last entry, its neighbours, the other candidates of that question, what was told before. */
export function contextOf(content: Content, session: Session): Set<string> | undefined {
  const { topic, told = [] } = session
  if (!topic) return undefined
  const last = entryOf(content, topic.entry)
  const near = content.entries.filter(
    (other) =>
      last?.source?.clause !== undefined &&
      other.region === last.region &&
      other.source?.clause === last.source.clause &&
      other.topics[0] === last.topics[0],
  )
  return new Set([
    ...(topic.entry ? [topic.entry] : []),
    ...topic.candidates,
    ...(last?.related ?? []),
    ...near.map(({ id }) => id),
    ...told,
  ])
}

/**
 * 「钱的事先说」, 「场地呢」: too little to be understood alone, but among the few things the conversation is about one
 * may fit, or a few may.
 * @param orAsk asks which, where several fit
 */
export function fromContext(
  around: Around,
  session: Session,
  question: Question,
  region: string | undefined,
  context: ReadonlySet<string>,
  orAsk: boolean,
): Outcome | undefined {
  const { rank } = around.knowledge
  const only = new Set([...context].filter((id) => id !== session.topic?.entry))
  const ranking = rank(question, { region, only })
  // Where other candidates were close, one of the few must stand out plainly.
  const fitting = ranking.here.filter(orAsk ? agrees : speaksOf)
  const [first, second] = fitting
  if (first === undefined) return undefined
  if (first.strength - (second?.strength ?? 0) >= (orAsk ? CLEAR_LEAD : FAR_LEAD))
    return tell(around, session, first.entry, { facets: question.facets }, leaning(ranking, first.entry))
  if (!orAsk) return undefined
  return askAmong(around, session, question, region, fitting, ranking)
}

/** 「钱的事先说」 when nothing fits plainly: those of the few that speak of such things, to choose from. */
export function anyOf(
  around: Around,
  session: Session,
  question: Question,
  region: string | undefined,
  context: ReadonlySet<string>,
): Outcome | undefined {
  if (question.rest.length > LITTLE || question.notOurs.length > 0) return undefined
  if (session.topic?.decision === 'hand-over') return undefined
  const only = new Set([...context].filter((id) => id !== session.topic?.entry))
  const ranking = around.knowledge.rank(question, { region, only })
  const fitting = ranking.here.filter(({ features }) => (features[COVERED_WORD] ?? 0) >= MUCH)
  return fitting.length === 0 ? undefined : askAmong(around, session, question, region, fitting, ranking)
}

function askAmong(
  { knowledge: { content } }: Around,
  session: Session,
  question: Question,
  region: string | undefined,
  fitting: readonly Candidate[],
  ranking: Ranking,
): Outcome {
  const among = fitting.slice(0, 3)
  return {
    draft: {
      decision: 'ask-back',
      sections: [{ kind: 'note', text: say(content, 'askWhich') }],
      choices: entryChoices(among, question.facets[0]),
      facet: question.facets[0]?.id,
      region,
      ...traceOf(ranking),
    },
    session,
  }
}

/** 「钱的事先说」 after two things were told in one reply: the one of them that speaks of such things. */
export function oneOfThose(around: Around, session: Session, question: Question): Outcome | undefined {
  const { together } = session.topic ?? {}
  if (together === undefined) return undefined
  const ranking = around.knowledge.rank(question, { only: new Set(together) })
  const [first, second] = ranking.here.filter(speaksOf)
  if (first === undefined || first.strength - (second?.strength ?? 0) < CLEAR_LEAD) return undefined
  return tell(around, session, first.entry, { facets: question.facets }, leaning(ranking, first.entry))
}

/** Among so few the one that fits is likely, whatever it would be among all. */
function leaning(ranking: Ranking, entry: Entry): Ranking {
  const here = ranking.here.map((one) =>
    one.entry === entry ? { ...one, score: Math.max(one.score, LIKELY) } : one,
  )
  return { ...ranking, here }
}

const LIKELY = 0.8
const CLEAR_LEAD = 1
const FAR_LEAD = 4

const feature = (name: (typeof FEATURES)[number]): number => FEATURES.indexOf(name)
const COVERED_WORD = feature('covered-word')
const CLOSENESS = [feature('name'), feature('phrasing-char'), feature('phrasing-word')]

/** Whether no other candidate holds clearly more of the question's words. */
export const speaksMostOf = (one: Candidate, { here }: Ranking): boolean =>
  here.every(
    ({ features }) => (features[COVERED_WORD] ?? 0) <= (one.features[COVERED_WORD] ?? 0) + HARDLY_MORE,
  )
const MOST = 0.6
const MUCH = 0.4
const HARDLY_MORE = 0.15

/** Whether an entry speaks of anything the question says at all. */
export const speaksOf = ({ features }: Candidate): boolean => (features[COVERED_WORD] ?? 0) > 0
/** Whether an entry is about what the question says: it holds its words, and it is asked for like this. */
const agrees = ({ features }: Candidate): boolean =>
  (features[COVERED_WORD] ?? 0) >= MOST && CLOSENESS.some((view) => (features[view] ?? 0) >= 0.25)
