import { relative } from 'node:path'
import { watch } from 'chokidar'
import type { Log } from '../model/channel.ts'
import type { Problem } from '../model/content.ts'
import { type Loaded, loadContent } from './load.ts'

/**
 * Loads the content again whenever a file of it changes and hands on what it found, good or bad.
 * Edits that come close together (an editor's temporary files, a copied folder) are read once.
 * @returns a function that ends the watching
 */
export function watchContent(
  root: string,
  onLoaded: (loaded: Loaded) => Promise<void>,
  log: Log,
  now: () => Date = () => new Date(),
): () => Promise<void> {
  // The folder above is watched: a folder that is moved away and put back is lost to a watcher of its own.
  const watcher = watch(root, {
    ignoreInitial: true,
    ignored: (path) => {
      const inside = relative(root, path)
      return (
        inside !== '' &&
        (!/^(knowledge|intents)([/\\]|$)/.test(inside) || /(^|[/\\])[.~]|~$|\.sw[a-z]$/.test(inside))
      )
    },
  })
  let timer: NodeJS.Timeout | undefined
  let running: Promise<void> = Promise.resolve()
  let closed = false

  const reload = (): void => {
    running = running
      .then(async () => {
        if (!closed) await onLoaded(await loadContent(root, nextTurn, now()))
      })
      .catch((error: unknown) =>
        log.error({ error: String(error) }, 'reading the content failed; the last good content stays'),
      )
  }
  const soon = (): void => {
    clearTimeout(timer)
    timer = setTimeout(reload, QUIET_MS)
  }
  watcher.on('all', soon)
  // An edit made while the watcher was still looking around was announced to nobody.
  watcher.on('ready', soon)
  watcher.on('error', (error) =>
    log.error({ error: String(error) }, 'watching the content folder failed; restart to pick up edits'),
  )
  return async () => {
    closed = true
    clearTimeout(timer)
    await watcher.close()
    await running
  }
}

const QUIET_MS = 300
const nextTurn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

/** One problem as staff read it: `file:line  what is wrong. What to do.` */
export function describe(problem: Problem): string {
  const place = problem.line === undefined ? problem.file : `${problem.file}:${problem.line}`
  return `${place}  ${problem.severity === 'warning' ? '(提醒)' : ''}${problem.message}。\n    ${problem.cure}`
}
