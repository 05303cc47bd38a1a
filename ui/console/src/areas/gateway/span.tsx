import { Filters } from '../../components/filters.tsx'
import { useWords } from '../../language.tsx'
import { useListState } from '../../search.ts'
import { rateWords } from '../../words/rates.ts'

const HOUR = 3_600_000
const HOURS = { day: 24, week: 168, month: 744 } as const
type Name = keyof typeof HOURS

/** The span in the address (`by`), as whole hours up to the one that runs, so that a question stays the same for the hour. */
export function useSpan(): { readonly name: Name; readonly from: string; readonly to: string } {
  const [{ by }] = useListState()
  const name: Name = by === 'week' || by === 'month' ? by : 'day'
  const end = (Math.floor(Date.now() / HOUR) + 1) * HOUR
  return { name, from: new Date(end - HOURS[name] * HOUR).toISOString(), to: new Date(end - 1).toISOString() }
}

export function SpanFilter() {
  const m = useWords(rateWords)
  const [{ site }, change] = useListState()
  const { name } = useSpan()
  return (
    <div className="filter-line">
      <Filters
        label={m.span}
        of={(Object.keys(HOURS) as Name[]).map((one) => [one, m.spans[one]])}
        chosen={name}
        onChoose={(next) => change({ by: next, from: undefined, to: undefined })}
      />
      {site ? (
        <button type="button" className="btn" onClick={() => change({ site: undefined })}>
          {m.ofSite(site)}
        </button>
      ) : null}
    </div>
  )
}

/** At most so many cells side by side: neighbours are added up. */
export function squeezed(values: readonly number[], most = 48): number[] {
  const each = Math.ceil(values.length / most)
  if (each <= 1) return [...values]
  return Array.from({ length: Math.ceil(values.length / each) }, (_, i) =>
    values.slice(i * each, (i + 1) * each).reduce((sum, n) => sum + n, 0),
  )
}

/** Series of the same length, added hour by hour. */
export function addedUp(series: readonly (readonly number[])[], length: number): number[] {
  const sum = Array<number>(length).fill(0)
  for (const values of series) for (const [i, n] of values.entries()) if (i < length) sum[i]! += n
  return sum
}
