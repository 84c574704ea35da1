import { expect, it } from 'vitest'
import { measureNoise } from '../bench/noise.ts'

/** Every one of them costs at most two points over all questions; over every sixth, one question weighs a third of one. */
const MOST_LOST = 3
const DISTURBANCES = [
  'traditional',
  'full width',
  'a space between all characters',
  'politely wrapped',
  'pasted from a page',
  'emoji',
  'emoticons of WeChat',
  'two neighbours swapped',
  'one homophone',
]

it('noise in a question costs next to nothing', { timeout: 300_000 }, async () => {
  const rows = await measureNoise(6, () => {}, DISTURBANCES)
  console.table(rows)
  for (const name of DISTURBANCES) expect(rows[name]?.['lost, points'], name).toBeLessThanOrEqual(MOST_LOST)
})
