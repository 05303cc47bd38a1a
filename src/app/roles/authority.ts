import { answer, html } from '../../http/index.ts'
import { identityPages } from '../../identity/index.ts'
import { inLanguage } from '../../kit/i18n.ts'
import { leakwatchApi, leakwatchMessages, leakwatchPages, openLeakwatch } from '../../leakwatch/index.ts'
import { demoPairing } from '../demo-pairing.ts'
import { nodeMessages } from '../messages.ts'
import type { Opened, RoleSlices } from '../node.ts'
import { nodeRoutes } from '../node-pages.ts'
import { openSharing } from './sharing.ts'

const SWEEP_MS = 600_000

/** The national side: indicators from all and back to all, and what citizens report. */
export async function openAuthority(opened: Opened): Promise<RoleSlices> {
  const { config, stores, secrets, record, identity, frames, clock, entropy } = opened
  const sharing = await openSharing(opened)
  const leakwatch = openLeakwatch({
    db: stores.db,
    clock,
    entropy,
    record,
    fingerprint: secrets.fingerprint,
    seal: secrets.sealSmall,
    open: secrets.openSmall,
  })
  return {
    foreign: sharing.foreign,
    rows: [
      ...sharing.rows,
      ...leakwatchApi(leakwatch),
      ...leakwatchPages(leakwatch, frames.citizen),
      ...identityPages({ identity, frame: frames.console, origin: config.internalOrigin }),
      answer(nodeRoutes.publicHome, async (_, asked) => {
        const m = inLanguage(leakwatchMessages, asked.language)
        const n = inLanguage(nodeMessages, asked.language)
        const body = html`<h1>${m.home}</h1>
          <p class="lead">${m.homeLead}</p>
          <ol class="do">
            <li><a href="/report">${m.title}</a></li>
            <li><a href="/report/follow">${m.followTitle}</a></li>
          </ol>
          <p class="small">${n.publicLead} <a href="/checkpoint">/checkpoint</a>, <a href="/log.vkey">/log.vkey</a></p>`
        return frames.citizen(asked, { title: m.home, path: '/', body })
      }),
    ],
    jobs: [
      ...sharing.jobs,
      ...(config.demo ? [demoPairing(opened, { exchange: sharing.exchange })] : []),
      { name: 'report-tickets', everyMs: SWEEP_MS, work: leakwatch.sweep },
    ],
  }
}
