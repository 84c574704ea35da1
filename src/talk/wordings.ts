import type { Content, Problem, Wording } from '../model/content.ts'
import { wordingFault } from '../text/pattern.ts'
import { ACTS } from './acts.ts'

/** Wordings that cannot be compiled, acts the bot does not know, and acts nobody can ask for. */
export function checkWordings(content: Content): Problem[] {
  const problems: Problem[] = []
  const check = (file: string, id: string, wording: Wording): void => {
    for (const text of [...wording.exactly, ...wording.contains, ...wording.unless]) {
      if (wordingFault(text))
        problems.push({
          severity: 'error',
          file,
          message: `“${id}”里的“${text}”写法有误`,
          cure: '括号要成对，例如“(想|要)退订”。',
        })
    }
  }
  const known: readonly string[] = ACTS
  for (const act of content.acts) {
    check('intents/acts.yaml', act.id, act)
    if (!known.includes(act.id))
      problems.push({
        severity: 'error',
        file: 'intents/acts.yaml',
        message: `没有叫“${act.id}”的动作`,
        cure: `可用的有：${known.join('、')}。`,
      })
  }
  for (const id of ACTS)
    if (!content.acts.some((act) => act.id === id))
      problems.push({
        severity: 'error',
        file: 'intents/acts.yaml',
        message: `缺少动作“${id}”的说法`,
        cure: `补上“- id: ${id}”和它的说法。`,
      })
  for (const talk of content.smallTalk) check('intents/small-talk.yaml', talk.id, talk)
  for (const kind of content.urgent) check('intents/urgent.yaml', kind.id, kind)
  for (const facet of content.facets)
    check('intents/facets.yaml', facet.id, { exactly: [], contains: facet.cues, unless: facet.unless })
  return problems
}
