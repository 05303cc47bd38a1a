import { Link } from '@tanstack/react-router'
import type { RefusalView } from '../../../../../src/gateway/contract.ts'
import { Masked } from '../../components/marks.tsx'
import { Facts, Sec } from '../../components/page.tsx'
import { useFormats, useWords } from '../../language.tsx'
import { protectWords } from '../../words/protect.ts'
import { tuningWords } from '../../words/tuning.ts'
import { useFamily } from '../refusal-list.tsx'

/** Why it was refused, in one sentence, then the score and who asked for what. */
export function WhySection({ refusal }: { readonly refusal: RefusalView }) {
  const m = useWords(protectWords)
  const t = useWords(tuningWords)
  const f = useFormats()
  const first = refusal.matches[0]
  const say = refusal.mode === 'detect' ? m.sentenceDetect : m.sentence
  return (
    <Sec title={m.why}>
      <p className="say">{say(f.n(refusal.matches.length), f.n(refusal.score), f.n(refusal.threshold))}</p>
      <ScoreBar score={refusal.score} threshold={refusal.threshold} />
      {first ? (
        <p className="match" tabIndex={0} role="region" aria-label={m.match}>
          {refusal.method} {refusal.path} {'\u00a0'} {first.place} = <Masked text={first.masked} />
        </p>
      ) : null}
      <Facts
        of={[
          refusal.site !== null && [
            t.site,
            <Link key="t" to="/protect/refusals" search={{ q: `site:${refusal.site}` }}>
              {refusal.site}
            </Link>,
          ],
          refusal.route !== null && [
            t.route,
            <span key="r" className="tok">
              {refusal.route}
            </span>,
          ],
          [
            m.host,
            <span key="h" className="tok">
              {refusal.host}
            </span>,
          ],
          [
            m.source,
            <Link key="s" to="/protect/refusals" search={{ q: `source:${refusal.clientAddress}` }}>
              <span className="tok">{`${refusal.clientAddress}:${refusal.clientPort}`}</span>
            </Link>,
          ],
          [
            m.answer,
            refusal.mode === 'detect'
              ? m.answerWatched(String(refusal.status))
              : m.answerCode(String(refusal.status), refusal.id),
          ],
          [m.notKept, m.notKeptWhat],
        ]}
      />
    </Sec>
  )
}

/** How far over the threshold; the same in words. */
export function ScoreBar({ score, threshold }: { readonly score: number; readonly threshold: number }) {
  const t = useWords(tuningWords)
  const f = useFormats()
  const whole = Math.max(score, threshold, 1)
  return (
    <div className="score">
      <svg viewBox="0 0 100 8" preserveAspectRatio="none" aria-hidden="true">
        <rect className="score-all" width="100" height="8" />
        <rect className="score-of" width={(100 * Math.max(0, score)) / whole} height="8" />
        <rect className="score-at" x={Math.min(99.4, (100 * threshold) / whole - 0.3)} width="0.6" height="8" />
      </svg>
      <span>{t.score(f.n(score), f.n(threshold))}</span>
    </div>
  )
}

export function MatchTable({ refusal }: { readonly refusal: RefusalView }) {
  const m = useWords(protectWords)
  const t = useWords(tuningWords)
  const f = useFormats()
  const family = useFamily()
  const shown = new Set(refusal.matches.map(({ ruleId }) => ruleId))
  const others = [...new Set(refusal.ruleIds)].filter((id) => !shown.has(id))
  return (
    <Sec title={m.matched} lead={f.n(refusal.matches.length)}>
      <div className="tw" tabIndex={0} role="region" aria-label={m.matched}>
        <table className="t fold plain">
          <caption className="vh">{m.matched}</caption>
          <thead>
            <tr>
              <th scope="col">{m.rule}</th>
              <th scope="col">{m.place}</th>
              <th scope="col">{m.match}</th>
              <th scope="col">{t.file}</th>
              <th scope="col" className="num">
                {m.score}
              </th>
            </tr>
          </thead>
          <tbody>
            {refusal.matches.map((match, i) => (
              <tr key={i}>
                <th scope="row" className="full">
                  <Link to="/protect/refusals" search={{ q: `rule:${match.ruleId}` }}>
                    <span className="tok">{match.ruleId}</span>
                  </Link>{' '}
                  {family(match)}
                  <span className="sub" lang="en">
                    {match.message}
                  </span>
                </th>
                <td className="tok">{match.place}</td>
                <td className="m">
                  <Masked text={match.masked} />
                </td>
                <td className="m">
                  {match.file === null ? (
                    <span className="soft">{t.unknownFile}</span>
                  ) : (
                    <span className="tok">{`${match.file}${match.line === null ? '' : `:${match.line}`}`}</span>
                  )}
                </td>
                <td className="num" data-label={m.score}>
                  {f.n(match.score)}
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      {others.length > 0 ? (
        <details className="more-fields">
          <summary>{t.allRules(f.n(refusal.ruleIds.length))}</summary>
          <p className="tok">{refusal.ruleIds.join(' ')}</p>
        </details>
      ) : null}
    </Sec>
  )
}
