import { useFormats, useWords } from '../language.tsx'
import { partWords } from '../words/parts.ts'
import { Status } from './marks.tsx'

type Counted = {
  readonly received: number
  readonly stored: number
  readonly summarised: number
  readonly rejected: Readonly<Record<string, number | undefined>>
  readonly pending: number
  readonly balanced: boolean
  readonly gap: number | null
}

/** received = stored + summarised + rejected + pending, in words; not balancing says by how much. */
export function LedgerBalance({ ledger }: { readonly ledger: Counted }) {
  const m = useWords(partWords)
  const f = useFormats()
  const rejected = Object.values(ledger.rejected).reduce<number>((sum, n) => sum + (n ?? 0), 0)
  const terms = [
    ['=', m.stored, ledger.stored],
    ['+', m.summarised, ledger.summarised],
    ['+', m.rejected, rejected],
    ['+', m.pending, ledger.pending],
  ] as const
  return (
    <div className="bal">
      {ledger.balanced ? (
        <Status shape="ok">{m.balanced}</Status>
      ) : (
        <Status shape="bad">{m.unbalanced(f.n(Math.abs(ledger.gap ?? 0)))}</Status>
      )}
      <span>
        {m.received} <b>{f.n(ledger.received)}</b>
      </span>
      {terms.map(([sign, label, value]) => (
        <span key={label}>
          <span className="op">{sign}</span> {label} <b>{f.n(value)}</b>
        </span>
      ))}
    </div>
  )
}
