import { useRef, useState } from 'react'
import { settingsRoutes, type SettingsFile } from '../../../../../src/gateway/settings/contract.ts'
import { ApiError, useAct, type Got } from '../../api.ts'
import { Field } from '../../components/dialog.tsx'
import { useToast } from '../../components/toast.tsx'
import { useFormats, useWords } from '../../language.tsx'
import { siteWords } from '../../words/sites.ts'
import { ChangeList } from './change-list.tsx'
import { ReasonDialog } from './reason-dialog.tsx'
import { useFileTrouble } from './use-trouble.ts'

/** The browser takes the file itself: its name and signature are the server's. */
export const useExport = (): (() => void) => () => location.assign(settingsRoutes.export.path)

type Read = Got<typeof settingsRoutes.import>
/** A file is read first; what it would change is shown, and only then may it be applied. */
export function ImportDialog({
  open,
  onClose,
  version,
}: {
  readonly open: boolean
  readonly onClose: () => void
  readonly version: number
}) {
  const m = useWords(siteWords)
  const f = useFormats()
  const say = useToast()
  const [read, setRead] = useState<{ readonly file: SettingsFile; readonly answer: Read }>()
  const take = useAct(settingsRoutes.import, ['gateway.'])
  const shownNext = useRef(false)
  const inWords = useFileTrouble()
  const close = (): void => {
    setRead(undefined)
    onClose()
  }
  return (
    <>
      <ReasonDialog
        open={open && read === undefined}
        onClose={() => {
          if (!shownNext.current) onClose()
          shownNext.current = false
        }}
        title={m.importTitle}
        note={m.importNote}
        act={m.importRead}
        first={m.importTitle}
        onAct={async (reason, form) => {
          const file = jsonOf(await (form.get('file') as File).text(), m.notJson)
          const answer = await take
            .mutateAsync({ body: { file, apply: false, reason, version } })
            .catch((error: unknown) => Promise.reject(inWords(error, file) as Error))
          setRead({ file, answer })
          shownNext.current = true
        }}
      >
        <Field label={m.file}>
          <input className="in" name="file" type="file" accept=".json,application/json" required />
        </Field>
      </ReasonDialog>
      <ReasonDialog
        open={open && read !== undefined}
        onClose={close}
        title={m.importTitle}
        note={read ? `${m.signed[read.answer.signed]}.` : ''}
        act={m.importApply}
        onAct={async (reason) => {
          const { applied } = await take.mutateAsync({ body: { file: read!.file, apply: true, reason, version } })
          if (applied) say(m.imported(f.n(applied.version)))
        }}
      >
        {read?.answer.key ? <p className="tok">{read.answer.key}</p> : null}
        {read === undefined ? null : read.answer.changes.length === 0 ? (
          <p>{m.importNothing}</p>
        ) : (
          <ChangeList of={read.answer.changes} more={0} />
        )}
      </ReasonDialog>
    </>
  )
}

function jsonOf(text: string, sentence: string): SettingsFile {
  try {
    return JSON.parse(text) as SettingsFile
  } catch {
    throw new ApiError(400, { code: 'gateway/not-json', detail: sentence })
  }
}
