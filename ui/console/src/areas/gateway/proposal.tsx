import { Link } from '@tanstack/react-router'
import { useState } from 'react'
import type { RefusalView } from '../../../../../src/gateway/contract.ts'
import { tuningRoutes } from '../../../../../src/gateway/tuning/contract.ts'
import { useAct, useCall, type Got } from '../../api.ts'
import { Choices } from '../../components/dialog.tsx'
import { Masked } from '../../components/marks.tsx'
import { Sec } from '../../components/page.tsx'
import { ShareBar } from '../../components/share-bar.tsx'
import { Shown } from '../../components/states.tsx'
import { useToast } from '../../components/toast.tsx'
import { useFormats, useWords } from '../../language.tsx'
import { useMay } from '../../shell/me.tsx'
import { partWords } from '../../words/parts.ts'
import { tuningWords } from '../../words/tuning.ts'
import { AddedLines } from './diff-view.tsx'
import { ExclusionLine } from './exclusion-list.tsx'
import { ReasonDialog } from './reason-dialog.tsx'

type Of = Got<typeof tuningRoutes.proposal>

/** “This was legitimate”: what would be excluded, what else that lets through, and the button that does it. */
export function ProposalSection({ refusal, onClose }: { readonly refusal: RefusalView; readonly onClose: () => void }) {
  const t = useWords(tuningWords)
  const parts = useWords(partWords)
  const rule = refusal.matches[0]?.ruleId
  const known = useCall(
    tuningRoutes.exclusions,
    { query: { limit: 200, ...(refusal.site === null ? {} : { site: refusal.site }) } },
    { enabled: rule !== undefined },
  )
  const done = (known.data?.items ?? []).filter((one) => one.refusal === refusal.id)
  const proposal = useCall(
    tuningRoutes.proposal,
    { params: { id: refusal.id } },
    { enabled: known.isFetched && done.length === 0 },
  )
  return (
    <Sec
      title={t.legitTitle}
      lead={t.legitLead}
      right={
        <button type="button" className="btn bare" onClick={onClose}>
          {parts.cancel}
        </button>
      }
    >
      {done.length > 0 ? (
        <div className="once" role="status">
          <h2>{t.inForce}</h2>
          <ul className="leads">
            {done.map((one) => (
              <ExclusionLine key={one.id} of={one} />
            ))}
          </ul>
        </div>
      ) : (
        <Shown of={proposal} what={t.reading}>
          {(data) => <Proposed of={data} />}
        </Shown>
      )}
    </Sec>
  )
}

function Proposed({ of }: { readonly of: Of }) {
  const t = useWords(tuningWords)
  const f = useFormats()
  const [asking, setAsking] = useState(false)
  const may = useMay(tuningRoutes.exclude)
  return (
    <>
      <p className="say">
        {t.passes[of.passes]}
        {of.passes === 'unknown' ? '.' : `: ${t.left(f.n(of.score), f.n(of.left), f.n(of.threshold))}`}
      </p>
      <div className="tw" tabIndex={0} role="region" aria-label={t.legitTitle}>
        <table className="t fold plain">
          <caption className="vh">{t.legitTitle}</caption>
          <thead>
            <tr>
              <th scope="col">{t.noLook}</th>
              <th scope="col">{t.target}</th>
              <th scope="col">{t.onPath}</th>
            </tr>
          </thead>
          <tbody>
            {of.exclusions.map(({ rule, message, target, path }) => (
              <tr key={`${rule} ${target}`}>
                <th scope="row" className="full">
                  <span className="tok">{rule}</span>{' '}
                  <span className="sub" lang="en">
                    {message}
                  </span>
                </th>
                <td>{target === null ? t.wholeRule : <span className="tok">{target}</span>}</td>
                <td className="tok">{path}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      <details className="more-fields">
        <summary>{t.secLang}</summary>
        <AddedLines of={of.exclusions.map(({ secLang }) => secLang).join('\n')} label={t.secLang} />
      </details>
      <EffectView of={of.effect} />
      {may ? (
        <p className="acts-row">
          <button type="button" className="btn go" onClick={() => setAsking(true)}>
            {t.apply}
          </button>
        </p>
      ) : null}
      <ApplyDialog of={of} open={asking} onClose={() => setAsking(false)} />
    </>
  )
}

function ApplyDialog({ of, open, onClose }: { readonly of: Of; readonly open: boolean; readonly onClose: () => void }) {
  const t = useWords(tuningWords)
  const f = useFormats()
  const say = useToast()
  const exclude = useAct(tuningRoutes.exclude, ['gateway.'])
  return (
    <ReasonDialog
      open={open}
      onClose={onClose}
      title={t.applyTitle}
      note={t.applyNote}
      act={t.applyAct}
      onAct={async (reason, form) => {
        const days = Number(form.get('days'))
        const { version } = await exclude.mutateAsync({
          params: { id: of.refusal },
          body: { reason, version: of.version, ...(days > 0 ? { days } : {}) },
        })
        say(t.applied(f.n(version)))
      }}
    >
      <Choices name="days" label={t.ends} first="30" of={Object.entries(t.endDays)} />
    </ReasonDialog>
  )
}

/** Of the last days' refusals: how many would pass, and which. */
function EffectView({ of }: { readonly of: Of['effect'] }) {
  const t = useWords(tuningWords)
  const f = useFormats()
  const { through, refused, unknown, sample, clients } = of
  return (
    <>
      <h3>{t.effect}</h3>
      <p className="soft">{t.effectLead(f.n(of.looked), f.short(of.from))}</p>
      <ShareBar
        parts={[
          { key: 'through', count: through, label: `${f.n(through)} ${t.through}` },
          { key: 'refused', count: refused, label: `${f.n(refused)} ${t.refused}` },
          { key: 'unknown', count: unknown, label: `${f.n(unknown)} ${t.unknown}` },
        ]}
      />
      {sample.length === 0 ? (
        <p>{t.nothingElse}</p>
      ) : (
        <details className="more-fields" open={sample.length <= 5}>
          <summary>{`${t.sample}, ${t.senders(f.n(clients))}`}</summary>
          <p className="soft">{t.sampleLead}</p>
          <ul className="leads">
            {sample.map((one) => (
              <li key={one.id}>
                <Link to="/protect/refusals/$id" params={{ id: one.id }}>
                  {f.when(one.at)}
                </Link>{' '}
                <span className="tok">{one.clientAddress}</span> <span className="tok">{one.path}</span>{' '}
                <Masked text={one.masked} />
              </li>
            ))}
          </ul>
        </details>
      )}
    </>
  )
}
