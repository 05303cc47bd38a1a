import { useMemo } from 'react'
import { backupRoutes } from '../../../../src/backup/contract.ts'
import { useCall, type Got } from '../api.ts'
import { DataTable, type Column } from '../components/data-table.tsx'
import { NeedsNow } from '../components/needs-now.tsx'
import { Head, Sec } from '../components/page.tsx'
import { Empty, Shown } from '../components/states.tsx'
import { useFormats, useWords } from '../language.tsx'
import { backupWords } from '../words/backups.ts'
import { peopleWords } from '../words/people.ts'

type Kept = Got<typeof backupRoutes.list>
type Backup = Kept['items'][number]
type Drill = Kept['drills'][number]
const DAY_MS = 86_400_000
/** A backup older than this is no longer today's. */
const OLD_DAYS = 2

/** What would be left after a fire, and from when nobody can read what was erased. */
export function Backups() {
  const m = useWords(backupWords)
  const p = useWords(peopleWords)
  const kept = useCall(backupRoutes.list, { query: { limit: 100 } }, { every: 30_000 })
  return (
    <>
      <Head title={m.title} name={m.title} crumb={[{ to: '/people', text: p.title }]} meta={<span>{m.lead}</span>} />
      <Shown of={kept}>
        {(data) => (
          <>
            <Needs of={data} />
            <BackupTable of={data} />
            <DrillTable of={data.drills} backups={data.items} />
          </>
        )}
      </Shown>
    </>
  )
}

function Needs({ of: { items, lastDrill } }: { readonly of: Kept }) {
  const m = useWords(backupWords)
  const f = useFormats()
  const latest = items.find((one) => one.state === 'made')
  const days = latest?.at ? Math.floor((Date.now() - Date.parse(latest.at)) / DAY_MS) : 0
  const troubles = [
    !latest && m.noneNeed,
    latest && days >= OLD_DAYS && m.oldNeed(f.n(days)),
    items[0]?.state === 'failed' && m.failedNeed,
    items.some((one) => one.keys.overdue) && m.overdueNeed,
    latest && !lastDrill && m.drillNeed,
    lastDrill?.good === false && m.drillBadNeed,
  ].filter((one) => typeof one === 'string')
  return (
    <NeedsNow
      nothing={m.nothing}
      needs={troubles.map((what) => ({
        key: what,
        deadline: null,
        what,
        more: m.how,
        to: '/evidence',
        act: m.see,
      }))}
    />
  )
}

function BackupTable({ of: { items, keysUntil } }: { readonly of: Kept }) {
  const m = useWords(backupWords)
  const f = useFormats()
  const columns = useMemo(
    (): readonly Column<Backup>[] => [
      { id: 'at', head: m.at, fold: 'full', by: (one) => one.startedAt, cell: (one) => (<>{f.full(one.at ?? one.startedAt)}<span className="sub mono">{one.name}</span></>) },
      { id: 'state', head: m.state, cell: (one) => (one.failure === null ? m.states[one.state] : `${m.states[one.state]} (${one.failure})`) },
      { id: 'size', head: m.size, num: true, named: true, by: (one) => one.bytes, cell: (one) => `${f.n(Math.ceil(one.bytes / 1e6))} MB` },
      { id: 'leaves', head: m.leaves, num: true, fold: 'lo', cell: (one) => f.n(one.leaves) },
      { id: 'events', head: m.events, num: true, fold: 'lo', cell: (one) => (one.events === null ? '–' : f.n(one.events)) },
      { id: 'keys', head: m.keys, fold: 'm', named: true, by: (one) => one.keys.expiresAt, cell: ({ keys }) => keys.destroyedAt !== null ? m.destroyed(f.date(keys.destroyedAt)) : `${f.date(keys.expiresAt)}${keys.overdue ? ` (${m.overdue})` : ''}` },
    ],
    [m, f],
  ) // prettier-ignore
  return (
    <Sec title={m.list} lead={keysUntil === null ? m.keysNone : m.keysUntil(f.full(keysUntil))}>
      {items.length === 0 ? (
        <Empty title={m.none}>
          <code className="mono">{m.noneLead}</code>
        </Empty>
      ) : (
        <DataTable name="backups" caption={m.list} columns={columns} rows={items} idOf={(one) => one.id} />
      )}
    </Sec>
  )
}

function DrillTable({ of, backups }: { readonly of: readonly Drill[]; readonly backups: readonly Backup[] }) {
  const m = useWords(backupWords)
  const f = useFormats()
  const columns = useMemo(
    (): readonly Column<Drill>[] => [
      { id: 'at', head: m.at, fold: 'full', by: (one) => one.at, cell: (one) => (<>{f.full(one.at)}<span className="sub mono">{backups.find(({ id }) => id === one.backup)?.name ?? one.backup}</span></>) },
      { id: 'good', head: m.state, cell: (one) => (one.good ? m.good : `${m.bad}${one.failure === null ? '' : ` (${one.failure})`}`) },
      { id: 'took', head: m.took, num: true, named: true, by: (one) => one.tookMs, cell: (one) => f.span(1_000 * Math.ceil(one.tookMs / 1_000)) },
      { id: 'opened', head: m.opened, num: true, named: true, fold: 'm', cell: (one) => f.n(one.opened) },
      { id: 'leaves', head: m.leaves, num: true, fold: 'lo', cell: (one) => f.n(one.leaves) },
    ],
    [m, f, backups],
  ) // prettier-ignore
  return (
    <Sec title={m.drills}>
      {of.length === 0 ? (
        <Empty title={m.noDrills}>{m.noDrillsLead}</Empty>
      ) : (
        <DataTable name="drills" caption={m.drills} columns={columns} rows={of} idOf={(one) => one.id} />
      )}
    </Sec>
  )
}
