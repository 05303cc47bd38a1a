/** A refusal of the node, as its problem document says it; `code` is stable. */
export class KhienRefusal extends Error {
  override readonly name = 'KhienRefusal'
  readonly code: string
  readonly status: number
  readonly field: string | undefined
  readonly requestId: string | undefined

  constructor(status: number, problem: { code?: string; detail?: string; field?: string; requestId?: string }) {
    super(problem.detail ?? `The node answered ${status}.`)
    this.code = problem.code ?? 'unknown'
    this.status = status
    this.field = problem.field
    this.requestId = problem.requestId
  }
}
