import type { Route, Site } from '../../../../../src/gateway/contract.ts'
import { useWords } from '../../language.tsx'
import { siteWords } from '../../words/sites.ts'
import { CodeInput, NumberInput, Row, SelectInput } from './inputs.tsx'
import { withField } from './site-draft.ts'

type Set<T> = { readonly value: T; readonly onChange: (value: T) => void; readonly still: boolean }
const KIB = 1_024

export function BodyFields({ value, onChange, still }: Set<Site['body']>) {
  const m = useWords(siteWords)
  return (
    <Row>
      <NumberInput
        label={m.bodyLimit}
        at="body.limit"
        value={Math.round(value.limit / KIB)}
        min={0}
        max={131_072}
        still={still}
        onChange={(kib) => onChange({ ...value, limit: (kib ?? 0) * KIB })}
      />
      <SelectInput
        label={m.beyond}
        value={value.beyond}
        still={still}
        of={Object.entries(m.beyonds) as ['reject' | 'pass', string][]}
        onChange={(beyond) => onChange({ ...value, beyond })}
      />
    </Row>
  )
}

export function OutgoingFields({ value, onChange, still }: Set<Site['outgoing']>) {
  const m = useWords(siteWords)
  return (
    <Row>
      <SelectInput
        label={m.policy}
        value={value.policy}
        still={still}
        of={Object.entries(m.policies) as ['off' | 'flag' | 'stop', string][]}
        onChange={(policy) => onChange({ ...value, policy })}
      />
      {value.policy === 'off' ? null : (
        <NumberInput
          label={m.subjects}
          at="outgoing.subjects"
          value={value.subjects}
          min={1}
          max={1_000_000}
          still={still}
          onChange={(subjects) => onChange({ ...value, subjects: subjects ?? 1 })}
        />
      )}
    </Row>
  )
}

/** Paranoia level and threshold; nothing means as `none` says. */
export function ScoreFields<T extends Pick<Route, 'paranoia' | 'threshold'>>({
  value,
  onChange,
  still,
  none,
}: Set<T> & { readonly none: string }) {
  const m = useWords(siteWords)
  return (
    <Row>
      <SelectInput
        label={m.paranoia}
        at="paranoia"
        hint={m.paranoiaHint}
        value={String(value.paranoia ?? '')}
        still={still}
        of={[['', none], ...['1', '2', '3', '4'].map((level) => [level, level] as const)]}
        onChange={(level) => onChange(withField(value, 'paranoia', level === '' ? undefined : Number(level)))}
      />
      <NumberInput
        label={m.threshold}
        at="threshold"
        hint={m.thresholdHint}
        value={value.threshold}
        min={1}
        max={100_000}
        none={none}
        still={still}
        onChange={(threshold) => onChange(withField(value, 'threshold', threshold))}
      />
    </Row>
  )
}

/** What is written in the language of the rules. */
export function SecLangFields<T extends Pick<Route, 'virtualPatches' | 'exclusions'>>({
  value,
  onChange,
  still,
}: Set<T>) {
  const m = useWords(siteWords)
  const { before = '', after = '' } = value.exclusions ?? {}
  const exclude = (next: { before: string; after: string }): void => {
    const told = {
      ...(next.before === '' ? {} : { before: next.before }),
      ...(next.after === '' ? {} : { after: next.after }),
    }
    onChange(withField(value, 'exclusions', Object.keys(told).length === 0 ? undefined : told))
  }
  return (
    <>
      <CodeInput
        label={m.virtualPatches}
        at="virtualPatches"
        value={value.virtualPatches ?? ''}
        still={still}
        onChange={(text) => onChange(withField(value, 'virtualPatches', text === '' ? undefined : text))}
      />
      <CodeInput
        label={m.before}
        at="exclusions.before"
        value={before}
        still={still}
        onChange={(text) => exclude({ before: text, after })}
      />
      <CodeInput
        label={m.after}
        at="exclusions.after"
        value={after}
        still={still}
        onChange={(text) => exclude({ before, after: text })}
      />
    </>
  )
}
