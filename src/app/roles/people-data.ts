import { consentApi, openConsent, WITHDRAWN, type Consent } from '../../consent/index.ts'
import type { Bound } from '../../http/index.ts'
import { openVault, vaultApi, type Vault } from '../../vault/index.ts'
import type { Opened } from '../node.ts'

export type PeopleData = { readonly consent: Consent; readonly vault: Vault; readonly rows: readonly Bound[] }

/** The vault and what its reads rest on: a platform's users, a telecom's subscribers. */
export function openPeopleData(opened: Opened): PeopleData {
  const { config, stores, secrets, record, outbox, clock, entropy } = opened
  const consent = openConsent({
    db: stores.db,
    clock,
    entropy,
    record,
    signNote: secrets.signReceipt,
    controller: config.controller,
    emit: outbox.emit,
  })
  outbox.handle(WITHDRAWN, ({ receipt, recipient }) => consent.notices.deliver(String(receipt), String(recipient)))
  const vault = openVault({
    db: stores.db,
    keysDb: stores.keysDb,
    clock,
    entropy,
    record,
    consent,
    sealer: secrets.sealer,
    kek: secrets.kek,
    kekId: secrets.kekId,
    node: secrets.node,
    pepper: secrets.pepper,
    tag: secrets.tag,
  })
  return { consent, vault, rows: [...consentApi(consent), ...vaultApi(vault)] }
}
