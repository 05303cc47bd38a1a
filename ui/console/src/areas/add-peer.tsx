import { exchangeRoutes, PEER_ROLES, TLPS } from '../../../../src/exchange/contract.ts'
import { useAct, type Got } from '../api.ts'
import { AskDialog, Choices, Field } from '../components/dialog.tsx'
import { useWords } from '../language.tsx'
import { partnerWords } from '../words/partners.ts'
import { shareWords } from '../words/share.ts'

export type Added = Got<typeof exchangeRoutes.addPeer>
const textOf = (form: FormData, name: string): string | undefined => String(form.get(name) ?? '').trim() || undefined

/** A neighbour: what may leave towards it, and how we reach its server if we do. */
export function AddPeerDialog({
  open,
  onClose,
  onAdded,
}: {
  readonly open: boolean
  readonly onClose: () => void
  readonly onAdded: (added: Added) => void
}) {
  const m = useWords(partnerWords)
  const s = useWords(shareWords)
  const add = useAct(exchangeRoutes.addPeer, ['exchange.'])
  return (
    <AskDialog
      open={open}
      onClose={onClose}
      title={m.addPeer.replace('…', '')}
      note={m.addPeerNote}
      act={m.addPeerAct}
      onAct={async (form) => {
        const [root, user, secret] = ['root', 'user', 'secret'].map((name) => textOf(form, name))
        const vkey = textOf(form, 'vkey')
        const added = await add.mutateAsync({
          body: {
            name: textOf(form, 'name') ?? '',
            role: String(form.get('role')) as 'telecom',
            maxTlp: String(form.get('tlp')) as 'green',
            own: form.get('own') !== null,
            networks: (textOf(form, 'networks') ?? '').split(/[\s,;]+/).filter((part) => part !== ''),
            ...(root === undefined
              ? {}
              : {
                  remote: {
                    root,
                    user: user ?? '',
                    secret: secret ?? '',
                    push: textOf(form, 'push') ?? null,
                    pull: textOf(form, 'pull') ?? null,
                  },
                }),
            ...(vkey === undefined ? {} : { vkey }),
          },
        })
        add.reset()
        onAdded(added)
      }}
    >
      <Field label={s.name}>
        <input className="in" name="name" required maxLength={120} autoComplete="off" />
      </Field>
      <Choices name="role" label={s.peerRole} of={PEER_ROLES.map((role) => [role, s.peerRoles[role]])} />
      <Choices name="tlp" label={s.maxTlp} first="green" of={TLPS.map((tlp) => [tlp, `TLP:${tlp.toUpperCase()}`])} />
      <label className="tick">
        <input type="checkbox" name="own" /> {m.own}
      </label>
      <Field label={s.networks} hint={m.networksHint}>
        <input className="in mono" name="networks" placeholder="203.0.113.0/24" spellCheck={false} />
      </Field>
      <details>
        <summary>{m.weGo}</summary>
        <div className="dlg-part">
          <Field label={m.root} hint={m.rootHint}>
            <input className="in mono" name="root" type="url" maxLength={500} spellCheck={false} />
          </Field>
          <Field label={m.remoteUser}>
            <input className="in mono" name="user" maxLength={120} autoComplete="off" spellCheck={false} />
          </Field>
          <Field label={m.remoteSecret}>
            <input className="in mono" name="secret" type="password" maxLength={500} autoComplete="off" />
          </Field>
          <Field label={m.push}>
            <input className="in mono" name="push" maxLength={200} spellCheck={false} />
          </Field>
          <Field label={m.pull}>
            <input className="in mono" name="pull" maxLength={200} spellCheck={false} />
          </Field>
        </div>
      </details>
      <Field label={m.vkey}>
        <input className="in mono" name="vkey" maxLength={400} spellCheck={false} autoComplete="off" />
      </Field>
    </AskDialog>
  )
}
