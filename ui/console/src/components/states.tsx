import type { ReactNode } from 'react'
import { ApiError } from '../api.ts'
import { useWords } from '../language.tsx'
import { useSentence } from '../words/errors.ts'
import { partWords } from '../words/parts.ts'

/** Says why there is nothing, and whether that is good. */
export const Empty = ({ title, children, acts }: { title: string; children?: ReactNode; acts?: ReactNode }) => (
  <div className="void">
    <b>{title}</b>
    {children === undefined ? null : <p>{children}</p>}
    {acts === undefined ? null : <div className="acts">{acts}</div>}
  </div>
)

export function Loading({ what }: { readonly what?: string | undefined }) {
  const m = useWords(partWords)
  return (
    <div className="load" role="status" aria-live="polite">
      <p>{what ?? m.loading}…</p>
      <i />
      <i />
      <i />
    </div>
  )
}

/** What went wrong in the server's own words, its code and request for those who run it, and what still works. */
export function Failed({ error, again }: { readonly error: Error; readonly again?: () => void }) {
  const m = useWords(partWords)
  const say = useSentence()
  const known = error instanceof ApiError ? error : undefined
  if (known?.code === 'sealed') return <Empty title={m.sealed}>{m.sealedLead}</Empty>
  if (known?.code === 'http/not-found') return <Empty title={m.notHere}>{m.notHereLead}</Empty>
  if (known?.status === 403) return <Empty title={m.notAllowed} />
  const retry = again ? (
    <button type="button" className="btn" onClick={again}>
      {m.again}
    </button>
  ) : undefined
  return (
    <div className="void err" role="alert">
      <b>{known ? m.wrong : m.offline}</b>
      <p>{known ? `${say(known)} ${m.wrongStill}` : m.offlineLead}</p>
      {known ? (
        <p className="mono">
          {known.code}
          {known.requestId === undefined ? '' : ` · ${m.request} ${known.requestId}`}
        </p>
      ) : null}
      {retry ? <div className="acts">{retry}</div> : null}
    </div>
  )
}

export function TooMuch({ shown, cuts }: { readonly shown: string; readonly cuts?: ReactNode }) {
  const m = useWords(partWords)
  return (
    <Empty title={m.tooMuch(shown)} acts={cuts}>
      {m.tooMuchLead}
    </Empty>
  )
}

type Asked<T> = { readonly data: T | undefined; readonly error: Error | null; refetch(): unknown }
/** The one way a part of a page shows loading, failure and data. An answer once shown stays while a new one is fetched. */
export function Shown<T>({ of, what, children }: { of: Asked<T>; what?: string; children: (data: T) => ReactNode }) {
  if (of.data !== undefined) return <>{children(of.data)}</>
  if (of.error) return <Failed error={of.error} again={() => void of.refetch()} />
  return <Loading what={what} />
}
