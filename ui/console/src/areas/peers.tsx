import { Link } from '@tanstack/react-router'
import { useMemo, useState } from 'react'
import { exchangeRoutes } from '../../../../src/exchange/contract.ts'
import { useAct, useCall, type Got } from '../api.ts'
import { DataTable, type Column } from '../components/data-table.tsx'
import { Status } from '../components/marks.tsx'
import { Head } from '../components/page.tsx'
import { ShownOnce } from '../components/shown-once.tsx'
import { Empty, Shown } from '../components/states.tsx'
import { useFormats, useWords } from '../language.tsx'
import { useMay } from '../shell/me.tsx'
import { partnerWords } from '../words/partners.ts'
import { shareWords } from '../words/share.ts'
import { AddPeerDialog, type Added } from './add-peer.tsx'

type Peer = Got<typeof exchangeRoutes.peers>['items'][number]

/** Neighbours, what may leave towards each, and the switch of each. */
export function Peers() {
  const m = useWords(shareWords)
  const f = useFormats()
  const peers = useCall(exchangeRoutes.peers, {}, { every: 30_000 })
  const p = useWords(partnerWords)
  const mayAdd = useMay(exchangeRoutes.addPeer)
  const [adding, setAdding] = useState(false)
  const [added, setAdded] = useState<Added>()
  const maySet = useMay(exchangeRoutes.setPeer)
  const set = useAct(exchangeRoutes.setPeer, ['exchange.'])
  const columns = useMemo(
    (): readonly Column<Peer>[] => [
      {
        id: 'name',
        head: m.name,
        wrap: true,
        by: ({ name }) => name,
        cell: ({ name, user }) => (
          <>
            {name}
            <span className="sub mono">{user}</span>
          </>
        ),
      },
      {
        id: 'state',
        head: m.state,
        fold: 'end',
        cell: ({ enabled }) => <Status shape={enabled ? 'ok' : 'stop'}>{enabled ? m.enabled : m.disabled}</Status>,
      },
      { id: 'role', head: m.peerRole, cell: ({ role }) => m.peerRoles[role] },
      { id: 'tlp', head: m.maxTlp, cell: ({ maxTlp }) => <span className="tag">TLP:{maxTlp.toUpperCase()}</span> },
      {
        id: 'remote',
        head: m.remote,
        fold: 'm',
        wrap: true,
        cell: ({ remote }) => (remote === null ? m.remoteNone : <span className="tok">{remote.root}</span>),
      },
      {
        id: 'networks',
        head: m.networks,
        fold: 'lo',
        off: true,
        wrap: true,
        cell: ({ networks }) => <span className="tok">{networks.join(' ')}</span>,
      },
      {
        id: 'heard',
        head: m.heard,
        fold: 'lo',
        by: ({ lastHeardAt }) => lastHeardAt ?? '',
        cell: ({ lastHeardAt }) => (lastHeardAt === null ? m.never : f.when(lastHeardAt)),
      },
      {
        id: 'withheld',
        head: m.withheldCount,
        num: true,
        fold: 'lo',
        by: ({ withheld }) => withheld,
        cell: ({ withheld }) => (
          <Link to="/share/transfers" search={{ state: 'withheld' }}>
            {f.n(withheld)}
          </Link>
        ),
      },
      ...(maySet
        ? [
            {
              id: 'set',
              head: m.switch,
              cell: ({ id, enabled }: Peer) => (
                <button
                  type="button"
                  className="btn"
                  onClick={() => set.mutate({ params: { id }, body: { enabled: !enabled } })}
                >
                  {enabled ? m.disable : m.enable}
                </button>
              ),
            },
          ]
        : []),
    ],
    [m, f, maySet, set],
  )
  return (
    <>
      <Head
        title={m.peers}
        name={m.peers}
        crumb={[{ to: '/share', text: m.title }]}
        acts={
          mayAdd ? (
            <button type="button" className="btn" onClick={() => setAdding(true)}>
              {p.addPeer}
            </button>
          ) : undefined
        }
      />
      {added ? (
        <ShownOnce
          title={p.onceTitle(added.peer.name)}
          note={p.onceNote}
          of={[
            { label: p.user, value: added.user },
            { label: p.secret, value: added.secret },
          ]}
          onDone={() => setAdded(undefined)}
        />
      ) : null}
      <Shown of={peers}>
        {({ items }) =>
          items.length === 0 ? (
            <Empty title={m.peers}>{m.peersNone}</Empty>
          ) : (
            <DataTable name="peers" caption={m.peers} columns={columns} rows={items} idOf={({ id }) => id} />
          )
        }
      </Shown>
      <AddPeerDialog open={adding} onClose={() => setAdding(false)} onAdded={setAdded} />
    </>
  )
}
