/** So many answers move on between two looks at the sockets, a chunk each: some 0.2 ms of copying. */
const A_TURN = 2
/** What an answer may move without waiting for its turn, bytes: most pages and all of JSON's small change. */
const SMALL = 16_384

/**
 * Large answers take turns, so that a thousand downloads at once keep nobody else waiting for all of them. A turn is given before its chunk is
 * read: of those resumed together, all would be read together.
 */
export class Turns {
  private waiting: (() => void)[] = []
  private planned = false

  /** Calls `resume` when it is its turn, in the order of asking, never at once. */
  wait(resume: () => void): void {
    this.waiting.push(resume)
    this.plan()
  }

  private plan(): void {
    if (this.planned) return
    this.planned = true
    setImmediate(() => this.next())
  }

  private next(): void {
    this.planned = false
    for (const resume of this.waiting.splice(0, A_TURN)) resume()
    if (this.waiting.length > 0) this.plan()
  }
}

/** Counts one answer's bytes; true when it has moved enough and had better wait for its turn. */
export function turnMeter(): (bytes: number) => boolean {
  let moved = 0
  return (bytes) => {
    moved += bytes
    if (moved < SMALL) return false
    moved = 0
    return true
  }
}
