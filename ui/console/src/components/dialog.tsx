import { Dialog as Base } from '@base-ui/react/dialog'
import { useState, type FormEvent, type ReactNode } from 'react'
import { ApiError } from '../api.ts'
import { useWords } from '../language.tsx'
import { useSentence } from '../words/errors.ts'
import { partWords } from '../words/parts.ts'

type Props = {
  readonly open: boolean
  readonly onClose: () => void
  readonly title: string
  readonly note?: ReactNode
  /** What the button does. */
  readonly act: string
  /** Resolves when it is done, to `false` when the dialog has to stay; a refusal is shown in it and nothing typed is lost. */
  readonly onAct: (form: FormData) => Promise<unknown>
  readonly children?: ReactNode
}

/** A question before an act: one level deep, focus kept inside, Escape leaves. */
export function AskDialog({ open, onClose, title, note, act, onAct, children }: Props) {
  const m = useWords(partWords)
  const say = useSentence()
  const [trouble, setTrouble] = useState<string>()
  const [busy, setBusy] = useState(false)
  async function submit(event: FormEvent<HTMLFormElement>): Promise<void> {
    event.preventDefault()
    setBusy(true)
    setTrouble(undefined)
    try {
      if ((await onAct(new FormData(event.currentTarget))) !== false) onClose()
    } catch (error) {
      setTrouble(error instanceof ApiError ? `${say(error)} (${error.code})` : m.offline)
    } finally {
      setBusy(false)
    }
  }
  return (
    <Base.Root
      open={open}
      onOpenChange={(next) => {
        if (next) return
        setTrouble(undefined)
        onClose()
      }}
    >
      <Base.Portal>
        <Base.Backdrop className="veil" />
        <Base.Popup className="dlg">
          <form onSubmit={(event) => void submit(event)}>
            <Base.Title>{title}</Base.Title>
            {note ? <Base.Description className="note">{note}</Base.Description> : null}
            {children}
            {trouble ? (
              <p className="trouble" role="alert">
                {trouble}
              </p>
            ) : null}
            <div className="end">
              <Base.Close className="btn bare" type="button">
                {m.cancel}
              </Base.Close>
              <button className="btn go" disabled={busy}>
                {busy ? m.working : act}
              </button>
            </div>
          </form>
        </Base.Popup>
      </Base.Portal>
    </Base.Root>
  )
}

type FieldProps = {
  readonly label: string
  readonly hint?: string
  /** What is wrong with what stands in it; its input names `id` as its description. */
  readonly wrong?: { readonly id: string; readonly text: string } | undefined
  readonly children: ReactNode
}
export const Field = ({ label, hint, wrong, children }: FieldProps) => (
  <div className="field">
    <label>
      <span>{label}</span>
      {hint ? <small>{hint}</small> : null}
      {children}
    </label>
    {wrong ? (
      <p className="field-wrong" id={wrong.id} role="alert">
        {wrong.text}
      </p>
    ) : null}
  </div>
)

export function Choices({
  name,
  label,
  of,
  first,
}: {
  name: string
  label: string
  of: readonly (readonly [string, string])[]
  first?: string
}) {
  return (
    <fieldset>
      <legend>
        <b>{label}</b>
      </legend>
      <div className="opts">
        {of.map(([value, text], i) => (
          <label key={value}>
            <input
              type="radio"
              name={name}
              value={value}
              defaultChecked={first === undefined ? i === 0 : value === first}
            />
            {text}
          </label>
        ))}
      </div>
    </fieldset>
  )
}
