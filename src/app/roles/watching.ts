import { answer, html } from '../../http/index.ts'
import { identityPages } from '../../identity/index.ts'
import { inLanguage } from '../../kit/i18n.ts'
import type { RailEntry } from '../frames.ts'
import { nodeMessages } from '../messages.ts'
import type { Opened, RoleSlices } from '../node.ts'
import { nodeRoutes } from '../node-pages.ts'

export const watchingRail: readonly RailEntry[] = [
  {
    href: '/',
    icon: 'open',
    label: 'home',
    roles: ['administrator', 'dpo', 'analyst', 'moderator', 'inspector', 'support', 'auditor'],
  },
  { href: '/log', icon: 'leaf', label: 'log', roles: ['administrator', 'dpo', 'auditor'] },
  { href: '/settings', icon: 'gear', label: 'settings', roles: ['administrator'] },
]

/** Telecom and authority nodes start, are set up, keep their log and show their status; their duties come next. */
export function openWatching({ config, identity, frames }: Opened): RoleSlices {
  return {
    rows: [
      ...identityPages({ identity, frame: frames.console, origin: config.internalOrigin }),
      answer(nodeRoutes.publicHome, async (_, asked) => {
        const m = inLanguage(nodeMessages, asked.language)
        const title = m.publicTitle(config.controller)
        const body = html`<h1>${title}</h1>
          <p class="lead">${m.publicLead} <a href="/checkpoint">/checkpoint</a>, <a href="/log.vkey">/log.vkey</a></p>`
        return frames.citizen(asked, { title, path: '/', body })
      }),
    ],
    sections: async (language) => {
      const m = inLanguage(nodeMessages, language)
      return [{ title: m.home, lines: [{ label: config.controller, value: m.noneYet }] }]
    },
  }
}
