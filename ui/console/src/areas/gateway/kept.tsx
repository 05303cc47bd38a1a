import { Link } from '@tanstack/react-router'
import { useMemo, useState } from 'react'
import { trafficRoutes } from '../../../../../src/gateway/traffic/contract.ts'
import { useAct, useCall, type Got } from '../../api.ts'
import { DataTable, type Column } from '../../components/data-table.tsx'
import { Empty, Shown } from '../../components/states.tsx'
import { useToast } from '../../components/toast.tsx'
import { useFormats, useWords } from '../../language.tsx'
import { useMay } from '../../shell/me.tsx'
import { tuningWords } from '../../words/tuning.ts'
import { ReasonDialog } from './reason-dialog.tsx'

type Kept = Got<typeof trafficRoutes.kept>['items'][number]

/** How much is kept of each site, and the way to destroy all of it. */
export function KeptTraffic() {
  const t = useWords(tuningWords)
  const f = useFormats()
  const say = useToast()
  const [asking, setAsking] = useState(false)
  const may = useMay(trafficRoutes.forgetKept)
  const kept = useCall(trafficRoutes.kept, { query: {} }, { every: 10_000 })
  const forget = useAct(trafficRoutes.forgetKept, ['gateway.kept', 'gateway.dry-run'])
  const columns = useMemo(
    (): readonly Column<Kept>[] => [
      {
        id: 'site',
        head: t.site,
        cell: ({ site }) => (
          <Link to="/protect/sites/$id" params={{ id: site }}>
            {site}
          </Link>
        ),
      },
      { id: 'requests', head: t.requests, num: true, fold: 'end', cell: ({ requests }) => f.n(requests) },
      { id: 'size', head: t.size, num: true, fold: 'm', cell: ({ bytes }) => f.bytes(bytes) },
      { id: 'oldest', head: t.oldest, fold: 'lo', cell: ({ oldest }) => (oldest === null ? '–' : f.when(oldest)) },
      { id: 'newest', head: t.newest, fold: 'lo', cell: ({ newest }) => (newest === null ? '–' : f.when(newest)) },
    ],
    [t, f],
  )
  return (
    <Shown of={kept}>
      {({ items, dropped }) => (
        <>
          {items.length === 0 ? (
            <Empty title={t.kept}>{t.keptNone}</Empty>
          ) : (
            <DataTable name="kept" caption={t.kept} columns={columns} rows={items} idOf={({ site }) => site} />
          )}
          {dropped > 0 ? <p className="warnline">{t.keptDropped(f.n(dropped))}</p> : null}
          {may && items.length > 0 ? (
            <p className="acts-row">
              <button type="button" className="btn" onClick={() => setAsking(true)}>
                {t.forget}
              </button>
            </p>
          ) : null}
          <ReasonDialog
            open={asking}
            onClose={() => setAsking(false)}
            title={t.forgetTitle}
            note={t.forgetNote}
            act={t.forgetAct}
            onAct={async (reason) => {
              const { forgotten } = await forget.mutateAsync({ body: { reason } })
              say(t.forgotten(f.n(forgotten)))
            }}
          />
        </>
      )}
    </Shown>
  )
}
