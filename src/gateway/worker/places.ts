/** A place asked for. `given` is false when its time was up or it was left before there was one. */
export type Place = {
  readonly given: boolean | Promise<boolean>
  /** Gives the place back, or stops waiting for it. More than once is once. */
  leave(): void
}

type Waiting = { readonly line: string; readonly settle: (given: boolean) => void }

/** How many may wait for each place there is. */
const WAITING = 8

/**
 * The requests that may be under way at one application, and those that wait for it. A client's line holds no more places than are still free
 * (dynamic thresholds, Choudhury and Hahne 1998): alone it gets half of them, and whoever comes next always finds some. The same holds for
 * those that wait.
 */
export class Places {
  private free: number
  private room: number
  private readonly held = new Map<string, number>()
  private readonly lined = new Map<string, number>()
  /** In the order they came. While a place is free, none of them may have it. */
  private readonly waiting = new Set<Waiting>()
  private readonly waitMs: number

  /** `most` places; who waits longer than `waitMs` gets none. */
  constructor(most: number, waitMs: number) {
    this.free = most
    this.room = most * WAITING
    this.waitMs = waitMs
  }

  /** Undefined: there is no room to wait in either. */
  ask(line: string): Place | undefined {
    if (this.free > 0 && count(this.held, line) <= this.free) {
      this.take(line)
      return { given: true, leave: once(() => this.giveBack(line)) }
    }
    if (this.room === 0 || count(this.lined, line) > this.room) return undefined
    return this.wait(line)
  }

  private wait(line: string): Place {
    const { promise, resolve } = Promise.withResolvers<boolean>()
    let has = false
    const one: Waiting = {
      line,
      settle: (given) => {
        has = given
        clearTimeout(timer)
        this.waiting.delete(one)
        this.room++
        add(this.lined, line, -1)
        resolve(given)
      },
    }
    const timer = setTimeout(() => one.settle(false), this.waitMs)
    this.waiting.add(one)
    this.room--
    add(this.lined, line, 1)
    const leave = once(() => {
      if (has) this.giveBack(line)
      else if (this.waiting.has(one)) one.settle(false)
    })
    return { given: promise, leave }
  }

  private take(line: string): void {
    this.free--
    add(this.held, line, 1)
  }

  private giveBack(line: string): void {
    this.free++
    add(this.held, line, -1)
    for (const one of this.waiting) {
      if (this.free === 0) return
      if (count(this.held, one.line) > this.free) continue
      this.take(one.line)
      one.settle(true)
    }
  }
}

const count = (of: ReadonlyMap<string, number>, line: string): number => of.get(line) ?? 0

function add(to: Map<string, number>, line: string, n: number): void {
  const now = count(to, line) + n
  if (now === 0) to.delete(line)
  else to.set(line, now)
}

function once(act: () => void): () => void {
  let done = false
  return () => {
    if (done) return
    done = true
    act()
  }
}
