import type { Message, Reply } from './conversation.ts'

/** What a channel is handed: it decodes a message, asks for the reply and encodes it. `undefined`: say nothing. */
export type Respond = (message: Message) => Promise<Reply | undefined>

/** A running channel. */
export interface Channel {
  readonly name: string
  /** Stops taking messages and resolves when the replies in hand are out. */
  stop(): Promise<void>
}

/** Where channels report; never what a visitor wrote. */
export interface Log {
  info(fields: Record<string, unknown>, message: string): void
  warn(fields: Record<string, unknown>, message: string): void
  error(fields: Record<string, unknown>, message: string): void
}
