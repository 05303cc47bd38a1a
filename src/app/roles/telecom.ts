import { answer, html } from '../../http/index.ts'
import { identityPages } from '../../identity/index.ts'
import { iso } from '../../kit/clock.ts'
import { inLanguage } from '../../kit/i18n.ts'
import { demoPairing } from '../demo-pairing.ts'
import { nodeMessages } from '../messages.ts'
import type { Opened, RoleSlices } from '../node.ts'
import { nodeRoutes } from '../node-pages.ts'
import {
  NOTICE,
  openSubscribers,
  subscriberMessages,
  subscribersApi,
  warningPages,
  type SearchEvents,
} from '../../subscribers/index.ts'
import { openControlRoom } from './control-room.ts'
import { openPeopleData } from './people-data.ts'
import { openSharing } from './sharing.ts'

const EVENTS_A_PAGE = 200

/** A telecom: events, detection, cases, indicators, its infected subscribers and what it tells them. */
export async function openTelecom(opened: Opened): Promise<RoleSlices> {
  const { config, stores, secrets, record, identity, outbox, frames, clock, entropy, log } = opened
  const people = openPeopleData(opened)
  const room = openControlRoom(opened)
  const sharing = await openSharing(opened, room.cases)
  const { intake } = room
  const searchEvents: SearchEvents = (q, from, to, cursor) =>
    intake.search({ q, from: iso(from), to: iso(to), cursor, limit: EVENTS_A_PAGE })
  const subscribers = await openSubscribers({
    db: stores.db,
    clock,
    entropy,
    log,
    record,
    emit: outbox.emit,
    consent: people.consent,
    vault: people.vault,
    fingerprint: secrets.fingerprint,
    mailer: opened.mailer,
    controller: config.controller,
    ...(config.contact === undefined ? {} : { contact: config.contact }),
    publicOrigin: config.publicOrigin,
    ownRanges: config.ownRanges,
    indicators: sharing.exchange.indicators,
    sighted: (trx, seen) => sharing.exchange.sightings.sight({ ...seen, actor: 'node' }, trx),
    searchEvents,
    ...(config.demo ? { firstMode: 'on' } : {}),
  })
  outbox.handle(NOTICE, ({ notice }) => subscribers.send(String(notice)))
  return {
    ...room,
    keysBehind: people.keysBehind,
    close: async () => {
      await people.close()
      await room.close()
    },
    duties: { ...room.duties, ...subscribers.duties },
    jobs: [
      ...people.jobs,
      ...room.jobs,
      ...sharing.jobs,
      ...subscribers.jobs,
      ...(config.demo ? [demoPairing(opened, { exchange: sharing.exchange, soc: room.soc })] : []),
    ],
    foreign: sharing.foreign,
    rows: [
      ...room.rows,
      ...sharing.rows,
      ...people.rows,
      ...subscribersApi(subscribers),
      ...warningPages(subscribers, frames.citizen),
      ...identityPages({ identity, frame: frames.console, origin: config.internalOrigin }),
      answer(nodeRoutes.publicHome, async (_, asked) => {
        const m = inLanguage(nodeMessages, asked.language)
        const title = m.publicTitle(config.controller)
        const w = inLanguage(subscriberMessages, asked.language).pages
        const body = html`<h1>${title}</h1>
          <ol class="do">
            <li><a href="/warning">${w.question}</a></li>
          </ol>
          <p class="small">${m.publicLead} <a href="/checkpoint">/checkpoint</a>, <a href="/log.vkey">/log.vkey</a></p>`
        return frames.citizen(asked, { title, path: '/', body })
      }),
    ],
  }
}
