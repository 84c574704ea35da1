import { docsOf, ENGINES, type EngineName } from './engines.ts'
import { loadParts } from './parts.ts'

/** The child process of `match`: builds one engine and tells how many megabytes more it holds. */
const name = process.argv[2] as EngineName
const parts = await loadParts()
const docs = docsOf(parts.content)
const before = held()
const engine = ENGINES[name](parts)
await engine.build(docs)
await engine.search('担保费能减多少', 'liandu')
process.send?.(Math.max(0, Math.round((held() - before) / 1e6)))

/** Not the resident memory: what loading the content has freed would hide an index of its size. */
function held(): number {
  globalThis.gc?.()
  const { heapUsed, external } = process.memoryUsage()
  return heapUsed + external
}
