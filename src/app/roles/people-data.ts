import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { consentApi, openConsent, WITHDRAWN, type Consent } from '../../consent/index.ts'
import type { Bound } from '../../http/index.ts'
import { BreachedLists } from '../../storage/breached/index.ts'
import { openVault, vaultApi, type Vault } from '../../vault/index.ts'
import { ownAddresses } from '../own-addresses.ts'
import type { Opened, RoleSlices } from '../node.ts'

export type PeopleData = {
  readonly consent: Consent
  readonly vault: Vault
  readonly rows: readonly Bound[]
  readonly jobs: NonNullable<RoleSlices['jobs']>
  readonly keysBehind: () => Promise<number>
  close(): Promise<void>
}
/** In the node's folder, if the operator puts one there: hashes of breached passwords, sorted. */
const BREACHED = 'breached-passwords.txt'
/** What stays in the log of a person who was erased: that it was done. */
const KEPT_ACTS = ['vault.shredding', 'vault.shredded']

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
  const list = join(config.folder, BREACHED)
  const breached = new BreachedLists(
    clock,
    (detail) => existsSync(list) && opened.log.warn('breached-passwords', { detail }),
  )
  const reading = breached.keep([list])
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
    wrapping: secrets.wrapping,
    node: secrets.node,
    pepper: secrets.pepper,
    breached: (password) => breached.says(list, password),
    tag: secrets.tag,
    token: secrets.token,
    digits: secrets.digits,
    tokenBudget: config.tokenBudget,
    sealSmall: secrets.sealSmall,
    openSmall: secrets.openSmall,
    signReceipt: secrets.signReceipt,
    controller: config.controller,
    isOwn: ownAddresses(config),
    keyBackupsUntil: async (trx?: unknown) => (await opened.backups.keyBackupsUntil(trx)).until,
    forgetRecords: (subject) => opened.audit.forget(subject, KEPT_ACTS),
  })
  // At once, so that a new or a restored node can be searched without a wait.
  const indexing = vault.indexes.run().catch(() => undefined)
  const close = async (): Promise<void> => {
    await indexing
    await reading
    await breached[Symbol.asyncDispose]()
    await vault.close()
  }
  opened.gauge('khien_vault_keys_behind', 'Subject keys still under a rotated key', () => vault.rewrap.behind())
  const keysBehind = vault.rewrap.count
  return { consent, vault, keysBehind, close, jobs: vault.jobs, rows: [...consentApi(consent), ...vaultApi(vault)] }
}
