import type { Candidate } from '../answer/rank.ts'
import type { Content, Entry, Facet, PhraseName, SourceDocument, UrgentKind } from '../model/content.ts'
import type { DecisionKind, Reply, Section, SectionKind } from '../model/conversation.ts'
import type { ChoiceAction } from '../model/session.ts'

/** A reply before it is numbered, put into the visitor's script and remembered. */
export interface Draft {
  readonly decision: DecisionKind
  readonly sections: readonly Section[]
  readonly choices?: readonly DraftChoice[]
  readonly entries?: readonly string[]
  readonly score?: number
  readonly intent?: string | undefined
  readonly facet?: string | undefined
  readonly region?: string | undefined
  readonly reasons?: Reply['reasons']
}

export interface DraftChoice {
  readonly label: string
  readonly entry?: string
  readonly action: ChoiceAction
}

/** What a phone shows without scrolling; the rest comes with 「更多」. */
export const COMFORTABLE_LENGTH = 300
const MOST_NEXT_STEPS = 3

/** One of the bot's own sentences, filled in. */
export function say(
  content: Content,
  name: PhraseName,
  slots: Readonly<Record<string, string>> = {},
): string {
  return fill(content.phrases[name], slots)
}

function fill(phrase: string, slots: Readonly<Record<string, string>>): string {
  return phrase.replace(/\{(\w+)\}/g, (_, slot: string) => slots[slot] ?? '')
}

/** A reply that is one of the bot's own sentences. */
export function plainDraft(
  content: Content,
  decision: DecisionKind,
  name: PhraseName,
  slots: Readonly<Record<string, string>> = {},
): Draft {
  return { decision, sections: [{ kind: 'note', text: say(content, name, slots) }] }
}

export interface AnswerOptions {
  /** What was asked about the thing, the plainest first. */
  readonly facets?: readonly Facet[]
  /** Asked as a follow-up: what was asked for comes first, the answer it belongs to after it. */
  readonly facetFirst?: boolean
  /** The visitor has just read this answer: beside a detail its first sentence is enough. */
  readonly known?: boolean
  /** Told beside other entries: only what was asked for. */
  readonly beside?: boolean
  /** 「说简单点」: the first sentence. */
  readonly brief?: boolean
  /** All of it, however long. */
  readonly whole?: boolean
}

/**
 * Direct answer, the facets asked for (or that the document is silent about them), whether it still holds, and
 * where it stands.
 * @param today `YYYY-MM-DD` in Asia/Shanghai
 */
export function composeAnswer(
  content: Content,
  entry: Entry,
  today: string,
  options: AnswerOptions = {},
): Draft {
  const source = content.sources.find(({ id }) => id === entry.source?.document)
  const facets = options.facets ?? []
  const status = statusLine(content, entry, source, today)
  const asked = detailsOf(content, entry, source, facets, status)
  const read = options.known && options.facetFirst && asked.length > 0
  const answer = {
    kind: 'answer' as const,
    text: read || options.brief ? firstSentence(entry.answer) : entry.answer,
  }
  const whetherItHolds = facets.some(({ id }) => id === '是否有效')
  // Who asks 「最多能贷多少」 wants to hear first that nobody wrote it down.
  const allUnsaid = asked.length > 0 && asked.every(({ kind }) => kind === 'unsaid') && !options.beside
  const told = options.facetFirst || whetherItHolds || allUnsaid ? [...asked, answer] : [answer, ...asked]
  const enough = read || options.brief || (options.beside && facets.length > 0)
  if (!enough && !asked.some(({ kind }) => kind === 'unsaid'))
    told.push(...unsaidRest(content, entry, facets))
  if (!read) told.push(...noteOf(content, entry))
  const { sections, cut } = options.whole
    ? { sections: [...told, ...restOf(entry, content, facets)], cut: false }
    : shorten(told, content)
  const held = status ? [{ kind: 'status' as const, text: status }] : []
  return {
    decision: 'answer',
    sections: [
      ...(whetherItHolds ? [...held, ...sections] : [...sections, ...held]),
      { kind: 'source', text: sourceLine(content, entry, source) },
    ],
    choices: nextSteps(content, entry, options, cut),
    facet: options.facets?.[0]?.id,
    region: entry.region,
  }
}

const firstSentence = (text: string): string => /^[^。]*。?/u.exec(text)?.[0] ?? text

function noteOf(content: Content, entry: Entry): Section[] {
  const note = content.topics.find(({ name }) => name === entry.topics[0])?.note
  return note === undefined || entry.imported ? [] : [{ kind: 'note', text: note }]
}

/** @param status says already that the time is over */
function detailsOf(
  content: Content,
  entry: Entry,
  source: SourceDocument | undefined,
  facets: readonly Facet[],
  status: string | undefined,
): Section[] {
  const said = facets.flatMap(({ id, label }) => {
    const text = entry.facets[id]
    return text === undefined ? [] : [{ kind: 'detail' as const, text: `${label}：${text}` }]
  })
  // 「有多少钱」 asks how much, though 「有多少」 is in it.
  const howMuch = facets.some(({ id }) => id === '标准')
  const silent = facets.filter(({ id }) => entry.facets[id] === undefined && !(howMuch && id === '数量'))
  const unsaid = silent.flatMap((facet) => unsaidOf(content, entry, source, facet, status))
  const lacking = silent.filter((facet) => facet.what !== undefined && unsaid.includes(facet.unsaid))
  const together =
    lacking.length > 1
      ? [
          say(content, 'unsaidDetails', { details: lacking.map(({ what }) => what).join('、') }),
          ...unsaid.filter((text) => !lacking.some((facet) => facet.unsaid === text)),
        ]
      : unsaid
  return [...said, ...(together.length > 0 ? [{ kind: 'unsaid' as const, text: together.join('') }] : [])]
}

/** What is asked of several things and not said of them, or not of most, so that nobody chooses first and reads it then. */
export function unsaidAmong(content: Content, entries: readonly Entry[], asked: readonly Facet[]): Section[] {
  return asked.slice(0, 1).flatMap((facet): Section[] => {
    if (facet.what === undefined) return []
    const saying = entries.flatMap((entry, i) => {
      const source = content.sources.find(({ id }) => id === entry.source?.document)
      const isSaid =
        entry.facets[facet.id] !== undefined ||
        unsaidOf(content, entry, source, facet, undefined).length === 0
      return isSaid ? [String(i + 1)] : []
    })
    if (saying.length > 1 || saying.length === entries.length) return []
    const text = say(content, saying.length === 0 ? 'unsaidOfAll' : 'unsaidButOf', {
      details: facet.what,
      number: saying.join(),
    })
    return [{ kind: 'unsaid', text }]
  })
}

function unsaidOf(
  content: Content,
  entry: Entry,
  source: SourceDocument | undefined,
  facet: Facet,
  status: string | undefined,
): string[] {
  // A whole answer out of a table may well hold what was asked: nobody has sorted it by facet.
  if (entry.imported && facet.id !== '出处') return []
  switch (facet.id) {
    case '数量':
      return tellsAFigure(entry.answer) ? [] : [facet.unsaid]
    case '出处':
      return source ? [] : [facet.unsaid]
    case '是否有效': {
      const until = entry.valid?.until ?? source?.valid?.until
      const title = source?.title
      const basis = until && title ? say(content, 'statusAnswer', { title, until: dayInWords(until) }) : ''
      return [status === undefined ? `${basis}${facet.unsaid}` : basis].filter((text) => text !== '')
    }
    default:
      return [facet.unsaid]
  }
}

/** A year is no answer to "how many", 「六个春城」 is one. */
const tellsAFigure = (answer: string): boolean =>
  /\d/.test(answer.replace(/\d{4}年/g, '')) || /[三四五六七八九十](?:[个项处]|大(?!学))/u.test(answer)
const tellsADay = (answer: string): boolean => /\d月|\d日|每[年月周天]/.test(answer)

/**
 * What most visitors ask next about such a thing and the document does not give, in one line, so that nobody has to
 * find out question by question. `topics.yaml` says what that is for each topic.
 */
function unsaidRest(content: Content, entry: Entry, asked: readonly Facet[]): Section[] {
  if (entry.imported) return []
  const wanted = content.topics.find(({ name }) => name === entry.topics[0])?.details ?? []
  const lacking = content.facets.filter(
    ({ id, what }) =>
      what !== undefined &&
      wanted.includes(id) &&
      entry.facets[id] === undefined &&
      !asked.some((facet) => facet.id === id) &&
      !(id === '标准' && tellsAFigure(entry.answer)) &&
      !(id === '何时' && (tellsADay(entry.answer) || /时间|日期/.test(entry.answer))) &&
      !(id === '何地' && /地方|地点|在哪/.test(entry.answer)),
  )
  if (lacking.length === 0) return []
  const details = lacking.map(({ what }) => what).join('、')
  return [{ kind: 'unsaid', text: say(content, 'unsaidDetails', { details }) }]
}

function restOf(entry: Entry, content: Content, shown: readonly Facet[]): Section[] {
  return content.facets.flatMap((facet) => {
    const text = entry.facets[facet.id]
    return text === undefined || shown.includes(facet)
      ? []
      : [{ kind: 'detail' as const, text: `${facet.label}：${text}` }]
  })
}

/** Several things asked in one message, answered one after the other; what they share is said once. */
export function composeSeveral(
  content: Content,
  asked: readonly { readonly entry: Entry; readonly facets: readonly Facet[] }[],
  today: string,
): Draft {
  const drafts = asked.map(({ entry, facets }) =>
    composeAnswer(content, entry, today, { facets, beside: true }),
  )
  const pieces = drafts.flatMap(({ sections }) => sections).filter(({ kind }) => kind !== 'source')
  // What holds for the next one too is said after that.
  const ofAll = pieces.filter(
    ({ kind, text }, i) => !(SHARED.has(kind) && pieces.slice(i + 1).some((later) => later.text === text)),
  )
  const told = asked.map(({ entry }) => entry.id)
  const isNew = ({ action }: DraftChoice): boolean =>
    action.do !== 'show-entry' || action.facet !== undefined || !told.includes(action.entry)
  return {
    decision: 'answer',
    sections: [
      ...ofAll,
      ...sourcesOf(
        content,
        asked.map(({ entry }) => entry),
      ),
    ],
    choices: drafts.flatMap(({ choices = [] }) => choices.filter(isNew).slice(0, 1)),
    facet: drafts[0]?.facet,
    region: drafts[0]?.region,
  }
}

function shorten(sections: readonly Section[], content: Content): { sections: Section[]; cut: boolean } {
  let room = COMFORTABLE_LENGTH
  const kept: Section[] = []
  for (const section of sections) {
    if (section.text.length <= room) {
      kept.push(section)
      room -= section.text.length
      continue
    }
    const sentences = section.text.match(/[^。！？；]*[。！？；]?/gu) ?? []
    let part = ''
    for (const sentence of sentences) {
      if (part !== '' && part.length + sentence.length > room) break
      part += sentence
    }
    return {
      sections: [
        ...kept,
        { ...section, text: `${part.slice(0, 2 * COMFORTABLE_LENGTH)}${say(content, 'more')}` },
      ],
      cut: true,
    }
  }
  return { sections: kept, cut: false }
}

function statusLine(
  content: Content,
  entry: Entry,
  source: SourceDocument | undefined,
  today: string,
): string | undefined {
  const valid = entry.valid ?? source?.valid
  if (valid?.until !== undefined && today > valid.until) return source?.status
  if (valid?.from !== undefined && today < valid.from)
    return say(content, 'notCurrentUntil', { from: dayInWords(valid.from) })
  return undefined
}

const SHARED: ReadonlySet<SectionKind> = new Set(['unsaid', 'status', 'note'])

/** One line for each document, with all the clauses told. */
function sourcesOf(content: Content, entries: readonly Entry[]): Section[] {
  const together = new Map<string, Entry[]>()
  for (const entry of entries) {
    const key = `${entry.source?.document} ${entry.checked}`
    together.set(key, [...(together.get(key) ?? []), entry])
  }
  return [...together.values()].flatMap((list) => {
    const [first] = list
    if (first === undefined) return []
    const source = content.sources.find(({ id }) => id === first.source?.document)
    const clauses = [...new Set(list.flatMap((entry) => entry.source?.clause ?? []))]
    return [{ kind: 'source' as const, text: sourceLine(content, first, source, clauses.join('、')) }]
  })
}

function sourceLine(
  content: Content,
  entry: Entry,
  source: SourceDocument | undefined,
  clause = entry.source?.clause ?? '',
): string {
  if (source === undefined) return say(content, 'noSource')
  const slots = {
    issuer: source.issuer,
    title: source.title,
    clause,
    checked: entry.checked ?? '',
  }
  // Nobody has checked what came out of a table: a part that would be empty is left out.
  return fill(
    content.phrases.sourceLine
      .split('，')
      .filter((part) => !part.includes('{') || fill(part, slots) !== fill(part, {}))
      .join('，'),
    slots,
  )
}

function nextSteps(
  content: Content,
  entry: Entry,
  { facets: asked = [], whole }: AnswerOptions,
  cut: boolean,
): DraftChoice[] {
  const more: DraftChoice[] = cut
    ? [
        {
          label: say(content, 'moreLabel'),
          entry: entry.id,
          action: { do: 'show-all', entry: entry.id, facet: asked[0]?.id },
        },
      ]
    : []
  const facets = whole
    ? []
    : content.facets
        .filter((facet) => entry.facets[facet.id] !== undefined && !asked.includes(facet))
        .map(({ id, label }) => ({
          label: `${label}：${entry.title}`,
          entry: entry.id,
          action: { do: 'show-entry' as const, entry: entry.id, facet: id },
        }))
  const related = entry.related.flatMap((id) => {
    const other = content.entries.find((one) => one.id === id)
    return other ? [{ label: other.title, entry: id, action: { do: 'show-entry' as const, entry: id } }] : []
  })
  return [...more, ...facets.slice(0, related.length > 1 ? 1 : 2), ...related].slice(0, MOST_NEXT_STEPS)
}

/** Choices among entries; the facet asked for is kept for whichever is chosen. */
export function entryChoices(candidates: readonly Candidate[], facet: Facet | undefined): DraftChoice[] {
  return candidates.map(({ entry }) => ({
    label: entry.title,
    entry: entry.id,
    action: { do: 'show-entry', entry: entry.id, facet: facet?.id },
  }))
}

/** Calm words and whom to call, nothing else. */
export function composeUrgent(kind: UrgentKind, hotlines: Content['hotlines'], lead?: string): Draft {
  const lines = kind.hotlines.flatMap((number) => {
    const hotline = hotlines.find((one) => one.number === number)
    return hotline ? [`☎ ${hotline.number} ${hotline.name}（${hotline.hours}）`] : []
  })
  return {
    decision: 'urgent',
    sections: [
      { kind: 'answer', text: lead ?? kind.reply },
      { kind: 'note', text: lines.join('\n') },
    ],
  }
}

export const regionName = (content: Content, id: string): string =>
  content.regions.find((region) => region.id === id)?.name ?? id

function dayInWords(day: string): string {
  const [year, month, date] = day.split('-').map(Number)
  return `${year}年${month}月${date}日`
}

/** The calendar day of an instant in Asia/Shanghai, where every document was issued. */
export function dayInShanghai(now: Date): string {
  return new Date(now.getTime() + 8 * 3600 * 1000).toISOString().slice(0, 10)
}

/** A title that is said between quotation marks; its own become the inner ones. */
export const inQuotes = (title: string): string => title.replaceAll('“', '‘').replaceAll('”', '’')
