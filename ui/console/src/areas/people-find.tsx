import { useNavigate } from '@tanstack/react-router'
import type { FormEvent } from 'react'
import { vaultRoutes } from '../../../../src/vault/contract.ts'
import { useCall } from '../api.ts'
import { Field } from '../components/dialog.tsx'
import { Facts, Head, Sec } from '../components/page.tsx'
import { Empty, Shown } from '../components/states.tsx'
import { useNames } from '../field-names.ts'
import { useFormats, useWords } from '../language.tsx'
import { useMay } from '../shell/me.tsx'
import { peopleWords } from '../words/people.ts'
import { personWords } from '../words/person.ts'

/** The way to one person by token; with it what the vault holds, as counts. */
export function Find() {
  const m = useWords(personWords)
  const p = useWords(peopleWords)
  const navigate = useNavigate()
  const mayCount = useMay(vaultRoutes.figures)
  function go(event: FormEvent<HTMLFormElement>): void {
    event.preventDefault()
    const token = String(new FormData(event.currentTarget).get('token')).trim().toUpperCase()
    void navigate({ to: '/people/$id', params: { id: token } })
  }
  return (
    <>
      <Head title={m.find} name={m.find} crumb={[{ to: '/people', text: p.title }]} meta={<span>{m.findLead}</span>} />
      <form className="find-one" onSubmit={go}>
        <Field label={m.token}>
          <input
            className="in mono token"
            name="token"
            required
            placeholder="7Q4K-2MXB-9D0R-HT5W"
            pattern="\s*[0-9A-Za-z]{4}(?:-[0-9A-Za-z]{4}){3}\s*"
            maxLength={24}
            spellCheck={false}
            autoComplete="off"
          />
        </Field>
        <button className="btn go">{m.open}</button>
      </form>
      {mayCount ? <Holdings /> : null}
    </>
  )
}

/** Counts of the vault by collection. */
export function Holdings() {
  const m = useWords(personWords)
  const f = useFormats()
  const names = useNames()
  const figures = useCall(vaultRoutes.figures, {}, { every: 60_000 })
  const of = figures.data
  return (
    <Sec
      title={m.collections}
      lead={
        of
          ? `${f.n(of.people)} ${m.people.toLowerCase()}, ${m.peopleThan(f.n(of.values))}, ${m.collectionsLead(f.hm(of.at))}`
          : undefined
      }
    >
      <Shown of={figures}>
        {({ collections }) =>
          collections.length === 0 ? (
            <Empty title={m.none}>{m.noneLead}</Empty>
          ) : (
            <Facts
              of={collections.map(({ collection, people, values }) => [
                names.collection(collection),
                m.holding(f.n(people), f.n(values)),
              ])}
            />
          )
        }
      </Shown>
    </Sec>
  )
}
