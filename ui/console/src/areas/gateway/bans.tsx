import { useMemo, useState } from 'react'
import { settingsRoutes, type BanView } from '../../../../../src/gateway/settings/contract.ts'
import { ApiError, useAct } from '../../api.ts'
import { Choices, Field } from '../../components/dialog.tsx'
import type { Column } from '../../components/data-table.tsx'
import { List } from '../../components/list.tsx'
import { useToast } from '../../components/toast.tsx'
import { useFormats, useWords } from '../../language.tsx'
import { useMay } from '../../shell/me.tsx'
import { rateWords } from '../../words/rates.ts'
import { Actor } from './change-list.tsx'
import { ReasonDialog } from './reason-dialog.tsx'

const HOUR_MS = 3_600_000
/** A sender as one text: address and port, or the account's mark. */
const senderOf = ({ address, port, account }: BanView): string =>
  [address === null ? '' : port === null ? address : `${address}:${port}`, account ?? ''].filter(Boolean).join(' · ')

/** Who is kept out until when; `e` lifts the one in hand. */
export function BanList() {
  const m = useWords(rateWords)
  const f = useFormats()
  const say = useToast()
  const [lifting, setLifting] = useState<BanView>()
  const may = useMay(settingsRoutes.liftBan)
  const lift = useAct(settingsRoutes.liftBan, ['gateway.bans'])
  const columns = useMemo(
    (): readonly Column<BanView>[] => [
      { id: 'who', head: m.address, cell: (one) => <span className="tok">{senderOf(one)}</span> },
      { id: 'until', head: m.until, fold: 'end', named: true, cell: ({ until }) => f.short(until) },
      { id: 'since', head: m.since, fold: 'lo', sorted: 'descending', cell: ({ at }) => f.when(at) },
      { id: 'by', head: m.who, fold: 'lo', cell: ({ by }) => <Actor id={by} /> },
      { id: 'why', head: m.why, fold: 'm', wrap: true, cell: ({ reason }) => reason },
      ...(may
        ? [
            {
              id: 'lift',
              head: m.liftTitle,
              cell: (one: BanView) => (
                <button type="button" className="btn" onClick={() => setLifting(one)}>
                  {m.lift}
                </button>
              ),
            },
          ]
        : []),
    ],
    [m, f, may],
  )
  return (
    <>
      <List
        route={settingsRoutes.bans}
        sent={{ query: { limit: 50 } }}
        name="bans"
        caption={m.bans}
        columns={columns}
        idOf={({ id }) => id}
        none={{ title: m.noBans, lead: m.noBansLead }}
        every={30_000}
        tall
        {...(may ? { onAct: setLifting } : {})}
      />
      <ReasonDialog
        open={lifting !== undefined}
        onClose={() => setLifting(undefined)}
        title={m.liftTitle}
        note={lifting ? m.liftNote(senderOf(lifting)) : ''}
        act={m.liftAct}
        onAct={async (reason) => {
          await lift.mutateAsync({ params: { id: lifting!.id }, body: { reason } })
          say(m.lifted)
        }}
      />
    </>
  )
}

/** An IPv4 address alone is refused here already, with the reason; the server refuses it too. */
export function BanDialog({ open, onClose }: { readonly open: boolean; readonly onClose: () => void }) {
  const m = useWords(rateWords)
  const say = useToast()
  const ban = useAct(settingsRoutes.ban, ['gateway.bans'])
  return (
    <ReasonDialog
      open={open}
      onClose={onClose}
      title={m.banTitle}
      note={m.banNote}
      act={m.banAct}
      onAct={async (reason, form) => {
        const text = (name: string): string => String(form.get(name) ?? '').trim()
        const [address, port, account] = [text('address'), text('port'), text('account')]
        if (address === '' && account === '') throw new ApiError(400, { code: 'gateway/ban', detail: m.nobody })
        if (account === '' && port === '' && !address.includes(':'))
          throw new ApiError(400, { code: 'gateway/ipv4-alone', detail: m.ipv4Alone })
        const until = new Date(Date.now() + Number(form.get('hours')) * HOUR_MS).toISOString()
        const sender = {
          ...(address === '' ? {} : { address }),
          ...(port === '' ? {} : { port: Number(port) }),
          ...(account === '' ? {} : { account }),
        }
        await ban.mutateAsync({ body: { ban: { ...sender, until }, reason } })
        say(m.banned)
      }}
    >
      <Field label={m.address}>
        <input className="in mono" name="address" maxLength={49} spellCheck={false} autoComplete="off" />
      </Field>
      <Field label={m.port}>
        <input className="in" name="port" type="number" min={1} max={65_535} />
      </Field>
      <Field label={m.account} hint={m.accountHint}>
        <input
          className="in mono"
          name="account"
          maxLength={22}
          pattern="[A-Za-z0-9_\-]{22}"
          spellCheck={false}
          autoComplete="off"
        />
      </Field>
      <Choices name="hours" label={m.hours} first="24" of={Object.entries(m.hourChoices)} />
    </ReasonDialog>
  )
}
