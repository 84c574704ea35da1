import { soundOfToken } from '../text/pinyin.ts'
import { CONCEPT, type Numbering } from '../text/views.ts'

/** The texts of a base's tokens, of all views together, numbered as they come. */
export class Texts implements Numbering {
  size = 0
  private readonly byText = new Map<string, number>()
  /** The same for single UTF-16 units, one more than it is: most tokens are. */
  private readonly byUnit = new Uint32Array(0x10000)
  /** The number of what each unit sounds like, two more than it is; 1 when it has no sound, 0 when nobody has asked. */
  private readonly soundByUnit = new Uint32Array(0x10000)

  ofUnit(unit: number): number {
    if (this.byUnit[unit] === 0) this.byUnit[unit] = ++this.size
    return (this.byUnit[unit] as number) - 1
  }

  of(text: string): number {
    if (text.length === 1) return this.ofUnit(text.charCodeAt(0))
    let number = this.byText.get(text)
    if (number === undefined) {
      number = this.size++
      this.byText.set(text, number)
    }
    return number
  }

  ofSound(unit: number): number | undefined {
    if (this.soundByUnit[unit] === 0) {
      const [sound] = soundOfToken(String.fromCharCode(unit))
      this.soundByUnit[unit] = sound === undefined ? 1 : this.of(sound) + 2
    }
    const known = this.soundByUnit[unit] as number
    return known === 1 ? undefined : known - 2
  }

  /** The same, but a text that has no number gets none. */
  find(text: string): number | undefined {
    if (text.length > 1) return this.byText.get(text)
    const known = this.byUnit[text.charCodeAt(0)] as number
    return known === 0 ? undefined : known - 1
  }
}

/** The texts of a question: what the base lacks is numbered behind its own texts, and forgotten with the question. */
export class AskedTexts implements Numbering {
  private readonly unknown: string[] = []

  constructor(private readonly texts: Texts) {}

  ofUnit(unit: number): number {
    return this.of(String.fromCharCode(unit))
  }

  of(text: string): number {
    const known = this.texts.find(text)
    if (known !== undefined) return known
    const before = this.unknown.indexOf(text)
    return this.texts.size + (before < 0 ? this.unknown.push(text) - 1 : before)
  }

  ofSound(unit: number): number | undefined {
    const [sound] = soundOfToken(String.fromCharCode(unit))
    return sound === undefined ? undefined : this.of(sound)
  }

  isUnknownConcept(token: number): boolean {
    return this.unknown[token - this.texts.size]?.startsWith(CONCEPT) ?? false
  }
}

/** The numbers of one view's tokens: of texts that stand alone, and of pairs. */
export class Vocabulary {
  /** For each text the number of its token, one more than it is; 0 when it only stands in pairs. */
  private alone = new Uint32Array(1024)
  /**
   * An open hash table with linear probing: in three places each the pair's two texts and its number, one more than
   * it is; 0 is free. They stand together because a base of a hundred thousand phrasings has a table larger than any
   * cache.
   */
  private table = new Uint32Array(3 * 1024)
  private pairs = 0

  /** The number of a token, or of its pair with the next one; -1 when it has none. */
  find(token: number, next: number | undefined): number {
    if (next !== undefined) return (this.table[this.slotOf(token, next) + 2] as number) - 1
    return token < this.alone.length ? (this.alone[token] as number) - 1 : -1
  }

  /** Gives a number to a token or pair that has none. */
  add(number: number, token: number, next: number | undefined): void {
    if (next === undefined) {
      if (token >= this.alone.length) {
        const shorter = this.alone
        this.alone = new Uint32Array(2 * token)
        this.alone.set(shorter)
      }
      this.alone[token] = number + 1
      return
    }
    if (6 * this.pairs >= this.table.length) this.grow()
    this.put(token, next, number + 1)
    this.pairs++
  }

  /** Where a pair stands, or the free slot where it would. */
  private slotOf(left: number, right: number): number {
    const { table } = this
    // Multiplying by large odd numbers spreads neighbouring numbers over the table (Fibonacci hashing).
    const hash = Math.imul(left, 0x9e3779b1) ^ Math.imul(right, 0x85ebca6b)
    const mask = table.length / 3 - 1
    let slot = (hash ^ (hash >>> 15)) & mask
    while (table[3 * slot + 2] !== 0 && (table[3 * slot] !== left || table[3 * slot + 1] !== right))
      slot = (slot + 1) & mask
    return 3 * slot
  }

  private put(left: number, right: number, value: number): void {
    const slot = this.slotOf(left, right)
    this.table[slot] = left
    this.table[slot + 1] = right
    this.table[slot + 2] = value
  }

  private grow(): void {
    const { table } = this
    this.table = new Uint32Array(2 * table.length)
    for (let slot = 0; slot < table.length; slot += 3)
      if (table[slot + 2] !== 0)
        this.put(table[slot] as number, table[slot + 1] as number, table[slot + 2] as number)
  }
}
