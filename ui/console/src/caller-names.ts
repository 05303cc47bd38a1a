import { useMemo } from 'react'
import { meRoutes } from '../../../src/identity/me/contract.ts'
import { useCall, type Got } from './api.ts'
import { useMay } from './shell/me.tsx'

export type Caller = Got<typeof meRoutes.callers>['callers'][number]
export type Callers = {
  readonly all: readonly Caller[]
  /** The name a service key was given; undefined for whoever is none, or where names may not be seen. */
  nameOf(caller: string): string | undefined
}
const FRESH_MS = 60_000

/** Which application is behind `service:khk_…`. */
export function useCallers(): Callers {
  const enabled = useMay(meRoutes.callers)
  const { data } = useCall(meRoutes.callers, {}, { every: FRESH_MS, enabled })
  return useMemo(() => {
    const all = data?.callers ?? []
    const names = new Map(all.map(({ caller, name }) => [caller, name]))
    return { all, nameOf: (caller) => names.get(caller) }
  }, [data])
}

/** The end of a key's id: tells two keys of one name apart. */
export const tailOf = (caller: string): string => `…${caller.slice(-6)}`
