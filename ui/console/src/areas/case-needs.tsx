import { caseRoutes } from '../../../../src/cases/contract.ts'
import { useCall } from '../api.ts'
import { nearest } from '../components/clock.tsx'
import type { Need } from '../components/needs-now.tsx'
import { useWords } from '../language.tsx'
import { useMe, may } from '../shell/me.tsx'
import { useTitle } from './case-title.ts'
import { caseWords } from '../words/cases.ts'

/** Open cases whose legal clocks run, as things that need somebody now. */
export function useCaseNeeds(): readonly Need[] {
  const m = useWords(caseWords)
  const me = useMe()
  const titleOf = useTitle()
  const here = me.node.role !== 'authority' && may(me, caseRoutes.list)
  const cases = useCall(caseRoutes.list, { query: { state: 'open', limit: 20 } }, { enabled: here, every: 30_000 })
  return (cases.data?.items ?? []).flatMap((one) => {
    const deadline = nearest(one.clocks)
    if (deadline === null) return []
    return [
      {
        key: one.id,
        deadline,
        what: m.need[deadline.kind as keyof typeof m.need] ?? m.needOther,
        more: `${one.id}: ${titleOf(one.title)}`,
        to: `/detect/cases/${one.id}`,
        act: m.open,
      },
    ]
  })
}
