import { trafficRoutes, type Candidate } from '../../../../../src/gateway/traffic/contract.ts'
import { settingsRoutes } from '../../../../../src/gateway/settings/contract.ts'
import { ApiError, useAct, useCall } from '../../api.ts'
import { Field } from '../../components/dialog.tsx'
import { useWords } from '../../language.tsx'
import { useMay } from '../../shell/me.tsx'
import { siteWords } from '../../words/sites.ts'
import { tuningWords } from '../../words/tuning.ts'
import { ReasonDialog } from './reason-dialog.tsx'

const WHOLE = ['paranoia', 'threshold'] as const
const TEXTS = ['ruleSet', 'rules', 'virtualPatches', 'before', 'after', 'refusal'] as const

/** What is left empty stays as the site has it. */
function candidateOf(form: FormData): Candidate {
  const filled = [...WHOLE, ...TEXTS].flatMap((name) => {
    const text = String(form.get(name) ?? '').trim()
    return text === '' ? [] : [[name, (WHOLE as readonly string[]).includes(name) ? Number(text) : text] as const]
  })
  return Object.fromEntries(filled) as Candidate
}

export function StartDialog({
  open,
  onClose,
  onStarted,
}: {
  readonly open: boolean
  readonly onClose: () => void
  readonly onStarted: (id: string) => void
}) {
  const t = useWords(tuningWords)
  const m = useWords(siteWords)
  const sites = useCall(settingsRoutes.sites, { query: { limit: 200 } }, { enabled: open })
  const maySets = useMay(settingsRoutes.ruleSets)
  const sets = useCall(settingsRoutes.ruleSets, { query: {} }, { enabled: open && maySets })
  const start = useAct(trafficRoutes.startDryRun, ['gateway.dry-run'])
  return (
    <ReasonDialog
      open={open}
      onClose={onClose}
      title={t.startTitle}
      note={t.startNote}
      act={t.startAct}
      onAct={async (reason, form) => {
        const candidate = candidateOf(form)
        if (Object.keys(candidate).length === 0)
          throw new ApiError(400, { code: 'gateway/dry-run', detail: t.nothingTried })
        const { id } = await start.mutateAsync({ body: { site: String(form.get('site')), candidate, reason } })
        onStarted(id)
      }}
    >
      <Field label={t.site}>
        <select className="in" name="site" required>
          {(sites.data?.items ?? [])
            .toSorted((a, b) => Number(b.keeps) - Number(a.keeps))
            .map(({ name, keeps }) => (
              <option key={name} value={name}>
                {keeps ? name : `${name} (${m.keeps.toLowerCase()}: ${m.no})`}
              </option>
            ))}
        </select>
      </Field>
      <div className="field-row">
        <Pick name="paranoia" label={t.candidates.paranoia} of={['1', '2', '3', '4'].map((n) => [n, n] as const)} />
        <Field label={t.candidates.threshold}>
          <input className="in" name="threshold" type="number" min={1} max={100_000} placeholder={t.asNow} />
        </Field>
        <Pick
          name="ruleSet"
          label={t.candidates.ruleSet}
          of={(sets.data?.items ?? []).map(({ name }) => [name, name] as const)}
        />
      </div>
      <Field label={t.newRules}>
        <textarea className="in mono" name="rules" maxLength={65_536} spellCheck={false} />
      </Field>
      <details>
        <summary>{m.groups.advanced}</summary>
        <div className="dlg-part">
          {(['virtualPatches', 'before', 'after'] as const).map((name) => (
            <Field key={name} label={m[name]}>
              <textarea className="in mono" name={name} maxLength={65_536} spellCheck={false} />
            </Field>
          ))}
          <Field label={t.candidates.refusal}>
            <input
              className="in mono"
              name="refusal"
              pattern="R(-[0-9A-HJKMNP-TV-Z]{4}){2}"
              placeholder="R-7Q4K-2MXB"
            />
          </Field>
        </div>
      </details>
    </ReasonDialog>
  )
}

function Pick({ name, label, of }: { name: string; label: string; of: readonly (readonly [string, string])[] }) {
  const t = useWords(tuningWords)
  return (
    <Field label={label}>
      <select className="in" name={name}>
        <option value="">{t.asNow}</option>
        {of.map(([value, text]) => (
          <option key={value} value={value}>
            {text}
          </option>
        ))}
      </select>
    </Field>
  )
}
