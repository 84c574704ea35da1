import { spawn } from 'node:child_process'

export interface Finished {
  readonly code: number | null
  readonly out: string
  readonly err: string
}

/** Runs one of the real commands in a process of its own, without the settings of whoever runs the tests. */
export function run(
  file: string,
  args: readonly string[] = [],
  {
    env = {},
    input = '',
    heard = () => {},
  }: {
    env?: Readonly<Record<string, string>>
    input?: string
    /** Called while it runs, with all that it has said so far. */
    heard?: (out: string) => void
  } = {},
): Promise<Finished> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, ['--import', 'tsx', file, ...args], {
      env: {
        PATH: process.env.PATH,
        HOME: process.env.HOME,
        TMPDIR: process.env.TMPDIR,
        SEGMENTER: 'intl',
        ...env,
      },
    })
    let out = ''
    let err = ''
    child.stdout.setEncoding('utf8').on('data', (part: string) => {
      out += part
      heard(out)
    })
    child.stderr.setEncoding('utf8').on('data', (part: string) => {
      err += part
    })
    child.on('error', reject)
    child.on('close', (code) => resolve({ code, out, err }))
    // A command that ends before it has read everything is none of the test's business.
    child.stdin.on('error', () => {})
    child.stdin.end(input)
  })
}
