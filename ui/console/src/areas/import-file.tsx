import { exchangeRoutes } from '../../../../src/exchange/contract.ts'
import { useAct, useCall, type Got } from '../api.ts'
import { AskDialog, Field } from '../components/dialog.tsx'
import { useToast } from '../components/toast.tsx'
import { useFormats, useWords } from '../language.tsx'
import { partnerWords } from '../words/partners.ts'

export type Failures = Got<typeof exchangeRoutes.import>['failures']

/** A neighbour's bundle and its signature, checked before anything of it counts. */
export function ImportFileDialog({
  open,
  onClose,
  onFailures,
}: {
  readonly open: boolean
  readonly onClose: () => void
  readonly onFailures: (failures: Failures) => void
}) {
  const m = useWords(partnerWords)
  const f = useFormats()
  const say = useToast()
  const peers = useCall(exchangeRoutes.peers, {}, { enabled: open })
  const take = useAct(exchangeRoutes.import, ['exchange.'])
  const keyed = (peers.data?.items ?? []).filter(({ vkey }) => vkey !== null)
  return (
    <AskDialog
      open={open}
      onClose={onClose}
      title={m.import.replace('…', '')}
      note={m.importNote}
      act={m.importAct}
      onAct={async (form) => {
        const [bundle, signature] = await Promise.all(
          ['bundle', 'signature'].map((name) => (form.get(name) as File).text()),
        )
        const peer = String(form.get('peer'))
        const vkey = String(form.get('vkey')).trim()
        const { accepted, objects, failures } = await take.mutateAsync({
          body: { bundle: bundle!, signature: signature!, ...(peer === '' ? { vkey } : { peer }) },
        })
        onFailures(failures)
        say(m.imported(f.n(accepted), f.n(objects)))
      }}
    >
      <Field label={m.bundle}>
        <input className="in" name="bundle" type="file" accept=".json,application/json" required />
      </Field>
      <Field label={m.signature}>
        <input className="in" name="signature" type="file" required />
      </Field>
      <Field label={m.whose}>
        <select className="in" name="peer">
          <option value="">{m.typed}</option>
          {keyed.map(({ id, name }) => (
            <option key={id} value={id}>
              {name}
            </option>
          ))}
        </select>
      </Field>
      <Field label={m.vkey}>
        <input className="in mono" name="vkey" maxLength={400} spellCheck={false} autoComplete="off" />
      </Field>
    </AskDialog>
  )
}

/** What of the file was not taken in, and why. */
export function FailureTable({ of }: { readonly of: Failures }) {
  const m = useWords(partnerWords)
  if (of.length === 0) return null
  return (
    <div className="tw" tabIndex={0} role="region" aria-label={m.failures}>
      <table className="t">
        <caption>{m.failures}</caption>
        <thead>
          <tr>
            <th scope="col">{m.object}</th>
            <th scope="col">{m.why}</th>
          </tr>
        </thead>
        <tbody>
          {of.map(({ id, message }) => (
            <tr key={id}>
              <th scope="row" className="tok">
                {id}
              </th>
              <td lang="en">{message}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  )
}
