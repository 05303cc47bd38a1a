import { createContext, useContext, useEffect, useId, useState, type ReactNode } from 'react'
import { Field } from '../../components/dialog.tsx'
import type { Trouble } from './field-trouble.ts'

type Common<T> = {
  readonly label: string
  readonly hint?: string
  readonly value: T
  readonly onChange: (value: T) => void
  /** Looked at, not changed. */
  readonly still: boolean
  /** Its name in the shape it belongs to: what the server has against it stands here. */
  readonly at?: string
}
const Wrong = createContext<Trouble | undefined>(undefined)
const Place = createContext('')
/** What the server has against one of the fields within. */
export const Troubled = ({ by, children }: { readonly by: Trouble | undefined; readonly children: ReactNode }) => (
  <Wrong value={by}>{children}</Wrong>
)
/** Fields within belong to this part of the shape. */
export function Within({ at, children }: { readonly at: string; readonly children: ReactNode }) {
  return <Place value={usePlace(at)}>{children}</Place>
}
const usePlace = (at: string): string => {
  const outer = useContext(Place)
  return outer === '' ? at : `${outer}.${at}`
}
const isIn = (path: string, place: string): boolean => path === place || path.startsWith(`${place}.`)
/** Whether what is wrong lies in this part of the shape. */
export function useTroubledIn(): (at: string) => boolean {
  const [wrong, outer] = [useContext(Wrong), useContext(Place)]
  return (at) => wrong !== undefined && isIn(wrong.path, outer === '' ? at : `${outer}.${at}`)
}
/** For the field and for its input. */
function useWrong(at: string | undefined) {
  const [wrong, place, id] = [useContext(Wrong), usePlace(at ?? ''), useId()]
  const here = at !== undefined && wrong !== undefined && isIn(wrong.path, place) ? wrong : undefined
  return {
    field: here === undefined ? {} : { wrong: { id, text: here.text } },
    input: here === undefined ? {} : { 'aria-invalid': true, 'aria-describedby': id },
  }
}
const hinted = (hint: string | undefined): { hint?: string } => (hint === undefined ? {} : { hint })

export function TextInput({ label, hint, value, onChange, still, at }: Common<string>) {
  const wrong = useWrong(at)
  return (
    <Field label={label} {...hinted(hint)} {...wrong.field}>
      <input
        {...wrong.input}
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
}

type Whole = Common<number | undefined> & { readonly min: number; readonly max: number; readonly none?: string }
/** A whole number, or nothing where nothing means as elsewhere. */
export function NumberInput({ label, hint, value, onChange, still, min, max, none, at }: Whole) {
  const wrong = useWrong(at)
  const told = value === undefined ? '' : String(value)
  const [text, setText] = useState(told)
  useEffect(() => setText(told), [told])
  return (
    <Field label={label} {...hinted(hint)} {...wrong.field}>
      <input
        {...wrong.input}
        className="in"
        type="number"
        value={text}
        min={min}
        max={max}
        readOnly={still}
        required={none === undefined}
        placeholder={none}
        onChange={(event) => {
          const typed = event.target.value
          setText(typed)
          // Emptied to be written anew: where a number is needed, the one before holds until then.
          if (typed !== '' || none !== undefined) onChange(typed === '' ? undefined : Math.trunc(Number(typed)))
        }}
        onBlur={() => setText(told)}
      />
    </Field>
  )
}

/** Things one a line; what is typed stays as it is typed. */
export function LinesInput({ label, hint, value, onChange, still, at }: Common<readonly string[]>) {
  const wrong = useWrong(at)
  const told = value.join('\n')
  const [text, setText] = useState(told)
  // Taken anew when somebody else changed it: a discarded draft, an undo.
  useEffect(() => setText((typed) => (listOf(typed).join('\n') === told ? typed : told)), [told])
  return (
    <Field label={label} {...hinted(hint)} {...wrong.field}>
      <textarea
        {...wrong.input}
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

export function CodeInput({ label, hint, value, onChange, still, at }: Common<string>) {
  const wrong = useWrong(at)
  return (
    <Field label={label} {...hinted(hint)} {...wrong.field}>
      <textarea
        {...wrong.input}
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
}

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

export function SelectInput<T extends string>({ label, hint, value, onChange, still, of, at }: Picked<T>) {
  const wrong = useWrong(at)
  return (
    <Field label={label} {...hinted(hint)} {...wrong.field}>
      <select
        {...wrong.input}
        className="in"
        value={value}
        disabled={still}
        onChange={(event) => onChange(event.target.value as T)}
      >
        {of.map(([one, text]) => (
          <option key={one} value={one}>
            {text}
          </option>
        ))}
      </select>
    </Field>
  )
}

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
