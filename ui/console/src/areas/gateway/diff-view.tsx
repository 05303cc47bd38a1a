import { useWords } from '../../language.tsx'
import { siteWords } from '../../words/sites.ts'
import type { Difference } from './site-diff.ts'

/** Lines that go and lines that come, field by field. */
export function DiffView({ of }: { readonly of: readonly Difference[] }) {
  const m = useWords(siteWords)
  return (
    <div className="diff" tabIndex={0} role="region" aria-label={m.diff}>
      {of.map(({ field, at, was, now }) => {
        const label = `${m.fields[field] ?? field}${at === '' ? '' : ` ${at}`}`
        return [
          <p key={`${field} ${at}`} className="diff-head">
            {label}
          </p>,
          ...was.map((text, i) => <Line key={`${field} ${at} - ${i}`} sign="−" text={text} />),
          ...now.map((text, i) => <Line key={`${field} ${at} + ${i}`} sign="+" text={text} />),
        ]
      })}
    </div>
  )
}

/** SecLang that would be added, line by line. */
export function AddedLines({ of, label }: { readonly of: string; readonly label: string }) {
  return (
    <div className="diff" tabIndex={0} role="region" aria-label={label}>
      {of
        .trimEnd()
        .split('\n')
        .map((text, i) => (
          <Line key={i} sign="+" number={i + 1} text={text} />
        ))}
    </div>
  )
}

const Line = ({
  sign,
  text,
  number,
}: {
  readonly sign: '+' | '−'
  readonly text: string
  readonly number?: number
}) => (
  <div className={sign === '+' ? 'add' : 'del'}>
    <span>{number ?? ''}</span>
    <span>{sign}</span>
    <span>{text}</span>
  </div>
)
