import { createRequire } from 'node:module'
import type * as zod from 'zod'
import { PHRASES, type PhraseName } from '../model/content.ts'

// By `require`, as in `config.ts`: the other form would be loaded beside that one.
const { z } = createRequire(import.meta.url)('zod') as typeof zod

/** The shape of every content file. Unknown keys are errors: a misspelt key would otherwise be ignored silently. */

export const STRICT_ID = /^[a-z0-9]+(-[a-z0-9]+)*$/
const STRICT_ID_TOLD = '只用小写字母、数字和连字符，例如 liandu-guarantee-fee'
const id = z.string().regex(STRICT_ID, STRICT_ID_TOLD)
// A bare number (88, 12355) is text here; YAML reads it as a number.
const sentence = z.preprocess(
  (value) => (typeof value === 'number' ? String(value) : value),
  z.string().trim().min(1, '不能空着'),
)
const words = z.array(sentence)
const day = z
  .union([z.string(), z.date()])
  .transform((value) => (typeof value === 'string' ? value : value.toISOString().slice(0, 10)))
  .refine((value) => z.iso.date().safeParse(value).success, '日期写成 2026-11-22 这样')
const validity = z
  .strictObject({ from: day.optional(), until: day.optional() })
  .refine(({ from, until }) => !from || !until || from <= until, 'from 晚于 until，起止写反了')

export const entryHead = z
  .strictObject({
    // A table's numbers stay as they are, so that whoever keeps the table finds the entry.
    id: z.string().min(1, '不能空着'),
    title: sentence,
    region: id.optional(),
    topics: words.min(1, '至少一个主题'),
    aliases: words.default([]),
    source: z.strictObject({ document: id, clause: sentence.optional() }).optional(),
    valid: validity.optional(),
    checked: day.optional(),
    related: z.array(z.string()).default([]),
    imported: z.boolean().default(false),
  })
  .refine((head) => head.imported || STRICT_ID.test(head.id), { path: ['id'], error: STRICT_ID_TOLD })
  .refine((head) => head.imported || !head.source || head.source.clause !== undefined, {
    path: ['source', 'clause'],
    error: '要写明哪一条',
  })

export const intentFile = z.strictObject({
  intent: id,
  title: sentence,
  answers: z.record(id, sentence).refine((answers) => Object.keys(answers).length > 0, '至少指向一条答案'),
  phrasings: words.min(1, '至少一种问法'),
})

export const regionsFile = z.strictObject({
  regions: z
    .array(
      z.strictObject({ id, name: sentence, full: sentence, aliases: words.default([]), office: sentence }),
    )
    .min(1, '至少一个地区'),
  hotlines: z.array(z.strictObject({ number: sentence, name: sentence, hours: sentence, for: words })),
})

export const sourcesFile = z.array(
  z.strictObject({
    id,
    title: sentence,
    issuer: sentence,
    number: sentence.optional(),
    date: day.optional(),
    valid: validity.optional(),
    status: sentence,
    text: sentence.optional(),
  }),
)

export const topicsFile = z.array(
  z.strictObject({
    name: sentence,
    folder: id,
    words: words.default([]),
    private: z.boolean().default(false),
    details: words.default([]),
    note: sentence.optional(),
  }),
)

export const facetsFile = z.array(
  z.strictObject({
    id: sentence,
    label: sentence,
    heading: sentence.optional(),
    cues: words,
    unless: words.default([]),
    unsaid: sentence,
    what: sentence.optional(),
  }),
)

const wording = { exactly: words.default([]), contains: words.default([]), unless: words.default([]) }

export const actsFile = z.array(z.strictObject({ id, ...wording }))
export const smallTalkFile = z.array(z.strictObject({ id, ...wording, reply: sentence }))
export const urgentFile = z.array(
  z.strictObject({
    id,
    ...wording,
    pinyin: words.default([]),
    reply: sentence,
    hotlines: words.min(1, '至少一个热线号码'),
  }),
)

export const fillerFile = z.strictObject({
  lead: words,
  tail: words,
  empty: words,
  general: words.default([]),
  passing: words,
  home: words,
})

export const wordsFile = z.record(sentence, words)

// A time without an offset would mean another hour on every machine.
const time = z.preprocess(
  (value) => (value instanceof Date ? value.toISOString() : value),
  z
    .string()
    .regex(
      /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(:\d{2}(\.\d+)?)?(Z|[+-]\d{2}:\d{2})$/,
      '时间写成 2026-12-10T14:00:00+08:00 这样',
    )
    // Date.parse makes March 2nd of February 30th.
    .refine(
      (value) => z.iso.date().safeParse(value.slice(0, 10)).success && !Number.isNaN(Date.parse(value)),
      '没有这一天或这个时间',
    ),
)

export const noticeHead = z.strictObject({
  title: sentence,
  region: id,
  topics: words.min(1, '至少一个主题'),
  starts: time,
  ends: time,
  place: sentence,
  quota: z.number('人数写成数字').int('人数写成整数').positive('人数要大于 0').optional(),
  link: z.url({ protocol: /^https?$/, error: '网址要以 http:// 或 https:// 开头' }).optional(),
  'send-at': time.optional(),
  expires: time.optional(),
  audience: z
    .enum(['topics', 'region'], 'audience 只能是 topics(订阅了这些主题的人)或 region(订阅了这个地区的人)')
    .default('topics'),
  author: sentence,
})

const phraseNames = Object.keys(PHRASES) as PhraseName[]
export const phrasesFile = z.strictObject(
  Object.fromEntries(
    phraseNames.map((name) => [
      name,
      sentence.refine((text) => unknownSlots(name, text).length === 0, {
        error: (issue) =>
          `“{${unknownSlots(name, String(issue.input)).join('}、{')}}”没有可填的内容，这一句只能用 ${PHRASES[name].map((slot) => `{${slot}}`).join('、') || '纯文字'}`,
      }),
    ]),
  ) as unknown as Record<PhraseName, zod.ZodType<string>>,
)

function unknownSlots(name: PhraseName, text: string): string[] {
  const allowed: readonly string[] = PHRASES[name]
  return Array.from(text.matchAll(/\{([^{}]*)\}/g), (match) => match[1] ?? '').filter(
    (slot) => !allowed.includes(slot),
  )
}
