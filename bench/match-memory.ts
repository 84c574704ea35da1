import { docsOf, ENGINES, type EngineName } from './engines.ts'
import { loadParts } from './parts.ts'

/** The child process of `match`: builds one engine and tells by how many megabytes the process has grown. */
const name = process.argv[2] as EngineName
const parts = await loadParts()
const docs = docsOf(parts.content)
globalThis.gc?.()
const before = process.memoryUsage.rss()
const engine = ENGINES[name](parts)
await engine.build(docs)
await engine.search('担保费能减多少', 'liandu')
globalThis.gc?.()
process.send?.(Math.max(0, Math.round((process.memoryUsage.rss() - before) / 1e6)))
