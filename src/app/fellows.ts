import { sql } from 'kysely'
import { hpkeReceiver, hpkeSeal, SealError } from '../engine/seal/index.ts'
import { StartError } from '../kit/errors.ts'
import { type Entropy, newId } from '../kit/ids.ts'
import type { Log } from '../kit/log.ts'
import { bytesType, type Database, type Migration } from '../storage/sql/index.ts'
import type { Secrets } from './secrets.ts'

type ProcessTables = {
  /** A process of this node that is alive, and which wrapping keys it has. */
  node_process: {
    id: string
    seen_at: number
    public_key: Uint8Array
    mac: string
    known: string
    handed: Uint8Array | null
  }
}
type UsedKeyTables = { used_key: { kek: string } }

export const processMigrations: readonly Migration[] = [
  {
    name: '20261201T000100-create-node-process',
    async up(db, dialect) {
      await db.schema
        .createTable('node_process')
        .addColumn('id', 'text', (c) => c.primaryKey())
        .addColumn('seen_at', 'bigint', (c) => c.notNull())
        .addColumn('public_key', bytesType(dialect), (c) => c.notNull())
        .addColumn('mac', 'text', (c) => c.notNull())
        .addColumn('known', 'text', (c) => c.notNull())
        .addColumn('handed', bytesType(dialect))
        .execute()
    },
  },
]
/** In the store of keys: which rotated keys wrap something by now. */
export const usedKeyMigrations: readonly Migration[] = [
  {
    name: '20261201T000110-create-used-key',
    async up(db) {
      await db.schema
        .createTable('used_key')
        .addColumn('kek', 'text', (c) => c.primaryKey())
        .execute()
    },
  },
]

export const BEAT_MS = 1_000
/** Silent for so long, a process is taken for dead: of its own it would only find keys it cannot open any more. */
const ALIVE_MS = 15_000
const FORGOTTEN_MS = 3_600_000
const INFO = Buffer.from('khien/fellow/v1')
/** By the server's clock: those of two machines differ. */
const now = sql<number>`(extract(epoch from clock_timestamp()) * 1000)::bigint`

type Context = {
  readonly db: Database
  readonly keysDb: Database
  readonly folder: string
  readonly secrets: Pick<Secrets, 'wrapping' | 'fingerprint'>
  readonly entropy: Entropy
  readonly log: Log
}

/**
 * The processes that serve one vault, as they know of each other through its PostgreSQL. A new wrapping key is used when
 * every living one has it: who was alive when it came is handed it, sealed to a key that lives as long as that process;
 * who starts later must bring it in its key.json, so that an old key file cannot ask for the new key.
 */
export async function openFellows(ctx: Context): Promise<Fellows> {
  const { db, keysDb, entropy } = ctx
  const { wrapping, fingerprint } = ctx.secrets
  await mustKnowUsed(ctx)
  let used: string | undefined
  let usedSince = 0

  /** A key that wraps from now on: noted first, so that a key file without it is refused at a start. */
  async function use(kek: string): Promise<void> {
    if (used === kek) return
    await keysDb
      .tables<UsedKeyTables>()
      .insertInto('used_key')
      .values({ kek })
      .onConflict((c) => c.doNothing())
      .execute()
    wrapping.use((used = kek))
    usedSince = performance.now()
  }

  async function retire(kek: string): Promise<void> {
    if (db.dialect === 'postgres' && performance.now() - usedSince < ALIVE_MS)
      throw new StartError('key/behind', 'The key was taken into use a moment ago; try again in 15 seconds.', { status: 409 }) // prettier-ignore
    await keysDb.tables<UsedKeyTables>().deleteFrom('used_key').where('kek', '<>', kek).execute()
  }

  if (db.dialect !== 'postgres') {
    const take = (): Promise<void> => use(wrapping.known().at(-1)!)
    await take()
    return { beat: take, retire, fileLacks: () => undefined, [Symbol.asyncDispose]: async () => undefined }
  }
  const id = newId('prc', Date.now(), entropy)
  const secret = Uint8Array.from(entropy(32))
  const receiver = hpkeReceiver(secret)
  secret.fill(0)
  const macOf = (name: string, key: Uint8Array): string =>
    fingerprint(`fellow ${name} ${Buffer.from(key).toString('base64url')}`)
  const mac = macOf(id, receiver.publicKey)
  /** Those who had every key that we had: when another comes, they are handed it. */
  const trusted = new Set<string>()
  const handed: string[] = []
  let running: Promise<void> = Promise.resolve()

  async function turn(): Promise<void> {
    const tables = db.tables<ProcessTables>()
    const row = { seen_at: now, known: wrapping.known().join(' ') }
    await tables
      .insertInto('node_process')
      .values({ id, public_key: receiver.publicKey, mac, handed: null, ...row })
      .onConflict((c) => c.column('id').doUpdateSet(row))
      .execute()
    await tables
      .deleteFrom('node_process')
      .where('seen_at', '<', sql<number>`${now} - ${FORGOTTEN_MS}`)
      .execute()
    const all = await tables
      .selectFrom('node_process')
      .selectAll()
      .where('seen_at', '>', sql<number>`${now} - ${ALIVE_MS}`)
      .execute()
    const gift = all.find((one) => one.id === id)?.handed
    if (gift) await accept(gift)
    const fellows = all
      .filter((one) => one.id !== id && one.mac === macOf(one.id, Uint8Array.from(one.public_key)))
      .map((one) => ({ ...one, known: one.known.split(' ') }))
    for (const fellow of fellows) {
      const lacks = wrapping.known().filter((kek) => !fellow.known.includes(kek))
      if (lacks.length === 0) trusted.add(fellow.id)
      else if (trusted.has(fellow.id)) await hand(fellow, lacks)
    }
    const common = wrapping.known().findLast((kek) => fellows.every(({ known }) => known.includes(kek)))
    if (common !== undefined) await use(common)
  }

  async function hand(to: { readonly id: string; readonly public_key: Uint8Array }, keks: readonly string[]) {
    const lines = keks.map((kek) => `${kek} ${wrapping.of(kek)!.export().toString('base64')}`)
    const about = { info: INFO, aad: Buffer.from(to.id) }
    const sealed = hpkeSeal(Uint8Array.from(to.public_key), Buffer.from(lines.join('\n')), entropy(32), about)
    await db
      .tables<ProcessTables>()
      .updateTable('node_process')
      .set({ handed: sealed })
      .where('id', '=', to.id)
      .execute()
    ctx.log.info('key.handed', { to: to.id, keys: keks.join(' ') })
  }

  async function accept(gift: Uint8Array): Promise<void> {
    await db.tables<ProcessTables>().updateTable('node_process').set({ handed: null }).where('id', '=', id).execute()
    try {
      const text = receiver.open(Uint8Array.from(gift), { info: INFO, aad: Buffer.from(id) })
      for (const line of Buffer.from(text).toString().split('\n')) {
        const [kek, key] = line.split(' ') as [string, string]
        if (wrapping.of(kek) !== undefined) continue
        wrapping.learn(kek, Buffer.from(key, 'base64'))
        handed.push(kek)
        ctx.log.warn('key.taken', { key: kek, todo: 'copy key.json from the process that rotated it' })
      }
    } catch (error) {
      if (!(error instanceof SealError)) throw error
      ctx.log.warn('key.not-taken', { code: error.code })
    }
  }

  const beat = (): Promise<void> => {
    const next = running.then(turn)
    running = next.catch(() => undefined)
    return next
  }
  await beat()
  return {
    beat,
    retire,
    fileLacks: () => (handed.length === 0 ? undefined : `key.json here lacks ${handed.join(' ')}: copy it from the process that rotated the key, before the next start`), // prettier-ignore
    async [Symbol.asyncDispose]() {
      await running
      await db.tables<ProcessTables>().deleteFrom('node_process').where('id', '=', id).execute().catch(() => undefined) // prettier-ignore
    },
  }
}
export type Fellows = AsyncDisposable & {
  /** Tells the others that this process is alive and what it has; takes what it was handed. Every second, and at once after a rotation. */
  beat(): Promise<void>
  /** From now on a key file needs no earlier key than this one. Errors: `key/behind` while others may still use one. */
  retire(kek: string): Promise<void>
  /** What the key file of this process lacks, as a sentence. */
  fileLacks(): string | undefined
}

async function mustKnowUsed({ keysDb, folder, secrets }: Context): Promise<void> {
  const used = await keysDb.tables<UsedKeyTables>().selectFrom('used_key').select('kek').execute()
  const missing = used.find(({ kek }) => secrets.wrapping.of(kek) === undefined)
  if (missing === undefined) return
  throw new StartError(
    'data/older-key',
    `The key.json in ${folder} lacks the key ${missing.kek}, which was put in use since: copy key.json from where the key was rotated.`,
    { status: 409 },
  )
}
