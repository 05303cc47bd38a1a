import { useState } from 'react'
import { gatewayRoutes } from '../../../../../src/gateway/contract.ts'
import { tuningRoutes } from '../../../../../src/gateway/tuning/contract.ts'
import { useAct, useCall, type Got } from '../../api.ts'
import type { Need } from '../../components/needs-now.tsx'
import { Status } from '../../components/marks.tsx'
import { useToast } from '../../components/toast.tsx'
import { useFormats, useWords } from '../../language.tsx'
import { useMay } from '../../shell/me.tsx'
import { tuningWords } from '../../words/tuning.ts'
import { gatewayMessages } from '../../../../../src/gateway/messages.ts'
import { useSpeech } from '../../language.tsx'
import { useFamily } from '../refusal-list.tsx'
import { Actor } from './change-list.tsx'
import { ReasonDialog } from './reason-dialog.tsx'

type Sudden = Got<typeof tuningRoutes.sudden>['items'][number]
const OPEN = { query: { state: 'open', limit: 20 } } as const

/** Rules that stopped refusing by themselves wait for a person: on top of the area. */
export function useSuddenNeeds(): readonly Need[] {
  const t = useWords(tuningWords)
  const may = useMay(tuningRoutes.acceptSudden)
  const open = useCall(tuningRoutes.sudden, OPEN, { enabled: useMay(tuningRoutes.sudden), every: 10_000 })
  return (open.data?.items ?? []).map((one) => ({
    key: one.id,
    deadline: null,
    what: t.suddenWhat(String(one.rule), one.site),
    more: <Cause of={one} />,
    to: '/protect/refusals',
    search: { q: `rule:${one.rule} site:${one.site}` },
    act: t.suddenSee,
    ...(may ? { acts: <SuddenActs of={one} /> } : {}),
  }))
}

/** When, how many it stopped, and what the rule itself is called. */
function Cause({ of }: { readonly of: Sudden }) {
  const t = useWords(tuningWords)
  const f = useFormats()
  const family = useFamily()
  // What kind of attack the rule is about is told with the figures of the day.
  const day = useCall(gatewayRoutes.figures, {}, { enabled: useMay(gatewayRoutes.figures) })
  const tags = day.data?.rules.find(({ rule }) => rule === of.rule)?.tags
  return (
    <>
      {t.suddenMore(f.n(of.clients), f.n(of.before), f.when(of.at))}{' '}
      {tags === undefined ? '' : `${family({ tags, message: of.message })}: `}
      <q lang="en">{of.message}</q>
    </>
  )
}

/** Both ways out of it, each with a reason. */
function SuddenActs({ of }: { readonly of: Sudden }) {
  const t = useWords(tuningWords)
  const [act, setAct] = useState<'accept' | 'restore'>()
  return (
    <>
      <button type="button" className="btn" onClick={() => setAct('accept')}>
        {t.accept}
      </button>
      <button type="button" className="btn" onClick={() => setAct('restore')}>
        {t.restore}
      </button>
      <DecideDialog one={of} act={act} onClose={() => setAct(undefined)} />
    </>
  )
}

/** Those that wait, with both ways out; those decided below, folded. */
export function SuddenList() {
  const t = useWords(tuningWords)
  const f = useFormats()
  const { language } = useSpeech()
  const may = useMay(tuningRoutes.acceptSudden)
  const all = useCall(tuningRoutes.sudden, { query: { limit: 50 } }, { every: 10_000 })
  const items = all.data?.items ?? []
  const open = items.filter(({ state }) => state === 'open')
  const decided = items.filter(({ state }) => state !== 'open')
  return (
    <>
      {open.length === 0 ? <p className="soft">{t.suddenNone}</p> : null}
      <ul className="due flat">
        {open.map((one) => (
          <li key={one.id}>
            <div className="what">
              <b>{t.suddenWhat(String(one.rule), one.site)}</b>
              <p>
                <Cause of={one} />
              </p>
            </div>
            {may ? (
              <div className="acts-row">
                <SuddenActs of={one} />
              </div>
            ) : null}
          </li>
        ))}
      </ul>
      {decided.length === 0 ? null : (
        <ul className="leads">
          {decided.map((one) => (
            <li key={one.id}>
              <Status shape="ok">{gatewayMessages[language].states[one.state]}</Status> {f.when(one.at)}{' '}
              <span className="tok">{one.rule}</span> {one.site} · <Actor id={one.decidedBy} />
              {one.reason === null ? '' : `: ${one.reason}`}
            </li>
          ))}
        </ul>
      )}
    </>
  )
}

function DecideDialog({
  one,
  act,
  onClose,
}: {
  readonly one: Sudden
  readonly act: 'accept' | 'restore' | undefined
  readonly onClose: () => void
}) {
  const t = useWords(tuningWords)
  const say = useToast()
  const accept = useAct(tuningRoutes.acceptSudden, ['gateway.'])
  const restore = useAct(tuningRoutes.restoreSudden, ['gateway.'])
  const leave = act === 'accept'
  return (
    <ReasonDialog
      open={act !== undefined}
      onClose={onClose}
      title={leave ? t.acceptTitle : t.restoreTitle}
      note={leave ? t.acceptNote : t.restoreNote}
      act={leave ? t.acceptAct : t.restoreAct}
      onAct={async (reason) => {
        await (leave ? accept : restore).mutateAsync({ params: { id: one.id }, body: { reason } })
        say(t.decided)
      }}
    />
  )
}
