import { Link, useParams } from '@tanstack/react-router'
import { gatewayMessages } from '../../../../../src/gateway/messages.ts'
import { trafficRoutes, type DryRunResult, type DryRunView } from '../../../../../src/gateway/traffic/contract.ts'
import { useAct, useCall } from '../../api.ts'
import { Masked, Status } from '../../components/marks.tsx'
import { Facts, Head, Sec } from '../../components/page.tsx'
import { Shown } from '../../components/states.tsx'
import { useFormats, useSpeech, useWords } from '../../language.tsx'
import { useMay } from '../../shell/me.tsx'
import { protectWords } from '../../words/protect.ts'
import { tuningWords } from '../../words/tuning.ts'
import { RUN_SHAPE } from './dry-runs.tsx'

const ASK_MS = 1_000

/** One dry run: how far it is, then what would change. */
export function OneDryRun() {
  const t = useWords(tuningWords)
  const p = useWords(protectWords)
  const f = useFormats()
  const { language } = useSpeech()
  const { id } = useParams({ strict: false }) as { id: string }
  const one = useCall(trafficRoutes.dryRun, { params: { id } }, { every: ASK_MS })
  const may = useMay(trafficRoutes.cancelDryRun)
  const cancel = useAct(trafficRoutes.cancelDryRun, ['gateway.dry-run'])
  const run = one.data
  const busy = run?.state === 'waiting' || run?.state === 'running'
  return (
    <>
      <Head
        title={run ? `${t.dryRun}: ${run.site}` : t.dryRun}
        name={t.dryRun}
        crumb={[
          { to: '/protect', text: p.title },
          { to: '/protect/dry-runs', text: t.dryRuns },
        ]}
        meta={
          run ? (
            <>
              <Status shape={RUN_SHAPE[run.state]}>{gatewayMessages[language].dryRuns[run.state]}</Status>
              <span>{f.full(run.at)}</span>
            </>
          ) : null
        }
        acts={
          may && busy ? (
            <button type="button" className="btn" onClick={() => cancel.mutate({ params: { id }, body: {} })}>
              {t.cancel}
            </button>
          ) : undefined
        }
      />
      <Shown of={one}>{(data) => <Run of={data} />}</Shown>
    </>
  )
}

function Run({ of }: { readonly of: DryRunView }) {
  const t = useWords(tuningWords)
  const f = useFormats()
  const { candidate } = of
  const names = Object.keys(candidate) as (keyof typeof candidate)[]
  return (
    <>
      {of.state === 'running' || of.state === 'waiting' ? (
        <div className="load" role="status">
          <p>{t.progress(f.n(of.done), f.n(of.total))}</p>
          <progress max={Math.max(1, of.total)} value={of.done} aria-label={t.dryRun} />
        </div>
      ) : null}
      {of.problem === null ? null : (
        <p className="warnline" role="alert" lang="en">
          {of.problem}
        </p>
      )}
      <Sec title={t.candidate} lead={of.reason}>
        <Facts
          of={[
            [
              t.site,
              <Link key="s" to="/protect/sites/$id" params={{ id: of.site }}>
                {of.site}
              </Link>,
            ],
            ...names.map((name) => [t.candidates[name], <Tried key={name} text={String(candidate[name])} />] as const),
          ]}
        />
      </Sec>
      {of.result ? <Result of={of.result} /> : null}
    </>
  )
}
const Tried = ({ text }: { readonly text: string }) =>
  text.includes('\n') ? <pre className="text">{text}</pre> : <span className="tok">{text}</span>

function Result({ of }: { readonly of: DryRunResult }) {
  const t = useWords(tuningWords)
  const f = useFormats()
  return (
    <>
      <Sec title={t.result} lead={of.from && of.until ? t.span(f.short(of.from), f.short(of.until)) : undefined}>
        <p className="say">{t.resultSay(f.n(of.judged), f.n(of.before), f.n(of.after))}</p>
        <Facts
          of={[
            [t.more, f.n(of.more)],
            [t.fewer, f.n(of.fewer)],
          ]}
        />
        {of.unread > 0 ? <p className="warnline">{t.unread(f.n(of.unread))}</p> : null}
      </Sec>
      <Sec title={t.byRule}>
        {of.rules.length === 0 ? (
          <p className="soft">{t.noChange}</p>
        ) : (
          <div className="tw tall" tabIndex={0} role="region" aria-label={t.byRule}>
            <table className="t fold plain">
              <caption className="vh">{t.byRule}</caption>
              <thead>
                <tr>
                  <th scope="col">{t.rule}</th>
                  <th scope="col" className="num">
                    {t.beforeHits}
                  </th>
                  <th scope="col" className="num">
                    {t.afterHits}
                  </th>
                </tr>
              </thead>
              <tbody>
                {of.rules.map(({ rule, message, before, after }) => (
                  <tr key={rule}>
                    <th scope="row" className="full">
                      <span className="tok">{rule}</span>
                      <span className="sub" lang="en">
                        {message}
                      </span>
                    </th>
                    <td className="num m">{f.n(before)}</td>
                    <td className="num end">{f.n(after)}</td>
                  </tr>
                ))}
              </tbody>
            </table>
          </div>
        )}
      </Sec>
      <div className="two even">
        <Samples title={t.moreSample} of={of.samples.more} all={of.more} />
        <Samples title={t.fewerSample} of={of.samples.fewer} all={of.fewer} />
      </div>
    </>
  )
}

function Samples({
  title,
  of,
  all,
}: {
  readonly title: string
  readonly of: DryRunResult['samples']['more']
  readonly all: number
}) {
  const t = useWords(tuningWords)
  const f = useFormats()
  return (
    <Sec title={title} lead={f.n(all)}>
      {of.length === 0 ? (
        <p className="soft">{t.noSample}</p>
      ) : (
        <ul className="leads">
          {of.map((one, i) => (
            <li key={i}>
              {f.when(one.at)} <span className="tok">{`${one.method} ${one.path}`}</span>
              <ul>
                {one.hits.map((hit, n) => (
                  <li key={n}>
                    <span className="tok">{hit.rule}</span> <span className="tok">{hit.place}</span>{' '}
                    <Masked text={hit.masked} />
                  </li>
                ))}
              </ul>
            </li>
          ))}
        </ul>
      )}
    </Sec>
  )
}
