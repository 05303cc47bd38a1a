import type { ReactNode } from 'react'
import type { Site } from '../../../../../src/gateway/contract.ts'
import { Sec } from '../../components/page.tsx'
import { useWords } from '../../language.tsx'
import { siteWords } from '../../words/sites.ts'
import { AdvancedFields } from './advanced-fields.tsx'
import { LinesInput, PickInput, Row, SelectInput, TextInput, TickInput, useTroubledIn } from './inputs.tsx'
import { RateFields } from './rate-fields.tsx'
import { RouteList } from './route-list.tsx'
import { BodyFields, OutgoingFields, ScoreFields } from './shared-fields.tsx'
import { upstreamLine, upstreamOf, withField } from './site-draft.ts'

export type SiteFormProps = {
  readonly site: Site
  readonly onChange: (site: Site) => void
  readonly still: boolean
  readonly ruleSets: readonly string[]
}

const ADVANCED = ['trustedProxies', 'account', 'keep', 'virtualPatches', 'exclusions', 'ruleExclusions']

/** Everything of a site that a person sets, in the order one asks: where, what, by which rules, how much. */
export function SiteForm(props: SiteFormProps) {
  const m = useWords(siteWords)
  const troubled = useTroubledIn()
  const { site, onChange, still, ruleSets } = props
  const set = <K extends keyof Site>(key: K, value: Site[K] | undefined): void => onChange(withField(site, key, value))
  return (
    <>
      <Group title={m.groups.where}>
        <LinesInput
          label={m.hosts}
          at="hosts"
          hint={m.hostHint}
          value={site.hosts}
          still={still}
          onChange={(hosts) => set('hosts', [...hosts])}
        />
        <LinesInput
          label={m.upstreams}
          at="upstreams"
          hint={m.upstreamsHint}
          value={site.upstreams.map(upstreamLine)}
          still={still}
          onChange={(lines) => set('upstreams', lines.map(upstreamOf))}
        />
        <Tls {...props} />
      </Group>
      <Group title={m.groups.acts}>
        <PickInput
          label={m.mode}
          value={site.mode}
          still={still}
          of={(['detect', 'block', 'off'] as const).map((one) => [one, m.modes[one], m.modeSays[one]])}
          onChange={(mode) => set('mode', mode)}
        />
        <PickInput
          label={m.placement}
          value={site.placement}
          still={still}
          of={(['front', 'behind', 'mirror'] as const).map((one) => [one, m.placements[one], m.placementSays[one]])}
          onChange={(placement) => set('placement', placement)}
        />
        <PickInput
          label={m.failOpen}
          value={site.failOpen ? 'open' : 'closed'}
          still={still}
          of={Object.entries(m.failOpens) as ['open' | 'closed', string][]}
          onChange={(choice) => set('failOpen', choice === 'open')}
        />
        <TickInput
          label={m.maintenance}
          value={site.maintenance}
          still={still}
          onChange={(on) => set('maintenance', on)}
        />
      </Group>
      <Group title={m.groups.rules} lead={m.groupLeads.rules}>
        <SelectInput
          label={m.ruleSet}
          at="ruleSet"
          value={site.ruleSet}
          still={still}
          of={[...new Set([site.ruleSet, ...ruleSets])].map((name) => [name, name])}
          onChange={(ruleSet) => set('ruleSet', ruleSet)}
        />
        <ScoreFields value={site} onChange={onChange} still={still} none={m.asSet} />
        <TickInput
          label={m.watchSudden}
          value={site.watchSudden}
          still={still}
          onChange={(on) => set('watchSudden', on)}
        />
        <LinesInput
          label={m.watched}
          at="watched"
          hint={m.watchedHint}
          value={site.watched.map(String)}
          still={still}
          onChange={(ids) => set('watched', ids.map(Number).filter(Number.isInteger))}
        />
      </Group>
      <Group title={m.groups.limits}>
        <BodyFields value={site.body} still={still} onChange={(body) => set('body', body)} />
        <RateFields value={site.rateLimits} still={still} onChange={(limits) => set('rateLimits', limits)} />
      </Group>
      <Group title={m.groups.outgoing} lead={m.groupLeads.outgoing}>
        <OutgoingFields value={site.outgoing} still={still} onChange={(outgoing) => set('outgoing', outgoing)} />
      </Group>
      <Group title={m.groups.routes} lead={m.groupLeads.routes}>
        <RouteList value={site.routes} still={still} onChange={(routes) => set('routes', routes)} />
      </Group>
      <details className="more-fields" open={ADVANCED.some(troubled) || undefined}>
        <summary>{m.groups.advanced}</summary>
        <AdvancedFields {...props} />
      </details>
    </>
  )
}

const Group = ({ title, lead, children }: { title: string; lead?: string; children: ReactNode }) => (
  <Sec title={title} lead={lead}>
    <div className="fields">{children}</div>
  </Sec>
)

function Tls({ site, onChange, still }: SiteFormProps) {
  const m = useWords(siteWords)
  const { tls } = site
  const kind = tls === undefined ? 'none' : 'acme' in tls ? 'acme' : 'files'
  const files = tls !== undefined && 'certificate' in tls ? tls : { certificate: '', key: '' }
  const set = (next: Site['tls'] | undefined): void => onChange(withField(site, 'tls', next))
  return (
    <>
      <SelectInput
        label={m.tls}
        value={kind}
        still={still}
        of={Object.entries(m.tlsKinds) as ['none' | 'files' | 'acme', string][]}
        onChange={(next) => set(next === 'none' ? undefined : next === 'acme' ? { acme: true } : files)}
      />
      {kind === 'files' ? (
        <Row>
          <TextInput
            label={m.certificate}
            at="tls.certificate"
            value={files.certificate}
            still={still}
            onChange={(certificate) => set({ ...files, certificate })}
          />
          <TextInput
            label={m.key}
            at="tls.key"
            value={files.key}
            still={still}
            onChange={(key) => set({ ...files, key })}
          />
        </Row>
      ) : null}
      {kind === 'none' ? null : (
        <TickInput
          label={m.redirect}
          value={site.httpsRedirect}
          still={still}
          onChange={(on) => onChange({ ...site, httpsRedirect: on })}
        />
      )}
    </>
  )
}
