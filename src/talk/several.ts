import { decide } from '../answer/decide.ts'
import type { Question } from '../answer/question.ts'
import type { Message } from '../model/conversation.ts'
import type { Session } from '../model/session.ts'
import type { Around, Outcome } from './converse.ts'
import { tellSeveral } from './tell.ts'

/**
 * 「青年公寓多少套？幼儿园学位新增多少？」 and 「青创贷跟电商贷是什么」 ask for two things; both are told. Undefined: one
 * thing is asked for, or what is asked is not clear enough to tell several.
 */
export function severalAsked(
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
