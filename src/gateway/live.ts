import type { Refusal, RefusalStore } from './refusals.ts'

const BACKLOG = 200
/** Also how long a reader goes on after signing out or idling out. */
const BEAT_MS = 5_000
const WATCHERS = 50
let watchers = 0

/**
 * Server-sent events, one `refusal` event each: first what came after `since` (what a reconnecting reader saw last), then
 * what comes. It ends when `alive` says no. A reader too slow to follow is told how many it missed.
 */
export function liveStream(
  store: RefusalStore,
  render: (refusal: Refusal) => Promise<string>,
  reader: { readonly signal: AbortSignal; readonly since: string | undefined; readonly alive: () => Promise<boolean> },
): Response | undefined {
  if (watchers >= WATCHERS) return undefined
  const encoder = new TextEncoder()
  let end = (): void => {}
  const body = new ReadableStream<Uint8Array>(
    {
      start(controller) {
        watchers++
        let missed = 0
        let ended = false
        const put = (text: string): void => controller.enqueue(encoder.encode(text))
        // Flushes the head at once, so that the page knows it is connected.
        put(': connected\n\nretry: 2000\n\n')
        const tell = async (refusal: Refusal): Promise<void> => {
          if ((controller.desiredSize ?? 0) <= -BACKLOG) return void missed++
          const text = await render(refusal)
          if (!ended) put(`event: refusal\nid: ${refusal.id}\ndata: ${JSON.stringify({ row: text, missed })}\n\n`)
        }
        const stopListening = store.listen(tell)
        const beat = setInterval(async () => {
          if (await reader.alive().catch(() => false)) {
            if (!ended) put(': beat\n\n')
          } else end()
        }, BEAT_MS).unref()
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
        reader.signal.addEventListener('abort', end, { once: true })
        if (reader.since !== undefined) void store.since(reader.since).then((olds) => Promise.all(olds.map(tell)))
      },
      cancel: () => end(),
    },
    { highWaterMark: 1 },
  )
  return new Response(body, {
    headers: { 'content-type': 'text/event-stream', 'cache-control': 'no-store', 'x-accel-buffering': 'no' },
  })
}
