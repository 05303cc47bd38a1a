import { answer, html } from '../../http/index.ts'
import { identityPages } from '../../identity/index.ts'
import { inLanguage } from '../../kit/i18n.ts'
import { demoPairing } from '../demo-pairing.ts'
import { nodeMessages } from '../messages.ts'
import type { Opened, RoleSlices } from '../node.ts'
import { nodeRoutes } from '../node-pages.ts'
import { openControlRoom } from './control-room.ts'
import { openPeopleData } from './people-data.ts'
import { openSharing } from './sharing.ts'

/** A telecom: events, detection, cases, indicators, its infected subscribers and what it tells them. */
export async function openTelecom(opened: Opened): Promise<RoleSlices> {
  const { config, identity, frames } = opened
  const people = openPeopleData(opened)
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
      ...people.rows,
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
