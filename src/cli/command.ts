import { type Config, ConfigError, loadConfig } from '../config.ts'

/** Exit codes that scripts rely on. */
export const EXIT = { fine: 0, input: 1, usage: 2, environment: 3 } as const

/** The call's words are wrong; the help is shown with the message. */
export class UsageError extends Error {}

/** What the caller names is not there or not in a state for it; the message says what to do. */
export class InputError extends Error {}

/** Something outside is missing or refuses: a setting, a folder, a port, a database. */
export class EnvironmentError extends Error {}

/** Runs a command with its settings and turns what goes wrong into a sentence and an exit code. */
export async function runCommand(help: string, command: (config: Config) => Promise<number>): Promise<void> {
  if (process.argv.includes('--help') || process.argv.includes('-h')) {
    console.log(help)
    return
  }
  // A reader that closes the pipe early (head) is no failure.
  process.stdout.on('error', (error: NodeJS.ErrnoException) =>
    process.exit(error.code === 'EPIPE' ? EXIT.fine : EXIT.environment),
  )
  try {
    process.exitCode = await command(loadConfig())
  } catch (error) {
    if (error instanceof UsageError || isArgumentError(error)) {
      console.error(`${(error as Error).message}\n\n${help}`)
      process.exitCode = EXIT.usage
    } else if (error instanceof InputError) {
      console.error(error.message)
      process.exitCode = EXIT.input
    } else if (error instanceof ConfigError || error instanceof EnvironmentError) {
      console.error(error.message)
      process.exitCode = EXIT.environment
    } else throw error
  }
}

function isArgumentError(error: unknown): boolean {
  return error instanceof Error && 'code' in error && String(error.code).startsWith('ERR_PARSE_ARGS')
}
