import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { loadSegmenter } from '../src/text/segment.ts'

describe('jieba', () => {
  let temporary: string
  beforeEach(() => {
    temporary = mkdtempSync(join(tmpdir(), 'qingda-test-'))
    vi.stubEnv('TMPDIR', temporary)
  })
  afterEach(() => {
    vi.unstubAllEnvs()
    rmSync(temporary, { recursive: true, force: true })
  })

  it('keeps the names it is given whole, also where its own words would win, and leaves no file behind', () => {
    const text = '莲都亲青恋基地研究生命的起源'
    expect(loadSegmenter([]).cut(text)).not.toEqual(expect.arrayContaining(['亲青恋基地', '研究生命']))
    const { name, limits, cut } = loadSegmenter(['亲青恋基地', '研究生命'])
    expect({ name, limits }).toEqual({ name: 'jieba', limits: undefined })
    expect(cut(text)).toEqual(expect.arrayContaining(['亲青恋基地', '研究生命']))
    expect(readdirSync(temporary)).toEqual([])
  })

  it('works where nothing can be written, and says so', () => {
    vi.stubEnv('TMPDIR', join(temporary, 'nowhere'))
    const { name, limits, cut } = loadSegmenter(['亲青恋基地'])
    expect(name).toBe('jieba')
    expect(limits).toContain(join(temporary, 'nowhere'))
    expect(cut('莲都的亲青恋基地')).toContain('亲青恋基地')
  })
})
