import { Link } from '@tanstack/react-router'
import { useMemo } from 'react'
import { auditRoutes, type ActView } from '../../../../src/audit/contract.ts'
import { vaultRoutes } from '../../../../src/vault/contract.ts'
import type { Column } from '../components/data-table.tsx'
import { List } from '../components/list.tsx'
import { Leaf } from '../components/marks.tsx'
import { useFormats, useWords } from '../language.tsx'
import { usePurposes } from '../purpose-names.ts'
import { useMay } from '../shell/me.tsx'
import { evidenceWords } from '../words/evidence.ts'
import { FactLine, Result, useTeller } from './facts.tsx'

/** An id is cut in the middle where many stand below each other; its own page has it whole. */
export const brief = (id: string): string =>
  id.length <= 20 ? id : `${id.slice(0, id.indexOf('_') + 1)}…${id.slice(-6)}`

/** A person's token leads to their page for those who may see it, else to the acts about them. */
function Whose({ subject }: { readonly subject: string }) {
  const token = <span className="tok">{subject}</span>
  return useMay(vaultRoutes.person) ? (
    <Link to="/people/$id" params={{ id: subject }}>
      {token}
    </Link>
  ) : (
    <Link to="/evidence" search={{ q: `subject:${subject}` }}>
      {token}
    </Link>
  )
}

type Wish = {
  readonly kind?: string | undefined
  readonly actor?: string | undefined
  readonly subject?: string | undefined
  readonly limit?: number
}
/** Acts of the log, newest first. */
type Props = {
  readonly wish: Wish
  readonly name: string
  readonly none?: { readonly title: string; readonly lead: string }
}
export function ActList({ wish, name, none }: Props) {
  const m = useWords(evidenceWords)
  const f = useFormats()
  const tell = useTeller()
  const titleOf = usePurposes()
  const columns = useMemo(
    (): readonly Column<ActView>[] => [
      {
        id: 'at',
        head: m.time,
        sorted: 'descending',
        cell: ({ id, at }) => (
          <Link to="/evidence/$id" params={{ id }}>
            {f.when(at)}
          </Link>
        ),
      },
      {
        id: 'leaf',
        head: m.leaf,
        fold: 'end',
        cell: ({ index }) => (index === null ? m.pending : <Leaf index={index} />),
      },
      {
        id: 'kind',
        head: m.kind,
        fold: 'full',
        cell: ({ kind }) => tell.kind(kind),
      },
      { id: 'code', head: m.code, fold: 'lo', off: true, cell: ({ kind }) => <span className="tok">{kind}</span> },
      {
        id: 'actor',
        head: m.actor,
        cell: ({ actor }) => tell.actor(actor) ?? <span className="tok">{brief(actor)}</span>,
      },
      {
        id: 'subject',
        head: m.subject,
        fold: 'lo',
        cell: ({ subject }) => (subject === null ? '' : <Whose subject={subject} />),
      },
      {
        id: 'purpose',
        head: m.purpose,
        wrap: true,
        fold: 'lo',
        cell: ({ purpose }) => (purpose === null ? '' : (titleOf(purpose) ?? <span className="tok">{purpose}</span>)),
      },
      {
        id: 'reason',
        head: m.reason,
        fold: 'lo',
        off: true,
        cell: ({ reason }) => <span className="tok">{reason}</span>,
      },
      { id: 'result', head: m.result, wrap: true, cell: (act) => <Result of={act} /> },
      {
        id: 'facts',
        head: m.facts,
        fold: 'm',
        cell: (act) => <FactLine of={act} tell={tell} />,
      },
    ],
    [m, f, tell, titleOf],
  )
  return (
    <List
      route={auditRoutes.list}
      sent={{ query: { limit: 50, ...wish } as never }}
      name={name}
      caption={m.title}
      columns={columns}
      idOf={({ id }: ActView) => id}
      pageOf={({ id }) => `/evidence/${id}`}
      none={none ?? { title: m.noneTitle, lead: m.none }}
      every={15_000}
    />
  )
}
