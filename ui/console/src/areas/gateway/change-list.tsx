import type { VersionView } from '../../../../../src/gateway/contract.ts'
import { gatewayMessages } from '../../../../../src/gateway/messages.ts'
import { useFormats, useSpeech, useWords } from '../../language.tsx'
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

/** Who: a member of staff by id, or this node. */
export function Actor({ id }: { readonly id: string | null }) {
  const m = useWords(siteWords)
  if (id === null) return <>–</>
  return id === 'node' ? <>{m.node}</> : <span className="tok">{id.replace(/^staff:/, '')}</span>
}
