import type { Clock } from './pace.ts'

export interface VirtualClock extends Clock {
  /** Lets the time run on, but not beyond this. */
  runTo(time: Date): void
}

/**
 * Time that passes as fast as the work allows: whenever everybody sleeps, it jumps to whoever wakes first. For
 * rehearsals, and for tests, which hold it at a time of their own.
 */
export function virtualClock(start: Date, limit: Date = start): VirtualClock {
  let now = start.getTime()
  let end = limit.getTime()
  let sleepers: { readonly at: number; readonly wake: () => void }[] = []
  let jumping = false

  const jump = (): void => {
    jumping = false
    const [first] = sleepers.sort((a, b) => a.at - b.at)
    if (first === undefined || first.at > end) return
    sleepers = sleepers.filter((one) => one !== first)
    now = Math.max(now, first.at)
    first.wake()
    soon()
  }
  const soon = (): void => {
    if (jumping || sleepers.length === 0) return
    jumping = true
    setImmediate(jump)
  }

  return {
    now: () => new Date(now),
    ticks: () => now - start.getTime(),
    sleep: (ms, signal) =>
      new Promise((resolve) => {
        if (signal.aborted) return resolve()
        const wake = (): void => {
          signal.removeEventListener('abort', wake)
          sleepers = sleepers.filter((one) => one !== mine)
          resolve()
        }
        const mine = { at: now + ms, wake }
        signal.addEventListener('abort', wake)
        sleepers.push(mine)
        soon()
      }),
    runTo: (time) => {
      end = time.getTime()
      if (sleepers.every(({ at }) => at > end)) now = Math.max(now, end)
      soon()
    },
  }
}
