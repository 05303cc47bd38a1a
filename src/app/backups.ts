import { readFileSync } from 'node:fs'
import type { Audit } from '../audit/index.ts'
import { openBackups, type Backups } from '../backup/index.ts'
import { signNote } from '../engine/tlog/index.ts'
import type { RecordActs } from '../kit/act.ts'
import type { NodeConfig } from './config.ts'
import type { NodeDeps } from './node.ts'
import type { Secrets } from './secrets.ts'
import type { Stores } from './stores.ts'

const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as {
  version: string
}

/** The backups of one node, running or opened by a verb. */
export function backupsOf(
  ctx: NodeDeps & {
    readonly config: Pick<NodeConfig, 'role' | 'folder' | 'databaseUrl' | 'keysDatabaseUrl'> & Partial<NodeConfig>
    readonly stores: Stores
    readonly secrets: Secrets
    readonly audit: Audit
    readonly record: RecordActs
  },
): Backups {
  const { config, secrets, stores, clock, entropy, log, record } = ctx
  return openBackups({
    db: stores.db,
    keysDb: stores.keysDb,
    clock,
    entropy,
    log,
    record,
    role: config.role,
    node: secrets.node,
    kekId: secrets.kekId,
    folder: config.folder,
    seal: secrets.sealSmall,
    sign: (text) => signNote(text, [secrets.backupSigner]),
    verifier: secrets.backupSigner,
    logVkey: ctx.audit.verifierKey,
    databaseUrl: config.databaseUrl,
    keysDatabaseUrl: config.keysDatabaseUrl,
    events: config.role !== 'authority',
    erased: 'select subject, id, at from vault_shred',
    // Blind indexes are made anew from the values; answers kept for repeats carry tokens and live a day; processes are of now.
    derived: ['vault_index', 'vault_indexing', 'once', 'node_process'],
    settings: settingsText(config),
    program: version,
  })
}

/** Addresses of databases and mail servers hold passwords; how the key comes in is nobody's business here. */
function settingsText(config: Partial<NodeConfig>): string {
  const { databaseUrl, keysDatabaseUrl, mail, key, ...shown } = config
  const left = { postgres: databaseUrl !== undefined, keysApart: keysDatabaseUrl !== undefined, from: mail?.from }
  return `${JSON.stringify({ ...shown, ...left, key: key?.from }, null, 2)}\n`
}
