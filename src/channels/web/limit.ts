/**
 * Messages a minute from one network address: how long the next one has to wait, 0 when it may pass.
 * One number an address: the time at which its allowance is full again.
 */
export function addressLimit({
  perMinute,
  burst,
}: {
  perMinute: number
  burst: number
}): (address: string, now: number) => number {
  const everyMs = 60_000 / perMinute
  const fullAt = new Map<string, number>()
  return (address, now) => {
    const household = householdOf(address)
    const full = Math.max(fullAt.get(household) ?? now, now)
    const wait = full - now - (burst - 1) * everyMs
    if (wait > 0) return wait
    // Set anew, so that the map's order is that of the last message and the quietest are forgotten first.
    fullAt.delete(household)
    fullAt.set(household, full + everyMs)
    for (const quietest of fullAt.keys()) {
      if (fullAt.size <= MOST_ADDRESSES) break
      fullAt.delete(quietest)
    }
    return 0
  }
}

const MOST_ADDRESSES = 10_000

/** One IPv6 household owns 2^64 addresses; counting them singly would be no limit. */
function householdOf(address: string): string {
  if (!address.includes(':') || address.includes('.')) return address
  const [before = '', after] = address.split('::')
  const head = before.split(':').filter(Boolean)
  const tail = (after ?? '').split(':').filter(Boolean)
  const gap = after === undefined ? [] : Array<string>(Math.max(0, 8 - head.length - tail.length)).fill('0')
  return [...head, ...gap, ...tail].slice(0, 4).join(':')
}
