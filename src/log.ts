import pino from 'pino'
import type { Log } from './model/channel.ts'

/**
 * Structured lines on standard error, or plain ones where a person looks on. Secrets are replaced wherever they
 * turn up: an error of a library may carry a token inside a URL.
 */
export function createLog(
  level: string,
  secrets: readonly string[] = [],
  plain: boolean = process.stderr.isTTY === true,
): Log {
  const hide = (text: string): string => {
    let clean = text.replace(/bot\d+:[\w-]{20,}/g, 'bot[secret]')
    for (const secret of secrets) clean = clean.replaceAll(secret, '[secret]')
    return clean
  }
  return pino(
    { level, base: null, timestamp: pino.stdTimeFunctions.isoTime },
    { write: (line: string) => void process.stderr.write(hide(plain ? inWords(line) : line)) },
  )
}

/** `14:03:07 ERROR intents/…:3  what is wrong`; what the message tells already is not repeated as a field. */
function inWords(line: string): string {
  const { level, time, msg, ...fields } = JSON.parse(line) as Record<string, unknown>
  const message = String(msg)
  const rest = Object.entries(fields)
    .map(([name, value]) => [name, typeof value === 'object' ? JSON.stringify(value) : String(value)])
    .filter(([, value = '']) => !message.includes(value))
    .map(([name, value]) => `${name}=${value}`)
  const clock = new Date(String(time)).toTimeString().slice(0, 8)
  const name = (pino.levels.labels[Number(level)] ?? '').toUpperCase().padEnd(5)
  return `${clock} ${name} ${[message, rest.join(' ')].filter(Boolean).join('  ')}\n`
}
