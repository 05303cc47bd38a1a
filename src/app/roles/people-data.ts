import { consentApi, openConsent, WITHDRAWN, type Consent } from '../../consent/index.ts'
import type { Bound } from '../../http/index.ts'
import { openVault, vaultApi, type Vault } from '../../vault/index.ts'
import type { Opened, RoleSlices } from '../node.ts'

export type PeopleData = {
  readonly consent: Consent
  readonly vault: Vault
  readonly rows: readonly Bound[]
  readonly jobs: NonNullable<RoleSlices['jobs']>
}
/** What stays in the log of a person who was erased: that it was done. */
const KEPT_ACTS = ['vault.shredded']

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
    token: secrets.token,
    digits: secrets.digits,
    signReceipt: secrets.signReceipt,
    controller: config.controller,
    keyBackupsUntil: async () => null,
    forgetRecords: (subject) => opened.audit.forget(subject, KEPT_ACTS),
  })
  return { consent, vault, jobs: vault.jobs, rows: [...consentApi(consent), ...vaultApi(vault)] }
}
