import { loadContent } from '../src/content/load.ts'
import type { Content } from '../src/model/content.ts'
import { loadSegmenter, type Segmenter } from '../src/text/segment.ts'

export interface Parts {
  readonly content: Content
  readonly segmenter: Segmenter
}

/** The shipped content and its segmenter, which all that want words share. */
export async function loadParts(prefer: 'jieba' | 'intl' = 'jieba'): Promise<Parts> {
  const { content, problems } = await loadContent('.')
  if (!content) throw new Error(`the content has errors: ${problems[0]?.message}`)
  const names = [...content.names, ...content.entries.flatMap(({ aliases }) => aliases)]
  return { content, segmenter: loadSegmenter(names, prefer) }
}
