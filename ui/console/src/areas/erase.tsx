import { useState } from 'react'
import { vaultRoutes } from '../../../../src/vault/contract.ts'
import { call, type Got } from '../api.ts'
import { AskDialog, Field } from '../components/dialog.tsx'
import { download } from '../components/download.ts'
import { Sec } from '../components/page.tsx'
import { useFormats, useWords } from '../language.tsx'
import { vaultWords } from '../words/vault.ts'
import type { Person } from './reveal.tsx'

export type Gone = Got<typeof vaultRoutes.shred>

/** What is left of a person who was erased: the receipt. */
export function Erased({ gone }: { readonly gone: Gone }) {
  const m = useWords(vaultWords)
  const f = useFormats()
  return (
    <Sec title={m.shredded} lead={m.shreddedLead(f.full(gone.unreadableHere), f.full(gone.unreadableInBackups))}>
      <p>{m.receipt}</p>
      <pre className="text" tabIndex={0}>
        {gone.receipt}
      </pre>
      <p>
        <button type="button" className="btn" onClick={() => download(`${gone.id}.note`, gone.receipt)}>
          {m.takeReceipt}
        </button>
      </p>
    </Sec>
  )
}

/** The last act there is: asked for twice, by token, with the ticket of the person's own request. */
export function Erase({ of, onGone }: { readonly of: Person; readonly onGone: (gone: Gone) => void }) {
  const m = useWords(vaultWords)
  const [asking, setAsking] = useState(false)
  const [mistyped, setMistyped] = useState(false)
  return (
    <>
      <p>
        <button type="button" className="btn" onClick={() => setAsking(true)}>
          {m.shred}
        </button>
      </p>
      <AskDialog
        open={asking}
        onClose={() => setAsking(false)}
        title={m.shredTitle(of.subject)}
        note={m.shredNote}
        act={m.shredAct}
        onAct={async (form) => {
          const same = String(form.get('token')).trim().toUpperCase() === of.subject
          setMistyped(!same)
          if (!same) return false
          const reason = String(form.get('reason')).trim()
          onGone(await call(vaultRoutes.shred, { params: { subject: of.subject }, body: { reason } }))
          return true
        }}
      >
        <Field label={m.ticket} hint={m.ticketHint}>
          <input
            className="in mono"
            name="reason"
            required
            maxLength={80}
            pattern="\s*[A-Za-z0-9][A-Za-z0-9._:#\/\-]{0,79}\s*"
            spellCheck={false}
            autoComplete="off"
          />
        </Field>
        <Field label={m.again} wrong={mistyped ? { id: 'erase-wrong', text: m.wrongToken } : undefined}>
          <input className="in mono token" name="token" required maxLength={24} spellCheck={false} autoComplete="off" />
        </Field>
      </AskDialog>
    </>
  )
}
