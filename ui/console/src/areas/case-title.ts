import { detectionRoutes } from '../../../../src/detection/contract.ts'
import { detectionMessages } from '../../../../src/detection/messages.ts'
import { useCall } from '../api.ts'
import { useSpeech } from '../language.tsx'
import { may, useMe } from '../shell/me.tsx'
import { useOwnTitle } from './gateway/sudden-title.ts'

/** A case that a rule opened bears the rule's title; for our own rules it is said in the reader's language. */
export function useTitle(): (title: string) => string {
  const me = useMe()
  const { language } = useSpeech()
  const here = language === 'vi' && me.node.role !== 'authority' && may(me, detectionRoutes.rules)
  const rules = useCall(detectionRoutes.rules, {}, { enabled: here })
  const own = useOwnTitle()
  const names: Readonly<Record<string, string>> = detectionMessages.vi.rules
  return (title) => {
    const rule = here ? rules.data?.items.find((one) => one.title === title) : undefined
    return (rule && names[rule.id]) ?? own(title)
  }
}
