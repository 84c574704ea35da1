/**
 * The numbers of one view's tokens. A pair of tokens is looked up by the numbers of the two, not by a text put
 * together: a base of a hundred thousand phrasings has millions of them.
 */
export class Vocabulary {
  /** Every token of several characters that stands alone or in a pair, with its place among them. */
  private readonly parts = new Map<string, number>()
  /** The same for tokens of one character, one more than it is: most tokens are. */
  private readonly byCode = new Uint32Array(0x10000)
  /** The number of the token alone, -1 when it only stands in pairs. */
  private readonly alone: number[] = []
  // An open hash table with linear probing: the pair's two places and its number, one more than it is; 0 is free.
  private left = new Uint32Array(1024)
  private right = new Uint32Array(1024)
  private numbers = new Uint32Array(1024)
  private pairs = 0

  /** The number of a token, or of its pair with the next one; -1 when it has none. */
  find(token: string, next?: string): number {
    const part = this.placeOf(token)
    if (part < 0) return -1
    if (next === undefined) return this.alone[part] as number
    const other = this.placeOf(next)
    if (other < 0) return -1
    return (this.numbers[this.slotOf(part, other)] as number) - 1
  }

  /** Gives a number to a token or pair that has none. */
  add(number: number, token: string, next?: string): void {
    const part = this.partOf(token)
    if (next === undefined) {
      this.alone[part] = number
      return
    }
    if (2 * this.pairs >= this.numbers.length) this.grow()
    this.put(part, this.partOf(next), number + 1)
    this.pairs++
  }

  private placeOf(token: string): number {
    return token.length === 1
      ? (this.byCode[token.charCodeAt(0)] as number) - 1
      : (this.parts.get(token) ?? -1)
  }

  private partOf(token: string): number {
    const known = this.placeOf(token)
    if (known >= 0) return known
    const part = this.alone.length
    if (token.length === 1) this.byCode[token.charCodeAt(0)] = part + 1
    else this.parts.set(token, part)
    this.alone.push(-1)
    return part
  }

  /** Where a pair stands, or the free slot where it would. */
  private slotOf(left: number, right: number): number {
    const mask = this.numbers.length - 1
    // Multiplying by large odd numbers spreads neighbouring places over the table (Fibonacci hashing).
    let slot = (Math.imul(left, 0x9e3779b1) ^ Math.imul(right, 0x85ebca6b)) >>> 0
    slot = (slot ^ (slot >>> 15)) & mask
    while (this.numbers[slot] !== 0 && (this.left[slot] !== left || this.right[slot] !== right))
      slot = (slot + 1) & mask
    return slot
  }

  private put(left: number, right: number, value: number): void {
    const slot = this.slotOf(left, right)
    this.left[slot] = left
    this.right[slot] = right
    this.numbers[slot] = value
  }

  private grow(): void {
    const { left, right, numbers } = this
    this.left = new Uint32Array(2 * left.length)
    this.right = new Uint32Array(2 * left.length)
    this.numbers = new Uint32Array(2 * left.length)
    for (let i = 0; i < numbers.length; i++)
      if (numbers[i] !== 0) this.put(left[i] as number, right[i] as number, numbers[i] as number)
  }
}
