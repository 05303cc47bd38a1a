import { useNavigate } from '@tanstack/react-router'
import { useId, useState } from 'react'
import type { Site } from '../../../../../src/gateway/contract.ts'
import { settingsRoutes } from '../../../../../src/gateway/settings/contract.ts'
import { useAct, useCall } from '../../api.ts'
import { Choices, Field } from '../../components/dialog.tsx'
import { useToast } from '../../components/toast.tsx'
import { useWords } from '../../language.tsx'
import { siteWords } from '../../words/sites.ts'
import { ReasonDialog } from './reason-dialog.tsx'
import type { Trouble } from './field-trouble.ts'
import { newSite } from './site-draft.ts'
import { useTrouble } from './use-trouble.ts'

/** As people write them: an address for a name, a port behind it, a slash at the end. */
const hostOf = (text: string): string =>
  text
    .toLowerCase()
    .replace(/^https?:\/\//, '')
    .replace(/\/.*$/, '')
    .replace(/(?<=[^:\]]):\d+$/, '')
const originOf = (text: string): string => (/^https?:\/\//i.test(text) ? text : `http://${text}`).replace(/\/+$/, '')

/** What the two fields of the dialog make; anything else is named. */
const OWN = new Set(['hosts', 'name', 'upstreams'])

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
  const [trouble, setTrouble] = useState<Trouble>()
  const inWords = useTrouble()
  const ids = { host: useId(), upstream: useId() }
  const wrong = (field: 'host' | 'upstream') => {
    const own = trouble !== undefined && (field === 'upstream') === trouble.path.startsWith('upstreams')
    return own
      ? {
          id: ids[field],
          text: OWN.has(trouble.path.split('.')[0]!) ? trouble.text : `${trouble.place}: ${trouble.text}`,
        }
      : undefined
  }
  const described = (field: 'host' | 'upstream') =>
    wrong(field) ? { 'aria-invalid': true, 'aria-describedby': ids[field] } : {}
  const sets = useCall(settingsRoutes.ruleSets, { query: {} }, { enabled: open })
  return (
    <ReasonDialog
      open={open}
      onClose={() => {
        setTrouble(undefined)
        onClose()
      }}
      title={m.addTitle}
      note={m.addNote}
      act={m.addAct}
      first={m.addTitle}
      onAct={async (reason, form) => {
        const text = (name: string): string => String(form.get(name) ?? '').trim()
        const names = sets.data?.items.map(({ name }) => name) ?? []
        const ruleSet = names.includes('default') ? 'default' : (names[0] ?? 'default')
        const site = newSite(hostOf(text('host')), originOf(text('upstream')), text('mode') as Site['mode'], ruleSet)
        setTrouble(undefined)
        const body = { site, create: true, reason, version }
        const made = await put.mutateAsync({ params: { name: site.name }, body }).catch((error: unknown) => {
          const found = inWords(error, site)
          if (found === undefined) throw error
          setTrouble(found)
        })
        if (made === undefined) return false
        say(m.added)
        void navigate({ to: '/protect/sites/$id', params: { id: site.name } })
      }}
    >
      <Field label={m.host} hint={m.hostHint} wrong={wrong('host')}>
        <input
          {...described('host')}
          className="in mono"
          name="host"
          required
          maxLength={255}
          spellCheck={false}
          autoComplete="off"
          placeholder="shop.example.vn"
        />
      </Field>
      <Field label={m.upstream} hint={m.upstreamHint} wrong={wrong('upstream')}>
        <input
          {...described('upstream')}
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
