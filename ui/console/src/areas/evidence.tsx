import { Link, useParams } from '@tanstack/react-router'
import { Fragment, useState } from 'react'
import { auditRoutes } from '../../../../src/audit/contract.ts'
import { useCall, type Got } from '../api.ts'
import { download } from '../components/download.ts'
import { Status } from '../components/marks.tsx'
import { Facts, Head, Sec } from '../components/page.tsx'
import { Proof } from '../components/proof.tsx'
import { checkProof, type ProofVerdict } from '../components/proof-check.ts'
import { QueryBar, valuesOf, type QueryField } from '../components/query-bar.tsx'
import { Shown } from '../components/states.tsx'
import { useFormats, useSpeech, useWords } from '../language.tsx'
import { usePurposes } from '../purpose-names.ts'
import { useListState } from '../search.ts'
import { useMe } from '../shell/me.tsx'
import { actWords } from '../words/acts.ts'
import { evidenceWords } from '../words/evidence.ts'
import { ActList } from './act-list.tsx'
import { Result, useTeller } from './facts.tsx'

const FIELDS: readonly QueryField[] = [
  { name: 'kind', vi: 'viec' },
  { name: 'actor', vi: 'ai' },
  { name: 'subject', vi: 'nguoi' },
]

export function Evidence() {
  const m = useWords(evidenceWords)
  const f = useFormats()
  const { language } = useSpeech()
  const { log } = useMe()
  const [{ q = '' }, change] = useListState()
  const asked = valuesOf(q)
  return (
    <>
      <Head
        title={m.title}
        name={m.title}
        meta={
          <>
            {log ? <span>{m.head(f.n(log.leaves), f.full(log.signedAt))}</span> : null}
            <span>{m.lead}</span>
          </>
        }
      />
      <QueryBar
        value={q}
        onChange={(next) => change({ q: next })}
        fields={FIELDS}
        example={language === 'vi' ? 'viec:vault.read' : 'kind:vault.read'}
      />
      <ActList name="acts" wish={{ kind: asked['kind'], actor: asked['actor'], subject: asked['subject'] }} />
    </>
  )
}

export function OneAct() {
  const m = useWords(evidenceWords)
  const f = useFormats()
  const { id } = useParams({ strict: false }) as { id: string }
  const one = useCall(auditRoutes.proof, { params: { id } })
  const act = one.data?.act
  const acts: Readonly<Record<string, string>> = useWords(actWords).acts
  const name = act ? (acts[act.kind] ?? act.kind) : m.act
  return (
    <>
      <Head
        title={capital(name)}
        name={name}
        crumb={[{ to: '/evidence', text: m.title }]}
        meta={
          act ? (
            <>
              <span>{f.full(act.at)}</span>
              <Result of={act} />
            </>
          ) : null
        }
      />
      <Shown of={one}>{(data) => <ActPage of={data} />}</Shown>
    </>
  )
}

const capital = (word: React.ReactNode): React.ReactNode =>
  typeof word === 'string' ? `${word.slice(0, 1).toUpperCase()}${word.slice(1)}` : word

function ActPage({ of: { act, proof, vkey } }: { readonly of: Got<typeof auditRoutes.proof> }) {
  const m = useWords(evidenceWords)
  const f = useFormats()
  const tell = useTeller()
  const titleOf = usePurposes()
  const [verdict, setVerdict] = useState<ProofVerdict | 'busy' | 'broken'>()
  async function verify(): Promise<void> {
    setVerdict('busy')
    setVerdict(await checkProof(proof, vkey, act.id).catch(() => 'broken' as const))
  }
  const checked = typeof verdict === 'object' ? verdict : undefined
  const good = checked ? checked.fits && checked.sameRecord && checked.signed !== false : false
  return (
    <div className="two even">
      <Sec title={m.record}>
        <Facts
          of={[
            [
              m.kind,
              <Link key="k" to="/evidence" search={{ q: `kind:${act.kind}` }}>
                <span className="tok">{act.kind}</span>
              </Link>,
            ],
            [m.leaf, act.index === null ? m.pending : f.n(act.index)],
            [
              m.actor,
              <Link key="a" to="/evidence" search={{ q: `actor:${act.actor}` }}>
                {tell.actor(act.actor)} <span className="tok">{act.actor}</span>
              </Link>,
            ],
            act.subject !== null && [
              m.subject,
              <Link key="s" to="/evidence" search={{ q: `subject:${act.subject}` }}>
                <span className="tok">{act.subject}</span>
              </Link>,
            ],
            act.purpose !== null && [
              m.purpose,
              <Fragment key="p">
                {titleOf(act.purpose)} <span className="tok">{act.purpose}</span>
              </Fragment>,
            ],
            act.reason !== null && [
              m.reason,
              <span key="r" className="tok">
                {act.reason}
              </span>,
            ],
            ...Object.entries(act.facts).map(([key, value]): [React.ReactNode, React.ReactNode] => [
              capital(tell.label(key)),
              tell.value(key, value),
            ]),
          ]}
        />
      </Sec>
      <Sec title={m.proof} lead={m.proofLead}>
        {checked ? (
          <Proof
            of={checked}
            rootWord={m.root}
            said={m.path(f.n(checked.index), f.n(checked.size), f.n(checked.steps.length))}
          />
        ) : null}
        <div aria-live="polite">
          {verdict === 'broken' ? <Status shape="bad">{m.fails}</Status> : null}
          {checked ? (
            <Facts
              of={[
                [
                  m.verdict,
                  good ? (
                    <Status key="v" shape="ok">
                      {m.fits(f.n(checked.hashes), f.n(Math.max(1, Math.round(checked.ms))))}
                    </Status>
                  ) : (
                    <span key="f" className="st bad wraps">
                      {m.fails}
                    </span>
                  ),
                ],
                [
                  m.rootOf,
                  <>
                    {m.rootText(f.n(checked.size))} <span className="tok">{checked.root}</span>
                  </>,
                ],
                [
                  m.signature,
                  checked.signed === null ? (
                    m.unknownSignature
                  ) : (
                    <Status key="s" shape={checked.signed ? 'ok' : 'bad'}>
                      {checked.signed ? m.signed : m.badSignature}
                    </Status>
                  ),
                ],
                checked.sameRecord && [
                  m.recordSame,
                  <Status key="r" shape="ok">
                    {m.recordText}
                  </Status>,
                ],
                [m.offline, <code key="o">{m.offlineText}</code>],
              ]}
            />
          ) : null}
        </div>
        <p className="acts-row">
          <button type="button" className="btn go" disabled={verdict === 'busy'} onClick={() => void verify()}>
            {checked ? m.verifyAgain : m.verify}
          </button>
          <button type="button" className="btn" onClick={() => download(`${act.id}.tlog-proof`, proof)}>
            {m.download}
          </button>
        </p>
      </Sec>
    </div>
  )
}
