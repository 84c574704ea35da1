import { join } from 'node:path'
import type { Config } from '../config.ts'
import { type Database, openDatabase } from '../store/database.ts'
import { EnvironmentError } from './command.ts'

/** The database of `DATA_DIR`, or what keeps it from being opened and what to do about it. */
export function openStore({ DATA_DIR: folder }: Config): Promise<Database> {
  return openDatabase(join(folder, 'qingda.sqlite')).catch((error: unknown) => {
    throw new EnvironmentError(
      `The database in DATA_DIR (${folder}) cannot be opened: ${error instanceof Error ? error.message : String(error)}. ${cureFor(error, folder)}`,
    )
  })
}

function cureFor(error: unknown, folder: string): string {
  const told = `${(error as { code?: unknown }).code} ${error}`
  if (/SQLITE_(NOTADB|CORRUPT)|malformed/.test(told))
    return `The file is damaged. Stop the bot, move ${folder}/qingda.sqlite and the files beside it that begin with its name away, and put the last backup in their place; without a backup the bot begins with an empty one.`
  if (/SQLITE_FULL|ENOSPC/.test(told)) return 'The disk is full. Make room on it and start again.'
  if (/EEXIST|ENOTDIR/.test(told)) return 'DATA_DIR is or goes through a file. Set it to a folder.'
  if (/corrupted migrations/.test(told))
    return 'A newer version of the bot has written it. Start that version, or put the backup made before it in its place.'
  if (/SQLITE_BUSY/.test(told)) return 'Another program holds it. Stop that one and start again.'
  return 'Give a folder this user may write to.'
}
