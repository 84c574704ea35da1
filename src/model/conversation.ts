/** A message goes in, its reply is returned. */

/** Where a visitor can be reached: a channel and a chat in it. */
export interface Address {
  readonly channel: string
  readonly chat: string
}

export interface Message {
  /** The channel's own id of the message; seen twice, it yields the same reply and no second effect. */
  readonly id: string
  readonly address: Address
  readonly text: string
  /** Stickers, pictures, voice: nothing to read. */
  readonly unreadable?: boolean
  /** A button of an earlier reply was pressed. */
  readonly choice?: { readonly menu: string; readonly index: number }
  /** The channel knows the region already (API field, command-line option): id or any name of it. */
  readonly region?: string
  /** Said in a group, where private topics are not discussed. */
  readonly inGroup?: boolean
}

export type DecisionKind = 'answer' | 'ask-back' | 'hand-over' | 'act' | 'small-talk' | 'urgent'

export interface Choice {
  readonly label: string
  readonly entry?: string
}

export type SectionKind = 'answer' | 'detail' | 'unsaid' | 'status' | 'source' | 'note'

export interface Section {
  readonly kind: SectionKind
  readonly text: string
  /** The id of the announced event that it tells of; pages link to the event's own page and calendar file. */
  readonly notice?: string
}

export interface Reply {
  readonly decision: DecisionKind
  /** What the visitor reads, piece by piece; channels may show a source folded. */
  readonly sections: readonly Section[]
  readonly choices: readonly Choice[]
  /** Names the menu that `choices` belong to, so that a late press is recognised. */
  readonly menu?: string
  /** Up to five candidate entries, best first, whatever the decision. */
  readonly entries: readonly string[]
  /** Probability (0 to 1) that the first candidate is right. */
  readonly score: number
  readonly intent?: string
  readonly facet?: string
  readonly region?: string
  /** Why the candidates were ranked so; for staff and engineers. */
  readonly reasons?: readonly Reason[]
}

export interface Reason {
  readonly entry: string
  readonly score: number
  readonly because: readonly { readonly view: string; readonly detail: string; readonly weight: number }[]
}

/** The whole reply as plain text: sections, then the choices as a numbered list. */
export function plainText(reply: Reply): string {
  const body = reply.sections.map((section) => section.text).join('\n\n')
  const list = reply.choices.map((choice, i) => `${i + 1}. ${choice.label}`).join('\n')
  return list === '' ? body : `${body}\n\n${list}`
}
