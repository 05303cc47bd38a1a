import { exchangeRoutes } from '../../../../src/exchange/contract.ts'
import { call } from '../api.ts'
import { AskDialog, Choices } from '../components/dialog.tsx'
import { download } from '../components/download.ts'
import { useToast } from '../components/toast.tsx'
import { useFormats, useWords } from '../language.tsx'
import { shareWords } from '../words/share.ts'

const TLPS = ['clear', 'green', 'amber'] as const

/** A signed bundle of what this node may share, as two files. */
export function ExportDialog({ open, onClose }: { readonly open: boolean; readonly onClose: () => void }) {
  const m = useWords(shareWords)
  const f = useFormats()
  const say = useToast()
  return (
    <AskDialog
      open={open}
      onClose={onClose}
      title={m.file.replace('…', '')}
      note={m.fileNote}
      act={m.fileAct}
      onAct={async (form) => {
        const { items } = await call(exchangeRoutes.indicators, { query: { source: 'own', limit: 200 } })
        const live = items.filter(({ state }) => state === 'shared' || state === 'draft').map(({ id }) => id)
        const made = await call(exchangeRoutes.export, {
          body: { indicators: live, maxTlp: String(form.get('tlp')) as 'green' },
        })
        download(`${made.name}.json`, made.bundle)
        download(`${made.name}.sig`, made.signature)
        say(m.fileDone(f.n(made.objects), f.n(made.withheld)))
      }}
    >
      <Choices name="tlp" label={m.fileMax} first="green" of={TLPS.map((tlp) => [tlp, `TLP:${tlp.toUpperCase()}`])} />
    </AskDialog>
  )
}
