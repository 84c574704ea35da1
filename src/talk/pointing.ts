import type { Question } from '../answer/question.ts'
import type { Entry } from '../model/content.ts'
import type { Session } from '../model/session.ts'
import { withDigits } from '../text/numerals.ts'
import { agrees, CLEAR_LEAD, FAR_LEAD, LITTLE, LITTLE_SAID, speaksMuchOf, speaksOf } from './context.ts'
import type { Around, Outcome } from './converse.ts'
import { offered } from './follow-up.ts'
import { entryOf, tell } from './tell.ts'

/**
 * 「后面那个怎么申请」, 「第二个要什么材料」, 「刚才说的补贴多少钱」: something told or offered before is pointed at.
 * Undefined: nothing is, or nobody can say what.
 * @param whole the same message, read
 */
export function pointedAt(
  around: Around,
  session: Session,
  text: string,
  whole: Question,
): Outcome | undefined {
  const { content, catalog, rank } = around.knowledge
  const read = catalog.readQuestion
  const show = (entry: Entry | undefined, { facets }: Question): Outcome | undefined =>
    entry && tell(around, session, entry, { facets, facetFirst: facets.length > 0 })

  const told = session.told ?? []
  // 「前面那个」 after two answers is the one before the last.
  const byTelling = ({ isNumbered, position, rest }: Place): Outcome | undefined =>
    isNumbered || session.topic?.decision !== 'answer' || session.topic.together || told.length < 2
      ? undefined
      : show(entryOf(content, told[position === 0 ? 1 : 0]), read(rest))
  const place = placeInList(text)
  if (place) {
    const question = read(place.rest)
    const { together } = session.topic ?? {}
    const byNumber =
      question.rest.length > LITTLE
        ? undefined
        : show(entryOf(content, (together ?? offered(session)).at(place.position)), question)
    const before = place.isBefore ? byTelling(place) : undefined
    const pointed = before ?? listedInAnswer(around, session, text) ?? byTelling(place) ?? byNumber
    if (pointed) return pointed
  }

  const picked = pickedByWord(around, session, whole) ?? theOther(around, session, text)
  if (picked) return picked
  if (DOUBTS.test(text) && session.topic?.decision === 'answer')
    return show(entryOf(content, session.topic.entry), whole)
  const back = GOING_BACK.exec(text)
  if (!back || told.length === 0) return undefined
  const question = read(text.replace(GOING_BACK, ''))
  if (question.rest === '') {
    const isLast = told[0] === session.topic?.entry
    return show(entryOf(content, back[1] && isLast ? (told[1] ?? told[0]) : told[0]), question)
  }
  const { here } = rank(question, { only: new Set(told) })
  const [first, second] = here.filter(speaksOf)
  if (first === undefined) return undefined
  const lead = first.strength - (second?.strength ?? 0)
  const isPlain =
    question.rest.length <= LITTLE
      ? lead >= CLEAR_LEAD
      : question.gist.length <= LITTLE_SAID && second !== undefined && lead >= FAR_LEAD && speaksMuchOf(first)
  return agrees(first) || isPlain ? show(first.entry, question) : undefined
}

/** 「先讲烟」, 「游戏那个」 after a question back: the only one of those offered whose name has the word. */
function pickedByWord(around: Around, session: Session, question: Question): Outcome | undefined {
  const { content } = around.knowledge
  const word = question.gist
  if (session.topic?.decision !== 'ask-back' || word === '' || word.length > LITTLE) return undefined
  const entries = offered(session).flatMap((id) => entryOf(content, id) ?? [])
  const named = entries.filter(({ title, aliases }) =>
    [title, ...aliases].some((name) => name.includes(word)),
  )
  // 「谁来主持」; what stands in quotes is the name of something else.
  const saying = entries.filter(({ answer }) => answer.replace(/“[^”]*”/gu, '').includes(word))
  const having = named.length > 0 ? named : saying
  const [only, another] = having
  return only && !another
    ? tell(around, session, only, { facets: question.facets, facetFirst: question.facets.length > 0 })
    : undefined
}

/**
 * 「另一个咧」 after two things were told, 「另外那个奖的叫什么」 after one: the other of two, or what is next to it and named
 * like that.
 */
function theOther(around: Around, session: Session, text: string): Outcome | undefined {
  const { content, catalog } = around.knowledge
  const match = THE_OTHER.exec(text)
  const last = entryOf(content, session.topic?.entry)
  if (match === null || last === undefined) return undefined
  const question = catalog.readQuestion(text.slice(match[0].length).replace(PARTICLES, ''))
  const show = (entry: Entry | undefined): Outcome | undefined =>
    entry && tell(around, session, entry, { facets: question.facets })
  if (question.gist === '') {
    const { together = session.told ?? [] } = session.topic ?? {}
    return show(
      entryOf(
        content,
        together.find((id) => id !== last.id),
      ),
    )
  }
  if (question.gist.length > LITTLE) return undefined
  const near = [
    ...new Set([
      ...offered(session),
      ...last.related,
      ...(session.topic?.candidates ?? []),
      ...(session.told ?? []),
    ]),
  ]
  const having = near.flatMap((id) => {
    const entry = entryOf(content, id)
    return entry &&
      entry !== last &&
      [entry.title, ...entry.aliases].some((name) => name.includes(question.gist))
      ? [entry]
      : []
  })
  return having.length === 1 ? show(having[0]) : undefined
}

const PARTICLES = /(?:也?[说讲]一?[说讲下])?[呢咧哩嘛吗啊呀吧？?]*$/u
const THE_OTHER = /^(?:那|还有)?(?:另外?一?|还有一)个|^(?:那|还有)?另外(?:的|那)?(?:一?个)?/u

/**
 * 「第二个是什么」 after an answer that lists things means one of them, whatever else can be chosen below; a bare number
 * means the choices, which are numbered.
 */
export function listedInAnswer(around: Around, session: Session, text: string): Outcome | undefined {
  const { content, catalog, rank } = around.knowledge
  const { together, decision, entry } = session.topic ?? {}
  const place = placeInList(text)
  if (place === undefined || together !== undefined || decision !== 'answer') return undefined
  const last = entryOf(content, entry)
  const item = itemIn(last, place.position)
  if (last === undefined || item === '') return undefined
  const { facets, rest } = catalog.readQuestion(place.rest)
  const [first] = rank(catalog.readQuestion(`${item}${place.rest}`), { region: session.region }).here
  const isItsOwn = first !== undefined && holds(first.entry, item)
  // 「第四个里要建多少套公寓」 asks more than the list tells.
  if (!isItsOwn && rest.length > LITTLE) return undefined
  return tell(around, session, isItsOwn ? first.entry : last, { facets, facetFirst: facets.length > 0 })
}

/** 「你确定？我听说是8场」 is answered by what stands written, and where. */
const DOUBTS =
  /^你?(?:确定|肯定|当真)|^(?:真的)?(?:一个|一点|什么|啥|全)都?没(?:有)?(?:写|说|提|列|讲)|^(?:真的|没[搞弄说算]错)吧?吗?[?？]?$|^不是[^\p{P}\s]{1,6}吗[?？]?$/u

/** The first group: the visitor leaves what was told last. */
const GOING_BACK =
  /^(?:好了?,?)?(?:回来说|接着说|继续说|说正事|说回正题|言归正传)[,，\s]*|(?:还是)?(?:再|接着)?(说回|回到|再说说|说说)?(?:刚才|刚刚|上面|之前|开头|一开始|前面)(?:你?(?:说|讲|问|提|聊)(?:的|到的|过的)?|那个?|的)*/u

interface Place {
  readonly position: number
  /** 「第二个」, not 「前者」. */
  readonly isNumbered: boolean
  /** 「前一个」, which after two answers is no part of a list. */
  readonly isBefore: boolean
  readonly rest: string
}

/** 「第二个…」, 「前一个…」, 「最后那个…」 at the beginning of a message; negative positions count from the end. */
function placeInList(text: string): Place | undefined {
  const match =
    /^(?:那|就|(?:还是|再|先)?(?:说回?|讲回?|问|回到)|我?想?(?:问|说|要|看)的?是?|[这那][两俩二三]个?(?:里面?|中|当中)?)?(?:第([一二三四1-4])[个条项种类样件家处份部场所句座本栋期块笔篇款套位名道]|(前者|(?:前头?|头|上)面?(?:那|一|的那)个)|(后者|最后(?:那|一|的那)[个种类]|后(?:面)?(?:那|一|的那)[个种类]))/u.exec(
      text,
    )
  if (match === null) return undefined
  const [whole, nth, first] = match
  const last = first === undefined ? -1 : 0
  return {
    isNumbered: nth !== undefined,
    isBefore: first !== undefined && first !== '前者',
    position: nth === undefined ? last : ('一二三四'.indexOf(nth) + 1 || Number(nth)) - 1,
    rest: text.slice(whole.length),
  }
}

/**
 * What stands at a place in the first list that an answer gives: 「公租房、保障性租赁住房、共有产权住房」, 「《…规划》《…规划》」, or
 * the names in its first sentence. No list is what is said to be open: 「具体怎么做、有什么待遇，文件没有写」.
 */
function itemIn(entry: Entry | undefined, position: number): string {
  const [sentence = ''] = entry?.answer.split('。') ?? []
  const list = LIST.exec(sentence)?.[0] ?? ''
  const names = sentence.match(/“[^“”]+”/gu) ?? []
  // 「“青城”让…，“青居”管安居、教育」 lists the names.
  const isOfNames = names.length > 2 && sentence.indexOf(names[0] ?? '') < sentence.indexOf(list)
  const items =
    list === '' || isOfNames || OPEN.test(list) ? names : list.split(BETWEEN_ITEMS).filter(Boolean)
  return items.length < 2 ? '' : (items.at(position)?.replace(/[“”《》]/gu, '') ?? '')
}

const LIST = /[^，。；：、]+(?:、[^，。；：、]+)+|(?:[《“][^《》“”，。；：]+[》”]){2,}/u
const BETWEEN_ITEMS = /、|和|以及|等|(?<=[》”])(?=[《“])/u
const OPEN = /怎么|什么|哪|谁/u

const holds = ({ title, answer, aliases }: Entry, item: string): boolean =>
  [title, answer, ...aliases].some((text) => text.replace(/[“”《》]/gu, '').includes(item))

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
  const words = withDigits(question.rest)
    .split(/还是|呢/u)
    .map((word) => word.replace(TURNING, ''))
    .filter((word) => word !== '')
  const clauses = [last.answer, ...Object.values(last.facets)]
    .map((text) => withDigits(text.toLowerCase()))
    .join('，')
    .split(/[，。；：、]/u)
  const found = words.flatMap((word) => {
    const said = clauses.filter((one) => one.includes(word))
    const clause =
      said.find((one) => /\d/.test(one.replace(word, ''))) ?? (word.length > 1 ? said[0] : undefined)
    return clause === undefined ? [] : [{ word, clause }]
  })[0]
  if (found === undefined) return undefined
  const { word, clause } = found
  // 「博士50人」 says nothing else, so that 「博士呢」 means no other thing of that name.
  const isAllOf = /\d/.test(clause) && clause.replace(word, '').length <= FIGURE
  const position = catalog.byEntry.get(last.id)
  const others = [...catalog.findNamed(question.text)].filter(
    ([at, plainness]) => at !== position && plainness === 1,
  )
  if (others.length > 0 && !isAllOf) return undefined
  const said = facets.filter(({ id }) => last.facets[id] !== undefined)
  return {
    outcome: tell(around, session, last, { facets: said, facetFirst: true }),
    plainly: word.length === 1 || /\d/.test(word) || (facets.length > 0 && /\d/.test(clause)) || isAllOf,
  }
}

/** What stands around the word that is taken up. */
const TURNING =
  /^(?:[那要给有都再]|里头|里面|其中)+|(?:的|那种|那个|这种|这个|呢|有|就|里面?|[不没]算?|一共|总共|合计)+$/gu
/** As long as a figure with its unit: 「200人」. */
const FIGURE = 5

const OF_FIGURES = new Set(['数量', '标准'])
