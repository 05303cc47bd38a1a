import { useEffect, useRef, useState } from 'react'

export type Liveness = 'joining' | 'live' | 'lost'
const RETRY_MS = 3_000

/** Server-sent events of one kind. The browser joins again by itself; what it gives up on (503) is tried again by us. */
export function useLive(path: string, event: string, hear: (data: unknown) => void, enabled = true): Liveness {
  const [state, setState] = useState<Liveness>('joining')
  const heard = useRef(hear)
  heard.current = hear
  useEffect(() => {
    if (!enabled) return
    let source: EventSource
    let timer: ReturnType<typeof setTimeout> | undefined
    const join = (): void => {
      source = new EventSource(path)
      source.addEventListener('open', () => setState('live'))
      source.addEventListener(event, ({ data }) => heard.current(JSON.parse(String(data)) as unknown))
      source.addEventListener('error', () => {
        setState('lost')
        if (source.readyState === EventSource.CLOSED) timer = setTimeout(join, RETRY_MS)
      })
    }
    join()
    return () => {
      clearTimeout(timer)
      source.close()
    }
  }, [path, event, enabled])
  return state
}
