import { gatewayPages } from '../../gateway/index.ts'
import { html } from '../../http/index.ts'
import { identityPages } from '../../identity/index.ts'
import { inLanguage, number } from '../../kit/i18n.ts'
import { rightsPages } from '../../rights/index.ts'
import type { RailEntry } from '../frames.ts'
import { openControlRoom } from './control-room.ts'
import { openSharing } from './sharing.ts'
import { openPeopleData } from './people-data.ts'
import { demoPairing } from '../demo-pairing.ts'
import { nodeMessages } from '../messages.ts'
import type { Opened, RoleSlices } from '../node.ts'

export const platformRail: readonly RailEntry[] = [
  {
    href: '/',
    icon: 'open',
    label: 'home',
    roles: ['administrator', 'dpo', 'analyst', 'moderator', 'inspector', 'support', 'auditor'],
  },
  { href: '/refusals', icon: 'protect', label: 'refusals', roles: ['administrator', 'analyst', 'dpo', 'auditor'] },
  { href: '/log', icon: 'leaf', label: 'log', roles: ['administrator', 'dpo', 'auditor'] },
  { href: '/settings', icon: 'gear', label: 'settings', roles: ['administrator'] },
]

/** A company that owns a digital platform: gateway, vault, consent, the rights of its users. */
export async function openPlatform(opened: Opened): Promise<RoleSlices> {
  const { config, audit, identity, refusals, frames, clock } = opened
  const people = openPeopleData(opened)
  const { consent, vault } = people
  const room = openControlRoom(opened)
  const sharing = await openSharing(opened, room.cases)
  return {
    ...room,
    jobs: [
      ...room.jobs,
      ...sharing.jobs,
      ...(config.demo ? [demoPairing(opened, { exchange: sharing.exchange, soc: room.soc })] : []),
    ],
    foreign: sharing.foreign,
    rows: [
      ...room.rows,
      ...sharing.rows,
      ...identityPages({ identity, frame: frames.console, origin: config.internalOrigin }),
      ...people.rows,
      ...rightsPages({
        audit,
        consent,
        identity,
        clock,
        frame: frames.citizen,
        controller: config.controller,
        publicOrigin: config.publicOrigin,
      }),
      ...gatewayPages(refusals, frames.console, identity.sessions.alive),
    ],
    async sections(language) {
      const m = inLanguage(nodeMessages, language)
      const n = (value: number): string => number(value, language)
      const figures = refusals.figures()
      const [kept, persons, purposes] = await Promise.all([
        refusals.count(),
        vault.people(),
        consent.purposes.versions(),
      ])
      return [
        {
          title: m.gateway,
          lines: [
            { label: m.workers, value: n(figures.workers) },
            { label: m.requests, value: n(figures.requests) },
            { label: m.refused, value: html`<a href="/refusals">${n(kept)}</a>` },
            { label: m.lost, value: n(figures.dropped) },
          ],
        },
        {
          title: m.data,
          lines: [
            { label: m.people, value: n(persons) },
            { label: m.purposes, value: html`<a href="${config.publicOrigin}/">${n(purposes.size)}</a>` },
          ],
        },
      ]
    },
  }
}
