import { answerIn } from '../answer/catalog.ts'
import { decide } from '../answer/decide.ts'
import type { Question } from '../answer/question.ts'
import { type Candidate, FEATURES, type Ranking, reasonsOf, type Scope } from '../answer/rank.ts'
import { understand } from '../answer/understand.ts'
import type { Content, Entry, Facet } from '../model/content.ts'
import type { Message } from '../model/conversation.ts'
import type { Session } from '../model/session.ts'
import {
  composeAnswer,
  type Draft,
  type DraftChoice,
  dayInShanghai,
  entryChoices,
  plainDraft,
  regionName,
  say,
} from './compose.ts'
import type { Around, Outcome } from './converse.ts'
import { mask } from './mask.ts'

/** Tells one entry and remembers that the conversation is about it. */
export function tell(
  around: Around,
  session: Session,
  entry: Entry,
  facet: Facet | undefined,
  how: { whole?: boolean; facetFirst?: boolean },
  ranking?: Ranking,
): Outcome {
  const { content } = around.knowledge
  const draft = composeAnswer(content, entry, dayInShanghai(around.now), { facet, ...how })
  return {
    draft: { ...draft, ...traceOf(ranking, entry) },
    session: {
      ...session,
      unanswered: undefined,
      topic: {
        entry: entry.id,
        facet: facet?.id,
        candidates: candidatesOf(ranking),
        rejected: [],
        decision: 'answer',
        at: around.now.getTime(),
      },
    },
  }
}

const candidatesOf = (ranking: Ranking | undefined): string[] =>
  (ranking?.here ?? []).slice(0, 8).map(({ entry }) => entry.id)

/** The candidates, best first, with scores and reasons, for whoever looks behind the reply. */
function traceOf(
  ranking: Ranking | undefined,
  entry?: Entry,
): Pick<Draft, 'entries' | 'score' | 'intent' | 'reasons'> {
  const ranked = ranking?.here ?? []
  const first = entry ? (ranked.find((candidate) => candidate.entry.id === entry.id) ?? undefined) : ranked[0]
  const others = ranked.filter((candidate) => candidate !== first)
  const ids = [
    ...(entry ? [entry.id] : first ? [first.entry.id] : []),
    ...others.map((candidate) => candidate.entry.id),
  ]
  return {
    entries: ids.slice(0, 5),
    score: first?.score ?? (entry ? 1 : 0),
    intent: first?.target.intents[0]?.id,
    reasons: ranked.slice(0, 5).map(reasonsOf),
  }
}

function afterCorrection(read: (text: string) => Question, text: string): Question {
  const rest = text.replace(
    /^(?:不对|不是)(?:这个|这|它|的)?[,。!.、\s]*(?:我(?:问|说|要|想问|想说)的?(?:不是这个|是)?)?(?:那个|的是)?[,。、\s]*/u,
    '',
  )
  return read(rest === '' ? text : rest)
}

/** The visitor turned the last answer down. */
export function notThat(around: Around, message: Message, session: Session, text: string): Outcome {
  const { content } = around.knowledge
  const question = afterCorrection(around.knowledge.catalog.readQuestion, text)
  const topic = session.topic
  const rejected = [...(topic?.rejected ?? []), ...(topic?.entry ? [topic.entry] : [])]
  if (question.rest.length >= 2 && !/^不(?:是|对)/.test(question.text))
    return reply(around, message, session, question, { exclude: new Set(rejected) })
  const entries = content.entries.filter(({ id }) => topic?.candidates.includes(id) && !rejected.includes(id))
  const ordered = (topic?.candidates ?? [])
    .flatMap((id) => entries.find((entry) => entry.id === id) ?? [])
    .slice(0, 3)
  const choices: DraftChoice[] = [
    ...ordered.map((entry) => ({
      label: entry.title,
      entry: entry.id,
      action: { do: 'show-entry' as const, entry: entry.id },
    })),
    { label: say(content, 'humanLabel'), action: { do: 'hand-over' } },
  ]
  return {
    draft: {
      decision: 'ask-back',
      sections: [{ kind: 'note', text: say(content, 'notThat') }],
      choices,
      entries: ordered.map(({ id }) => id),
      region: session.region,
    },
    session: topic ? { ...session, topic: { ...topic, entry: undefined, rejected } } : session,
  }
}

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
  const last = session.topic
  const lastEntry = content.entries.find(({ id }) => id === last?.entry)

  if (question.rest === '' && question.unknownPlaces.length === 0) {
    const followed = followUp(around, moved, question, lastEntry, region)
    if (followed) return followed
    if (!ABOUT_THE_DOCUMENT.has(question.facet?.id ?? ''))
      return {
        draft: plainDraft(content, 'hand-over', question.facet ? 'whatAbout' : 'incomplete'),
        session: moved,
      }
  }

  const alone: Scope = { region, ...how }
  const context = contextOf(content, last, lastEntry)
  // A short question leans on what was said before; a longer one only when it is not clear by itself.
  let scope: Scope = context && isElliptical(question) ? { ...alone, context } : alone
  let { ranking, decision } = understand(catalog, rank, question, scope)
  if (context && decision.kind !== 'answer' && scope === alone) {
    const leaning = rank(question, { ...alone, context })
    const second = decide(leaning, { ...alone, context })
    if (second.kind === 'answer') [scope, ranking, decision] = [{ ...alone, context }, leaning, second]
  }
  const { facet } = question
  const remember = (kind: Draft['decision'], entry?: string): Session => ({
    ...moved,
    topic: {
      entry,
      facet: facet?.id,
      candidates: candidatesOf(ranking),
      rejected: [...(how.exclude ?? [])],
      decision: kind,
      at: now.getTime(),
    },
  })

  // 「全部小孩都给？」 asks for a detail of the entry just told, if that entry speaks of such things at all.
  const same = ranking.here.find(({ entry }) => entry === lastEntry)
  if (
    lastEntry &&
    facet &&
    decision.kind !== 'answer' &&
    said === undefined &&
    isElliptical(question) &&
    same &&
    speaksOf(same)
  )
    return tell(around, moved, lastEntry, facet, { facetFirst: true })

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
      return tell(around, moved, entry, facet, {}, ranking)
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
                      facet: facet?.id,
                    },
                  },
                ]
              : [],
          ),
          facet: facet?.id,
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
      return {
        draft: {
          decision: 'ask-back',
          sections: [{ kind: 'note', text: say(content, decision.sure ? 'askWhich' : 'askWhichUnsure') }],
          choices: withRegionNames(content, entryChoices(decision.among, facet), decision.among, region),
          facet: facet?.id,
          region,
          ...traceOf(ranking),
        },
        session: { ...remember('ask-back'), unanswered: { text: mask(question.text), at: now.getTime() } },
      }
    }
    case 'elsewhere': {
      const secret = message.inGroup
        ? decision.there.map(({ entry }) => privateTopic(content, entry)).find(Boolean)
        : undefined
      if (secret)
        return { draft: plainDraft(content, 'act', 'continuePrivately', { topic: secret }), session: moved }
      return {
        draft: { ...notHere(content, decision.there, decision.near, region, facet), ...traceOf(ranking) },
        session: {
          ...remember('hand-over', decision.there[0]?.entry.id),
          unanswered: { text: mask(question.text), at: now.getTime() },
        },
      }
    }
    case 'hand-over': {
      if (question.rest === '' || question.rest.length < 2)
        return {
          draft: {
            ...plainDraft(content, 'hand-over', question.facet ? 'whatAbout' : 'incomplete'),
            ...traceOf(ranking),
          },
          session: moved,
        }
      const unanswered = { text: mask(question.text), at: now.getTime() }
      return {
        draft: { ...unsure(content, decision.why, question, region), ...traceOf(ranking) },
        session: { ...remember('hand-over'), unanswered },
      }
    }
  }
}

/** Asked without a thing, these are about the document as a whole. */
const ABOUT_THE_DOCUMENT = new Set(['是否有效', '出处'])

const COVERED_WORD = FEATURES.indexOf('covered-word')
const speaksOf = ({ features }: Candidate): boolean => (features[COVERED_WORD] ?? 0) > 0

const isElliptical = ({ rest }: Question): boolean => rest.length <= 6

/** What an elliptical question may be about: the last entry, its neighbours, the other candidates of that question. */
function contextOf(
  content: Content,
  last: Session['topic'],
  entry: Entry | undefined,
): Set<string> | undefined {
  if (!last) return undefined
  const near = content.entries.filter(
    (other) =>
      entry?.source?.clause !== undefined &&
      other.region === entry.region &&
      other.source?.clause === entry.source.clause &&
      other.topics[0] === entry.topics[0],
  )
  return new Set([...last.candidates, ...(entry?.related ?? []), ...near.map(({ id }) => id)])
}

/** 「那昆明呢」 keeps the wish and changes the region; 「要什么材料」 keeps the entry and changes the facet. */
function followUp(
  around: Around,
  session: Session,
  question: Question,
  lastEntry: Entry | undefined,
  region: string | undefined,
): Outcome | undefined {
  const { content, catalog } = around.knowledge
  const said = question.regions.at(-1)
  const facet =
    question.facet ?? (said ? content.facets.find(({ id }) => id === session.topic?.facet) : undefined)
  if (lastEntry === undefined) {
    if (said === undefined) return undefined
    if (question.facet) return undefined
    return {
      draft: {
        ...plainDraft(content, 'act', 'regionSet', { region: regionName(content, said) }),
        region: said,
      },
      session,
    }
  }
  if (said !== undefined && said !== lastEntry.region) {
    const target = catalog.targets[catalog.byEntry.get(lastEntry.id) ?? -1]
    for (const intent of target?.intents ?? []) {
      const there = content.entries.find(({ id }) => id === answerIn(intent, said))
      if (there) return tell(around, session, there, facet, {})
    }
    const scope: Scope = { region: said }
    const ranking = around.knowledge.rank(catalog.readQuestion(lastEntry.title.toLowerCase()), scope)
    const near = ranking.here.filter(({ score }) => score >= WORTH_NAMING).slice(0, 2)
    return {
      draft: {
        ...notHere(
          content,
          ranking.elsewhere.filter(({ entry }) => entry.id === lastEntry.id),
          near,
          said,
          facet,
          target?.intents[0]?.title,
        ),
        ...traceOf(ranking),
      },
      session: {
        ...session,
        topic: {
          entry: lastEntry.id,
          candidates: candidatesOf(ranking),
          rejected: [],
          decision: 'hand-over',
          at: around.now.getTime(),
        },
      },
    }
  }
  if (question.facet || said)
    return tell(around, { ...session, region: said ?? session.region ?? region }, lastEntry, facet, {
      facetFirst: true,
    })
  return undefined
}

const WORTH_NAMING = 0.15

/** Honest about a region whose document is silent: who else has it, and what comes nearest here. */
function notHere(
  content: Content,
  there: readonly Candidate[],
  near: readonly Candidate[],
  region: string | undefined,
  facet: Facet | undefined,
  wish = there[0]?.target.intents[0]?.title,
): Draft {
  const thing = wish ?? there[0]?.entry.title ?? ''
  const others = there.flatMap(({ entry }) => (entry.region ? [regionName(content, entry.region)] : []))
  const here = region ? regionName(content, region) : ''
  const choices: DraftChoice[] = [
    ...entryChoices(near, facet),
    ...there.slice(0, 2).map(({ entry }) => ({
      label: `${regionName(content, entry.region ?? '')}：${entry.title}`,
      entry: entry.id,
      action: { do: 'show-entry' as const, entry: entry.id, facet: facet?.id },
    })),
  ]
  const sentences = [
    say(content, 'notHere', { region: here, thing }),
    others.length > 0 ? say(content, 'elsewhere', { regions: [...new Set(others)].join('、'), thing }) : '',
  ]
  return {
    decision: 'hand-over',
    sections: [
      { kind: 'unsaid', text: sentences.join('') },
      ...(choices.length > 0 ? [{ kind: 'note' as const, text: say(content, 'nearest') }] : []),
    ],
    choices: [...choices, { label: say(content, 'humanLabel'), action: { do: 'hand-over' } }],
    facet: facet?.id,
    region,
  }
}

function unsure(
  content: Content,
  why: 'unknown-place' | 'nothing-like-it',
  question: Question,
  region: string | undefined,
): Draft {
  const regions = content.regions.map(({ name }) => name).join('、')
  const office =
    content.regions.find(({ id }) => id === region)?.office ??
    content.regions.map((one) => one.office).join('、')
  const first =
    why === 'unknown-place'
      ? say(content, 'unknownPlace', { place: question.unknownPlaces[0] ?? '', regions })
      : say(content, 'notInFiles')
  return {
    decision: 'hand-over',
    sections: [
      { kind: 'unsaid', text: first },
      ...(why === 'nothing-like-it'
        ? [{ kind: 'note' as const, text: say(content, 'unsure', { office }) }]
        : []),
    ],
    choices: [{ label: say(content, 'humanLabel'), action: { do: 'hand-over' } }],
    region,
  }
}

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
