import type { Log } from '../model/channel.ts'
import { faultOf, type Order, type Report, reportSchema } from './wechat-wire.ts'

/** As much of a child process as is needed here. */
export interface Child {
  send(order: Order, done: (error: Error | null) => void): boolean
  kill(signal: NodeJS.Signals): boolean
  on(event: 'message', listen: (told: unknown) => void): unknown
  on(event: 'exit', listen: (code: number | null, signal: NodeJS.Signals | null) => void): unknown
  on(event: 'error', listen: (error: Error) => void): unknown
}

export interface Patience {
  /** Before the first restart; doubled by every further one … */
  readonly firstMs: number
  /** … up to this, */
  readonly mostMs: number
  /** and back to the first when it was logged in for so long. */
  readonly steadyMs: number
  /** What a process that was told to stop may take for it. */
  readonly stopMs: number
}

export const PATIENCE: Patience = {
  firstMs: 1000,
  mostMs: 5 * 60 * 1000,
  steadyMs: 10 * 60 * 1000,
  stopMs: 3000,
}

export interface WechatProcess {
  order(order: Order): void
  stop(): Promise<void>
}

interface Parts {
  readonly spawn: () => Child
  /** Everything the process reports except errors, which are dealt with here. */
  readonly onReport: (report: Exclude<Report, { kind: 'error' }>) => void
  /** It ended, by itself or by us: what it had in hand is lost. */
  readonly onEnd: () => void
  readonly log: Log
  readonly patience: Patience
  readonly now: () => number
}

/** Keeps one WeChat process running: restarts it when it ends, ends it when it spins, until told to stop. */
export function keepRunning({ spawn, onReport, onEnd, log, patience, now }: Parts): WechatProcess {
  let child: Child | undefined
  let restarts = 0
  let again: NodeJS.Timeout | undefined
  let stopping = false
  let ended = (): void => {}

  // What the process reports must not end the bot, whatever it makes of it.
  const handle: Parts['onReport'] = (report) => {
    try {
      onReport(report)
    } catch (error) {
      log.error(
        { channel: 'wechat', report: report.kind, fault: faultOf(error) },
        'a report of the WeChat process could not be dealt with',
      )
    }
  }

  const restart = (code: number | null, signal: NodeJS.Signals | null): void => {
    const inMs = Math.min(patience.firstMs * 2 ** restarts, patience.mostMs)
    restarts++
    log.warn(
      { channel: 'wechat', code, signal, restartInMs: inMs },
      'the WeChat process ended and will be started again',
    )
    again = setTimeout(() => {
      try {
        start()
      } catch (error) {
        log.error({ channel: 'wechat', fault: faultOf(error) }, 'the WeChat process could not be started')
        restart(null, null)
      }
    }, inMs)
  }

  const start = (): void => {
    const mine = spawn()
    const tooMany = storm(now)
    let lastFault = { text: '', at: 0 }
    let loggedInAt: number | undefined
    let over = false
    child = mine

    const complain = (text: string): void => {
      if (over) return
      if (text !== lastFault.text || now() - lastFault.at >= SAME_FAULT_MS) {
        lastFault = { text, at: now() }
        log.warn({ channel: 'wechat', fault: text }, 'the WeChat process reported an error')
      }
      if (!tooMany()) return
      log.error(
        { channel: 'wechat' },
        `the WeChat process reported more than ${MOST_ERRORS} errors in a second and is killed`,
      )
      end(null, 'SIGKILL')
      mine.kill('SIGKILL')
    }

    const loggedOut = (): void => {
      if (loggedInAt !== undefined && now() - loggedInAt >= patience.steadyMs) restarts = 0
      loggedInAt = undefined
    }

    const end = (code: number | null, signal: NodeJS.Signals | null): void => {
      if (over) return
      over = true
      child = undefined
      loggedOut()
      onEnd()
      ended()
      if (stopping) log.info({ channel: 'wechat', code, signal }, 'the WeChat process has stopped')
      else restart(code, signal)
    }

    mine.on('message', (told) => {
      const report = reportSchema.safeParse(told)
      if (!report.success) complain('a report outside the list')
      else if (report.data.kind === 'error') complain(report.data.text)
      else if (!over) {
        if (report.data.kind === 'login') loggedInAt = now()
        if (report.data.kind === 'logout') loggedOut()
        handle(report.data)
      }
    })
    mine.on('exit', end)
    mine.on('error', () => {
      mine.kill('SIGKILL')
      end(null, null)
    })
  }

  const killAtExit = (): void => void child?.kill('SIGKILL')
  process.once('exit', killAtExit)
  start()

  const end = async (): Promise<void> => {
    stopping = true
    clearTimeout(again)
    const mine = child
    if (mine) {
      const gone = new Promise<void>((resolve) => {
        ended = resolve
      })
      mine.send({ kind: 'stop' }, () => {})
      const kill = setTimeout(() => {
        log.warn({ channel: 'wechat' }, 'the WeChat process did not stop in time and is killed')
        mine.kill('SIGKILL')
      }, patience.stopMs)
      await gone
      clearTimeout(kill)
    }
    process.removeListener('exit', killAtExit)
  }
  let stopped: Promise<void> | undefined

  return {
    // A channel that is closed already has its own event; the order is lost with the process.
    order: (order) => void child?.send(order, () => {}),
    stop: () => {
      stopped ??= end()
      return stopped
    },
  }
}

const MOST_ERRORS = 10
/** The same fault is told once in so long. */
const SAME_FAULT_MS = 10_000

/** Tells when the last second has seen more errors than a client in trouble makes, and only a spinning one does. */
function storm(now: () => number): () => boolean {
  let times: number[] = []
  return () => {
    times = [...times.filter((time) => time > now() - 1000), now()]
    return times.length > MOST_ERRORS
  }
}
