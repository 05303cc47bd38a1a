import { useQueryClient } from '@tanstack/react-query'
import { useRef } from 'react'
import { gatewayRoutes } from '../../../../../src/gateway/contract.ts'
import { Status } from '../../components/marks.tsx'
import { useWords } from '../../language.tsx'
import { useLive } from '../../live.ts'
import { partWords } from '../../words/parts.ts'

/** New refusals come many at once under attack; the page asks at most so often. */
const CALM_MS = 1_000
const LIVE: ReadonlySet<string> = new Set([gatewayRoutes.refusals.id, gatewayRoutes.figures.id])

/** Joins the live stream and has the list and the figures asked anew, at most once a second. */
function useLiveRefusals() {
  const client = useQueryClient()
  const timer = useRef<ReturnType<typeof setTimeout> | undefined>(undefined)
  return useLive(gatewayRoutes.stream.path, 'refusal', () => {
    timer.current ??= setTimeout(() => {
      timer.current = undefined
      void client.invalidateQueries({ predicate: ({ queryKey }) => LIVE.has(String(queryKey[0])) })
    }, CALM_MS)
  })
}

export function LiveMark() {
  const parts = useWords(partWords)
  const state = useLiveRefusals()
  return (
    <Status shape={state === 'live' ? 'run' : state === 'lost' ? 'look' : 'new'}>
      {state === 'live' ? parts.live : state === 'lost' ? parts.lost : parts.joining}
    </Status>
  )
}
