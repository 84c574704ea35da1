import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** Cuts normalised text into words, long words also into the shorter ones inside them. */
export interface Segmenter {
  readonly name: 'jieba' | 'intl'
  /** Why the preferred segmenter is not in use. */
  readonly missing?: string
  cut(text: string): string[]
}

/**
 * Loads jieba with the names it must keep whole, or falls back to the segmenter every Node brings along.
 * Call once at start: loading takes over a second and blocks. `names` are the entries' own names.
 */
export function loadSegmenter(names: readonly string[], prefer: 'jieba' | 'intl' = 'jieba'): Segmenter {
  if (prefer === 'intl') return intlSegmenter('switched off by SEGMENTER=intl')
  try {
    return jiebaSegmenter(names)
  } catch (error) {
    return intlSegmenter(
      `nodejieba is not usable here (${error instanceof Error ? firstLine(error.message) : error})`,
    )
  }
}

interface Jieba {
  load(options?: { userDict?: string }): void
  cutForSearch(text: string, hmm: boolean): string[]
}

function jiebaSegmenter(names: readonly string[]): Segmenter {
  const jieba = createRequire(import.meta.url)('nodejieba') as Jieba
  // jieba aborts the whole process on a dictionary that is not there, so the file is ours and just written.
  // Only a dictionary with a high frequency wins against its own words; words added later would lose.
  const folder = mkdtempSync(join(tmpdir(), 'qingda-words-'))
  const dictionary = join(folder, 'names.txt')
  writeFileSync(
    dictionary,
    names
      .filter((name) => /^[\p{L}\p{N}]{2,}$/u.test(name))
      .map((name) => `${name} 100000 n\n`)
      .join(''),
  )
  try {
    if (!existsSync(dictionary)) throw new Error(`${dictionary} could not be written`)
    jieba.load({ userDict: dictionary })
    jieba.cutForSearch('预热', true)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
  return { name: 'jieba', cut: (text) => (text === '' ? [] : jieba.cutForSearch(text, true).filter(isWord)) }
}

function intlSegmenter(missing: string): Segmenter {
  const segmenter = new Intl.Segmenter('zh-Hans', { granularity: 'word' })
  return {
    name: 'intl',
    missing,
    cut: (text) => Array.from(segmenter.segment(text), (part) => part.segment).filter(isWord),
  }
}

const isWord = (word: string): boolean => /[\p{L}\p{N}]/u.test(word)
const firstLine = (text: string): string => text.split('\n', 1)[0] ?? ''
