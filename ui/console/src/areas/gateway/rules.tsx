import { Link } from '@tanstack/react-router'
import { gatewayRoutes } from '../../../../../src/gateway/contract.ts'
import { settingsRoutes } from '../../../../../src/gateway/settings/contract.ts'
import { useCall } from '../../api.ts'
import { HeatTable } from '../../components/heat-row.tsx'
import { Head, Sec } from '../../components/page.tsx'
import { Shown } from '../../components/states.tsx'
import { useFormats, useWords } from '../../language.tsx'
import { useListState } from '../../search.ts'
import { useMay } from '../../shell/me.tsx'
import { protectWords } from '../../words/protect.ts'
import { tuningWords } from '../../words/tuning.ts'
import { useFamily } from '../refusal-list.tsx'
import { ExclusionList } from './exclusion-list.tsx'
import { RuleSets } from './rule-sets.tsx'
import { SuddenList } from './sudden.tsx'
import { WatchedRules } from './watched-rules.tsx'

/** Which rules refuse, which a person took something from, which turned themselves off. */
export function Rules() {
  const t = useWords(tuningWords)
  const p = useWords(protectWords)
  const [{ site, rule }, change] = useListState()
  const maySets = useMay(settingsRoutes.ruleSets)
  return (
    <>
      <Head title={t.title} name={t.title} crumb={[{ to: '/protect', text: p.title }]} />
      <Sec title={t.sudden} lead={t.suddenLead}>
        <SuddenList />
      </Sec>
      <Sec title={t.watched} lead={t.watchedLead}>
        <WatchedRules />
      </Sec>
      <Sec title={t.exclusions} lead={t.exclusionsLead}>
        {site || rule ? (
          <div className="filters">
            <button type="button" className="btn" onClick={() => change({ site: undefined, rule: undefined })}>
              {`${[site ? t.ofSite(site) : '', rule ? `${t.rule} ${rule}` : ''].filter(Boolean).join(', ')}: ${t.all}`}
            </button>
          </div>
        ) : null}
        <ExclusionList />
      </Sec>
      <Sec title={t.rulesHeat} lead={p.chartLead.split(',')[0]}>
        <RuleHeat />
      </Sec>
      {maySets ? (
        <Sec title={t.ruleSets} lead={t.ruleSetsLead}>
          <RuleSets />
        </Sec>
      ) : null}
    </>
  )
}

function RuleHeat() {
  const t = useWords(tuningWords)
  const p = useWords(protectWords)
  const f = useFormats()
  const family = useFamily()
  const figures = useCall(gatewayRoutes.figures, {}, { every: 30_000 })
  return (
    <Shown of={figures}>
      {({ rules }) =>
        rules.length === 0 ? (
          <p className="soft">{t.noHits}</p>
        ) : (
          <HeatTable
            caption={t.rulesHeat}
            head={p.heatHead as unknown as [string, string, string]}
            rows={rules.map(({ rule, hours, total, ...words }) => ({
              key: String(rule),
              values: hours,
              total: f.n(total),
              label: (
                <Link to="/protect/refusals" search={{ q: `rule:${rule}` }}>
                  <span className="tok">{rule}</span> {family(words)}
                </Link>
              ),
            }))}
          />
        )
      }
    </Shown>
  )
}
