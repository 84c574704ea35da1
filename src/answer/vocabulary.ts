import { PairTable } from '../text/pair-table.ts'
import { soundOfToken } from '../text/pinyin.ts'
import { CONCEPT, type Numbering } from '../text/views.ts'

/**
 * Numbers for the texts of a base's tokens, of all views together, as they come. A text is found by the number of all
 * of it but its last unit, and that unit; so beginnings have numbers, too, and no text is kept.
 */
export class Texts implements Numbering {
  size = 0
  /** Most tokens are single UTF-16 units; one more than the number, 0 when it has none. */
  private readonly units = new Uint32Array(0x10000)
  private readonly longer = new PairTable()
  /** The number of what each unit sounds like, two more than it is; 1 when it has no sound, 0 when nobody has asked. */
  private readonly sounds = new Uint32Array(0x10000)

  ofUnit(unit: number): number {
    if (this.units[unit] === 0) this.units[unit] = ++this.size
    return (this.units[unit] as number) - 1
  }

  of(text: string): number {
    let number = this.ofUnit(text.charCodeAt(0))
    for (let i = 1; i < text.length; i++) {
      const unit = text.charCodeAt(i)
      let next = this.longer.find(number, unit)
      if (next < 0) {
        next = this.size++
        this.longer.add(number, unit, next)
      }
      number = next
    }
    return number
  }

  ofSound(unit: number): number | undefined {
    if (this.sounds[unit] === 0) {
      const [sound] = soundOfToken(String.fromCharCode(unit))
      this.sounds[unit] = sound === undefined ? 1 : this.of(sound) + 2
    }
    const known = this.sounds[unit] as number
    return known === 1 ? undefined : known - 2
  }

  /** The number of a text; -1 when it has none, and none is given. */
  find(text: string): number {
    let number = (this.units[text.charCodeAt(0)] as number) - 1
    for (let i = 1; i < text.length && number >= 0; i++) number = this.longer.find(number, text.charCodeAt(i))
    return number
  }
}

/** The texts of a question: what the base lacks is numbered behind its own texts, and forgotten with the question. */
export class AskedTexts implements Numbering {
  private readonly unknown = new Map<string, number>()
  private readonly concepts = new Set<number>()

  constructor(private readonly texts: Texts) {}

  ofUnit(unit: number): number {
    return this.of(String.fromCharCode(unit))
  }

  of(text: string): number {
    let number = this.texts.find(text)
    if (number < 0) {
      number = this.unknown.get(text) ?? this.texts.size + this.unknown.size
      this.unknown.set(text, number)
    }
    if (text.startsWith(CONCEPT)) this.concepts.add(number)
    return number
  }

  ofSound(unit: number): number | undefined {
    const [sound] = soundOfToken(String.fromCharCode(unit))
    return sound === undefined ? undefined : this.of(sound)
  }

  isConcept(token: number): boolean {
    return this.concepts.has(token)
  }
}

/** The numbers of one view's tokens: of texts that stand alone, and of pairs. */
export class Vocabulary {
  /** For each text the number of its token, one more than it is; 0 when it has none. */
  private alone = new Uint32Array(1024)
  private readonly pairs = new PairTable()

  /** The number of a token, or of its pair with the next one; -1 when it has none. */
  find(token: number, next: number | undefined): number {
    if (next !== undefined) return this.pairs.find(token, next)
    return token < this.alone.length ? (this.alone[token] as number) - 1 : -1
  }

  /** Gives a number to a token or pair that has none. */
  add(number: number, token: number, next: number | undefined): void {
    if (next !== undefined) {
      this.pairs.add(token, next, number)
      return
    }
    if (token >= this.alone.length) {
      const shorter = this.alone
      this.alone = new Uint32Array(2 * token)
      this.alone.set(shorter)
    }
    this.alone[token] = number + 1
  }
}
