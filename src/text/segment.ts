import { accessSync, constants, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** Cuts normalised text into words, long words also into the shorter ones inside them. */
export interface Segmenter {
  readonly name: 'jieba' | 'intl'
  /** Why the preferred segmenter is not in use. */
  readonly missing?: string
  /** Why it works, but not as it should. */
  readonly limits?: string
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

/** What nodejieba is loaded from. */
interface JiebaFiles {
  readonly dict?: string
  readonly userDict?: string
  readonly idfDict?: string
  readonly stopWordDict?: string
}

interface Jieba {
  readonly DEFAULT_DICT: string
  readonly DEFAULT_HMM_DICT: string
  load(files?: JiebaFiles): void
  insertWord(word: string): boolean
  cutForSearch(text: string, hmm: boolean): string[]
}

function jiebaSegmenter(names: readonly string[]): Segmenter {
  const jieba = createRequire(import.meta.url)('nodejieba') as Jieba
  // jieba aborts the whole process on a file that is not there, and no `catch` helps.
  for (const file of [jieba.DEFAULT_DICT, jieba.DEFAULT_HMM_DICT]) accessSync(file, constants.R_OK)
  const whole = names.filter((name) => /^[\p{L}\p{N}]{2,}$/u.test(name))
  const limits = load(jieba, whole)
  return {
    name: 'jieba',
    ...(limits === undefined ? {} : { limits }),
    cut: (text) => (text === '' ? [] : jieba.cutForSearch(text, true).filter(isWord)),
  }
}

/**
 * Loads jieba from files of our own: its dictionary without the rare words, the names, and next to nothing for what
 * serves its keyword extractor alone. They are read at once and then gone. Where they cannot be written it loads the
 * files it comes with, and the names lose against its own words. @returns why, in that case
 */
function load(jieba: Jieba, names: readonly string[]): string | undefined {
  let folder: string | undefined
  let files: JiebaFiles = {}
  let limits: string | undefined
  try {
    folder = mkdtempSync(join(tmpdir(), 'qingda-words-'))
    files = {
      dict: written(join(folder, 'words.txt'), withoutRareWords(readFileSync(jieba.DEFAULT_DICT))),
      // Only a dictionary with a high frequency wins against jieba's own words; words added later would lose.
      userDict: written(
        join(folder, 'names.txt'),
        Buffer.from(names.map((name) => `${name} 100000 n\n`).join('')),
      ),
      idfDict: written(join(folder, 'idf.txt'), Buffer.from('的 1\n')),
      stopWordDict: written(join(folder, 'stop-words.txt'), Buffer.from('的\n')),
    }
  } catch (error) {
    limits = `its files cannot be written below ${tmpdir()} (${error instanceof Error ? error.message : error})`
  }
  try {
    jieba.load(files)
    jieba.cutForSearch('预热', true)
    if (limits !== undefined) for (const name of names) jieba.insertWord(name)
    return limits
  } finally {
    if (folder !== undefined) rmSync(folder, { recursive: true, force: true })
  }
}

/** Writes a file and makes sure that all of it is there: jieba aborts the whole process on one it cannot read. */
function written(file: string, bytes: Uint8Array): string {
  writeFileSync(file, bytes)
  const { size } = statSync(file)
  if (size !== bytes.length) throw new Error(`${file} has ${size} bytes instead of ${bytes.length}`)
  return file
}

/**
 * jieba's dictionary with its single characters and the words it has met more often than `RARE` times: 104,000 of
 * 349,000 lines. It keeps every line in two trees, so that this takes a quarter of the memory and of the time, and as
 * many questions are understood as before. Most of what is left out was never counted and stands there with a 3.
 */
function withoutRareWords(dictionary: Buffer): Uint8Array {
  let kept = 0
  for (let from = 0; from < dictionary.length; ) {
    const newline = dictionary.indexOf(NEWLINE, from)
    const to = newline < 0 ? dictionary.length : newline + 1
    if (isWorthKeeping(dictionary, from, to)) kept += dictionary.copy(dictionary, kept, from, to)
    from = to
  }
  if (kept === 0) throw new Error('the dictionary of nodejieba is not written as it used to be')
  return dictionary.subarray(0, kept)
}

/** A line is the word, its frequency and its kind, with a space between them. */
function isWorthKeeping(dictionary: Buffer, from: number, to: number): boolean {
  const space = dictionary.indexOf(SPACE, from)
  if (space < 0 || space >= to) return false
  const character = (dictionary[from] ?? 0) < 0xf0 ? 3 : 4
  if (space - from <= character) return true
  let frequency = 0
  for (let at = space + 1; at < to && dictionary[at] !== SPACE; at++)
    frequency = 10 * frequency + (dictionary[at] ?? ZERO) - ZERO
  return frequency > RARE
}

const RARE = 10
const NEWLINE = 10
const SPACE = 32
const ZERO = 48

function intlSegmenter(missing: string): Segmenter {
  const segmenter = new Intl.Segmenter('zh-Hans', { granularity: 'word' })
  return {
    name: 'intl',
    missing,
    cut: (text) => Array.from(segmenter.segment(text), (part) => part.segment).filter(isWord),
  }
}

/** Most words are Chinese, which one comparison tells. */
const isWord = (word: string): boolean => (word >= '一' && word < '\ua000') || /[\p{L}\p{N}]/u.test(word)
const firstLine = (text: string): string => text.split('\n', 1)[0] ?? ''
