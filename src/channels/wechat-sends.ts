import type { Log } from '../model/channel.ts'
import type { Send } from './wechat-wire.ts'

type WithoutRef<T> = T extends unknown ? Omit<T, 'ref'> : never
export type Unsent = WithoutRef<Send>

/** `gone`: there is no such contact or room. `dropped`: it has not even been tried. */
export type SendOutcome = 'done' | 'failed' | 'gone' | 'unknown' | 'dropped'

interface Waiting {
  readonly chat: string
  readonly send: Unsent
  readonly after?: ((outcome: SendOutcome) => void) | undefined
}

export interface Sends {
  add(
    chat: string,
    sends: readonly Unsent[],
    how?: { urgent?: boolean; after?: (outcome: SendOutcome) => void },
  ): void
  /** The process says what became of a send. */
  answered(ref: number, outcome: SendOutcome): void
  /** Somebody is logged in. */
  open(): void
  /** Nobody is logged in any more; what waits is dropped, since ids and questions are those of that session. */
  close(): void
  /** Resolves when nothing waits. */
  idle(): Promise<void>
  busy(): boolean
}

interface Parts {
  readonly order: (order: Send) => void
  readonly pauseMs: () => number
  readonly log: Log
}

/**
 * One line for the whole account: personal accounts that send fast are restricted, so there is a pause between
 * any two sends, and one line also keeps the order within every chat. An urgent reply goes to the front.
 */
export function oneByOne({ order, pauseMs, log }: Parts): Sends {
  let waiting: Waiting[] = []
  let inHand: { readonly ref: number; readonly settle: (outcome: SendOutcome) => void } | undefined
  let isOpen = false
  let running = false
  let lastRef = 0
  let idlers: (() => void)[] = []

  const tellIdlers = (): void => {
    if (inHand !== undefined || waiting.length > 0) return
    for (const resolve of idlers) resolve()
    idlers = []
  }

  const sendOne = (send: Unsent): Promise<SendOutcome> =>
    new Promise((resolve) => {
      const ref = ++lastRef
      const givenUp = setTimeout(() => settle('unknown'), ANSWER_MS)
      const settle = (outcome: SendOutcome): void => {
        clearTimeout(givenUp)
        inHand = undefined
        resolve(outcome)
      }
      inHand = { ref, settle }
      order({ ...send, ref })
    })

  const run = async (): Promise<void> => {
    if (running) return
    running = true
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
      const outcome = await sendOne(next.send)
      // No second try: it may be a second copy, and an account that is told to slow down must not insist.
      if (outcome !== 'done')
        log.warn(
          { channel: 'wechat', chat: next.chat, send: next.send.kind, outcome },
          'a WeChat send did not succeed',
        )
      next.after?.(outcome)
      tellIdlers()
      await new Promise((resolve) => setTimeout(resolve, pauseMs()))
    }
    running = false
  }

  return {
    add: (chat, sends, how = {}) => {
      const added = sends.map((send, i) => ({
        chat,
        send,
        after: i === sends.length - 1 ? how.after : undefined,
      }))
      if (!isOpen || (waiting.length + added.length > MOST_WAITING && !how.urgent)) {
        log.warn(
          { channel: 'wechat', chat, dropped: added.length, loggedIn: isOpen },
          'a WeChat reply was dropped',
        )
        how.after?.('dropped')
        return
      }
      if (how.urgent) {
        // Ahead of everybody, behind what this chat still waits for: its order holds.
        const own = waiting.filter((other) => other.chat === chat)
        waiting = [...own, ...added, ...waiting.filter((other) => other.chat !== chat)]
      } else waiting.push(...added)
      void run()
    },
    answered: (ref, outcome) => {
      if (inHand?.ref === ref) inHand.settle(outcome)
    },
    open: () => {
      isOpen = true
    },
    close: () => {
      isOpen = false
      if (waiting.length > 0)
        log.warn(
          { channel: 'wechat', dropped: waiting.length },
          'WeChat replies were dropped: nobody is logged in',
        )
      const dropped = waiting
      waiting = []
      for (const { after } of dropped) after?.('dropped')
      inHand?.settle('unknown')
      tellIdlers()
    },
    idle: () =>
      new Promise((resolve) => {
        idlers.push(resolve)
        tellIdlers()
      }),
    busy: () => inHand !== undefined || waiting.length > 0,
  }
}

/** A send that is not answered for so long is given up; it may have gone out. */
const ANSWER_MS = 30_000
/** At this many the last in line would wait a quarter of an hour. */
const MOST_WAITING = 500
