import { createInterface } from 'node:readline'
import type { Readable, Writable } from 'node:stream'
import type { Respond } from '../model/channel.ts'
import { plainText } from '../model/conversation.ts'

export interface TerminalOptions {
  readonly respond: Respond
  readonly input: Readable
  readonly output: Writable
  readonly greeting: string
  readonly sorry: string
  readonly region?: string | undefined
}

/** A conversation line by line; resolves at the end of the input, at Ctrl-C or at 「exit」. */
export async function talkInTerminal({
  respond,
  input,
  output,
  greeting,
  sorry,
  region,
}: TerminalOptions): Promise<void> {
  const lines = createInterface({ input, output, prompt: '你: ' })
  output.write(`${greeting}\n（Ctrl-C 或输入 exit 结束）\n\n`)
  lines.prompt()
  let number = 0
  for await (const line of lines) {
    if (/^(exit|quit)$/i.test(line.trim())) break
    if (line.trim() !== '') {
      number++
      // The region given at the start counts once; after that the visitor may change it by word.
      const place = number === 1 && region !== undefined ? { region } : {}
      const said = { id: `${number}`, address: { channel: 'terminal', chat: 'me' }, text: line, ...place }
      const answer = await respond(said).then(
        (reply) => (reply === undefined ? '' : plainText(reply)),
        () => sorry,
      )
      output.write(`\n青答: ${answer}\n\n`)
    }
    lines.prompt()
  }
  lines.close()
}
