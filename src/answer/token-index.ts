import { type Tokenize, VIEWS, type View } from '../text/views.ts'
import type { Question } from './question.ts'
import { AskedTexts, Texts, Vocabulary } from './vocabulary.ts'

/**
 * The tokens of all views, numbered in one row, and what they weigh in each text. Weights are tf-idf, of length
 * one over a text's tokens of a view, in steps of 1 / `STEPS`. Finding reads the owners of a few tokens, comparing
 * the tokens of a few owners; each has its own row, so that both read what stands together.
 */
export interface TokenIndex {
  readonly tokenTexts: Texts
  readonly vocabularies: Readonly<Record<View, Vocabulary>>
  /** Information of each token. */
  readonly idf: Float32Array
  /** Of a token that no text holds. */
  readonly unknownIdf: number
  /** Where the list of each token's owners begins; it ends where the next one's begins. */
  readonly start: Uint32Array
  /** The owners of each token, in ascending order. */
  readonly owners: Uint32Array
  /** The most the token weighs in any of that owner's texts. */
  readonly most: Uint16Array
  /** Where the list of each owner's tokens begins; it ends where the next one's begins. */
  readonly ownStart: Uint32Array
  /** The tokens of each owner. */
  readonly tokens: Uint32Array
  /** Where the list of the owner's texts with that token begins; it ends where the next one's begins. */
  readonly textStart: Uint32Array
  /** Places of the texts among their owner's texts. */
  readonly texts: Uint32Array
  /** What the token weighs in each. */
  readonly weights: Uint16Array
}

/** The finest difference between two stored weights is 1 / STEPS. */
export const STEPS = 65_535

/** The tokens of a question, view by view: those of view v from `start[v]` up to `start[v + 1]`. */
export interface Query {
  readonly start: Uint32Array
  /** Numbers in the index; -1 for a token that no text holds. */
  readonly tokens: Int32Array
  /** tf-idf, of length one over a view: words nobody knows make the rest count less. */
  readonly weights: Float32Array
  /** Information each token carries. */
  readonly information: Float32Array
}

/** Collects texts token by token and turns them into weights. */
export class TokenIndexBuilder {
  private readonly tokenTexts = new Texts()
  private readonly vocabularies: Record<View, Vocabulary> = {
    char: new Vocabulary(),
    pair: new Vocabulary(),
    word: new Vocabulary(),
    sound: new Vocabulary(),
  }
  /** The tokens of each text, view by view, and how often each stands there; `start` tells where a view's begin. */
  private readonly tokens = new Numbers()
  private readonly counts = new Numbers()
  private readonly start = new Numbers()
  /** For each token where it stands in `tokens` for the last text. */
  private lastAt = new Uint32Array(1024)
  private size = 0
  private texts = 0

  constructor(private readonly tokenize: Tokenize) {}

  /** Adds the next text. */
  add(text: string): void {
    const { vocabularies, tokens, counts, start } = this
    const first = tokens.length
    let view = 0
    let vocabulary = vocabularies[VIEWS[view] as View]
    start.push(first)
    this.tokenize(text, undefined, this.tokenTexts, (of, token, _, next) => {
      while (VIEWS[view] !== of) {
        vocabulary = vocabularies[VIEWS[++view] as View]
        start.push(tokens.length)
      }
      let number = vocabulary.find(token, next)
      if (number < 0) {
        number = this.size++
        vocabulary.add(number, token, next)
        if (number === this.lastAt.length) this.lastAt = twiceAsLong(this.lastAt)
      } else {
        const at = this.lastAt[number] as number
        if (at >= first) {
          counts.increase(at)
          return
        }
      }
      this.lastAt[number] = tokens.length
      tokens.push(number)
      counts.push(1)
    })
    while (++view < VIEWS.length) start.push(tokens.length)
    this.texts++
  }

  /**
   * Weighs what was added; nothing can be added afterwards.
   * @param textsOf the texts that speak for each owner
   * @param share what counts of a text's weight for its owners
   * @param pause awaited now and then
   */
  async finish(
    textsOf: readonly ArrayLike<number>[],
    share: (text: number) => number,
    pause: () => Promise<void>,
  ): Promise<TokenIndex> {
    const { tokenTexts, vocabularies, size, texts } = this
    this.start.push(this.tokens.length)
    const written: ByText = {
      start: await this.start.row(pause),
      tokens: await this.tokens.row(pause),
      weights: await this.counts.row(pause),
    }
    const idf = await information(written.tokens, size, texts, pause)
    await weigh(written, idf, pause)
    const { most, ...byOwner } = await gathered(written, size, textsOf, share, pause)
    return {
      tokenTexts,
      vocabularies,
      idf,
      unknownIdf: inverseFrequency(texts, 0),
      ...(await turnedRound(byOwner, most, size, pause)),
      ...byOwner,
    }
  }
}

/** The tokens of each text, view by view, and what they weigh there. */
interface ByText {
  readonly start: Uint32Array
  readonly tokens: Uint32Array
  readonly weights: Uint32Array
}

/** What it says that a text holds a token. */
async function information(
  tokens: Uint32Array,
  size: number,
  texts: number,
  pause: () => Promise<void>,
): Promise<Float32Array> {
  const due = workload(10 * BREATH_OF_POSTINGS)
  const frequency = new Uint32Array(size)
  for (let at = 0; at < tokens.length; at++) {
    const token = tokens[at] as number
    frequency[token] = (frequency[token] as number) + 1
    if (due(1)) await pause()
  }
  return Float32Array.from(frequency, (df) => inverseFrequency(texts, df))
}

/** From how often each token stands in a text to what it weighs there. */
async function weigh(
  { start, tokens, weights }: ByText,
  idf: Float32Array,
  pause: () => Promise<void>,
): Promise<void> {
  const due = workload(BREATH_OF_POSTINGS)
  let own = new Float64Array(1024)
  for (let list = 0; list + 1 < start.length; list++) {
    const from = start[list] as number
    const to = start[list + 1] as number
    if (own.length < to - from) own = new Float64Array(2 * (to - from))
    let squares = 0
    for (let at = from; at < to; at++) {
      const weight = dampen(weights[at] as number) * (idf[tokens[at] as number] as number)
      own[at - from] = weight
      squares += weight * weight
    }
    const scale = squares === 0 ? 0 : STEPS / Math.sqrt(squares)
    for (let at = from; at < to; at++)
      weights[at] = Math.max(1, Math.round((own[at - from] as number) * scale))
    if (due(to - from)) await pause()
  }
}

type ByOwner = Pick<TokenIndex, 'ownStart' | 'tokens' | 'textStart' | 'texts' | 'weights'>

/** From the tokens of each text to the tokens of each owner, and the most each weighs there. */
async function gathered(
  { start, tokens: written, weights: weighed }: ByText,
  size: number,
  textsOf: readonly ArrayLike<number>[],
  share: (text: number) => number,
  pause: () => Promise<void>,
): Promise<ByOwner & { readonly most: Uint32Array }> {
  const due = workload(BREATH_OF_POSTINGS)
  const startOf = (text: number): number => start[VIEWS.length * text] as number
  let places = 0
  for (const own of textsOf)
    for (let i = 0; i < own.length; i++) places += startOf((own[i] as number) + 1) - startOf(own[i] as number)
  await pause()
  // The rows are long: making one of them takes as long as a reply.
  const texts = new Uint32Array(places)
  await pause()
  const weights = new Uint16Array(places)
  await pause()
  const ownStart = new Uint32Array(textsOf.length + 1)
  const tokens = new Numbers()
  const textStart = new Numbers()
  const most = new Numbers()
  // For each token its place in the row of the owner in hand, counted from one; for each place first the number of
  // texts, then where the next of them stands, and the most the token weighs.
  const placeOf = new Uint32Array(size)
  let next = new Uint32Array(1024)
  let heaviest = new Uint32Array(1024)
  let filled = 0
  for (const [owner, own] of textsOf.entries()) {
    const first = tokens.length
    const read = filled
    let count = 0
    for (let i = 0; i < own.length; i++) {
      const to = startOf((own[i] as number) + 1)
      for (let at = startOf(own[i] as number); at < to; at++) {
        const token = written[at] as number
        let place = placeOf[token] as number
        if (place === 0) {
          tokens.push(token)
          place = ++count
          placeOf[token] = place
          if (place === next.length) {
            next = twiceAsLong(next)
            heaviest = twiceAsLong(heaviest)
          }
          next[place] = 0
          heaviest[place] = 0
        }
        next[place] = (next[place] as number) + 1
      }
    }
    for (let place = 1; place <= count; place++) {
      const many = next[place] as number
      textStart.push(filled)
      next[place] = filled
      filled += many
    }
    for (let i = 0; i < own.length; i++) {
      const text = own[i] as number
      const counts = share(text)
      const to = startOf(text + 1)
      for (let at = startOf(text); at < to; at++) {
        const place = placeOf[written[at] as number] as number
        const there = next[place] as number
        next[place] = there + 1
        const weight = weighed[at] as number
        texts[there] = i
        weights[there] = weight
        const heavy = counts === 1 ? weight : Math.max(1, Math.round(weight * counts))
        if (heavy > (heaviest[place] as number)) heaviest[place] = heavy
      }
    }
    for (let place = 1; place <= count; place++) {
      most.push(heaviest[place] as number)
      placeOf[tokens.at(first + place - 1)] = 0
    }
    ownStart[owner + 1] = tokens.length
    if (due(filled - read)) await pause()
  }
  textStart.push(filled)
  return {
    ownStart,
    tokens: await tokens.row(pause),
    textStart: await textStart.row(pause),
    texts,
    weights,
    most: await most.row(pause),
  }
}

/** From the tokens of each owner to the owners of each token. */
async function turnedRound(
  { ownStart, tokens }: ByOwner,
  heaviest: Uint32Array,
  size: number,
  pause: () => Promise<void>,
): Promise<Pick<TokenIndex, 'start' | 'owners' | 'most'>> {
  const due = workload(BREATH_OF_POSTINGS)
  const start = new Uint32Array(size + 1)
  for (let list = 0; list < tokens.length; list++) {
    const token = tokens[list] as number
    start[token + 1] = (start[token + 1] as number) + 1
    if (due(1)) await pause()
  }
  for (let token = 0; token < size; token++)
    start[token + 1] = (start[token + 1] as number) + (start[token] as number)
  await pause()
  const owners = new Uint32Array(tokens.length)
  await pause()
  const most = new Uint16Array(tokens.length)
  await pause()
  const next = start.slice()
  for (let owner = 0; owner + 1 < ownStart.length; owner++) {
    const from = ownStart[owner] as number
    const to = ownStart[owner + 1] as number
    for (let list = from; list < to; list++) {
      const token = tokens[list] as number
      const at = next[token] as number
      next[token] = at + 1
      owners[at] = owner
      most[at] = heaviest[list] as number
    }
    if (due(to - from)) await pause()
  }
  return { start, owners, most }
}

/** Weighs a question as the texts of the index are weighed. */
export function readQuery(index: TokenIndex, tokenize: Tokenize, { text, weights }: Question): Query {
  const start = new Uint32Array(VIEWS.length + 1)
  const merged = VIEWS.map(() => new Map<number, Asked>())
  const texts = new AskedTexts(index.tokenTexts)
  tokenize(text, weights, texts, (view, token, weight, next) => {
    const tokens = merged[VIEWS.indexOf(view)] as Map<number, Asked>
    const key = next === undefined ? token : (next + 1) * PAIRED + token
    const known = tokens.get(key)
    if (known) {
      known.count++
      if (weight > known.weight) known.weight = weight
    } else {
      const number = index.vocabularies[view].find(token, next)
      // A concept nobody's text holds says nothing: its everyday word counts already.
      const idf =
        number >= 0 ? (index.idf[number] as number) : texts.isUnknownConcept(token) ? 0 : index.unknownIdf
      tokens.set(key, { number, idf, count: 1, weight })
    }
  })
  for (const [v, tokens] of merged.entries()) start[v + 1] = (start[v] as number) + tokens.size
  const size = start[VIEWS.length] as number
  const query: Query = {
    start,
    tokens: new Int32Array(size),
    weights: new Float32Array(size),
    information: new Float32Array(size),
  }
  let at = 0
  for (const [v, tokens] of merged.entries()) {
    let squares = 0
    for (const { number, idf, count, weight } of tokens.values()) {
      const whole = dampen(count) * idf * weight
      squares += whole * whole
      query.tokens[at] = number
      query.weights[at] = whole
      query.information[at++] = idf * weight
    }
    if (squares === 0) continue
    for (let i = start[v] as number; i < at; i++)
      query.weights[i] = (query.weights[i] as number) / Math.sqrt(squares)
  }
  return query
}

/** More than there are texts of tokens; two of them make a number that is still exact. */
const PAIRED = 2 ** 26

/** A token of the question, all its places together. */
interface Asked {
  readonly number: number
  readonly idf: number
  count: number
  /** Of the place that says most. */
  weight: number
}

/** Words that no text of the base holds: how many, in units of a wholly unknown word. */
export function unknownWordsOf(query: Query, index: TokenIndex): number {
  const words = VIEWS.indexOf('word')
  let information = 0
  for (let i = query.start[words] as number; i < (query.start[words + 1] as number); i++)
    if ((query.tokens[i] as number) < 0) information += query.information[i] as number
  return information / index.unknownIdf
}

/** So many postings are written between two pauses; the first ones touch memory nobody has touched, which is slow. */
const BREATH_OF_POSTINGS = 5_000

/** Tells when so much work has been done that others should have a turn. */
export function workload(most: number): (work: number) => boolean {
  let since = 0
  return (work) => {
    since += work
    if (since < most) return false
    since = 0
    return true
  }
}

const inverseFrequency = (size: number, df: number): number => Math.log(1 + (size + 1) / (df + 0.5))
/** A word said twice says a little more than once. */
const dampen = (count: number): number => (count === 1 ? 1 : 1 + Math.log(count))

/** A growing row of whole numbers, in pieces: nothing is copied when it grows, which would hold up the replies. */
class Numbers {
  length = 0
  private readonly pieces: Uint32Array[] = []

  push(value: number): void {
    const at = this.length++
    if ((at & PIECE_MASK) === 0) this.pieces.push(new Uint32Array(PIECE))
    this.set(at, value)
  }
  at(position: number): number {
    return (this.pieces[position >>> PIECE_BITS] as Uint32Array)[position & PIECE_MASK] as number
  }
  set(position: number, value: number): void {
    ;(this.pieces[position >>> PIECE_BITS] as Uint32Array)[position & PIECE_MASK] = value
  }
  increase(position: number): void {
    this.set(position, this.at(position) + 1)
  }
  /** All of it in one piece; nothing is left here. */
  async row(pause: () => Promise<void>): Promise<Uint32Array> {
    const row = new Uint32Array(this.length)
    await pause()
    const due = workload(PIECES_AT_ONCE)
    for (let at = 0; this.pieces.length > 0; at += PIECE) {
      const piece = this.pieces.shift() as Uint32Array
      row.set(at + PIECE > row.length ? piece.subarray(0, row.length - at) : piece, at)
      if (due(1)) await pause()
    }
    this.length = 0
    return row
  }
}

function twiceAsLong(row: Uint32Array): Uint32Array<ArrayBuffer> {
  const longer = new Uint32Array(2 * row.length)
  longer.set(row)
  return longer
}

const PIECES_AT_ONCE = 10
const PIECE_BITS = 14
const PIECE = 1 << PIECE_BITS
const PIECE_MASK = PIECE - 1
