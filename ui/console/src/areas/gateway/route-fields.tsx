import { useEffect, useState } from 'react'
import type { Route } from '../../../../../src/gateway/contract.ts'
import { useWords } from '../../language.tsx'
import { siteWords } from '../../words/sites.ts'
import { ChallengeFields } from './challenge-fields.tsx'
import { CodeInput, LinesInput, Row, SelectInput, TextInput, TickInput } from './inputs.tsx'
import { RateFields } from './rate-fields.tsx'
import { BodyFields, OutgoingFields, ScoreFields, SecLangFields } from './shared-fields.tsx'
import { withField } from './site-draft.ts'

type Props = { readonly value: Route; readonly onChange: (value: Route) => void; readonly still: boolean }

/** One path of a site: what is empty is as the site has it. */
export function RouteFields({ value, onChange, still }: Props) {
  const m = useWords(siteWords)
  const set = <K extends keyof Route>(key: K, next: Route[K] | undefined): void => onChange(withField(value, key, next))
  const list = (next: readonly string[]): string[] | undefined => (next.length === 0 ? undefined : [...next])
  return (
    <div className="fields">
      <Row>
        <TextInput
          label={m.path}
          at="path"
          hint={m.pathHint}
          value={value.path}
          still={still}
          onChange={(path) => set('path', path)}
        />
        <SelectInput
          label={m.mode}
          value={value.mode ?? ''}
          still={still}
          of={[['', m.asSite], ...(Object.entries(m.modes) as ['block' | 'detect' | 'off', string][])]}
          onChange={(mode) => set('mode', mode === '' ? undefined : mode)}
        />
      </Row>
      <ScoreFields value={value} onChange={onChange} still={still} none={m.asSite} />
      <Row>
        <LinesInput
          label={m.methods}
          at="methods"
          hint={m.methodsHint}
          value={value.methods ?? []}
          still={still}
          onChange={(next) => set('methods', list(next.map((one) => one.toUpperCase())))}
        />
        <LinesInput
          label={m.contentTypes}
          at="contentTypes"
          hint={m.oneEachLine}
          value={value.contentTypes ?? []}
          still={still}
          onChange={(next) => set('contentTypes', list(next.map((one) => one.toLowerCase())))}
        />
      </Row>
      <Schema value={value} onChange={onChange} still={still} />
      <Own
        label={m.ownBody}
        on={value.body !== undefined}
        still={still}
        onSwitch={(on) => set('body', on ? { limit: 10_485_760, beyond: 'reject' } : undefined)}
      />
      {value.body ? <BodyFields value={value.body} still={still} onChange={(body) => set('body', body)} /> : null}
      <Own
        label={m.ownRates}
        on={value.rateLimits !== undefined}
        still={still}
        onSwitch={(on) => set('rateLimits', on ? [] : undefined)}
      />
      {value.rateLimits ? (
        <RateFields value={value.rateLimits} still={still} onChange={(limits) => set('rateLimits', limits)} />
      ) : null}
      <ChallengeFields value={value} onChange={onChange} still={still} />
      <Own
        label={m.ownOutgoing}
        on={value.outgoing !== undefined}
        still={still}
        onSwitch={(on) => set('outgoing', on ? { policy: 'flag', subjects: 100 } : undefined)}
      />
      {value.outgoing ? (
        <OutgoingFields value={value.outgoing} still={still} onChange={(outgoing) => set('outgoing', outgoing)} />
      ) : null}
      <SecLangFields value={value} onChange={onChange} still={still} />
    </div>
  )
}

const Own = (props: {
  readonly label: string
  readonly on: boolean
  readonly still: boolean
  readonly onSwitch: (on: boolean) => void
}) => <TickInput label={props.label} value={props.on} still={props.still} onChange={props.onSwitch} />

/** JSON is taken when it is JSON; until then the draft keeps what it had, and says so. */
function Schema({ value, onChange, still }: Props) {
  const m = useWords(siteWords)
  const told = value.schema === undefined ? '' : JSON.stringify(value.schema)
  const [text, setText] = useState(() => spread(told))
  const [wrong, setWrong] = useState(false)
  // Another route may stand here now: what is typed stays only while it says the same.
  useEffect(() => {
    setText((typed) => (tightened(typed) === told ? typed : spread(told)))
    setWrong(false)
  }, [told])
  const take = (next: string): void => {
    setText(next)
    if (next.trim() === '') {
      setWrong(false)
      onChange(withField(value, 'schema', undefined))
      return
    }
    try {
      const schema: unknown = JSON.parse(next)
      const fits = typeof schema === 'object' && schema !== null && !Array.isArray(schema)
      setWrong(!fits)
      if (fits) onChange(withField(value, 'schema', schema as Record<string, unknown>))
    } catch {
      setWrong(true)
    }
  }
  return (
    <>
      <CodeInput label={m.schema} at="schema" value={text} still={still} onChange={take} />
      {wrong ? (
        <p className="warnline" role="alert">
          {m.schemaWrong}
        </p>
      ) : null}
    </>
  )
}

const spread = (json: string): string => (json === '' ? '' : JSON.stringify(JSON.parse(json), null, 2))
function tightened(text: string): string | undefined {
  if (text.trim() === '') return ''
  try {
    return JSON.stringify(JSON.parse(text))
  } catch {
    return undefined
  }
}
