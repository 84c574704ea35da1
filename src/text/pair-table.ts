/**
 * Numbers for pairs of numbers. What would be a Map by a text put together is read in one place of the memory here:
 * a base of a hundred thousand phrasings asks ten million times.
 */
export class PairTable {
  /** Open hashing with linear probing: in three places each the pair and its number, one more than it is; 0 is free. */
  private rows = new Uint32Array(3 * 64)
  private used = 0

  /** -1 when the pair has no number. */
  find(left: number, right: number): number {
    return (this.rows[this.rowOf(left, right) + 2] as number) - 1
  }

  /** Gives a number to a pair that has none. */
  add(left: number, right: number, number: number): void {
    // Two thirds full at most: searching takes a step more than in an emptier table, but more of it is in the cache.
    if (this.used >= (2 / 9) * this.rows.length) this.grow()
    this.put(left, right, number + 1)
    this.used++
  }

  /** Where a pair stands, or the free row where it would. */
  private rowOf(left: number, right: number): number {
    const { rows } = this
    // Multiplying by large odd numbers spreads neighbouring numbers over the table (Fibonacci hashing).
    const hash = Math.imul(left, 0x9e3779b1) ^ Math.imul(right, 0x85ebca6b)
    const mask = rows.length / 3 - 1
    let slot = (hash ^ (hash >>> 15)) & mask
    while (rows[3 * slot + 2] !== 0 && (rows[3 * slot] !== left || rows[3 * slot + 1] !== right))
      slot = (slot + 1) & mask
    return 3 * slot
  }

  private put(left: number, right: number, value: number): void {
    const row = this.rowOf(left, right)
    this.rows[row] = left
    this.rows[row + 1] = right
    this.rows[row + 2] = value
  }

  private grow(): void {
    const { rows } = this
    this.rows = new Uint32Array(2 * rows.length)
    for (let row = 0; row < rows.length; row += 3)
      if (rows[row + 2] !== 0) this.put(rows[row] as number, rows[row + 1] as number, rows[row + 2] as number)
  }
}
