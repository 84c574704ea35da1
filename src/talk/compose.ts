import type { Candidate } from '../answer/rank.ts'
import type { Content, Entry, Facet, PhraseName, SourceDocument, UrgentKind } from '../model/content.ts'
import type { DecisionKind, Reply, SectionKind } from '../model/conversation.ts'
import type { ChoiceAction } from '../model/session.ts'

/** A reply before it is numbered, put into the visitor's script and remembered. */
export interface Draft {
  readonly decision: DecisionKind
  readonly sections: readonly { readonly kind: SectionKind; readonly text: string }[]
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
  readonly facet?: Facet | undefined
  /** Asked as a follow-up: what was asked for comes first, the answer it belongs to after it. */
  readonly facetFirst?: boolean
  /** All of it, however long. */
  readonly whole?: boolean
}

/**
 * Direct answer, the facet asked for (or that the document is silent about it), whether it still holds, and
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
  const detail = detailOf(entry, source, options.facet, content)
  const told = detail ? (options.facetFirst ? [detail, answer] : [answer, detail]) : [answer]
  const { sections, cut } = options.whole
    ? { sections: [...told, ...restOf(entry, content, options.facet)], cut: false }
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
    facet: options.facet?.id,
    region: entry.region,
  }
}

type Section = Draft['sections'][number]

function detailOf(
  entry: Entry,
  source: SourceDocument | undefined,
  facet: Facet | undefined,
  content: Content,
): Section | undefined {
  if (facet === undefined) return undefined
  const text = entry.facets[facet.id]
  if (text !== undefined) return { kind: 'detail', text }
  // A whole answer out of a table may well hold what was asked: nobody has sorted it by facet.
  if (entry.imported && facet.id !== '出处') return undefined
  switch (facet.id) {
    case '数量':
      // A year is no answer to "how many".
      return /\d/.test(entry.answer.replace(/\d{4}年/g, ''))
        ? undefined
        : { kind: 'unsaid', text: facet.unsaid }
    case '出处':
      return source ? undefined : { kind: 'unsaid', text: facet.unsaid }
    case '是否有效': {
      const until = entry.valid?.until ?? source?.valid?.until
      const title = source?.title
      const basis = until && title ? say(content, 'statusAnswer', { title, until: dayInWords(until) }) : ''
      return { kind: 'unsaid', text: `${basis}${facet.unsaid}` }
    }
    default:
      return { kind: 'unsaid', text: facet.unsaid }
  }
}

function restOf(entry: Entry, content: Content, shown: Facet | undefined): Section[] {
  return content.facets.flatMap((facet) => {
    const text = entry.facets[facet.id]
    return text === undefined || facet.id === shown?.id
      ? []
      : [{ kind: 'detail' as const, text: `${facet.label}：${text}` }]
  })
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
  { facet, whole }: AnswerOptions,
  cut: boolean,
): DraftChoice[] {
  const more: DraftChoice[] = cut
    ? [
        {
          label: say(content, 'moreLabel'),
          entry: entry.id,
          action: { do: 'show-all', entry: entry.id, facet: facet?.id },
        },
      ]
    : []
  const facets = whole
    ? []
    : content.facets
        .filter(({ id }) => entry.facets[id] !== undefined && id !== facet?.id)
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
