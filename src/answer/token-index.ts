import { type Tokenize, VIEWS, type View } from '../text/views.ts'
import type { Question } from './question.ts'
import { Vocabulary } from './vocabulary.ts'

/**
 * The tokens of all views, numbered in one row, and what they weigh in each text. Weights are tf-idf, of length
 * one over a text's tokens of a view, in steps of 1 / `STEPS`.
 */
export interface TokenIndex {
  readonly vocabularies: Readonly<Record<View, Vocabulary>>
  /** Information of each token. */
  readonly idf: Float32Array
  /** Of a token that no text holds. */
  readonly unknownIdf: number
  /** Where the list of each token begins; it ends where the next one's begins. */
  readonly start: Uint32Array
  /** The owners of each token, in ascending order. */
  readonly owners: Uint32Array
  /** The most the token weighs in any of that owner's texts. */
  readonly most: Uint16Array
  /** Where the list of that owner's texts begins; it ends where the next one's begins. */
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
  private readonly vocabularies: Record<View, Vocabulary> = {
    char: new Vocabulary(),
    pair: new Vocabulary(),
    word: new Vocabulary(),
    sound: new Vocabulary(),
  }
  private readonly frequency = new Numbers()
  /** The last text each token was seen in, and where its count stands in `counts`. */
  private readonly lastText = new Numbers()
  private readonly lastAt = new Numbers()
  private readonly tokens = new Numbers()
  private readonly counts = new Numbers()
  private readonly start = new Numbers()
  private texts = 0

  constructor(private readonly tokenize: Tokenize) {}

  /** Adds the next text. */
  add(text: string): void {
    const { frequency, lastText, lastAt, tokens, counts, start } = this
    this.texts++
    let view = 0
    start.push(tokens.length)
    this.tokenize(text, undefined, (of, token, _, next) => {
      while (VIEWS[view] !== of) {
        view++
        start.push(tokens.length)
      }
      const vocabulary = this.vocabularies[of]
      let number = vocabulary.find(token, next)
      if (number < 0) {
        number = frequency.length
        vocabulary.add(number, token, next)
        frequency.push(0)
        lastText.push(0)
        lastAt.push(0)
      }
      if (lastText.at(number) === this.texts) {
        counts.increase(lastAt.at(number))
        return
      }
      lastText.set(number, this.texts)
      lastAt.set(number, tokens.length)
      frequency.increase(number)
      tokens.push(number)
      counts.push(1)
    })
    while (++view < VIEWS.length) start.push(tokens.length)
  }

  /**
   * Weighs what was added.
   * @param textsOf the texts that speak for each owner
   * @param share what counts of a text's weight for its owners
   * @param pause awaited now and then
   */
  async finish(
    textsOf: readonly ArrayLike<number>[],
    share: (text: number) => number,
    pause: () => Promise<void>,
  ): Promise<TokenIndex> {
    const { tokens, counts, start, frequency } = this
    const idf = new Float32Array(frequency.length)
    for (let token = 0; token < idf.length; token++)
      idf[token] = inverseFrequency(this.texts, frequency.at(token))
    await pause()
    start.push(tokens.length)
    const weights = new Uint16Array(tokens.length)
    let own = new Float64Array(256)
    const due = workload(BREATH_OF_POSTINGS)
    for (let list = 0; list + 1 < start.length; list++) {
      const from = start.at(list)
      const to = start.at(list + 1)
      if (own.length < to - from) own = new Float64Array(2 * (to - from))
      let squares = 0
      for (let at = from; at < to; at++) {
        const weight = dampen(counts.at(at)) * (idf[tokens.at(at)] as number)
        own[at - from] = weight
        squares += weight * weight
      }
      const scale = squares === 0 ? 0 : STEPS / Math.sqrt(squares)
      for (let at = from; at < to; at++)
        weights[at] = Math.max(1, Math.round((own[at - from] as number) * scale))
      if (due(to - from)) await pause()
    }
    return {
      vocabularies: this.vocabularies,
      idf,
      unknownIdf: inverseFrequency(this.texts, 0),
      ...(await turnedRound({ start, tokens, weights }, idf.length, textsOf, share, pause)),
    }
  }
}

interface ByText {
  readonly start: Numbers
  readonly tokens: Numbers
  readonly weights: Uint16Array
}

/** From the tokens of each text to the owners and texts of each token. */
async function turnedRound(
  { start, tokens, weights }: ByText,
  size: number,
  textsOf: readonly ArrayLike<number>[],
  share: (text: number) => number,
  pause: () => Promise<void>,
): Promise<Pick<TokenIndex, 'start' | 'owners' | 'most' | 'textStart' | 'texts' | 'weights'>> {
  const due = workload(BREATH_OF_POSTINGS)
  const lastOwner = new Uint32Array(size)
  /** Calls back for each token of each text, owner by owner. */
  const each = async (take: (owner: number, isNew: boolean, text: number, at: number) => void) => {
    lastOwner.fill(0)
    for (let owner = 0; owner < textsOf.length; owner++) {
      const own = textsOf[owner] as ArrayLike<number>
      let read = 0
      for (let i = 0; i < own.length; i++) {
        const text = own[i] as number
        const from = start.at(VIEWS.length * text)
        const to = start.at(VIEWS.length * (text + 1))
        read += to - from
        for (let at = from; at < to; at++) {
          const token = tokens.at(at)
          const isNew = lastOwner[token] !== owner + 1
          if (isNew) lastOwner[token] = owner + 1
          take(owner, isNew, i, at)
        }
      }
      if (due(read)) await pause()
    }
  }

  const ownersOf = new Uint32Array(size + 1)
  const textsOfToken = new Uint32Array(size + 1)
  await each((_, isNew, __, at) => {
    const token = tokens.at(at)
    if (isNew) ownersOf[token + 1] = (ownersOf[token + 1] as number) + 1
    textsOfToken[token + 1] = (textsOfToken[token + 1] as number) + 1
  })
  for (let token = 0; token < size; token++) {
    ownersOf[token + 1] = (ownersOf[token + 1] as number) + (ownersOf[token] as number)
    textsOfToken[token + 1] = (textsOfToken[token + 1] as number) + (textsOfToken[token] as number)
  }
  await pause()

  const lists = ownersOf[size] as number
  const places = textsOfToken[size] as number
  // The rows are long: making one of them takes as long as a reply.
  const owners = new Uint32Array(lists)
  const most = new Uint16Array(lists)
  const textStart = new Uint32Array(lists + 1)
  textStart[lists] = places
  await pause()
  const texts = new Uint32Array(places)
  await pause()
  const turned = { start: ownersOf, owners, most, textStart, texts, weights: new Uint16Array(places) }
  await pause()
  const nextOwner = ownersOf.slice()
  const nextText = textsOfToken.slice()
  await each((owner, isNew, text, at) => {
    const token = tokens.at(at)
    const place = nextText[token] as number
    nextText[token] = place + 1
    if (isNew) {
      const list = nextOwner[token] as number
      nextOwner[token] = list + 1
      turned.owners[list] = owner
      turned.textStart[list] = place
    }
    const weight = weights[at] as number
    turned.texts[place] = text
    turned.weights[place] = weight
    const list = (nextOwner[token] as number) - 1
    const counts = Math.max(
      1,
      Math.round(weight * share((textsOf[owner] as ArrayLike<number>)[text] as number)),
    )
    if (counts > (turned.most[list] as number)) turned.most[list] = counts
  })
  return turned
}

/** Weighs a question as the texts of the index are weighed. */
export function readQuery(index: TokenIndex, tokenize: Tokenize, { text, weights }: Question): Query {
  const start = new Uint32Array(VIEWS.length + 1)
  const merged = VIEWS.map(() => new Map<string, Asked>())
  tokenize(text, weights, (view, token, weight, next) => {
    const tokens = merged[VIEWS.indexOf(view)] as Map<string, Asked>
    const key = next === undefined ? token : `${token} ${next}`
    const known = tokens.get(key)
    if (known) {
      known.count++
      if (weight > known.weight) known.weight = weight
    } else {
      const number = index.vocabularies[view].find(token, next)
      // A concept nobody's text holds says nothing: its everyday word counts already.
      const idf = number >= 0 ? (index.idf[number] as number) : token.startsWith('=') ? 0 : index.unknownIdf
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
}

const PIECE_BITS = 14
const PIECE = 1 << PIECE_BITS
const PIECE_MASK = PIECE - 1
