import { Link } from '@tanstack/react-router'
import { useMemo, useState } from 'react'
import { socRoutes } from '../../../../src/cases/soc/contract.ts'
import { useAct, useCall, type Got } from '../api.ts'
import { DataTable, type Column } from '../components/data-table.tsx'
import { AskDialog, Field } from '../components/dialog.tsx'
import { Status } from '../components/marks.tsx'
import { Facts, Head, Sec } from '../components/page.tsx'
import { Copied } from '../components/shown-once.tsx'
import { Empty, Shown } from '../components/states.tsx'
import { useToast } from '../components/toast.tsx'
import { useFormats, useWords } from '../language.tsx'
import { useMay } from '../shell/me.tsx'
import { partnerWords } from '../words/partners.ts'
import { shareWords } from '../words/share.ts'

type Soc = Got<typeof socRoutes.show>
type Delivery = Soc['deliveries'][number]
type Client = Soc['clients'][number]
const DELIVERY_SHAPE = { waiting: 'run', sent: 'ok', failed: 'look' } as const

/** The centre that watches for us, what left towards it, and those we watch for. */
export function Centre() {
  const m = useWords(partnerWords)
  const s = useWords(shareWords)
  const say = useToast()
  const soc = useCall(socRoutes.show, {}, { every: 15_000 })
  const maySet = useMay(socRoutes.contract)
  const contract = useAct(socRoutes.contract, ['soc.'])
  const endContract = useAct(socRoutes.endContract, ['soc.'])
  const addClient = useAct(socRoutes.addClient, ['soc.'])
  const [asking, setAsking] = useState<'contract' | 'end' | 'client'>()
  const close = (): void => setAsking(undefined)
  const button = (what: NonNullable<typeof asking>, text: string) => (
    <button type="button" className="btn" onClick={() => setAsking(what)}>
      {text}
    </button>
  )
  return (
    <>
      <Head
        title={m.centre}
        name={m.centre}
        crumb={[{ to: '/share', text: s.title }]}
        meta={<span>{m.centreLead}</span>}
        acts={
          maySet && soc.data ? (
            <>
              {soc.data.contract === null ? button('contract', m.setContract) : button('end', m.end)}
              {button('client', m.addClient)}
            </>
          ) : undefined
        }
      />
      <Shown of={soc}>{(of) => <CentrePage of={of} />}</Shown>
      <AskDialog
        open={asking === 'contract'}
        onClose={close}
        title={m.setContract.replace('…', '')}
        note={m.setContractNote}
        act={m.setAct}
        onAct={async (form) => {
          await contract.mutateAsync({ body: { name: String(form.get('name')), url: String(form.get('url')).trim() } })
          say(m.done)
        }}
      >
        <Field label={m.centreName}>
          <input className="in" name="name" required minLength={2} maxLength={120} autoComplete="off" />
        </Field>
        <Field label={m.url} hint={m.urlHint}>
          <input className="in mono" name="url" type="url" required maxLength={300} spellCheck={false} />
        </Field>
      </AskDialog>
      <AskDialog
        open={asking === 'end'}
        onClose={close}
        title={m.end.replace('…', '')}
        note={m.endNote}
        act={m.endAct}
        onAct={async () => {
          await endContract.mutateAsync({ body: {} })
          say(m.done)
        }}
      />
      <AskDialog
        open={asking === 'client'}
        onClose={close}
        title={m.addClient.replace('…', '')}
        note={m.addClientNote}
        act={m.addAct}
        onAct={async (form) => {
          await addClient.mutateAsync({
            body: { name: String(form.get('name')), key: String(form.get('key')).trim() },
          })
          say(m.done)
        }}
      >
        <Field label={m.clientName}>
          <input className="in" name="name" required minLength={2} maxLength={120} autoComplete="off" />
        </Field>
        <Field label={m.clientKey} hint={m.clientKeyHint}>
          <input
            className="in mono"
            name="key"
            required
            pattern="\s*[A-Za-z0-9_\-]{43}\s*"
            spellCheck={false}
            autoComplete="off"
          />
        </Field>
      </AskDialog>
    </>
  )
}

function CentrePage({ of }: { readonly of: Soc }) {
  const m = useWords(partnerWords)
  const f = useFormats()
  const deliveries = useMemo(
    (): readonly Column<Delivery>[] => [
      { id: 'at', head: m.at, sorted: 'descending', cell: ({ at }) => f.when(at) },
      {
        id: 'state',
        head: m.state,
        fold: 'end',
        cell: ({ state }) => <Status shape={DELIVERY_SHAPE[state]}>{m.deliveryStates[state]}</Status>,
      },
      {
        id: 'alert',
        head: m.alert,
        cell: ({ alert }) => (
          <Link to="/detect/alerts/$id" params={{ id: alert }}>
            <span className="tok">{`alr_…${alert.slice(-6)}`}</span>
          </Link>
        ),
      },
      {
        id: 'held',
        head: m.held,
        wrap: true,
        fold: 'm',
        cell: ({ held }) => (held.length === 0 ? m.heldNone : held.map((kind) => m.kinds[kind] ?? kind).join(', ')),
      },
      { id: 'tries', head: m.tries, num: true, fold: 'lo', cell: ({ tries }) => f.n(tries) },
      {
        id: 'error',
        head: m.error,
        wrap: true,
        fold: 'm',
        cell: ({ error }) => (error === null ? '' : (m.errors[error] ?? <span className="tok">{error}</span>)),
      },
    ],
    [m, f],
  )
  const clients = useMemo(
    (): readonly Column<Client>[] => [
      { id: 'name', head: m.clientName, wrap: true, by: ({ name }) => name, cell: ({ name }) => name },
      {
        id: 'alerts',
        head: m.alerts,
        num: true,
        fold: 'end',
        by: ({ alerts }) => alerts,
        cell: (one) => f.n(one.alerts),
      },
      { id: 'last', head: m.lastAlert, cell: ({ lastAt }) => (lastAt === null ? m.never : f.when(lastAt)) },
      { id: 'added', head: m.added, fold: 'lo', cell: ({ addedAt }) => f.when(addedAt) },
      { id: 'key', head: m.clientKey, fold: 'm', cell: ({ keyId }) => <span className="tok cut">{keyId}</span> },
    ],
    [m, f],
  )
  return (
    <>
      <Sec title={m.contract}>
        {of.contract === null ? <Empty title={m.noContract}>{m.noContractLead}</Empty> : null}
        <Facts
          of={[
            of.contract !== null && [m.centreName, of.contract.name],
            of.contract !== null && [
              m.url,
              <span key="u" className="tok">
                {of.contract.url}
              </span>,
            ],
            [
              m.ownKey,
              <span key="k">
                <Copied of={of.key} /> <span className="soft">{m.ownKeyLead}</span>
              </span>,
            ],
          ]}
        />
      </Sec>
      <Sec title={m.deliveries} lead={of.deliveries.length === 0 ? undefined : f.n(of.deliveries.length)}>
        {of.deliveries.length === 0 ? (
          <Empty title={m.noDeliveries}>{m.noDeliveriesLead}</Empty>
        ) : (
          <DataTable
            name="soc-deliveries"
            caption={m.deliveries}
            columns={deliveries}
            rows={of.deliveries}
            idOf={({ alert }) => alert}
          />
        )}
      </Sec>
      <Sec title={m.clients} lead={of.clients.length === 0 ? undefined : f.n(of.clients.length)}>
        {of.clients.length === 0 ? (
          <Empty title={m.noClients}>{m.noClientsLead}</Empty>
        ) : (
          <DataTable
            name="soc-clients"
            caption={m.clients}
            columns={clients}
            rows={of.clients}
            idOf={({ keyId }) => keyId}
          />
        )}
      </Sec>
    </>
  )
}
