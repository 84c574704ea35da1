import type { Catalog } from '../answer/catalog.ts'
import { type Rank, ranker } from '../answer/rank.ts'
import type { Content } from '../model/content.ts'
import { type ReadActs, wordingReader } from './acts.ts'
import { createUrgentLane } from './urgent.ts'

/** One content made ready for talking. Replaced whole by a reload. */
export interface Knowledge {
  readonly content: Content
  readonly catalog: Catalog
  readonly rank: Rank
  readonly urgent: ReturnType<typeof createUrgentLane>
  readonly acts: ReadActs
}

export function readyToTalk(catalog: Catalog): Knowledge {
  const { content } = catalog
  return {
    content,
    catalog,
    rank: ranker(catalog),
    urgent: createUrgentLane(content.urgent),
    acts: wordingReader(content),
  }
}
