const BACKLOG = 200
/** Also how long a reader goes on after signing out or idling out. */
const BEAT_MS = 5_000
const WATCHERS = 100
let watchers = 0

type Reader<T> = {
  readonly signal: AbortSignal
  /** Asked every five seconds; the stream ends when it says no. */
  readonly alive: () => Promise<boolean>
  /** What a reconnecting reader has missed, oldest first. */
  readonly missed?: () => Promise<readonly T[]>
  /** The data of one event; the thing itself unless said. */
  readonly render?: (thing: T) => Promise<unknown>
}

/**
 * Server-sent events, one event `name` a thing, its `id` as the event's: first what a returning reader missed, then what
 * comes. A reader too slow to follow is told by an event `missed` how many it did not get. Undefined when too many watch.
 */
export function eventStream<T extends { readonly id: string }>(
  name: string,
  listen: (listener: (thing: T) => void) => () => void,
  reader: Reader<T>,
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
        const tell = async (thing: T): Promise<void> => {
          if ((controller.desiredSize ?? 0) <= -BACKLOG) return void missed++
          const data = reader.render ? await reader.render(thing) : thing
          if (ended) return
          if (missed > 0) put(`event: missed\ndata: ${missed}\n\n`)
          missed = 0
          put(`event: ${name}\nid: ${thing.id}\ndata: ${JSON.stringify(data)}\n\n`)
        }
        const stopListening = listen((thing) => void tell(thing))
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
        void reader.missed?.().then((olds) => Promise.all(olds.map(tell)))
      },
      cancel: () => end(),
    },
    { highWaterMark: 1 },
  )
  return new Response(body, {
    headers: { 'content-type': 'text/event-stream', 'cache-control': 'no-store', 'x-accel-buffering': 'no' },
  })
}
