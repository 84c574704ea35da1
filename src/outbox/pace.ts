/** Time as the outbox sees it; tests and rehearsals set their own. */
export interface Clock {
  now(): Date
  /** Milliseconds that only ever go forward. */
  ticks(): number
  /** Resolves early, without an error, when the signal is aborted. */
  sleep(ms: number, signal: AbortSignal): Promise<void>
}

export interface Pace {
  /** Milliseconds until the next send may start. */
  wait(): number
  /** A send starts. @returns what is to be called when it was answered */
  start(): () => void
}

/**
 * Spaces sends evenly, and keeps the number that may have *arrived* within any one second below the platform's limit.
 * A send arrives somewhere between its start and its answer, so a late answer moves the others back. Only what
 * varies counts: the shortest round trip of late is taken for the way itself. What a slow disk or a busy processor
 * held up is caught up with, as far as the limit allows.
 */
export function createPace(
  { perSecond, jitterMs = 0 }: { readonly perSecond: number; readonly jitterMs?: number },
  clock: Pick<Clock, 'ticks'>,
  random: () => number = Math.random,
): Pace {
  const spacing = (1000 / perSecond) * (1 + MARGIN)
  /** So many may arrive within so many milliseconds. */
  const most = Math.max(1, Math.floor(perSecond))
  const span = Math.max(1000, 1000 / perSecond)
  /** When the last `most` sends arrived at the latest, oldest first; of those under way, when they started. */
  const arrivals: { at: number }[] = []
  let slot = Number.NEGATIVE_INFINITY
  let way = Number.POSITIVE_INFINITY

  return {
    wait: () => {
      const now = clock.ticks()
      const [oldest] = arrivals
      const room = oldest && arrivals.length >= most ? oldest.at + span + MARGIN_MS : now
      return Math.max(0, slot - now, room - now)
    },
    start: () => {
      const started = clock.ticks()
      const behind = started - slot > MOST_BEHIND_MS ? started : slot
      slot = behind + spacing + random() * jitterMs
      const arrival = { at: started }
      arrivals.push(arrival)
      if (arrivals.length > most) arrivals.shift()
      return () => {
        const trip = clock.ticks() - started
        // The way may get longer for good; then it is learned anew, little by little.
        way = Math.min(trip, Number.isFinite(way) ? way * 1.02 + 0.05 : trip)
        arrival.at = started + trip - way
      }
    },
  }
}

/** A little slower than allowed, for clocks that differ. */
const MARGIN = 0.004
const MARGIN_MS = 4
/** After more than this it was no hold-up but a pause; then nothing is caught up with. */
const MOST_BEHIND_MS = 250

/** The clock on the wall. */
export const realClock: Clock = {
  now: () => new Date(),
  ticks: () => performance.now(),
  sleep: (ms, signal) =>
    new Promise((resolve) => {
      if (signal.aborted) return resolve()
      const end = (): void => {
        clearTimeout(timer)
        signal.removeEventListener('abort', end)
        resolve()
      }
      const timer = setTimeout(end, ms)
      signal.addEventListener('abort', end)
    }),
}
