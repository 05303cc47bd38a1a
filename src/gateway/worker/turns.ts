/** Bytes of large answers moved between two looks at the sockets: some 0.3 ms of copying. */
const BYTES_A_TURN = 131_072
const LARGE = 16_384

/**
 * Large answers take turns, so that a thousand downloads at once keep nobody else waiting for all of them. Small ones do not wait, nor are
 * they counted.
 */
export class Turns {
  private left = BYTES_A_TURN
  private waiting: (() => void)[] = []
  private planned = false

  /** So many bytes were moved; true when the turn is over and the mover had better wait. */
  moved(bytes: number): boolean {
    if (bytes < LARGE) return false
    this.left -= bytes
    this.plan()
    return this.left <= 0
  }

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
    this.left = BYTES_A_TURN
    const { waiting } = this
    let at = 0
    while (at < waiting.length && this.left > 0) waiting[at++]!()
    // Those who had to wait again have put themselves behind the others.
    this.waiting = waiting.slice(at)
    if (this.waiting.length > 0) this.plan()
  }
}
