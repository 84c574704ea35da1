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
  /** The last `most` sends, oldest first. */
  const sends: { readonly started: number; trip: number }[] = []
  let slot = Number.NEGATIVE_INFINITY
  let way = Number.POSITIVE_INFINITY

  return {
    wait: () => {
      const now = clock.ticks()
      const [oldest] = sends
      if (oldest === undefined || sends.length < most) return Math.max(0, slot - now)
      const late = Math.max(0, oldest.trip - way)
      return Math.max(0, slot - now, oldest.started + late + span + MARGIN_MS - now)
    },
    start: () => {
      const started = clock.ticks()
      const behind = started - slot > MOST_BEHIND_MS ? started : slot
      slot = behind + spacing + random() * jitterMs
      const send = { started, trip: 0 }
      sends.push(send)
      if (sends.length > most) sends.shift()
      return () => {
        send.trip = clock.ticks() - started
        // The way may get longer for good; then it is learned anew, little by little.
        way = Math.min(send.trip, way * 1.002)
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
