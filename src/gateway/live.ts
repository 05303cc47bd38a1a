import type { Refusal, RefusalStore } from './refusals.ts'

const BACKLOG = 200
const BEAT_MS = 15_000
const WATCHERS = 50
let watchers = 0

/** Server-sent events, one `refusal` event each, from now on. A reader too slow to follow is told how many it missed. */
export function liveStream(
  store: RefusalStore,
  render: (refusal: Refusal) => Promise<string>,
  signal: AbortSignal,
): Response | undefined {
  if (watchers >= WATCHERS) return undefined
  const encoder = new TextEncoder()
  let end = (): void => {}
  const body = new ReadableStream<Uint8Array>(
    {
      start(controller) {
        watchers++
        let missed = 0
        const put = (text: string): void => controller.enqueue(encoder.encode(text))
        // Flushes the head at once, so that the page knows it is connected.
        put(': connected\n\nretry: 2000\n\n')
        const stopListening = store.listen(async (refusal) => {
          if ((controller.desiredSize ?? 0) <= -BACKLOG) return void missed++
          const text = await render(refusal)
          put(`event: refusal\nid: ${refusal.id}\ndata: ${JSON.stringify({ row: text, missed })}\n\n`)
        })
        const beat = setInterval(() => put(': beat\n\n'), BEAT_MS).unref()
        let ended = false
        end = () => {
          if (ended) return
          ended = true
          watchers--
          stopListening()
          clearInterval(beat)
          try {
            controller.close()
          } catch {
            // Already cancelled by the reader.
          }
        }
        signal.addEventListener('abort', end, { once: true })
      },
      cancel: () => end(),
    },
    { highWaterMark: 1 },
  )
  return new Response(body, {
    headers: { 'content-type': 'text/event-stream', 'cache-control': 'no-store', 'x-accel-buffering': 'no' },
  })
}
