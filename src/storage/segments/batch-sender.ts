import { Client } from 'undici'
import { base32, systemEntropy, type Entropy } from '../../kit/ids.ts'
import type { Log } from '../../kit/log.ts'

export type BatchSenderOptions = {
  readonly socketPath: string
  /** Named in every event: `gateway`, `node`. */
  readonly source: string
  readonly log: Log
  readonly entropy?: Entropy
}
export type BatchSender = AsyncDisposable & {
  /** Takes one event without blocking; false when the queue is full, and the event is counted as dropped. */
  send(event: Readonly<Record<string, unknown>>): boolean
  /** `rejected`: taken by nobody because the intake found them wrong. */
  counts(): { readonly queued: number; readonly sent: number; readonly dropped: number; readonly rejected: number }
}

const GROUP_MS = 50
const LINES = 500
const QUEUE = 20_000
const QUEUE_BYTES = 16 * 1024 * 1024
const BACKOFF_MS = [100, 200, 400, 800, 1_600, 3_000]
const LAST_FLUSH_MS = 1_000

/**
 * Sends events to the intake in batches, in order, each again and again under the same id until it is acknowledged: a
 * batch that reached the disk before its answer was lost is not stored twice. What the bounded queue cannot hold is dropped and counted.
 */
export function batchSender({ socketPath, source, log, entropy = systemEntropy }: BatchSenderOptions): BatchSender {
  const client = new Client('http://intake.internal', { socketPath, bodyTimeout: 10_000, headersTimeout: 10_000 })
  const queue: string[] = []
  let queuedBytes = 0
  let batch: { readonly id: string; readonly lines: number; readonly body: string } | undefined
  let timer: NodeJS.Timeout | undefined
  let sending: Promise<boolean> | undefined
  let failures = 0
  let closed = false
  const totals = { sent: 0, dropped: 0, rejected: 0 }

  const plan = (ms: number): void => {
    if (closed || timer !== undefined || sending !== undefined || (batch === undefined && queue.length === 0)) return
    timer = setTimeout(() => {
      timer = undefined
      sending = post().finally(() => {
        sending = undefined
        plan(
          failures > 0 ? BACKOFF_MS[Math.min(failures, BACKOFF_MS.length) - 1]! : queue.length >= LINES ? 0 : GROUP_MS,
        )
      })
    }, ms)
  }

  const post = async (): Promise<boolean> => {
    if (batch === undefined) {
      const lines = queue.splice(0, LINES)
      for (const line of lines) queuedBytes -= line.length
      batch = { id: base32(entropy(15)), lines: lines.length, body: lines.join('\n') }
    }
    try {
      const { statusCode, body } = await client.request({
        method: 'POST',
        path: `/batches?${new URLSearchParams({ source, batch: batch.id })}`,
        headers: { 'content-type': 'application/x-ndjson' },
        body: batch.body,
      })
      if (statusCode >= 500) {
        await body.dump()
        throw new Error('intake answered 5xx')
      }
      if (statusCode >= 400) {
        await body.dump()
        // It will never take these; do not stand in the way of the next.
        totals.rejected += batch.lines
        log.error('events-rejected', { status: statusCode, count: batch.lines })
      } else {
        const answer = (await body.json()) as { accepted: number; rejectedTotal: number }
        totals.sent += answer.accepted
        totals.rejected += answer.rejectedTotal
      }
      if (failures > 0) log.info('intake-is-back', { queued: queue.length })
      failures = 0
      batch = undefined
      return true
    } catch {
      if (failures++ === 0) log.warn('intake-is-away', { queued: queue.length })
      return false
    }
  }

  return {
    send(event) {
      const line = JSON.stringify(event)
      if (closed || queue.length >= QUEUE || queuedBytes + line.length > QUEUE_BYTES) {
        totals.dropped++
        return false
      }
      queue.push(line)
      queuedBytes += line.length
      plan(GROUP_MS)
      return true
    },
    counts: () => ({ queued: queue.length + (batch?.lines ?? 0), ...totals }),
    async [Symbol.asyncDispose]() {
      const until = Date.now() + LAST_FLUSH_MS
      clearTimeout(timer)
      await sending
      let reached = failures === 0
      while (reached && (batch !== undefined || queue.length > 0) && Date.now() < until) reached = await post()
      closed = true
      clearTimeout(timer)
      const lost = queue.length + (batch?.lines ?? 0)
      totals.dropped += lost
      if (lost > 0) log.warn('events-lost', { count: lost })
      await client.destroy()
    },
  }
}
