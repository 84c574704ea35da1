import { cpSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, dirname, join } from 'node:path'

/** A content folder of a test's own, to be edited and broken. */
export interface ContentFolder {
  readonly root: string
  read(file: string): string
  write(file: string, text: string | Buffer): void
  /** Replaces the first occurrence; a text that is not there is a mistake of the test. */
  edit(file: string, from: string | RegExp, to: string): void
  /** A file, or a folder with all that is in it. */
  delete(path: string): void
  copyTo(root: string): void
  remove(): Promise<void>
}

/** All of the shipped content. */
export async function shippedContent(): Promise<ContentFolder> {
  const root = await mkdtemp(join(tmpdir(), 'qingda-content-'))
  for (const folder of ['knowledge', 'intents'])
    cpSync(folder, join(root, folder), { recursive: true, dereference: true })
  return folderAt(root)
}

/** A sound part of the shipped content: a few topics, and the beginnings of the long lists. It loads in no time. */
export async function smallContent(
  topics: readonly string[] = ['finance', 'housing'],
): Promise<ContentFolder> {
  const root = await mkdtemp(join(tmpdir(), 'qingda-content-'))
  const copied: string[] = []
  for (const folder of ['knowledge', 'intents'])
    cpSync(folder, join(root, folder), {
      recursive: true,
      // A link would be copied as a link, and the edits of a test would reach the shipped files.
      dereference: true,
      filter: (from) => {
        const topic = /^(?:knowledge\/faq\/[^/]+|intents)\/([^/.]+)(?:\/|$)/.exec(
          from.replaceAll('\\', '/'),
        )?.[1]
        const wanted = topic === undefined || topics.includes(topic)
        if (wanted) copied.push(from)
        return wanted
      },
    })
  const entries = copied.filter((file) => file.endsWith('.md') && file.includes('faq'))
  const ids = new Set(entries.map((file) => /^id: (.+)$/m.exec(readFileSync(file, 'utf8'))?.[1] ?? ''))
  const folder = folderAt(root)
  for (const file of entries)
    folder.write(
      file,
      folder.read(file).replace(
        /^related: \[(.+)\]$/m,
        (_, list: string) =>
          `related: [${list
            .split(', ')
            .filter((id) => ids.has(id))
            .join(', ')}]`,
      ),
    )
  for (const file of copied.filter(
    (one) => one.endsWith('.yaml') && basename(dirname(one)) !== 'intents' && one.startsWith('intents'),
  ))
    folder.write(
      file,
      folder
        .read(file)
        .replace(/^ {2}[a-z]+: ([a-z0-9-]+)\n/gm, (line, id: string) => (ids.has(id) ? line : '')),
    )
  const urgent = folder.read('intents/urgent.yaml').replace(/^ *#.*\n/gm, '')
  folder.write('intents/urgent.yaml', urgent.replace(/((?:^ {4}- .*\n){3})(?:^ {4}- .*\n)*/gm, '$1'))
  folder.write('intents/words.yaml', folder.read('intents/words.yaml').split('\n').slice(0, 60).join('\n'))
  return folder
}

function folderAt(root: string): ContentFolder {
  const read = (file: string): string => readFileSync(join(root, file), 'utf8')
  const write = (file: string, text: string | Buffer): void => {
    mkdirSync(dirname(join(root, file)), { recursive: true })
    writeFileSync(join(root, file), text)
  }
  return {
    root,
    read,
    write,
    edit: (file, from, to) => {
      const before = read(file)
      const after = before.replace(from, to)
      if (after === before) throw new Error(`${file} does not hold ${String(from)}`)
      write(file, after)
    },
    delete: (path) => rmSync(join(root, path), { recursive: true }),
    copyTo: (other) => cpSync(root, other, { recursive: true }),
    remove: () => rm(root, { recursive: true, force: true }),
  }
}

/** Every file of a content folder, relative to it. */
export function filesOf(root: string): string[] {
  return readdirSync(root, { recursive: true, withFileTypes: true })
    .filter((item) => item.isFile())
    .map((item) => join(item.parentPath, item.name).slice(root.length + 1))
}
