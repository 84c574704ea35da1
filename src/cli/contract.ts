import { plainText, type Reply } from '../model/conversation.ts'

/** A reply as the object that outsiders rely on; fields are only ever added. */
export function asContract(id: string | undefined, reply: Reply, ms: number) {
  const { decision, entries, intent, facet, region, choices, score } = reply
  return {
    ...(id === undefined ? {} : { id }),
    decision,
    entries,
    intent,
    facet,
    region,
    text: plainText(reply),
    choices,
    score,
    ms,
  }
}
