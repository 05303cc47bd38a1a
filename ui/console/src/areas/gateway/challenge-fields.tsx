import type { Challenge, Route } from '../../../../../src/gateway/contract.ts'
import { useWords } from '../../language.tsx'
import { challengeWords } from '../../words/challenge.ts'
import { LinesInput, NumberInput, Row, SelectInput, TextInput, TickInput } from './inputs.tsx'
import { newChallenge, withField } from './site-draft.ts'

type Props = { readonly value: Route; readonly onChange: (value: Route) => void; readonly still: boolean }

/** When a path asks for a check, and whether breached passwords are told. */
export function ChallengeFields({ value, onChange, still }: Props) {
  const m = useWords(challengeWords)
  const { challenge, breachedPasswords: breached } = value
  return (
    <>
      <TickInput
        label={m.own}
        value={challenge !== undefined}
        still={still}
        onChange={(on) => onChange(withField(value, 'challenge', on ? newChallenge() : undefined))}
      />
      {challenge ? (
        <Tries value={challenge} still={still} onChange={(next) => onChange(withField(value, 'challenge', next))} />
      ) : null}
      <TickInput
        label={m.breached}
        value={breached !== undefined}
        still={still}
        onChange={(on) =>
          onChange(withField(value, 'breachedPasswords', on ? { field: 'password', file: '' } : undefined))
        }
      />
      {breached ? (
        <div className="sub-fields">
          <Row>
            <TextInput
              label={m.field}
              at="breachedPasswords.field"
              hint={m.fieldHint}
              value={breached.field}
              still={still}
              onChange={(field) => onChange(withField(value, 'breachedPasswords', { ...breached, field }))}
            />
            <TextInput
              label={m.file}
              at="breachedPasswords.file"
              hint={m.fileHint}
              value={breached.file}
              still={still}
              onChange={(file) => onChange(withField(value, 'breachedPasswords', { ...breached, file }))}
            />
          </Row>
        </div>
      ) : null}
    </>
  )
}

function Tries({
  value,
  onChange,
  still,
}: {
  readonly value: Challenge
  readonly onChange: (value: Challenge) => void
  readonly still: boolean
}) {
  const m = useWords(challengeWords)
  const number = (key: 'free' | 'newcomers' | 'minutes' | 'bits', min: number, max: number, hint?: string) => (
    <NumberInput
      label={m[key]}
      at={`challenge.${key}`}
      {...(hint === undefined ? {} : { hint })}
      value={value[key]}
      min={min}
      max={max}
      still={still}
      onChange={(next) => onChange({ ...value, [key]: next ?? min })}
    />
  )
  return (
    <div className="sub-fields" role="group" aria-label={m.own}>
      <p className="soft">{m.lead}</p>
      <Row>
        <SelectInput
          label={m.counts}
          value={value.counts}
          still={still}
          of={Object.entries(m.kinds) as [Challenge['counts'], string][]}
          onChange={(counts) => onChange({ ...value, counts })}
        />
        {number('free', 1, 1_000)}
        {number('newcomers', 1, 100_000, m.newcomersHint)}
        {number('minutes', 1, 1_440)}
        {number('bits', 8, 20)}
      </Row>
      <Row>
        <LinesInput
          label={m.methods}
          at="challenge.methods"
          value={value.methods}
          still={still}
          onChange={(next) => onChange({ ...value, methods: next.map((one) => one.toUpperCase()) })}
        />
        {value.counts === 'failures' ? (
          <LinesInput
            label={m.failures}
            at="challenge.failures"
            hint={m.failuresHint}
            value={value.failures.map(String)}
            still={still}
            onChange={(next) =>
              onChange({ ...value, failures: next.map(Number).filter((one) => Number.isInteger(one)) })
            }
          />
        ) : null}
      </Row>
      <TickInput
        label={m.account}
        value={value.account !== undefined}
        still={still}
        onChange={(on) => onChange(withField(value, 'account', on ? { field: 'username', tries: 10 } : undefined))}
      />
      {value.account ? (
        <AccountTries value={value.account} still={still} onChange={(account) => onChange({ ...value, account })} />
      ) : null}
    </div>
  )
}

type AccountProps = {
  readonly value: NonNullable<Challenge['account']>
  readonly onChange: (value: NonNullable<Challenge['account']>) => void
  readonly still: boolean
}

function AccountTries({ value, onChange, still }: AccountProps) {
  const m = useWords(challengeWords)
  return (
    <div className="sub-fields">
      <p className="soft">{m.accountLead}</p>
      <Row>
        <TextInput
          label={m.accountField}
          at="challenge.account.field"
          hint={m.fieldHint}
          value={value.field}
          still={still}
          onChange={(field) => onChange({ ...value, field })}
        />
        <NumberInput
          label={m.tries}
          at="challenge.account.tries"
          hint={m.triesHint}
          value={value.tries}
          min={1}
          max={1_000}
          still={still}
          onChange={(tries) => onChange({ ...value, tries: tries ?? 1 })}
        />
      </Row>
    </div>
  )
}
