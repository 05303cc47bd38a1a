import { useEffect, useId, useState, type ReactNode } from 'react'
import { Field } from '../../components/dialog.tsx'

type Common<T> = {
  readonly label: string
  readonly hint?: string
  readonly value: T
  readonly onChange: (value: T) => void
  /** Looked at, not changed. */
  readonly still: boolean
}
const hinted = (hint: string | undefined): { hint?: string } => (hint === undefined ? {} : { hint })

export const TextInput = ({ label, hint, value, onChange, still }: Common<string>) => (
  <Field label={label} {...hinted(hint)}>
    <input
      className="in mono"
      value={value}
      readOnly={still}
      maxLength={500}
      spellCheck={false}
      autoComplete="off"
      onChange={(event) => onChange(event.target.value)}
    />
  </Field>
)

type Whole = Common<number | undefined> & { readonly min: number; readonly max: number; readonly none?: string }
/** A whole number, or nothing where nothing means as elsewhere. */
export const NumberInput = ({ label, hint, value, onChange, still, min, max, none }: Whole) => (
  <Field label={label} {...hinted(hint)}>
    <input
      className="in"
      type="number"
      value={value ?? ''}
      min={min}
      max={max}
      readOnly={still}
      required={none === undefined}
      placeholder={none}
      onChange={(event) => onChange(event.target.value === '' ? undefined : Math.trunc(Number(event.target.value)))}
    />
  </Field>
)

/** Things one a line; what is typed stays as it is typed. */
export function LinesInput({ label, hint, value, onChange, still }: Common<readonly string[]>) {
  const told = value.join('\n')
  const [text, setText] = useState(told)
  // Taken anew when somebody else changed it: a discarded draft, an undo.
  useEffect(() => setText((typed) => (listOf(typed).join('\n') === told ? typed : told)), [told])
  return (
    <Field label={label} {...hinted(hint)}>
      <textarea
        className="in mono"
        rows={Math.min(8, Math.max(2, value.length + 1))}
        value={text}
        readOnly={still}
        spellCheck={false}
        onChange={(event) => {
          setText(event.target.value)
          onChange(listOf(event.target.value))
        }}
      />
    </Field>
  )
}
const listOf = (text: string): string[] =>
  text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '')

export const CodeInput = ({ label, hint, value, onChange, still }: Common<string>) => (
  <Field label={label} {...hinted(hint)}>
    <textarea
      className="in mono"
      rows={value === '' ? 2 : Math.min(14, value.split('\n').length + 1)}
      value={value}
      readOnly={still}
      maxLength={65_536}
      spellCheck={false}
      onChange={(event) => onChange(event.target.value)}
    />
  </Field>
)

type Picked<T extends string> = Common<T> & { readonly of: readonly (readonly [T, string, string?])[] }
/** One of a few, each with what it does. */
export function PickInput<T extends string>({ label, value, onChange, still, of }: Picked<T>) {
  const name = useId()
  return (
    <fieldset className="picks">
      <legend>{label}</legend>
      <div className="opts">
        {of.map(([one, text, says]) => (
          <label key={one}>
            <input
              type="radio"
              name={name}
              checked={value === one}
              disabled={still && value !== one}
              onChange={() => onChange(one)}
            />
            <span>
              {text}
              {says ? <small>{says}</small> : null}
            </span>
          </label>
        ))}
      </div>
    </fieldset>
  )
}

export const SelectInput = <T extends string>({ label, hint, value, onChange, still, of }: Picked<T>) => (
  <Field label={label} {...hinted(hint)}>
    <select className="in" value={value} disabled={still} onChange={(event) => onChange(event.target.value as T)}>
      {of.map(([one, text]) => (
        <option key={one} value={one}>
          {text}
        </option>
      ))}
    </select>
  </Field>
)

export const TickInput = ({ label, hint, value, onChange, still }: Common<boolean>) => (
  <label className="tick">
    <input type="checkbox" checked={value} disabled={still} onChange={(event) => onChange(event.target.checked)} />
    <span>
      {label}
      {hint ? <small>{hint}</small> : null}
    </span>
  </label>
)

/** Fields side by side where there is room. */
export const Row = ({ children }: { readonly children: ReactNode }) => <div className="field-row">{children}</div>
