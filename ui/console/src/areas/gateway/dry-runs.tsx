import { Link, useNavigate } from '@tanstack/react-router'
import { useMemo, useState } from 'react'
import { gatewayMessages } from '../../../../../src/gateway/messages.ts'
import { trafficRoutes, type DryRunView } from '../../../../../src/gateway/traffic/contract.ts'
import type { Column } from '../../components/data-table.tsx'
import { List } from '../../components/list.tsx'
import { Status, type Shape } from '../../components/marks.tsx'
import { Head, Sec } from '../../components/page.tsx'
import { useFormats, useSpeech, useWords } from '../../language.tsx'
import { useMay } from '../../shell/me.tsx'
import { protectWords } from '../../words/protect.ts'
import { tuningWords } from '../../words/tuning.ts'
import { KeptTraffic } from './kept.tsx'
import { StartDialog } from './start-dry-run.tsx'

export const RUN_SHAPE: Readonly<Record<DryRunView['state'], Shape>> = {
  waiting: 'new',
  running: 'run',
  done: 'ok',
  failed: 'look',
  cancelled: 'stop',
}

/** What is being tried, what was tried in the last day, and what there is to try it on. */
export function DryRuns() {
  const t = useWords(tuningWords)
  const p = useWords(protectWords)
  const f = useFormats()
  const { language } = useSpeech()
  const navigate = useNavigate()
  const [starting, setStarting] = useState(false)
  const may = useMay(trafficRoutes.startDryRun)
  const columns = useMemo(
    (): readonly Column<DryRunView>[] => [
      {
        id: 'at',
        head: t.time,
        sorted: 'descending',
        cell: ({ id, at }) => (
          <Link to="/protect/dry-runs/$id" params={{ id }}>
            {f.when(at)}
          </Link>
        ),
      },
      {
        id: 'state',
        head: t.state,
        fold: 'end',
        cell: ({ state }) => <Status shape={RUN_SHAPE[state]}>{gatewayMessages[language].dryRuns[state]}</Status>,
      },
      { id: 'site', head: t.site, fold: 'm', cell: ({ site }) => site },
      {
        id: 'candidate',
        head: t.candidate,
        fold: 'm',
        wrap: true,
        cell: ({ candidate }) =>
          (Object.keys(candidate) as (keyof typeof candidate)[]).map((one) => t.candidates[one]).join(', '),
      },
      { id: 'why', head: t.why, fold: 'full', wrap: true, cell: ({ reason }) => reason },
      { id: 'more', head: t.more, num: true, fold: 'lo', cell: ({ result }) => (result ? f.n(result.more) : '–') },
      { id: 'fewer', head: t.fewer, num: true, fold: 'lo', cell: ({ result }) => (result ? f.n(result.fewer) : '–') },
    ],
    [t, f, language],
  )
  return (
    <>
      <Head
        title={t.dryRuns}
        name={t.dryRuns}
        crumb={[{ to: '/protect', text: p.title }]}
        meta={<span>{t.dryRunsLead}</span>}
        acts={
          may ? (
            <button type="button" className="btn go" onClick={() => setStarting(true)}>
              {t.start}
            </button>
          ) : undefined
        }
      />
      <List
        route={trafficRoutes.dryRuns}
        sent={{ query: { limit: 50 } }}
        name="dry-runs"
        caption={t.dryRuns}
        columns={columns}
        idOf={({ id }) => id}
        pageOf={({ id }) => `/protect/dry-runs/${id}`}
        none={{ title: t.noneRun, lead: t.noneRunLead }}
        every={3_000}
      />
      <Sec title={t.kept} lead={t.keptLead}>
        <KeptTraffic />
      </Sec>
      <StartDialog
        open={starting}
        onClose={() => setStarting(false)}
        onStarted={(id) => void navigate({ to: '/protect/dry-runs/$id', params: { id } })}
      />
    </>
  )
}
