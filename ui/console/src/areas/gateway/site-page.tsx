import { Link, useNavigate, useParams } from '@tanstack/react-router'
import { useEffect, useMemo, useRef, useState } from 'react'
import { settingsRoutes } from '../../../../../src/gateway/settings/contract.ts'
import { useAct, useCall, type Got } from '../../api.ts'
import { Status } from '../../components/marks.tsx'
import { Facts, Head, Sec } from '../../components/page.tsx'
import { Shown } from '../../components/states.tsx'
import { useToast } from '../../components/toast.tsx'
import { useFormats, useWords } from '../../language.tsx'
import { useMay } from '../../shell/me.tsx'
import { protectWords } from '../../words/protect.ts'
import { siteWords } from '../../words/sites.ts'
import type { Trouble } from './field-trouble.ts'
import { useTrouble } from './use-trouble.ts'
import { Troubled } from './inputs.tsx'
import { DiffView } from './diff-view.tsx'
import { LatestVersions } from './history.tsx'
import { ReasonDialog } from './reason-dialog.tsx'
import { siteDifferences } from './site-diff.ts'
import { SiteForm } from './site-form.tsx'
import { MODE_SHAPE, Workers } from './sites.tsx'

const AFTER_DIALOG_MS = 250

/** One site: everything a person sets, what would change, and what it does now. */
export function OneSite() {
  const m = useWords(siteWords)
  const p = useWords(protectWords)
  const { id } = useParams({ strict: false }) as { id: string }
  const one = useCall(settingsRoutes.site, { params: { name: id } })
  const site = one.data?.site
  return (
    <>
      <Head
        title={id}
        name={id}
        crumb={[
          { to: '/protect', text: p.title },
          { to: '/protect/sites', text: m.title },
        ]}
        meta={site ? <Status shape={MODE_SHAPE[site.mode]}>{m.modes[site.mode]}</Status> : null}
        acts={<RemoveSite name={id} version={one.data?.version} />}
      />
      <Shown of={one}>{(data) => <Editing key={id} of={data} />}</Shown>
    </>
  )
}

function Editing({ of: { site, version } }: { readonly of: Got<typeof settingsRoutes.site> }) {
  const m = useWords(siteWords)
  const f = useFormats()
  const say = useToast()
  const still = !useMay(settingsRoutes.putSite)
  // The draft rests on what the person saw; another's change does not slide in under it.
  const [base, setBase] = useState({ site, version })
  const [draft, setDraft] = useState(site)
  const [saving, setSaving] = useState(false)
  const [trouble, setTrouble] = useState<Trouble>()
  const [reason, setReason] = useState('')
  const form = useRef<HTMLDivElement>(null)
  const inWords = useTrouble()
  // What was refused is brought to the person, wherever on the page it stands.
  useEffect(() => {
    if (trouble === undefined || saving) return
    // After the dialog has handed the focus back.
    const timer = setTimeout(() => {
      const field = form.current?.querySelector<HTMLElement>('[aria-invalid="true"]')
      field?.scrollIntoView({ block: 'center' })
      field?.focus()
    }, AFTER_DIALOG_MS)
    return () => clearTimeout(timer)
  }, [trouble, saving])
  const differences = useMemo(() => siteDifferences(base.site, draft), [base.site, draft])
  const untouched = differences.length === 0
  useEffect(() => {
    if (!untouched) return
    setBase({ site, version })
    setDraft(site)
  }, [site, version, untouched])
  const sets = useCall(settingsRoutes.ruleSets, { query: {} })
  const put = useAct(settingsRoutes.putSite, ['gateway.'])
  return (
    <div className="two" ref={form}>
      <div className="site-form">
        {still ? <p className="warnline">{m.readOnly}</p> : null}
        <Troubled by={trouble}>
          <SiteForm
            site={draft}
            onChange={(next) => {
              setTrouble(undefined)
              setDraft(next)
            }}
            still={still}
            ruleSets={sets.data?.items.map(({ name }) => name) ?? []}
          />
        </Troubled>
        {still ? null : (
          <div className="save-bar" role="status">
            {trouble ? (
              <p className="field-wrong" role="alert">
                {m.notSaved} {trouble.place}: {trouble.text}.
              </p>
            ) : null}
            <span>{untouched ? m.unchanged : m.changedCount(f.n(differences.length))}</span>
            {untouched ? null : (
              <>
                <button
                  type="button"
                  className="btn"
                  onClick={() => {
                    setTrouble(undefined)
                    setDraft(base.site)
                  }}
                >
                  {m.drop}
                </button>
                <button type="button" className="btn go" onClick={() => setSaving(true)}>
                  {m.save}
                </button>
              </>
            )}
          </div>
        )}
        <ReasonDialog
          open={saving}
          onClose={() => setSaving(false)}
          title={m.saveTitle}
          note={m.saveNote}
          act={m.saveAct}
          first={reason}
          onAct={async (reason) => {
            setReason(reason)
            setTrouble(undefined)
            const params = { name: base.site.name }
            const body = { site: draft, reason, version: base.version }
            const made = await put.mutateAsync({ params, body }).catch((error: unknown) => {
              const found = inWords(error, draft)
              if (found === undefined) throw error
              setTrouble(found)
            })
            if (made === undefined) return
            setReason('')
            setBase({ site: draft, version: made.version })
            say(m.saved(f.n(made.version)))
          }}
        >
          <DiffView of={differences} />
        </ReasonDialog>
      </div>
      <Beside name={site.name} version={version} />
    </div>
  )
}

function Beside({ name, version }: { readonly name: string; readonly version: number }) {
  const m = useWords(siteWords)
  const f = useFormats()
  const rows = useCall(settingsRoutes.sites, { query: { limit: 200 } }, { every: 10_000 })
  const row = rows.data?.items.find((one) => one.name === name)
  const to = (q: string, text: string) => (
    <Link to="/protect/refusals" search={{ q }}>
      {text}
    </Link>
  )
  return (
    <div>
      <Sec title={m.now} right={m.version(f.n(version))}>
        {rows.data ? (
          <p className="meta">
            <Workers of={rows.data} />
          </p>
        ) : null}
        {row ? (
          <Facts
            of={[
              [m.refused, to(`site:${name} mode:block`, f.n(row.refused))],
              [m.observed, to(`site:${name} mode:detect`, f.n(row.observed))],
              [
                m.exclusions,
                <Link key="e" to="/protect/rules" search={{ site: name }}>
                  {f.n(row.exclusions)}
                </Link>,
              ],
            ]}
          />
        ) : null}
      </Sec>
      <LatestVersions site={name} />
    </div>
  )
}

function RemoveSite({ name, version }: { readonly name: string; readonly version: number | undefined }) {
  const m = useWords(siteWords)
  const navigate = useNavigate()
  const say = useToast()
  const [asking, setAsking] = useState(false)
  const may = useMay(settingsRoutes.removeSite)
  const remove = useAct(settingsRoutes.removeSite, ['gateway.'])
  if (!may || version === undefined) return null
  return (
    <>
      <button type="button" className="btn" onClick={() => setAsking(true)}>
        {m.removeSite}
      </button>
      <ReasonDialog
        open={asking}
        onClose={() => setAsking(false)}
        title={m.removeTitle(name)}
        note={m.removeNote}
        act={m.removeAct}
        onAct={async (reason) => {
          await remove.mutateAsync({ params: { name }, body: { reason, version } })
          say(m.removed)
          void navigate({ to: '/protect/sites' })
        }}
      />
    </>
  )
}
