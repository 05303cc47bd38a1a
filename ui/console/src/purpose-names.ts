import { useMemo } from 'react'
import { consentRoutes } from '../../../src/consent/contract.ts'
import { useCall } from './api.ts'
import { useSpeech } from './language.tsx'
import { may, useMe } from './shell/me.tsx'

const FRESH_MS = 60_000

/** The titles of declared purposes; undefined for one that is not declared, or where they may not be seen. */
export function usePurposes(): (id: string) => string | undefined {
  const { language } = useSpeech()
  const me = useMe()
  const enabled = me.node.role !== 'authority' && may(me, consentRoutes.processing)
  const { data } = useCall(consentRoutes.processing, {}, { every: FRESH_MS, enabled })
  return useMemo(() => {
    const titles = new Map(data?.purposes.map(({ purpose }) => [purpose.id, purpose.title[language]]))
    return (id) => titles.get(id)
  }, [data, language])
}
