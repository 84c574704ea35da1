/** A stretch between two marks of punctuation or spaces. */
export interface Clause {
  readonly text: string
  readonly from: number
  /** Exclusive; the question mark that ends it included. */
  readonly to: number
  readonly isQuestion: boolean
}

/** The clauses of a normalised message. */
export function clausesOf(text: string): Clause[] {
  return [...text.matchAll(/([^,。!?;:、，！？；：…~\s]+)([?？])?/gu)].map((found) => ({
    text: found[1] ?? '',
    from: found.index,
    to: found.index + found[0].length,
    isQuestion: found[2] !== undefined,
  }))
}
