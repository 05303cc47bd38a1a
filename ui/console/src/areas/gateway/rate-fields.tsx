import type { RateLimit } from '../../../../../src/gateway/contract.ts'
import { useWords } from '../../language.tsx'
import { siteWords } from '../../words/sites.ts'
import { NumberInput, Row, SelectInput, TextInput, Within } from './inputs.tsx'
import { newRate, withField } from './site-draft.ts'

const MOST = 10

/** Rate limits of a site or a route. */
export function RateFields({
  value,
  onChange,
  still,
}: {
  readonly value: readonly RateLimit[]
  readonly onChange: (value: RateLimit[]) => void
  readonly still: boolean
}) {
  const m = useWords(siteWords)
  const put = (at: number, next: RateLimit): void => onChange(value.map((one, i) => (i === at ? next : one)))
  return (
    <div className="sub-fields" role="group" aria-label={m.rateLimits}>
      {value.map((limit, i) => (
        <Within key={i} at={`rateLimits.${i}`}>
          <Row>
            <TextInput
              label={m.rateName}
              at="name"
              value={limit.name}
              still={still}
              onChange={(name) => put(i, { ...limit, name })}
            />
            <SelectInput
              label={m.ratePer}
              value={limit.per}
              still={still}
              of={Object.entries(m.pers) as [RateLimit['per'], string][]}
              onChange={(per) => put(i, { ...limit, per })}
            />
            <NumberInput
              label={m.rateRequests}
              at="requests"
              value={limit.requests}
              min={1}
              max={1_000_000}
              still={still}
              onChange={(requests) => put(i, { ...limit, requests: requests ?? 1 })}
            />
            <NumberInput
              label={m.rateSeconds}
              at="seconds"
              value={limit.seconds}
              min={1}
              max={86_400}
              still={still}
              onChange={(seconds) => put(i, { ...limit, seconds: seconds ?? 1 })}
            />
            <NumberInput
              label={m.rateBurst}
              at="burst"
              value={limit.burst}
              min={1}
              max={1_000_000}
              none={String(limit.requests)}
              still={still}
              onChange={(burst) => put(i, withField(limit, 'burst', burst))}
            />
            {still ? null : (
              <button type="button" className="btn bare" onClick={() => onChange(value.filter((_, n) => n !== i))}>
                {m.remove} <span className="vh">{limit.name}</span>
              </button>
            )}
          </Row>
        </Within>
      ))}
      {still || value.length >= MOST ? null : (
        <button type="button" className="btn" onClick={() => onChange([...value, newRate(value)])}>
          {m.rateAdd}
        </button>
      )}
    </div>
  )
}
