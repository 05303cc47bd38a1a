import { Link } from '@tanstack/react-router'
import { settingsRoutes, type VersionView } from '../../../../../src/gateway/settings/contract.ts'
import { gatewayMessages } from '../../../../../src/gateway/messages.ts'
import { useCall } from '../../api.ts'
import { useFormats, useSpeech, useWords } from '../../language.tsx'
import { mayKeepLog } from '../../shell/duties.ts'
import { useMe } from '../../shell/me.tsx'
import { siteWords } from '../../words/sites.ts'

/** What changed, in words. */
export function ChangeList({ of, more }: { readonly of: VersionView['changes']; readonly more: number }) {
  const m = useWords(siteWords)
  const f = useFormats()
  const { language } = useSpeech()
  return (
    <ul className="changes">
      {of.map((change, i) => (
        <li key={i}>{change[language]}</li>
      ))}
      {more > 0 ? <li className="soft">{m.moreChanges(f.n(more))}</li> : null}
    </ul>
  )
}

/** Why a version was made: a person's sentence, or the node's own reason in words. */
export function useReason(): (of: Pick<VersionView, 'by' | 'reason'>) => string {
  const { language } = useSpeech()
  return ({ by, reason }) => (by === 'node' ? (gatewayMessages[language].reasons[reason] ?? reason) : reason)
}

const KEPT_SIGNS = 6
const STAFF = /^staff:(stf_[0-9A-Z]{26})$/
/** Who: this node, or a member of staff by name, which opens what that person did; one who is gone by the end of the id. `plain`: no way there, where other links stand close. */
export function Actor({ id, plain = false }: { readonly id: string | null; readonly plain?: boolean }) {
  const m = useWords(siteWords)
  const me = useMe()
  const staff = STAFF.exec(id ?? '')?.[1]
  const told = useCall(settingsRoutes.person, { params: { id: staff ?? '' } }, { enabled: staff !== undefined })
  if (id === null) return <>–</>
  if (id === 'node') return <>{m.node}</>
  const shown = told.data?.name ?? <span className="tok">{`…${id.slice(-KEPT_SIGNS)}`}</span>
  return !plain && mayKeepLog(me) ? (
    <Link to="/evidence" search={{ q: `actor:${id}` }}>
      {shown}
    </Link>
  ) : (
    shown
  )
}
