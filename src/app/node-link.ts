import { request, Agent } from 'undici'
import type { Log } from '../kit/log.ts'

const QUEUE = 10_000
const BACKOFF_MS = [100, 200, 400, 800, 1_600, 3_000]
const TIMEOUT_MS = 10_000

/** The way from one of our processes to its node, over the node's unix socket. */
export type NodeLink = AsyncDisposable & {
  /** Told in order, again and again until the node has taken it; false when the queue is full, which is counted. */
  tell(duty: string, body: unknown): boolean
  /** Asked once; undefined while the node is away or sealed. */
  ask(duty: string, body: unknown): Promise<unknown>
  readonly dropped: number
}

export function nodeLink(socketPath: string, log: Log): NodeLink {
  const dispatcher = new Agent({ connect: { socketPath } })
  const queue: { duty: string; body: string }[] = []
  let dropped = 0
  let failures = 0
  let sending: Promise<void> | undefined
  let timer: NodeJS.Timeout | undefined
  let closed = false

  async function post(duty: string, body: string): Promise<{ status: number; answer: unknown }> {
    const response = await request(`http://node.internal/duties/${duty}`, {
      method: 'POST',
      dispatcher,
      headers: { 'content-type': 'application/json' },
      body,
      headersTimeout: TIMEOUT_MS,
      bodyTimeout: TIMEOUT_MS,
    })
    return { status: response.statusCode, answer: await response.body.json() }
  }

  async function drain(): Promise<void> {
    while (queue.length > 0 && !closed) {
      const { duty, body } = queue[0]!
      try {
        const { status } = await post(duty, body)
        if (status >= 500) throw new Error(`node answered ${status}`)
        if (status >= 400) {
          // It will never take this one; do not stand in the way of the next.
          dropped++
          log.error('duty-refused', { duty, status })
        }
        failures = 0
        queue.shift()
      } catch {
        if (failures++ === 0) log.warn('node-is-away', { queued: queue.length })
        const wait = BACKOFF_MS[Math.min(failures, BACKOFF_MS.length) - 1]!
        timer = setTimeout(start, wait)
        return
      }
    }
  }
  const start = (): void => {
    timer = undefined
    sending ??= drain().finally(() => {
      sending = undefined
    })
  }

  return {
    tell(duty, body) {
      if (queue.length >= QUEUE || closed) {
        dropped++
        return false
      }
      queue.push({ duty, body: JSON.stringify(body) })
      if (timer === undefined) start()
      return true
    },
    async ask(duty, body) {
      try {
        const { status, answer } = await post(duty, JSON.stringify(body))
        return status === 200 ? answer : undefined
      } catch {
        return undefined
      }
    },
    get dropped() {
      return dropped
    },
    async [Symbol.asyncDispose]() {
      closed = true
      clearTimeout(timer)
      await sending
      await dispatcher.destroy()
    },
  }
}
