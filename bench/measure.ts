/** The value below which a share of the values lies. */
export function percentile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0
}

export function round(value: number, digits = 2): number {
  return Math.round(value * 10 ** digits) / 10 ** digits
}

/** Numbers from 0 up to 1 that are the same on every machine (mulberry32). */
export function randomFrom(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

/** A random part of a list, the same in every run: labelled questions come in a rhythm of styles. */
export function oneIn<T>(many: number, list: readonly T[]): readonly T[] {
  if (many === 1) return list
  const random = randomFrom(1)
  return list.filter(() => random() * many < 1)
}

export interface Lap {
  readonly wall: number
  /** Time of the processor, all threads together: tells more than the clock when others use the machine. */
  readonly cpu: number
}

export function stopwatch(): () => Lap {
  const used = process.cpuUsage()
  const start = performance.now()
  return () => {
    const wall = performance.now() - start
    const { user, system } = process.cpuUsage(used)
    return { wall, cpu: (user + system) / 1000 }
  }
}
