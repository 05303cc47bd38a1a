import type { ReactNode } from 'react'
import { AskDialog, Field } from '../../components/dialog.tsx'
import { useWords } from '../../language.tsx'
import { siteWords } from '../../words/sites.ts'

type Props = {
  readonly open: boolean
  readonly onClose: () => void
  readonly title: string
  readonly note?: ReactNode
  readonly act: string
  readonly onAct: (reason: string, form: FormData) => Promise<unknown>
  readonly first?: string
  readonly children?: ReactNode
}

/** A change of what protects people goes with a sentence that says why. */
export function ReasonDialog({ open, onClose, title, note, act, onAct, first, children }: Props) {
  const m = useWords(siteWords)
  return (
    <AskDialog
      open={open}
      onClose={onClose}
      title={title}
      note={note}
      act={act}
      onAct={(form) => onAct(String(form.get('reason')).trim(), form)}
    >
      {children}
      <Field label={m.reason} hint={m.reasonHint}>
        <textarea className="in" name="reason" required maxLength={4_000} defaultValue={first ?? ''} />
      </Field>
    </AskDialog>
  )
}
