import type { Catalog } from '../answer/catalog.ts'
import { type Rank, ranker } from '../answer/rank.ts'
import type { Content } from '../model/content.ts'
import { type ReadActs, wordingReader } from './acts.ts'
import { type CompiledKind, compileKind, createUrgentLane } from './urgent.ts'

/** One content made ready for talking. Replaced whole by a reload. */
export interface Knowledge {
  readonly content: Content
  readonly catalog: Catalog
  readonly rank: Rank
  readonly urgent: ReturnType<typeof createUrgentLane>
  readonly acts: ReadActs
}

/** @param pause awaited now and then, so that nothing is kept waiting for long */
export async function readyToTalk(
  catalog: Catalog,
  pause: () => Promise<void> = async () => {},
): Promise<Knowledge> {
  const { content } = catalog
  const kinds: CompiledKind[] = []
  for (const kind of content.urgent) {
    kinds.push(compileKind(kind))
    await pause()
  }
  return {
    content,
    catalog,
    rank: ranker(catalog),
    urgent: createUrgentLane(content.urgent, kinds),
    acts: wordingReader(content),
  }
}
