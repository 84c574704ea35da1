import { fork } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { loadContent } from '../src/content/load.ts'
import type { Content } from '../src/model/content.ts'
import { generate } from './generated.ts'
import { startedWith } from './house.ts'

/** A thousand, ten thousand and a hundred thousand phrasings, each base in a process of its own. */
export async function benchScale(): Promise<Record<string, unknown>> {
  const { content } = await loadContent('.')
  if (!content) throw new Error('the content has errors: npm run check')
  const folder = mkdtempSync(join(tmpdir(), 'qingda-scale-'))
  const figures: Record<string, unknown> = {}
  try {
    for (const size of [1_000, 10_000, 100_000]) {
      const file = join(folder, `${size}.json`)
      const generated = generate(content, size)
      writeFileSync(file, JSON.stringify(generated))
      writeFileSync(`${file}.names`, namesIn(generated.content).join('\n'))
      figures[`${size} phrasings`] = {
        ...(await inChild('ours', file)),
        ...(size > 1_000
          ? { ...(await inChild('MiniSearch, jieba', file)), ...(await inChild('BM25, pairs', file)) }
          : {}),
      }
    }
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
  return figures
}

function namesIn({ names, entries }: Content): string[] {
  return [...names, ...entries.flatMap(({ aliases }) => aliases)].map((name) => name.toLowerCase())
}

function inChild(engine: string, file: string): Promise<object> {
  return new Promise((resolve, reject) => {
    // With the flags of the server: garbage is collected as it is there, and that makes the longest pauses.
    const child = fork('bench/scale-child.ts', [engine, file], { execArgv: startedWith().slice(0, -1) })
    child.once('message', (figures) => resolve(figures as object))
    child.once('exit', (code) => reject(new Error(`${engine} ended with ${code} before it told its figures`)))
  })
}
