import pino from 'pino'
import type { Log } from './model/channel.ts'

/**
 * Structured lines on standard error. Secrets are replaced wherever they turn up: an error of a library
 * may carry a token inside a URL.
 */
export function createLog(level: string, secrets: readonly string[] = []): Log {
  const hide = (text: string): string => {
    let clean = text.replace(/bot\d+:[\w-]{20,}/g, 'bot[secret]')
    for (const secret of secrets) clean = clean.replaceAll(secret, '[secret]')
    return clean
  }
  return pino(
    { level, base: null, timestamp: pino.stdTimeFunctions.isoTime },
    { write: (line: string) => void process.stderr.write(hide(line)) },
  )
}
