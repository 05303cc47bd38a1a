import { join } from 'node:path'
import { openGateway, suddenFiring } from '../../gateway/index.ts'
import { identityPages } from '../../identity/index.ts'
import { rightsPages } from '../../rights/index.ts'
import { openControlRoom } from './control-room.ts'
import { openSharing } from './sharing.ts'
import { openPeopleData } from './people-data.ts'
import { demoPairing } from '../demo-pairing.ts'
import type { Opened, RoleSlices } from '../node.ts'

/** A company that owns a digital platform: gateway, vault, consent, the rights of its users. */
export async function openPlatform(opened: Opened): Promise<RoleSlices> {
  const { config, stores, secrets, audit, record, identity, refusals, frames, clock, entropy } = opened
  const people = openPeopleData(opened)
  const { consent } = people
  const room = openControlRoom(opened)
  const sharing = await openSharing(opened, room.cases)
  const gateway = openGateway({
    db: stores.db,
    clock,
    entropy,
    record,
    refusals,
    log: opened.log,
    alert: (found) => room.detection.alerts.receive([suddenFiring(found)]).then(() => undefined),
    voice: secrets.voice,
    keysDb: stores.keysDb,
    folder: join(config.folder, 'traffic'),
    seal: secrets.sealSmall,
    open: secrets.openSmall,
    alive: identity.sessions.alive,
    names: identity.staff.names,
  })
  return {
    ...room,
    keysBehind: people.keysBehind,
    jobs: [
      ...people.jobs,
      ...room.jobs,
      ...sharing.jobs,
      ...gateway.jobs,
      ...(config.demo ? [demoPairing(opened, { exchange: sharing.exchange, soc: room.soc })] : []),
    ],
    close: async () => {
      await gateway.close()
      await people.close()
      await room.close()
    },
    duties: { ...room.duties, ...gateway.duties },
    foreign: sharing.foreign,
    rows: [
      ...room.rows,
      ...sharing.rows,
      ...identityPages({ identity, frame: frames.console, origin: config.internalOrigin }),
      ...people.rows,
      ...rightsPages({
        audit,
        consent,
        rules: people.vault.registry.rules,
        messagesOf: people.vault.conversations.countsOf,
        identity,
        clock,
        frame: frames.citizen,
        controller: config.controller,
        publicOrigin: config.publicOrigin,
      }),
      ...gateway.rows,
    ],
  }
}
