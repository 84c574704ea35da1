/** Tells a visitor's messages that come too fast: a burst of `burst`, then one each `everyMs`. */
export function messagePace(burst = 20, everyMs = 1000): (visitor: string, now: number) => boolean {
  const spent = new Map<string, number>()
  return (visitor, now) => {
    // One number a visitor: the time at which the allowance is full again.
    const full = Math.max(spent.get(visitor) ?? now, now)
    if (full - now > (burst - 1) * everyMs) return false
    spent.delete(visitor)
    spent.set(visitor, full + everyMs)
    if (spent.size > 10_000) for (const [key, until] of spent) if (until <= now) spent.delete(key)
    if (spent.size > 100_000)
      for (const key of spent.keys()) if (spent.delete(key) && spent.size <= 90_000) break
    return true
  }
}
