import { Link } from '@tanstack/react-router'
import { useMemo, useState } from 'react'
import { tuningRoutes } from '../../../../../src/gateway/tuning/contract.ts'
import { useAct, type Got } from '../../api.ts'
import type { Column } from '../../components/data-table.tsx'
import { List } from '../../components/list.tsx'
import { useToast } from '../../components/toast.tsx'
import { useFormats, useWords } from '../../language.tsx'
import { useListState } from '../../search.ts'
import { useMay } from '../../shell/me.tsx'
import { tuningWords } from '../../words/tuning.ts'
import { Actor } from './change-list.tsx'
import { ReasonDialog } from './reason-dialog.tsx'

export type Exclusion = Got<typeof tuningRoutes.exclusions>['items'][number]

/** What is let pass, by whom, why, and how often it still matters; `e` takes the one in hand back. */
export function ExclusionList() {
  const t = useWords(tuningWords)
  const f = useFormats()
  const [{ site, rule }] = useListState()
  const [taking, setTaking] = useState<Exclusion>()
  const may = useMay(tuningRoutes.removeExclusion)
  const columns = useMemo(
    (): readonly Column<Exclusion>[] => [
      {
        id: 'rule',
        head: t.rule,
        cell: (one) => (
          <Link to="/protect/refusals" search={{ q: `rule:${one.rule}` }}>
            <span className="tok">{one.rule}</span>
          </Link>
        ),
      },
      {
        id: 'target',
        head: t.target,
        fold: 'm',
        wrap: true,
        cell: ({ target }) => (target === null ? t.wholeRule : <span className="tok">{target}</span>),
      },
      { id: 'path', head: t.onPath, fold: 'm', wrap: true, cell: ({ path }) => <span className="tok">{path}</span> },
      { id: 'site', head: t.site, fold: 'm', cell: (one) => one.site },
      { id: 'hits', head: t.hits, num: true, fold: 'end', cell: ({ applied }) => f.n(applied) },
      {
        id: 'since',
        head: t.since,
        fold: 'lo',
        sorted: 'descending',
        cell: ({ at }) => (at === null ? t.fromFile : f.when(at)),
      },
      { id: 'until', head: t.until, fold: 'lo', cell: ({ until }) => (until === null ? t.noEnd : f.date(until)) },
      { id: 'who', head: t.who, fold: 'lo', cell: ({ by }) => <Actor id={by} /> },
      {
        id: 'why',
        head: t.why,
        fold: 'full',
        wrap: true,
        cell: ({ at, reason, refusal }) => (
          <>
            {reason ?? (at === null ? t.fromFile : '–')}
            {refusal === null ? null : (
              <span className="sub">
                {t.fromRefusal}{' '}
                <Link to="/protect/refusals/$id" params={{ id: refusal }}>
                  <span className="tok">{refusal}</span>
                </Link>
              </span>
            )}
          </>
        ),
      },
      ...(may
        ? [
            {
              id: 'undo',
              head: t.undoTitle,
              cell: (one: Exclusion) => (
                <button type="button" className="btn" onClick={() => setTaking(one)}>
                  {t.undo}
                </button>
              ),
            },
          ]
        : []),
    ],
    [t, f, may],
  )
  return (
    <>
      <List
        route={tuningRoutes.exclusions}
        sent={{ query: { limit: 50, ...(site ? { site } : {}), ...(rule ? { rule } : {}) } }}
        name="exclusions"
        caption={t.exclusions}
        columns={columns}
        idOf={({ id }) => id}
        none={{ title: t.noExclusions, lead: t.noExclusionsLead }}
        every={30_000}
        tall
        {...(may ? { onAct: setTaking } : {})}
      />
      <TakeBackDialog of={taking} onClose={() => setTaking(undefined)} />
    </>
  )
}

/** One exclusion in a sentence, with its undo. */
export function ExclusionLine({ of }: { readonly of: Exclusion }) {
  const t = useWords(tuningWords)
  const [taking, setTaking] = useState<Exclusion>()
  const may = useMay(tuningRoutes.removeExclusion)
  return (
    <li>
      <span className="tok">{of.rule}</span> {t.target.toLowerCase()}{' '}
      {of.target === null ? t.wholeRule : <span className="tok">{of.target}</span>}, {t.onPath.toLowerCase()}{' '}
      <span className="tok">{of.path}</span>{' '}
      {may ? (
        <button type="button" className="btn" onClick={() => setTaking(of)}>
          {t.undo}
        </button>
      ) : null}
      <TakeBackDialog of={taking} onClose={() => setTaking(undefined)} />
    </li>
  )
}

function TakeBackDialog({ of, onClose }: { readonly of: Exclusion | undefined; readonly onClose: () => void }) {
  const t = useWords(tuningWords)
  const say = useToast()
  const remove = useAct(tuningRoutes.removeExclusion, ['gateway.'])
  return (
    <ReasonDialog
      open={of !== undefined}
      onClose={onClose}
      title={t.undoTitle}
      note={of ? t.undoNote(String(of.rule), of.target ?? t.wholeRule, of.path) : ''}
      act={t.undoAct}
      onAct={async (reason) => {
        await remove.mutateAsync({ params: { id: of!.id }, body: { reason } })
        say(t.undone)
      }}
    />
  )
}
