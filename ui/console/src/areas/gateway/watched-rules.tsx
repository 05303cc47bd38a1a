import { Link } from '@tanstack/react-router'
import { useEffect, useMemo, useState } from 'react'
import { settingsRoutes } from '../../../../../src/gateway/settings/contract.ts'
import { tuningRoutes, type SuddenView } from '../../../../../src/gateway/tuning/contract.ts'
import { useAct, useCall, usePages } from '../../api.ts'
import { DataTable, type Column } from '../../components/data-table.tsx'
import { Shown } from '../../components/states.tsx'
import { useToast } from '../../components/toast.tsx'
import { useFormats, useWords } from '../../language.tsx'
import { useMay } from '../../shell/me.tsx'
import { tuningWords } from '../../words/tuning.ts'
import { Actor } from './change-list.tsx'
import { ReasonDialog } from './reason-dialog.tsx'

type Watched = { readonly site: string; readonly rule: number; readonly turned: SuddenView | undefined }

/** Every rule that only watches, on whichever site, and one way back for each; those that still wait for a decision stand above. */
export function WatchedRules() {
  const t = useWords(tuningWords)
  const may = useMay(settingsRoutes.unwatch)
  const [undoing, setUndoing] = useState<Watched>()
  const sudden = useCall(tuningRoutes.sudden, { query: { limit: 200 } }, { every: 10_000 })
  const sites = usePages(settingsRoutes.sites, { query: { limit: 200 } }, { every: 10_000 })
  // A thousand sites at most: all are needed, five pages.
  const { hasNextPage, isFetching, fetchNextPage } = sites
  useEffect(() => {
    if (hasNextPage && !isFetching) void fetchNextPage()
  }, [hasNextPage, isFetching, fetchNextPage])
  const rows = useMemo(() => {
    const turned = new Map(
      (sudden.data?.items ?? []).toReversed().map((one) => [`${one.rule} ${one.site}`, one] as const),
    )
    return (sites.data?.pages ?? [])
      .flatMap(({ items }) => items)
      .flatMap(({ name, watchedRules }) =>
        watchedRules.map((rule) => ({ site: name, rule, turned: turned.get(`${rule} ${name}`) })),
      )
      .filter((one) => one.turned?.state !== 'open')
  }, [sites.data, sudden.data])
  const columns = useColumns(may, setUndoing)
  return (
    <>
      <Shown of={sites}>
        {() =>
          rows.length === 0 ? (
            <p className="soft">{t.watchedNone}</p>
          ) : (
            <DataTable
              name="watched-rules"
              caption={t.watched}
              columns={columns}
              rows={rows}
              idOf={({ rule, site }) => `${rule} ${site}`}
              total={rows.length}
              tall
              {...(may ? { onAct: setUndoing } : {})}
            />
          )
        }
      </Shown>
      <UndoDialog of={undoing} onClose={() => setUndoing(undefined)} />
    </>
  )
}

function useColumns(may: boolean, onUndo: (one: Watched) => void): readonly Column<Watched>[] {
  const t = useWords(tuningWords)
  const f = useFormats()
  return useMemo(
    () => [
      {
        id: 'rule',
        head: t.rule,
        by: ({ rule }) => rule,
        cell: ({ rule, site }) => (
          <Link to="/protect/refusals" search={{ q: `rule:${rule} site:${site}` }}>
            <span className="tok">{rule}</span>
          </Link>
        ),
      },
      { id: 'site', head: t.site, fold: 'm', by: ({ site }) => site, cell: ({ site }) => site },
      {
        id: 'how',
        head: t.watchedHow,
        fold: 'm',
        wrap: true,
        cell: ({ turned }) =>
          turned?.state === 'accepted' ? (
            <>
              {t.watchedAlone(f.when(turned.at))} · <Actor id={turned.decidedBy} />: {turned.reason}
            </>
          ) : (
            t.watchedByHand
          ),
      },
      ...(may
        ? [
            {
              id: 'undo',
              head: t.restoreAct,
              fold: 'full' as const,
              cell: (one: Watched) => (
                <button type="button" className="btn" onClick={() => onUndo(one)}>
                  {t.restore} <span className="vh">{one.rule}</span>
                </button>
              ),
            },
          ]
        : []),
    ],
    [t, f, may, onUndo],
  )
}

function UndoDialog({ of, onClose }: { readonly of: Watched | undefined; readonly onClose: () => void }) {
  const t = useWords(tuningWords)
  const say = useToast()
  const undo = useAct(settingsRoutes.unwatch, ['gateway.'])
  return (
    <ReasonDialog
      open={of !== undefined}
      onClose={onClose}
      title={t.restoreTitle}
      note={of ? t.unwatchNote(String(of.rule), of.site) : ''}
      act={t.restoreAct}
      onAct={async (reason) => {
        await undo.mutateAsync({ params: { name: of!.site, rule: String(of!.rule) }, body: { reason } })
        say(t.unwatched)
      }}
    />
  )
}
