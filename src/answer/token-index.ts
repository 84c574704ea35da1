import { type Tokenizer, VIEWS, type View } from '../text/views.ts'
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
  /** The tokens of each text, view by view; `start` tells where those of a text's view begin. */
  private readonly tokens = new Numbers()
  private readonly start = new Numbers()
  /** Where in `tokens` one stands that its text holds once more, as often as it does. */
  private readonly repeated = new Numbers()
  /** For each token where it stands in `tokens` for the last text. */
  private lastAt = new Uint32Array(1024)
  private size = 0
  private texts = 0

  constructor(private readonly tokenizer: Tokenizer) {}

  /** Adds the next text, cut into words. */
  add(text: string, words: readonly string[]): void {
    const { vocabularies, tokens, start } = this
    const first = tokens.length
    let view = 0
    let vocabulary = vocabularies[VIEWS[view] as View]
    start.push(first)
    this.tokenizer.handOut(text, words, undefined, this.tokenTexts, (of, token, _, next) => {
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
          this.repeated.push(at)
          return
        }
      }
      this.lastAt[number] = tokens.length
      tokens.push(number)
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
    const start = await this.start.row(pause)
    const tokens = await this.tokens.row(pause)
    const frequency = new Uint32Array(size)
    await inRanges(tokens.length, pause, (from, to) => {
      for (let at = from; at < to; at++) {
        const token = tokens[at] as number
        frequency[token] = (frequency[token] as number) + 1
      }
    })
    const idf = new Float32Array(size)
    await inRanges(size, pause, (from, to) => {
      for (let token = from; token < to; token++)
        idf[token] = inverseFrequency(texts, frequency[token] as number)
    })
    const weights = await weighed(start, tokens, await this.repeated.row(pause), idf, pause)
    return {
      tokenTexts,
      vocabularies,
      idf,
      unknownIdf: inverseFrequency(texts, 0),
      ...(await gathered({ start, tokens, weights }, size, textsOf, share, pause)),
    }
  }
}

/** What each token weighs in its text. @param repeated where a token stands that is there once more */
async function weighed(
  start: Uint32Array,
  tokens: Uint32Array,
  repeated: Uint32Array,
  idf: Float32Array,
  pause: () => Promise<void>,
): Promise<Uint16Array> {
  // At first how often each stands there beyond once.
  const weights = new Uint16Array(tokens.length)
  await touch(weights, pause)
  await inRanges(repeated.length, pause, (from, to) => {
    for (let i = from; i < to; i++) {
      const at = repeated[i] as number
      weights[at] = (weights[at] as number) + 1
    }
  })
  let own = new Float64Array(1024)
  await inSlices(start.length - 1, pause, (list) => {
    const from = start[list] as number
    const to = start[list + 1] as number
    if (own.length < to - from) own = new Float64Array(2 * (to - from))
    let squares = 0
    for (let at = from; at < to; at++) {
      const weight = dampen((weights[at] as number) + 1) * (idf[tokens[at] as number] as number)
      own[at - from] = weight
      squares += weight * weight
    }
    const scale = squares === 0 ? 0 : STEPS / Math.sqrt(squares)
    for (let at = from; at < to; at++)
      weights[at] = Math.max(1, Math.round((own[at - from] as number) * scale))
    return to - from
  })
  return weights
}

/** From the tokens of each text to the tokens of each owner and the owners of each token. */
async function gathered(
  written: { readonly start: Uint32Array; readonly tokens: Uint32Array; readonly weights: Uint16Array },
  size: number,
  textsOf: readonly ArrayLike<number>[],
  share: (text: number) => number,
  pause: () => Promise<void>,
): Promise<Omit<TokenIndex, 'tokenTexts' | 'vocabularies' | 'idf' | 'unknownIdf'>> {
  const startOf = (text: number): number => written.start[VIEWS.length * text] as number

  let places = 0
  const start = new Uint32Array(size + 1)
  const ownStart = new Uint32Array(textsOf.length + 1)
  const lastOwner = new Uint32Array(size)
  await inSlices(textsOf.length, pause, (owner) => {
    const own = textsOf[owner] as ArrayLike<number>
    const before = places
    let lists = ownStart[owner] as number
    for (let i = 0; i < own.length; i++) {
      const to = startOf((own[i] as number) + 1)
      places += to - startOf(own[i] as number)
      for (let at = startOf(own[i] as number); at < to; at++) {
        const token = written.tokens[at] as number
        if (lastOwner[token] === owner + 1) continue
        lastOwner[token] = owner + 1
        start[token + 1] = (start[token + 1] as number) + 1
        lists++
      }
    }
    ownStart[owner + 1] = lists
    return places - before
  })
  for (let token = 0; token < size; token++)
    start[token + 1] = (start[token + 1] as number) + (start[token] as number)
  await pause()

  // The rows are long: making one of them takes as long as a reply.
  const lists = start[size] as number
  const owners = new Uint32Array(lists)
  await touch(owners, pause)
  const most = new Uint16Array(lists)
  await touch(most, pause)
  const tokens = new Uint32Array(lists)
  await pause()
  const textStart = new Uint32Array(lists + 1)
  textStart[lists] = places
  await pause()
  const texts = new Uint32Array(places)
  await pause()
  const weights = new Uint16Array(places)
  await pause()

  const nextOwner = start.slice()
  // For each token its place in the row of the owner in hand, counted from one; for each of these places first the
  // number of texts, then where the next of them stands, and the most the token weighs.
  const placeOf = lastOwner.fill(0)
  let next = new Uint32Array(1024)
  let heaviest = new Uint16Array(1024)
  let filled = 0
  await inSlices(textsOf.length, pause, (owner) => {
    const own = textsOf[owner] as ArrayLike<number>
    const before = filled
    const first = ownStart[owner] as number
    const count = (ownStart[owner + 1] as number) - first
    if (next.length < count) {
      next = new Uint32Array(2 * count)
      heaviest = new Uint16Array(2 * count)
    }
    let met = 0
    for (let i = 0; i < own.length; i++) {
      const to = startOf((own[i] as number) + 1)
      for (let at = startOf(own[i] as number); at < to; at++) {
        const token = written.tokens[at] as number
        if (placeOf[token] === 0) {
          tokens[first + met] = token
          next[met] = 0
          heaviest[met] = 0
          placeOf[token] = ++met
        }
        const place = (placeOf[token] as number) - 1
        next[place] = (next[place] as number) + 1
      }
    }
    for (let place = 0; place < count; place++) {
      const many = next[place] as number
      textStart[first + place] = filled
      next[place] = filled
      filled += many
    }
    for (let i = 0; i < own.length; i++) {
      const text = own[i] as number
      const counts = share(text)
      const to = startOf(text + 1)
      for (let at = startOf(text); at < to; at++) {
        const place = (placeOf[written.tokens[at] as number] as number) - 1
        const there = next[place] as number
        next[place] = there + 1
        const weight = written.weights[at] as number
        texts[there] = i
        weights[there] = weight
        const heavy = Math.max(1, Math.round(weight * counts))
        if (heavy > (heaviest[place] as number)) heaviest[place] = heavy
      }
    }
    for (let place = 0; place < count; place++) {
      const token = tokens[first + place] as number
      const at = nextOwner[token] as number
      nextOwner[token] = at + 1
      owners[at] = owner
      most[at] = heaviest[place] as number
      placeOf[token] = 0
    }
    return filled - before
  })
  return { start, owners, most, ownStart, tokens, textStart, texts, weights }
}

/**
 * Has the memory of a new row brought in a little at a time. Written to here and there, a row that nobody has touched
 * would have most of its pages brought in at once.
 */
async function touch(row: Uint32Array | Uint16Array, pause: () => Promise<void>): Promise<void> {
  for (let from = 0; from < row.length; from += TOUCHED_AT_ONCE) {
    row.fill(0, from, from + TOUCHED_AT_ONCE)
    await pause()
  }
}

/** Does one thing after the other, pausing when they add up. @param act its work, in postings */
async function inSlices(
  count: number,
  pause: () => Promise<void>,
  act: (i: number) => number,
): Promise<void> {
  let since = 0
  for (let i = 0; i < count; i++) {
    since += act(i)
    if (since < BREATH_OF_POSTINGS) continue
    since = 0
    await pause()
  }
}

/** Does one simple thing for each of a long row, pausing between ranges of it. */
async function inRanges(
  count: number,
  pause: () => Promise<void>,
  act: (from: number, to: number) => void,
): Promise<void> {
  for (let from = 0; from < count; from += RANGE) {
    act(from, Math.min(count, from + RANGE))
    await pause()
  }
}

/** Weighs a question as the texts of the index are weighed. */
export function readQuery(index: TokenIndex, tokenizer: Tokenizer, { text, weights }: Question): Query {
  const start = new Uint32Array(VIEWS.length + 1)
  const merged = VIEWS.map(() => new Map<number, Asked>())
  const texts = new AskedTexts(index.tokenTexts)
  tokenizer.handOut(text, tokenizer.cut(text), weights, texts, (view, token, weight, next) => {
    const tokens = merged[VIEWS.indexOf(view)] as Map<number, Asked>
    const key = next === undefined ? token : (next + 1) * PAIRED + token
    const known = tokens.get(key)
    if (known) {
      known.count++
      if (weight > known.weight) known.weight = weight
    } else {
      const number = index.vocabularies[view].find(token, next)
      // A concept nobody's text holds says nothing: its everyday word counts already.
      const idf = number >= 0 ? (index.idf[number] as number) : texts.isConcept(token) ? 0 : index.unknownIdf
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
const RANGE = 25_000
const TOUCHED_AT_ONCE = 250_000

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
