import { Client } from 'undici'
import type { Log } from '../../kit/log.ts'
import type { Recorder, Refusal, WorkerStats } from './refusal.ts'

const GROUP_MS = 5
const BATCH = 200
const QUEUE = 10_000
const BACKOFF_MS = [100, 200, 400, 800, 1_600, 3_000]
const LAST_FLUSH_MS = 1_000

type Waiting = { readonly line: string; readonly done: () => void }

/**
 * Sends refusals to the node over its unix socket, grouped, in order, again and again while it is away. The queue is bounded: past 10,000
 * a refusal is dropped and counted, for the gateway must go on refusing whether or not anyone keeps the record.
 */
export function socketRecorder(path: string, log: Log): Recorder & AsyncDisposable {
  const client = new Client('http://node.internal', { socketPath: path, bodyTimeout: 5_000, headersTimeout: 5_000 })
  const queue: Waiting[] = []
  let dropped = 0
  let failures = 0
  let timer: NodeJS.Timeout | undefined
  let sending: Promise<boolean> | undefined
  let reporting = false
  let closed = false

  const post = async (to: string, type: string, body: string): Promise<number> => {
    const { statusCode, body: answer } = await client.request({
      method: 'POST',
      path: to,
      headers: { 'content-type': type },
      body,
    })
    await answer.dump()
    return statusCode
  }

  const plan = (ms: number): void => {
    if (timer !== undefined || sending !== undefined || queue.length === 0 || closed) return
    timer = setTimeout(() => {
      timer = undefined
      sending = send().finally(() => {
        sending = undefined
        plan(failures === 0 ? 0 : BACKOFF_MS[Math.min(failures, BACKOFF_MS.length) - 1]!)
      })
    }, ms)
  }

  /** Sends the first so many; a group that is refused is halved, so that one bad line costs no other. */
  const sendFirst = async (count: number): Promise<void> => {
    const batch = queue.slice(0, count)
    const status = await post('/gateway/refusals', 'application/x-ndjson', batch.map(({ line }) => line).join('\n'))
    if (status >= 500) throw new Error('node answered 5xx')
    if (status >= 400 && count > 1) {
      const half = count >> 1
      await sendFirst(half)
      return sendFirst(count - half)
    }
    if (status >= 400) {
      // It will never take this one; it must not stand in the way of the next.
      dropped++
      log.error('refusal-rejected', { status })
    }
    queue.splice(0, count)
    for (const { done } of batch) done()
  }

  const send = async (): Promise<boolean> => {
    try {
      await sendFirst(Math.min(BATCH, queue.length))
      if (failures > 0) log.info('node-is-back', { queued: queue.length })
      failures = 0
      return true
    } catch {
      if (failures++ === 0) log.warn('node-is-away', { queued: queue.length })
      return false
    }
  }

  return {
    record(refusal: Refusal): Promise<void> {
      if (queue.length >= QUEUE || closed) {
        dropped++
        return Promise.resolve()
      }
      return new Promise((done) => {
        queue.push({ line: JSON.stringify(refusal), done })
        plan(GROUP_MS)
      })
    },
    async report(stats: WorkerStats): Promise<number | undefined> {
      if (reporting || closed) return undefined
      reporting = true
      try {
        const { statusCode, body } = await client.request({
          method: 'POST',
          path: '/gateway/stats',
          headers: { 'content-type': 'application/json' },
          body: JSON.stringify(stats),
        })
        if (statusCode !== 200) {
          await body.dump()
          return undefined
        }
        const { settingsVersion } = (await body.json()) as { settingsVersion?: unknown }
        return typeof settingsVersion === 'number' ? settingsVersion : undefined
      } catch {
        return undefined
      } finally {
        reporting = false
      }
    },
    async duty(name, body) {
      if (closed) return undefined
      try {
        const { statusCode, body: answer } = await client.request({
          method: 'POST',
          path: `/duties/${name}`,
          headers: { 'content-type': 'application/json' },
          body: JSON.stringify(body),
        })
        if (statusCode === 200) return await answer.json()
        await answer.dump()
        if (statusCode >= 500) return undefined
        log.error('duty-refused', { duty: name, status: statusCode })
        return null
      } catch {
        return undefined
      }
    },
    counts: () => ({ queued: queue.length, dropped }),
    async [Symbol.asyncDispose](): Promise<void> {
      const until = Date.now() + LAST_FLUSH_MS
      clearTimeout(timer)
      await sending
      let reached = failures === 0
      while (reached && queue.length > 0 && Date.now() < until) reached = await send()
      closed = true
      clearTimeout(timer)
      if (queue.length > 0) log.warn('refusals-lost', { count: queue.length })
      for (const { done } of queue.splice(0)) done()
      await client.destroy()
    },
  }
}
