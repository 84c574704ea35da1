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
  const answer = { kind: 'answer' as const, text: entry.answer }
  const asked = detailsOf(content, entry, source, options.facets ?? [])
  const told = options.facetFirst ? [...asked, answer] : [answer, ...asked]
  if (!asked.some(({ kind }) => kind === 'unsaid'))
    told.push(...unsaidRest(content, entry, options.facets ?? []))
  const { sections, cut } = options.whole
    ? { sections: [...told, ...restOf(entry, content, options.facets ?? [])], cut: false }
    : shorten(told, content)
  const status = statusLine(content, entry, source, today)
  return {
    decision: 'answer',
    sections: [
      ...sections,
      ...(status ? [{ kind: 'status' as const, text: status }] : []),
      { kind: 'source', text: sourceLine(content, entry, source) },
    ],
    choices: nextSteps(content, entry, options, cut),
    facet: options.facets?.[0]?.id,
    region: entry.region,
  }
}

function detailsOf(
  content: Content,
  entry: Entry,
  source: SourceDocument | undefined,
  facets: readonly Facet[],
): Section[] {
  const said = facets.flatMap(({ id, label }) => {
    const text = entry.facets[id]
    return text === undefined ? [] : [{ kind: 'detail' as const, text: `${label}：${text}` }]
  })
  const silent = facets.filter((facet) => entry.facets[facet.id] === undefined)
  const unsaid = silent.flatMap((facet) => unsaidOf(content, entry, source, facet))
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

function unsaidOf(
  content: Content,
  entry: Entry,
  source: SourceDocument | undefined,
  facet: Facet,
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
      return [`${basis}${facet.unsaid}`]
    }
    default:
      return [facet.unsaid]
  }
}

/** A year is no answer to "how many". */
const tellsAFigure = (answer: string): boolean => /\d/.test(answer.replace(/\d{4}年/g, ''))
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
      !(id === '何时' && tellsADay(entry.answer)),
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
  const drafts = asked.map(({ entry, facets }) => composeAnswer(content, entry, today, { facets }))
  const pieces = drafts.flatMap(({ sections }) => sections)
  const once = (kind: SectionKind): Section[] =>
    [...new Set(pieces.filter((section) => section.kind === kind).map(({ text }) => text))].map((text) => ({
      kind,
      text,
    }))
  return {
    decision: 'answer',
    sections: [
      ...pieces.filter(({ kind }) => kind !== 'status' && kind !== 'source'),
      ...once('status'),
      ...once('source'),
    ],
    choices: drafts.flatMap(({ choices = [] }) => choices.slice(0, 1)),
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

function sourceLine(content: Content, entry: Entry, source: SourceDocument | undefined): string {
  if (source === undefined) return say(content, 'noSource')
  const slots = {
    issuer: source.issuer,
    title: source.title,
    clause: entry.source?.clause ?? '',
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
