import type { Case } from '../../../../src/cases/contract.ts'
import { exchangeRoutes } from '../../../../src/exchange/contract.ts'
import { useAct } from '../api.ts'
import { AskDialog, Choices, Field } from '../components/dialog.tsx'
import { useToast } from '../components/toast.tsx'
import { useWords } from '../language.tsx'
import { caseWords } from '../words/cases.ts'

const DAY = 86_400_000
const TLPS = ['clear', 'green', 'amber', 'amber+strict'] as const
type Seen = Case['observables'][number]
type Kind = 'domain' | 'ipv4' | 'ipv6' | 'url' | 'sha256'
const kindOf = (seen: Seen): Kind =>
  seen.kind === 'address' ? (seen.value.includes(':') ? 'ipv6' : 'ipv4') : (seen.kind as Kind)

/** From what a case saw to an indicator that others may have; the warning lists of the server judge it. */
export function ProposeDialog({
  seen,
  caseId,
  onClose,
}: {
  readonly seen: Seen | undefined
  readonly caseId: string
  readonly onClose: () => void
}) {
  const m = useWords(caseWords)
  const say = useToast()
  const propose = useAct(exchangeRoutes.propose, ['exchange.', 'cases.'])
  const attacker = seen?.role === 'attacker'
  return (
    <AskDialog
      open={seen !== undefined}
      onClose={onClose}
      title={m.proposeTitle}
      note={m.proposeNote}
      act={m.proposeAct}
      onAct={async (form) => {
        if (!seen) return
        const role = String(form.get('role')) as 'c2'
        await propose.mutateAsync({
          body: {
            value: seen.value,
            kind: kindOf(seen),
            role,
            confidence: Number(form.get('confidence')),
            validUntil: new Date(Date.now() + Number(form.get('days')) * DAY - 60_000).toISOString(),
            tlp: String(form.get('tlp')) as 'amber',
            caseId,
            ...(attacker ? { seenAt: seen.addedAt, ...(seen.port === null ? {} : { port: seen.port }) } : {}),
          },
        })
        say(m.proposed)
      }}
    >
      <p className="match">{seen?.value}</p>
      <Choices
        name="role"
        label={m.proposeAs}
        first={attacker ? 'attacker' : 'c2'}
        of={Object.entries(m.proposeRoles) as [string, string][]}
      />
      <Field label={m.confidence}>
        <input className="in" name="confidence" type="number" min={0} max={100} defaultValue={75} required />
      </Field>
      <Field label={m.days}>
        <input className="in" name="days" type="number" min={1} max={30} defaultValue={14} required />
      </Field>
      <Choices name="tlp" label={m.tlp} first="amber" of={TLPS.map((tlp) => [tlp, `TLP:${tlp.toUpperCase()}`])} />
    </AskDialog>
  )
}
