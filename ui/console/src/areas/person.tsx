import { useQueryClient } from '@tanstack/react-query'
import { Link, useParams } from '@tanstack/react-router'
import { useState } from 'react'
import { auditRoutes } from '../../../../src/audit/contract.ts'
import { vaultRoutes } from '../../../../src/vault/contract.ts'
import { useCall } from '../api.ts'
import { useNow } from '../components/clock.tsx'
import { Icon } from '../components/icon.tsx'
import { ClassChip, Masked } from '../components/marks.tsx'
import { Head, Sec } from '../components/page.tsx'
import { Shown } from '../components/states.tsx'
import { Timeline } from '../components/timeline.tsx'
import { useNames } from '../field-names.ts'
import { useFormats, useSpeech, useWords } from '../language.tsx'
import { useMay } from '../shell/me.tsx'
import { peopleWords } from '../words/people.ts'
import { personWords } from '../words/person.ts'
import { Erase, Erased, type Gone } from './erase.tsx'
import { observedCode, Result, useTeller } from './facts.tsx'
import { opening, RevealDialog, type Held, type Person } from './reveal.tsx'

/** How long a value stays on the screen. */
const SHOWN_MS = 5 * 60_000
const LATEST = 60
type Open = { readonly value: string | null; readonly until: number }
const placeOf = ({ collection, record, field }: Held): string => `${collection} ${record} ${field}`

/** One person: what is held, on what it may be read, who has read it. */
export function OnePerson() {
  const m = useWords(personWords)
  const p = useWords(peopleWords)
  const f = useFormats()
  const { id } = useParams({ strict: false }) as { id: string }
  const [gone, setGone] = useState<Gone>()
  const one = useCall(vaultRoutes.person, { params: { subject: id } }, { every: 30_000, enabled: gone === undefined })
  const maySeeLog = useMay(auditRoutes.list)
  const mayShred = useMay(vaultRoutes.shred)
  // Values live here and nowhere else: not in a cache, not in the address, gone with the page.
  const [open, setOpen] = useState<Readonly<Record<string, Open>>>({})
  const now = useNow(1_000)
  const live = Object.fromEntries(Object.entries(open).filter(([, { until }]) => until > now))
  const shown = Object.keys(live).length
  const of = one.data
  return (
    <>
      <Head
        title={
          <>
            {m.person} <span className="tok">{id}</span>
          </>
        }
        name={`${m.person} ${id}`}
        crumb={[
          { to: '/people', text: p.title },
          { to: '/people/find', text: m.find },
        ]}
        meta={
          of && !gone ? (
            <>
              <span>{m.since(f.date(of.since))}</span>
              <span>
                {m.counts(f.n(of.held.length), f.n(of.held.filter((held) => held.class === 'sensitive').length))}
              </span>
              <span aria-live="polite">{shown === 0 ? m.covered : m.shownNow(f.n(shown))}</span>
            </>
          ) : null
        }
      />
      {gone ? <Erased gone={gone} /> : null}
      <Shown of={one}>
        {(data) =>
          gone ? null : (
            <div className="two">
              <div>
                <Fields
                  of={data}
                  open={live}
                  now={now}
                  onShow={(held, value) =>
                    setOpen({ ...live, [placeOf(held)]: { value, until: Date.now() + SHOWN_MS } })
                  }
                  onHide={(held) =>
                    setOpen(Object.fromEntries(Object.entries(live).filter(([place]) => place !== placeOf(held))))
                  }
                />
                <Grounds of={data} />
                {mayShred ? <Erase of={data} onGone={setGone} /> : null}
              </div>
              {maySeeLog ? <Acts of={data} /> : null}
            </div>
          )
        }
      </Shown>
    </>
  )
}

function Fields({
  of,
  open,
  now,
  onShow,
  onHide,
}: {
  readonly of: Person
  readonly open: Readonly<Record<string, Open>>
  readonly now: number
  readonly onShow: (held: Held, value: string | null) => void
  readonly onHide: (held: Held) => void
}) {
  const m = useWords(personWords)
  const f = useFormats()
  const client = useQueryClient()
  const mayShow = useMay(vaultRoutes.reveal)
  const [asking, setAsking] = useState<Held>()
  const names = useNames()
  const nameOf = ({ collection, field }: Held): string => names.field(`${collection}.${field}`)
  return (
    <Sec title={m.data} lead={m.dataLead}>
      <div className="tw" tabIndex={0} role="region" aria-label={m.data}>
        <table className="t fold plain">
          <caption className="vh">{m.data}</caption>
          <thead>
            <tr>
              <th scope="col">{m.field}</th>
              <th scope="col">{m.value}</th>
              <th scope="col">{m.class}</th>
              <th scope="col">{m.record}</th>
              <th scope="col">{m.kept}</th>
              <th scope="col">
                <span className="vh">{m.act}</span>
              </th>
            </tr>
          </thead>
          <tbody>
            {of.held.map((held) => {
              const shown = open[placeOf(held)]
              return (
                <tr key={placeOf(held)}>
                  <th scope="row">{nameOf(held)}</th>
                  <td className="full">
                    {shown ? (
                      <span className="revealed" data-value>
                        <b>{shown.value ?? m.empty}</b>{' '}
                        <small className="soft">{m.hides(f.span(shown.until - now))}</small>
                      </span>
                    ) : (
                      <Masked text="••••••••••" />
                    )}
                  </td>
                  <td>
                    <ClassChip sensitive={held.class === 'sensitive'} />
                  </td>
                  <td className={held.record === '-' ? 'lo' : 'm'}>
                    {held.record === '-' ? '' : <span className="tok">{held.record}</span>}
                  </td>
                  <td className="lo nw">{f.when(held.at)}</td>
                  <td className="end num">
                    {shown ? (
                      <button type="button" className="btn bare" onClick={() => onHide(held)}>
                        {m.hide}
                      </button>
                    ) : held.writeOnly ? (
                      <span className="soft">{m.never}</span>
                    ) : !mayShow || opening(of, held).length === 0 ? (
                      <span className="soft">{m.locked}</span>
                    ) : (
                      <button
                        type="button"
                        className="btn bare"
                        aria-label={m.showField(nameOf(held))}
                        onClick={() => setAsking(held)}
                      >
                        <Icon name="eye" />
                        {m.show}
                      </button>
                    )}
                  </td>
                </tr>
              )
            })}
          </tbody>
        </table>
      </div>
      {of.more ? <p className="soft">{m.more}</p> : null}
      {of.messages.open + of.messages.sealed === 0 ? null : (
        <p className="soft">{m.messages(f.n(of.messages.open), f.n(of.messages.sealed))}</p>
      )}
      <RevealDialog
        of={of}
        held={asking}
        name={asking ? nameOf(asking) : ''}
        onClose={() => setAsking(undefined)}
        onShown={(held, value) => {
          onShow(held, value)
          void client.invalidateQueries({ predicate: ({ queryKey }) => String(queryKey[0]).startsWith('audit.') })
        }}
      />
    </Sec>
  )
}

function Grounds({ of }: { readonly of: Person }) {
  const m = useWords(personWords)
  const f = useFormats()
  const { language } = useSpeech()
  return (
    <Sec title={m.purposes}>
      <div className="tw" tabIndex={0} role="region" aria-label={m.purposes}>
        <table className="t fold plain">
          <caption className="vh">{m.purposes}</caption>
          <thead>
            <tr>
              <th scope="col">{m.purpose}</th>
              <th scope="col">{m.ground}</th>
              <th scope="col">{m.state}</th>
            </tr>
          </thead>
          <tbody>
            {of.purposes.map((one) => {
              const consent = of.consents
                .filter(({ purpose }) => purpose === one.purpose)
                .toSorted((a, b) => b.givenAt.localeCompare(a.givenAt))[0]
              const fields = one.opens.reduce((sum, { fields }) => sum + fields.length, 0)
              return (
                <tr key={one.purpose}>
                  <th scope="row" className="full">
                    {one.title[language]}
                  </th>
                  <td>
                    {m.grounds[one.ground]}
                    {consent ? (
                      <span className="sub">
                        {m.given(f.n(consent.version), f.date(consent.givenAt))}
                        {consent.withdrawnAt === null ? '' : `, ${m.withdrawn(f.short(consent.withdrawnAt))}`}
                      </span>
                    ) : null}
                  </td>
                  <td>
                    <span className={`st wraps ${one.why === null ? 'ok' : 'stop'}`}>
                      {one.why === null ? m.opens(f.n(fields)) : (m.why[one.why] ?? one.why)}
                    </span>
                  </td>
                </tr>
              )
            })}
          </tbody>
        </table>
      </div>
      {of.agreements.length > 0 ? (
        <>
          <h3>{m.agreements}</h3>
          <ul className="leads">
            {of.agreements.map(({ kind, ref, openedAt }) => (
              <li key={`${kind} ${ref}`}>
                <span className="tok">{m.agreementOf(kind, ref)}</span> <span className="soft">{f.when(openedAt)}</span>
              </li>
            ))}
          </ul>
        </>
      ) : null}
    </Sec>
  )
}

/** Every act about this person, with the leaf that proves it. */
function Acts({ of: { subject, purposes } }: { readonly of: Person }) {
  const { language } = useSpeech()
  const tell = useTeller()
  const titles = new Map(purposes.map(({ purpose, title }) => [purpose, title[language]]))
  const m = useWords(personWords)
  const acts = useCall(auditRoutes.list, { query: { subject, limit: LATEST } }, { every: 15_000 })
  return (
    <Sec
      title={m.reads}
      right={
        <Link to="/evidence" search={{ q: `subject:${subject}` }}>
          {m.all}
        </Link>
      }
    >
      <Shown of={acts}>
        {({ items }) =>
          items.length === 0 ? (
            <p className="soft">{m.readsNone}</p>
          ) : (
            <Timeline
              of={items.map((act) => ({
                key: act.id,
                at: act.at,
                who:
                  act.result === 'refused' || observedCode(act) !== undefined
                    ? 'no'
                    : act.actor.startsWith('staff:')
                      ? 'me'
                      : act.actor.startsWith('person:')
                        ? 'plt'
                        : 'sys',
                what: (
                  <>
                    {tell.actor(act.actor) ?? m.actors[act.actor.split(':')[0]!] ?? act.actor}{' '}
                    <Link to="/evidence/$id" params={{ id: act.id }}>
                      <b>{tell.kind(act.kind)}</b>
                    </Link>{' '}
                    {act.result === 'refused' || observedCode(act) !== undefined ? <Result of={act} /> : null}
                  </>
                ),
                more: (
                  <>
                    {typeof act.facts['fields'] === 'string' ? tell.value('fields', act.facts['fields']) : ''}
                    {typeof act.facts['fields'] === 'string' && act.purpose !== null ? '; ' : ''}
                    {act.purpose === null ? '' : (titles.get(act.purpose) ?? act.purpose)}
                    {act.reason === null ? null : (
                      <>
                        ; <span className="tok">{act.reason}</span>
                      </>
                    )}
                  </>
                ),
                leaf: act.index,
              }))}
            />
          )
        }
      </Shown>
    </Sec>
  )
}
