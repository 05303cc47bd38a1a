import type { Dispatcher } from 'undici'
import type { AnswerCheck } from './answer-check.ts'
import type { UpstreamHeaders } from './forwarding.ts'
import type { Shared } from './shared.ts'

type Sides = {
  readonly go: () => void
  readonly write: (chunk: Buffer) => void
  readonly finish: () => void
  /** It could not be looked at. */
  readonly failed: () => void
  /** Another answer has been given in its place. */
  readonly given: () => void
}

/** An answer held until it has been looked at: its head alone, or as much of its body as `check` wants. */
export class HeldAnswer {
  over = false
  private state: 'holding' | 'deciding' | 'open' = 'holding'
  private chunks: Buffer[] = []
  private size = 0
  private ended = false
  private readonly shared: Shared
  private readonly check: AnswerCheck
  private readonly answer: { readonly status: number; readonly received: UpstreamHeaders }
  private readonly controller: Dispatcher.DispatchController
  private readonly sides: Sides
  private limit = 0

  constructor(
    shared: Shared,
    check: AnswerCheck,
    answer: { readonly status: number; readonly received: UpstreamHeaders },
    controller: Dispatcher.DispatchController,
    sides: Sides,
  ) {
    this.shared = shared
    this.check = check
    this.answer = answer
    this.controller = controller
    this.sides = sides
  }

  begin(): void {
    this.limit = this.check.wants(this.answer.status, this.answer.received)
    if (this.limit === 0) this.decide()
  }

  /** True when the chunk is kept here. */
  takes(chunk: Buffer): boolean {
    if (this.state === 'open') return false
    this.chunks.push(chunk)
    this.size += chunk.length
    this.shared.held.bytes += chunk.length
    if (this.state === 'holding' && this.size >= this.limit) this.decide()
    return true
  }

  /** True when the end is not for the client yet. */
  ends(): boolean {
    if (this.state === 'open') return false
    this.ended = true
    if (this.state === 'holding') this.decide()
    return true
  }

  release(): void {
    this.shared.held.give(this.size)
    this.size = 0
    this.chunks = []
    if (this.state !== 'open') this.over = true
  }

  private decide(): void {
    this.state = 'deciding'
    if (!this.ended) this.controller.pause()
    const body = this.limit === 0 ? Buffer.alloc(0) : Buffer.concat(this.chunks, this.size)
    const said = this.check.decide(this.answer.status, this.answer.received, body, this.ended)
    if (typeof said === 'boolean') this.settle(said)
    else
      said
        .then((passes) => this.settle(passes))
        .catch(() => {
          this.over = true
          this.sides.failed()
        })
  }

  private settle(passes: boolean): void {
    if (this.over) return
    if (!passes) {
      this.over = true
      return this.sides.given()
    }
    this.state = 'open'
    this.sides.go()
    const { chunks } = this
    this.shared.held.give(this.size)
    this.size = 0
    this.chunks = []
    for (const chunk of chunks) this.sides.write(chunk)
    if (this.ended) this.sides.finish()
    else this.controller.resume()
  }
}
