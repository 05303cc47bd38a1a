import { useNavigate, useParams } from '@tanstack/react-router'
import { useState } from 'react'
import { settingsRoutes } from '../../../../../src/gateway/settings/contract.ts'
import { useAct, useCall, type Got } from '../../api.ts'
import { Status } from '../../components/marks.tsx'
import { Head, Sec } from '../../components/page.tsx'
import { Shown } from '../../components/states.tsx'
import { useToast } from '../../components/toast.tsx'
import { useFormats, useWords } from '../../language.tsx'
import { useMay } from '../../shell/me.tsx'
import { protectWords } from '../../words/protect.ts'
import { siteWords } from '../../words/sites.ts'
import { Actor, ChangeList, useReason } from './change-list.tsx'
import { ReasonDialog } from './reason-dialog.tsx'

/** One version: what it changed, and what going back to it would change today. */
export function OneVersion() {
  const m = useWords(siteWords)
  const p = useWords(protectWords)
  const f = useFormats()
  const { id } = useParams({ strict: false }) as { id: string }
  const one = useCall(settingsRoutes.version, { params: { version: id } })
  return (
    <>
      <Head
        title={m.versionTitle(id)}
        name={m.versionTitle(id)}
        crumb={[
          { to: '/protect', text: p.title },
          { to: '/protect/sites', text: m.title },
          { to: '/protect/history', text: m.history },
        ]}
        meta={
          one.data ? (
            <>
              <span>{f.full(one.data.version.at)}</span>
              <Actor id={one.data.version.by} />
            </>
          ) : null
        }
      />
      <Shown of={one}>{(data) => <Version of={data} />}</Shown>
    </>
  )
}

function Version({ of }: { readonly of: Got<typeof settingsRoutes.version> }) {
  const m = useWords(siteWords)
  const f = useFormats()
  const why = useReason()
  const say = useToast()
  const navigate = useNavigate()
  const [asking, setAsking] = useState(false)
  const may = useMay(settingsRoutes.restore)
  const latest = useCall(settingsRoutes.history, { query: { limit: 1 } })
  const restore = useAct(settingsRoutes.restore, ['gateway.'])
  const current = latest.data?.items[0]?.version
  const { version, changes, more } = of.version
  return (
    <>
      <div className="two even">
        <Sec title={m.what}>
          <p className="say">{why(of.version)}</p>
          <ChangeList of={changes} more={more} />
        </Sec>
        <Sec title={m.backWhat} right={current === version ? <Status shape="ok">{m.inForce}</Status> : null}>
          {of.back.length === 0 ? (
            <p className="soft">{m.backNothing}</p>
          ) : (
            <>
              <ChangeList of={of.back} more={0} />
              {may ? (
                <p className="acts-row">
                  <button type="button" className="btn" onClick={() => setAsking(true)}>
                    {m.back}
                  </button>
                </p>
              ) : null}
            </>
          )}
        </Sec>
      </div>
      <details className="more-fields">
        <summary>{m.contents}</summary>
        <pre className="text" tabIndex={0} aria-label={m.contents}>
          {JSON.stringify({ sites: of.sites, ruleSets: of.ruleSets }, null, 2)}
        </pre>
      </details>
      <ReasonDialog
        open={asking}
        onClose={() => setAsking(false)}
        title={m.backTitle(f.n(version))}
        note={m.saveNote}
        act={m.backAct}
        onAct={async (reason) => {
          const params = { version: String(version) }
          const made = await restore.mutateAsync({ params, body: { reason, version: current ?? 0 } })
          say(m.backDone(f.n(made.version)))
          void navigate({ to: '/protect/history/$id', params: { id: String(made.version) } })
        }}
      >
        <ChangeList of={of.back} more={0} />
      </ReasonDialog>
    </>
  )
}
