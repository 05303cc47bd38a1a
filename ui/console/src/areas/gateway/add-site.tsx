import { useNavigate } from '@tanstack/react-router'
import type { Site } from '../../../../../src/gateway/contract.ts'
import { settingsRoutes } from '../../../../../src/gateway/settings/contract.ts'
import { useAct, useCall } from '../../api.ts'
import { Choices, Field } from '../../components/dialog.tsx'
import { useToast } from '../../components/toast.tsx'
import { useWords } from '../../language.tsx'
import { siteWords } from '../../words/sites.ts'
import { ReasonDialog } from './reason-dialog.tsx'
import { newSite } from './site-draft.ts'

/** As people write them: an address for a name, a port behind it, a slash at the end. */
const hostOf = (text: string): string =>
  text
    .toLowerCase()
    .replace(/^https?:\/\//, '')
    .replace(/\/.*$/, '')
    .replace(/(?<=[^:\]]):\d+$/, '')
const originOf = (text: string): string => (/^https?:\/\//i.test(text) ? text : `http://${text}`).replace(/\/+$/, '')

/** Three fields: host, application, mode; everything else as the defaults have it. */
export function AddSiteDialog({
  open,
  onClose,
  version,
}: {
  readonly open: boolean
  readonly onClose: () => void
  readonly version: number
}) {
  const m = useWords(siteWords)
  const navigate = useNavigate()
  const say = useToast()
  const put = useAct(settingsRoutes.putSite, ['gateway.'])
  const sets = useCall(settingsRoutes.ruleSets, { query: {} }, { enabled: open })
  return (
    <ReasonDialog
      open={open}
      onClose={onClose}
      title={m.addTitle}
      note={m.addNote}
      act={m.addAct}
      first={m.addTitle}
      onAct={async (reason, form) => {
        const text = (name: string): string => String(form.get(name) ?? '').trim()
        const names = sets.data?.items.map(({ name }) => name) ?? []
        const ruleSet = names.includes('default') ? 'default' : (names[0] ?? 'default')
        const site = newSite(hostOf(text('host')), originOf(text('upstream')), text('mode') as Site['mode'], ruleSet)
        await put.mutateAsync({ params: { name: site.name }, body: { site, create: true, reason, version } })
        say(m.added)
        void navigate({ to: '/protect/sites/$id', params: { id: site.name } })
      }}
    >
      <Field label={m.host} hint={m.hostHint}>
        <input
          className="in mono"
          name="host"
          required
          maxLength={255}
          spellCheck={false}
          autoComplete="off"
          placeholder="shop.example.vn"
        />
      </Field>
      <Field label={m.upstream} hint={m.upstreamHint}>
        <input
          className="in mono"
          name="upstream"
          required
          maxLength={300}
          spellCheck={false}
          autoComplete="off"
          placeholder="http://127.0.0.1:3000"
        />
      </Field>
      <Choices
        name="mode"
        label={m.mode}
        first="detect"
        of={(['detect', 'block'] as const).map((one) => [one, `${m.modes[one]}: ${m.modeSays[one]}`])}
      />
    </ReasonDialog>
  )
}
