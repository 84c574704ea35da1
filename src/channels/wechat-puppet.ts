import type { Friendship, Message, Wechaty } from 'wechaty'
import { faultOf, MOST_TEXT, type Report, SCAN_STATES, type Send } from './wechat-wire.ts'

/**
 * Turns what happens to a wechaty instance into reports, and carries out the orders it is handed back.
 * It runs inside the WeChat process; wechaty's own listeners are not awaited, so every one here catches
 * what it throws.
 */
export function attach(
  bot: Wechaty,
  report: (report: Report) => void,
  now: () => number = Date.now,
): (order: Send) => void {
  const requests = new Map<string, Friendship>()
  let loggedIn: string | undefined
  let since = now()

  const caught =
    <Args extends unknown[]>(listen: (...args: Args) => void | Promise<void>) =>
    async (...args: Args): Promise<void> => {
      try {
        await listen(...args)
      } catch (error) {
        report({ kind: 'error', text: faultOf(error) })
      }
    }

  const login = (id: string, name: string): void => {
    if (loggedIn === id) return
    loggedIn = id
    since = now()
    report({ kind: 'login', name: name.slice(0, 500) })
  }

  bot.on('error', (error) => report({ kind: 'error', text: faultOf(error) }))
  bot.on(
    'scan',
    caught((url: string, status: number) =>
      report({ kind: 'qrcode', url: (url ?? '').slice(0, 4000), status: SCAN_STATES[status] ?? 'unknown' }),
    ),
  )
  bot.on(
    'login',
    caught((self) => login(self.id, self.name())),
  )
  bot.on(
    'logout',
    caught(() => {
      loggedIn = undefined
      report({ kind: 'logout' })
    }),
  )
  bot.on(
    'message',
    caught(async (message) => {
      // Some puppets deliver before they say that they are logged in.
      if (loggedIn === undefined) login(bot.currentUser.id, bot.currentUser.name())
      const said = await readMessage(bot, message, since)
      if (said) report(said)
    }),
  )
  bot.on(
    'friendship',
    caught((friendship) => {
      if (friendship.type() !== bot.Friendship.Type.Receive) return
      if (requests.size >= MOST_REQUESTS) requests.delete(requests.keys().next().value ?? '')
      requests.set(friendship.id, friendship)
      report({ kind: 'friendship', id: friendship.id, contact: friendship.contact().id })
    }),
  )

  const accept = async (id: string): Promise<void> => {
    const request = requests.get(id)
    requests.delete(id)
    if (!request) throw new Error('the friend request is not known any more')
    await request.accept()
  }

  return (order) => {
    const work = order.kind === 'say' ? say(bot, order) : accept(order.id)
    work.then(
      () => report({ kind: 'done', ref: order.ref }),
      (error: unknown) =>
        report({ kind: 'failed', ref: order.ref, text: faultOf(error), gone: error instanceof NotThere }),
    )
  }
}

const MOST_REQUESTS = 1000
/** What was written longer than this before the login has had its answer, or nobody waits for it any more. */
const OLD_MS = 2 * 60 * 1000
/** WeChat's own accounts; an answer would go to a machine. */
const MACHINES = new Set([
  'weixin',
  'filehelper',
  'fmessage',
  'newsapp',
  'notifymessage',
  'floatbottle',
  'medianote',
  'qqmail',
])

/** The message as a report, or nothing if it is not for us. */
async function readMessage(bot: Wechaty, message: Message, since: number): Promise<Report | undefined> {
  if (message.self() || message.date().getTime() < since - OLD_MS) return undefined
  const { Type } = bot.Message
  const type = message.type()
  // Notes of WeChat itself: somebody took a message back, joined, is typing.
  if (type === Type.Unknown || type === Type.Recalled || type === Type.GroupNote) return undefined
  const talker = message.talker()
  if (MACHINES.has(talker.id) || talker.type() === bot.Contact.Type.Official) return undefined

  const room = message.room()
  const readable = type === Type.Text
  if (room && !(readable && (await message.mentionSelf()) && !TO_ALL.test(message.text()))) return undefined
  const text = !readable ? '' : room ? withoutMention(await message.mentionText()) : message.text()
  return {
    kind: 'message',
    id: message.id,
    chat: room?.id ?? talker.id,
    talker: talker.id,
    text: text.slice(0, MOST_TEXT),
    inGroup: room !== undefined,
    unreadable: !readable,
  }
}

/** An announcement mentions everybody and asks nobody. */
const TO_ALL = /@(?:所有人|all)(?:[\s\u2005]|$)/i

/** wechaty takes the mention out when it knows the member's name in the room; a phone ends it with U+2005. */
const withoutMention = (text: string): string => text.replace(/@[^@\s\u2005]{1,64}\u2005/gu, '').trim()

/** Some puppets give everybody a new id at every login. */
class NotThere extends Error {}

async function say(bot: Wechaty, { chat, mention, text }: Extract<Send, { kind: 'say' }>): Promise<void> {
  if (mention === undefined) {
    const contact = await bot.Contact.find({ id: chat })
    if (!contact) throw new NotThere('the contact is not known any more')
    await contact.say(text)
    return
  }
  const room = await bot.Room.find({ id: chat })
  if (!room) throw new NotThere('the room is not known any more')
  const asker = await bot.Contact.find({ id: mention })
  await (asker ? room.say(text, asker) : room.say(text))
}
