import { defineConfig } from 'vitest/config'

// What a visitor meets is tested with both segmenters; the rest of the house once.
const conversation = ['test/conversations.test.ts', 'test/questions.test.ts', 'test/urgent.test.ts']
const common = { pool: 'forks' as const, testTimeout: 30_000, hookTimeout: 60_000 }

export default defineConfig({
  test: {
    projects: [
      { test: { ...common, name: 'jieba', include: conversation, env: { SEGMENTER: 'jieba' } } },
      { test: { ...common, name: 'intl', include: conversation, env: { SEGMENTER: 'intl' } } },
      { test: { ...common, name: 'house', include: ['test/**/*.test.ts'], exclude: conversation } },
    ],
  },
})
