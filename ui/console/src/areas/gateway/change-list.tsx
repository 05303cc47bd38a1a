import { Link } from '@tanstack/react-router'
import type { VersionView } from '../../../../../src/gateway/settings/contract.ts'
import { gatewayMessages } from '../../../../../src/gateway/messages.ts'
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
/** Who: this node, or a member of staff by the end of the id, which opens what that person did. */
export function Actor({ id }: { readonly id: string | null }) {
  const m = useWords(siteWords)
  const me = useMe()
  if (id === null) return <>–</>
  if (id === 'node') return <>{m.node}</>
  const short = `stf_…${id.slice(-KEPT_SIGNS)}`
  return mayKeepLog(me) ? (
    <Link to="/evidence" search={{ q: `actor:${id}` }} title={id}>
      <span className="tok">{short}</span>
    </Link>
  ) : (
    <span className="tok" title={id}>
      {short}
    </span>
  )
}
