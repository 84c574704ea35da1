import type { Log } from '../../src/model/channel.ts'

/** A log nobody reads. */
export const quiet: Log = { info: () => {}, warn: () => {}, error: () => {} }

/** A log whose lines a test can look at. */
export function listening(): Log & {
  readonly lines: { level: string; fields: Record<string, unknown>; message: string }[]
} {
  const lines: { level: string; fields: Record<string, unknown>; message: string }[] = []
  const at = (level: string) => (fields: Record<string, unknown>, message: string) =>
    void lines.push({ level, fields, message })
  return { lines, info: at('info'), warn: at('warn'), error: at('error') }
}
