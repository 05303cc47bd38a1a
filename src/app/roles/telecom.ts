import { answer, html } from '../../http/index.ts'
import { identityPages } from '../../identity/index.ts'
import { inLanguage } from '../../kit/i18n.ts'
import { nodeMessages } from '../messages.ts'
import type { Opened, RoleSlices } from '../node.ts'
import { nodeRoutes } from '../node-pages.ts'
import { openControlRoom } from './control-room.ts'

/** A telecom: events, detection, cases, indicators, its infected subscribers and what it tells them. */
export function openTelecom(opened: Opened): RoleSlices {
  const { config, identity, frames } = opened
  const room = openControlRoom(opened)
  return {
    ...room,
    rows: [
      ...room.rows,
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
