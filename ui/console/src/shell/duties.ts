import { auditRoutes } from '../../../../src/audit/contract.ts'
import { backupRoutes } from '../../../../src/backup/contract.ts'
import { caseRoutes } from '../../../../src/cases/contract.ts'
import { peopleRoutes } from '../../../../src/cases/people/contract.ts'
import { socRoutes } from '../../../../src/cases/soc/contract.ts'
import { consentRoutes } from '../../../../src/consent/contract.ts'
import { detectionRoutes } from '../../../../src/detection/contract.ts'
import { exchangeRoutes } from '../../../../src/exchange/contract.ts'
import { gatewayRoutes } from '../../../../src/gateway/contract.ts'
import { settingsRoutes } from '../../../../src/gateway/settings/contract.ts'
import { figuresRoutes } from '../../../../src/gateway/figures/contract.ts'
import { trafficRoutes } from '../../../../src/gateway/traffic/contract.ts'
import { tuningRoutes } from '../../../../src/gateway/tuning/contract.ts'
import { intakeRoutes } from '../../../../src/intake/contract.ts'
import type { Route } from '../../../../src/kit/contract.ts'
import { leakwatchRoutes } from '../../../../src/leakwatch/contract.ts'
import { subscriberRoutes } from '../../../../src/subscribers/contract.ts'
import { vaultRoutes } from '../../../../src/vault/contract.ts'
import type { IconName } from '../components/icon.tsx'
import type { NodeRole } from '../components/marks.tsx'
import type { shellWords } from '../words/shell.ts'
import { may, type Me } from './me.tsx'

type AreaName = keyof typeof shellWords.vi.area
type PartName = keyof typeof shellWords.vi.part
type Part = {
  readonly name: PartName
  readonly to: string
  readonly needs: Pick<Route, 'access'>
  /** Pages of single things that belong to it but do not lie below it. */
  readonly things?: RegExp
  /** On these nodes only. */
  readonly on?: readonly NodeRole[]
}
export type Area = {
  readonly name: AreaName
  readonly to: string
  readonly icon: IconName
  readonly nodes: readonly NodeRole[]
  readonly parts: readonly Part[]
}
const ALL = ['platform', 'telecom', 'authority'] as const

/** Duties in the order of the rail. A part is there for whoever may call what it shows. */
const DUTIES: readonly Area[] = [
  {
    name: 'protect',
    to: '/protect',
    icon: 'protect',
    nodes: ['platform'],
    parts: [
      { name: 'now', to: '/protect', needs: gatewayRoutes.figures },
      { name: 'refusals', to: '/protect/refusals', needs: gatewayRoutes.refusals },
      { name: 'sites', to: '/protect/sites', needs: settingsRoutes.sites, things: /^\/protect\/history(?:\/|$)/ },
      { name: 'wafRules', to: '/protect/rules', needs: tuningRoutes.exclusions },
      { name: 'dryRuns', to: '/protect/dry-runs', needs: trafficRoutes.dryRuns },
      { name: 'rates', to: '/protect/rates', needs: figuresRoutes.rates },
      { name: 'outgoing', to: '/protect/outgoing', needs: figuresRoutes.outgoing },
      { name: 'events', to: '/protect/events', needs: intakeRoutes.search },
    ],
  },
  {
    name: 'people',
    to: '/people',
    icon: 'person',
    nodes: ['platform', 'telecom'],
    parts: [
      { name: 'purposes', to: '/people', needs: consentRoutes.processing },
      { name: 'find', to: '/people/find', needs: vaultRoutes.person, things: /^\/people\/[0-9A-Z]{4}-/ },
      { name: 'reads', to: '/people/reads', needs: auditRoutes.list },
      { name: 'vault', to: '/people/vault', needs: vaultRoutes.collections },
      { name: 'backups', to: '/people/backups', needs: backupRoutes.list },
    ],
  },
  {
    name: 'detect',
    to: '/detect',
    icon: 'detect',
    nodes: ['platform', 'telecom'],
    parts: [
      { name: 'now', to: '/detect', needs: detectionRoutes.list },
      { name: 'alerts', to: '/detect/alerts', needs: detectionRoutes.list },
      { name: 'cases', to: '/detect/cases', needs: caseRoutes.list },
      { name: 'rules', to: '/detect/rules', needs: detectionRoutes.rules },
      { name: 'recipients', to: '/detect/recipients', needs: peopleRoutes.list },
      { name: 'events', to: '/detect/events', needs: intakeRoutes.search, on: ['telecom'] },
    ],
  },
  {
    name: 'share',
    to: '/share',
    icon: 'share',
    nodes: ALL,
    parts: [
      { name: 'now', to: '/share', needs: exchangeRoutes.summary },
      { name: 'indicators', to: '/share/indicators', needs: exchangeRoutes.indicators },
      { name: 'transfers', to: '/share/transfers', needs: exchangeRoutes.transfers },
      { name: 'peers', to: '/share/peers', needs: exchangeRoutes.peers },
      { name: 'blocks', to: '/share/blocks', needs: exchangeRoutes.blocks },
      { name: 'centre', to: '/share/centre', needs: socRoutes.show, on: ['platform', 'telecom'] },
    ],
  },
  {
    name: 'warn',
    to: '/warn',
    icon: 'warn',
    nodes: ['telecom'],
    parts: [
      { name: 'now', to: '/warn', needs: subscriberRoutes.summary },
      { name: 'infections', to: '/warn/infections', needs: subscriberRoutes.infections },
      { name: 'notices', to: '/warn/notices', needs: subscriberRoutes.notices },
      { name: 'attribution', to: '/warn/attribution', needs: subscriberRoutes.portLogs },
    ],
  },
  {
    name: 'reports',
    to: '/reports',
    icon: 'reports',
    nodes: ['authority'],
    parts: [{ name: 'queue', to: '/reports', needs: leakwatchRoutes.list }],
  },
]

/** What this person does on this node. */
export const dutiesOf = (me: Me): readonly Area[] =>
  DUTIES.filter(({ nodes }) => nodes.includes(me.node.role))
    .map((area) => ({
      ...area,
      parts: area.parts.filter(({ needs, on }) => may(me, needs) && (on?.includes(me.node.role) ?? true)),
    }))
    .filter(({ parts }) => parts.length > 0)
    .map((area) => ({ ...area, to: area.parts[0]!.to }))

/** The part whose page this is: the one that claims it, else the nearest above. */
export const partAt = (parts: readonly Part[], path: string): Part | undefined =>
  parts.find(({ things }) => things?.test(path)) ??
  parts.filter(({ to }) => path === to || path.startsWith(`${to}/`)).toSorted((a, b) => b.to.length - a.to.length)[0]

export const mayKeepLog = (me: Me): boolean => may(me, auditRoutes.list)
export const mayEvents = (me: Me): boolean => me.node.role !== 'authority' && may(me, intakeRoutes.search)
