import { type Decision, decide } from '../answer/decide.ts'
import type { Question } from '../answer/question.ts'
import type { Candidate, Scope } from '../answer/rank.ts'
import { understand } from '../answer/understand.ts'
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
import {
  agrees,
  anyOf,
  CLEAR_LEAD,
  contextOf,
  fromContext,
  isElliptical,
  leaning,
  oneOfThose,
  plainlyNext,
  speaksMostOf,
  speaksOf,
} from './context.ts'
import type { Around, Outcome } from './converse.ts'
import { type Ask, followUp, offered } from './follow-up.ts'
import { goesOnFrom, perhapsOn } from './going-on.ts'
import { notHere, unsure } from './honest.ts'
import { mask } from './mask.ts'
import { takenUp } from './pointing.ts'
import { candidatesOf, entryOf, tell, tellSeveral, traceOf } from './tell.ts'

/** A question, fresh or elliptical. */
export function reply(
  around: Around,
  message: Message,
  session: Session,
  question: Question,
  how: Pick<Scope, 'exclude'>,
): Outcome {
  const { knowledge, now, defaultRegion } = around
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
  const remember = (kind: Draft['decision'], entry?: string): Session => ({
    ...moved,
    topic: {
      entry,
      facet: facets[0]?.id,
      candidates: candidatesOf(ranking),
      rejected: [...(how.exclude ?? [])],
      decision: kind,
      at: now.getTime(),
    },
  })

  // What somebody asks instead is mostly next to what was told.
  const leans =
    (said === undefined || said === lastEntry?.region) &&
    (isElliptical(question) || how.exclude !== undefined) &&
    question.unknownPlaces.length === 0
  if (context && leans && decision.kind !== 'answer') {
    const outcome = oneOfThose(around, moved, question, ranking)
    if (outcome) return outcome
  }
  if (context && leans) {
    const taken = takenUp(around, moved, question)
    if (taken && (taken.plainly || decision.kind !== 'answer')) return taken.outcome
  }
  if (leans && decision.kind !== 'answer' && lastEntry && session.topic?.decision === 'hand-over') {
    // Another town's document has it, the visitor was told.
    const [there] = lastEntry.region === region ? [] : rank(question, { only: new Set([lastEntry.id]) }).here
    if (there && (WHO_HAS_IT.test(question.text) || agrees(there)))
      return tell(around, moved, lastEntry, { facets, facetFirst: facets.length > 0 })
  }
  const next =
    context && leans && decision.kind !== 'answer' ? plainlyNext(ranking, context, lastEntry) : undefined
  if (next)
    return tell(
      around,
      moved,
      next.entry,
      { facets, facetFirst: next.entry === lastEntry },
      leaning(ranking, next.entry),
    )
  if (context && leans && (decision.kind === 'hand-over' || decision.kind === 'elsewhere')) {
    const outcome = fromContext(around, moved, question, region, context, true)
    if (outcome) return outcome
  }

  // 「全部小孩都给？」 asks for a detail of the entry just told or offered first, if that speaks of such things at all.
  const about = lastEntry ?? likeliestOffered(around, session, question)
  const same = ranking.here.find(({ entry }) => entry === about)
  if (
    about &&
    question.unknownPlaces.length === 0 &&
    question.notOurs.length === 0 &&
    ((facets.length > 0 && isElliptical(question)) ||
      (PRONOUN.test(question.text) && question.rest.length <= LITTLE_OWN)) &&
    decision.kind !== 'answer' &&
    said === undefined &&
    same &&
    speaksOf(same) &&
    (decision.kind !== 'ask-back' || speaksMostOf(same, ranking))
  )
    return tell(around, moved, about, { facets, facetFirst: true })
  if (context && leans && (decision.kind === 'hand-over' || decision.kind === 'ask-back')) {
    const outcome =
      decision.kind === 'hand-over'
        ? anyOf(around, moved, question, region, context)
        : fromContext(around, moved, question, region, context, false)
    if (outcome) {
      const last =
        outcome.draft.decision === 'ask-back' && session.topic?.decision === 'answer'
          ? goesOnFrom(around, session, question, region)
          : undefined
      return last ? perhapsOn(around, last, question, outcome) : outcome
    }
  }

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

  switch (decision.kind) {
    case 'answer': {
      const { entry } = decision.candidate
      const secret = message.inGroup ? privateTopic(content, entry) : undefined
      if (secret)
        return {
          draft: {
            ...plainDraft(content, 'act', 'continuePrivately', { topic: secret }),
            ...traceOf(ranking, entry),
          },
          session: moved,
        }
      return tell(around, moved, entry, { facets }, ranking)
    }
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
      const secret = message.inGroup
        ? decision.among.map(({ entry }) => privateTopic(content, entry)).find(Boolean)
        : undefined
      if (secret)
        return { draft: plainDraft(content, 'act', 'continuePrivately', { topic: secret }), session: moved }
      const [only] = decision.among.length === 1 ? decision.among : []
      // Who goes on about the only thing that was asked back, or told, means it.
      const isOffered = session.topic?.decision === 'ask-back' && offered(session).join() === only?.entry.id
      const isTold =
        leans && session.topic?.decision === 'answer' && only !== undefined && only.entry === lastEntry
      if (only && (isOffered || isTold)) return tell(around, moved, only.entry, { facets }, ranking)
      const meant =
        how.exclude && isElliptical(question)
          ? likeTheLast(around, session, question, decision.among)
          : undefined
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
        session: { ...remember('ask-back'), unanswered: { text: mask(question.written), at: now.getTime() } },
      }
      const last = decision.sure ? undefined : goesOnFrom(around, session, question, region)
      return last ? perhapsOn(around, last, question, asked) : asked
    }
    case 'elsewhere': {
      const secret = message.inGroup
        ? decision.there.map(({ entry }) => privateTopic(content, entry)).find(Boolean)
        : undefined
      if (secret)
        return { draft: plainDraft(content, 'act', 'continuePrivately', { topic: secret }), session: moved }
      return {
        draft: { ...notHere(content, decision.there, decision.near, region, facets[0]), ...traceOf(ranking) },
        session: {
          ...remember('hand-over', decision.there[0]?.entry.id),
          unanswered: { text: mask(question.written), at: now.getTime() },
        },
      }
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
        session: {
          ...remember('hand-over'),
          unanswered: { text: mask(question.written), at: now.getTime() },
        },
      }
      const last = goesOnFrom(around, session, question, region)
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

/** While a choice is open: the one of those offered that speaks most of what is asked. */
function likeliestOffered(around: Around, { topic }: Session, question: Question): Entry | undefined {
  if (topic?.decision !== 'ask-back') return undefined
  const offered = topic.candidates.slice(0, MOST_CHOICES)
  return around.knowledge.rank(question, { only: new Set(offered) }).here[0]?.entry
}
const MOST_CHOICES = 4

/** Asked without a thing, these are about the document as a whole. */
const ABOUT_THE_DOCUMENT = new Set(['是否有效', '出处'])

/**
 * 「青年公寓多少套？幼儿园学位新增多少？」 and 「青创贷跟电商贷是什么」 ask for two things; both are told. Undefined: one
 * thing is asked for, or what is asked is not clear enough to tell several.
 */
function severalAsked(
  around: Around,
  message: Message,
  session: Session,
  question: Question,
  region: string | undefined,
): Outcome | undefined {
  const { catalog, rank } = around.knowledge
  if (message.inGroup) return undefined
  const compared = placesCompared(around, session, question)
  if (compared || region === undefined) return compared
  const parts = partsOf(question.text)
  // Who says 「另外」 asks twice, even where nothing sounds like a question.
  const added = ADDS.test(question.text)
  if (parts.length < 2) return severalNamed(around, session, question, region)
  const asked = parts.slice(0, MOST_PARTS).flatMap((part) => {
    const read = catalog.readQuestion(part)
    if (read.rest === '' || (!added && read.facets.length === 0 && !ASKS.test(part))) return []
    const ranking = rank(read, { region: read.regions.at(-1) ?? region })
    const decision = decide(ranking, { region: read.regions.at(-1) ?? region })
    return decision.kind === 'answer'
      ? [{ entry: decision.candidate.entry, facets: read.facets, ranking }]
      : []
  })
  const distinct = asked.filter(({ entry }, i) => asked.findIndex((one) => one.entry === entry) === i)
  if (distinct.length > 1 && distinct[0])
    return tellSeveral(around, session, distinct.slice(0, MOST_TOLD_TOGETHER), distinct[0].ranking)

  return severalNamed(around, session, question, region)
}

/** 「昆明和莲都哪个创业政策好」: the same of several places, each told from its own document. */
function placesCompared(around: Around, session: Session, question: Question): Outcome | undefined {
  const { catalog, content, rank } = around.knowledge
  if (question.regions.length < 2) return undefined
  const names = content.regions
    .flatMap(({ name, aliases }) => [name, ...aliases])
    .map((name) => name.toLowerCase().replace(/[.*+?^${}()|[\]\\]/g, '\\$&'))
    .join('|')
  if (!new RegExp(`(?:${names})(?:和|跟|与|、|还是|比)?(?:${names})`, 'u').test(question.text))
    return undefined
  const read = catalog.readQuestion(question.text.replace(BETTER, ''))
  const told = question.regions.slice(0, MOST_TOLD_TOGETHER).flatMap((region) => {
    const ranking = rank(read, { region })
    const decision = decide(ranking, { region })
    return decision.kind === 'answer'
      ? [{ entry: decision.candidate.entry, facets: read.facets, ranking }]
      : []
  })
  return told.length > 1 && told[0] ? tellSeveral(around, session, told, told[0].ranking) : undefined
}

/** 「青创贷跟电商贷是什么」: names of several things, each written out. */
function severalNamed(
  around: Around,
  session: Session,
  question: Question,
  region: string,
): Outcome | undefined {
  const { catalog, rank } = around.knowledge
  if (!COMPARES.test(question.text)) return undefined
  const named = [...catalog.findNamed(question.text)]
    .filter(([, plainness]) => plainness === 1)
    .flatMap(([position]) => catalog.targets[position]?.entry ?? [])
    .filter((entry) => entry.region === undefined || entry.region === region)
  if (named.length < 2 || named.length > MOST_TOLD_TOGETHER) return undefined
  const ranking = rank(question, { region })
  return tellSeveral(
    around,
    session,
    named.map((entry) => ({ entry, facets: question.facets })),
    ranking,
  )
}

/** A story has commas and gaps too; only in a short message that asks on both sides do they stand between two questions. */
function partsOf(text: string): string[] {
  const long = (part: string): boolean => part.length >= SHORTEST_PART
  const parts = text.split(BETWEEN_QUESTIONS).filter(long)
  if (parts.length !== 1 || text.length > SHORT_MESSAGE) return parts
  const byComma = text.split(/[,，\s]+/u)
  return byComma.length === 2 && byComma.every((part) => long(part) && ASKS.test(part)) ? byComma : parts
}
const SHORT_MESSAGE = 40

/** 「那谁家减」 */
const WHO_HAS_IT = /谁家|哪(?:家|儿|里|边|个(?:城市|市|区|地方))/u

/** 「哪些房子会改成它」 speaks of what was told. */
const PRONOUN = /它|[这那](?:个|些|俩)|其中|里面/u
const LITTLE_OWN = 10

const BETWEEN_QUESTIONS =
  /[?？;；。!！\n]+|[,，、\s]*(?:还有(?!没有|吗|呢|什么|啥|哪些|多久|多少|效)|另外|以及|顺便(?:问(?:一?下)?)?|再问(?:一?下)?)/u
const ADDS = /另外|顺便|以及/u
const ASKS = /什么|啥|多少|几|吗|怎么|咋|哪|谁|有没有|是不是|能不能|可以/u
const COMPARES = /跟|和|与|还是|区别|、|以及|哪个/u
const BETTER =
  /(?:哪个|哪边|谁|哪里)(?:城市|地方)?|[更比]?[好强多](?:一点|些)?$|划算|有(?:什么|啥|何)(?:不同|区别|差别)/gu
const SHORTEST_PART = 4
const MOST_PARTS = 5
const MOST_TOLD_TOGETHER = 3

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

function privateTopic(content: Content, entry: Entry): string | undefined {
  return entry.topics.find((topic) =>
    content.topics.some(({ name, private: secret }) => secret && name === topic),
  )
}
