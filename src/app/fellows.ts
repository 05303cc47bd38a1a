import { sql } from 'kysely'
import { hpkeReceiver, hpkeSeal, SealError } from '../engine/seal/index.ts'
import { KhienError, StartError } from '../kit/errors.ts'
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
    /** Over all that others believe of it. */
    mac: string
    known: string
    /** Rises with every sign of life: a row put back is told by it. */
    beats: number
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
  {
    name: '20261202T000100-count-beats',
    async up(db) {
      await db.schema
        .alterTable('node_process')
        .addColumn('beats', 'bigint', (c) => c.notNull().defaultTo(0))
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
/** And itself seals nothing after half of that, whether it was frozen or cut off: by then the others may go on without it. */
const SURE_MS = ALIVE_MS / 2
const HEARD = 1_000
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
 * every living one has it, and none before it ever again. Who had all keys that were in use before is handed it, sealed to
 * a key that lives as long as that process; who lacks a key in use is not waited for and wraps nothing, so that an old key
 * file can neither ask for the new key nor bring the old one back.
 */
export async function openFellows(ctx: Context): Promise<Fellows> {
  const { db, keysDb, entropy, log } = ctx
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

  if (db.dialect !== 'postgres') {
    const take = (): Promise<void> => use(wrapping.known().at(-1)!)
    await take()
    return {
      beat: take,
      mayWrap: () => undefined,
      retire: async (kek) =>
        void (await keysDb.tables<UsedKeyTables>().deleteFrom('used_key').where('kek', '<>', kek).execute()),
      fileLacks: () => undefined,
      [Symbol.asyncDispose]: async () => undefined,
    }
  }
  const id = newId('prc', Date.now(), entropy)
  const secret = Uint8Array.from(entropy(32))
  const receiver = hpkeReceiver(secret)
  secret.fill(0)
  const macOf = (row: Omit<Row, 'mac'>): string =>
    fingerprint(`fellow ${row.id} ${Buffer.from(row.public_key).toString('base64url')} ${row.beats} ${row.known}`)
  /** Those who had every key that was in use when they were seen: they are handed what comes after. */
  const trusted = new Set<string>()
  const heard = new Map<string, { readonly beats: number; readonly at: number }>()
  const strangers = new Set<string>()
  const handed: string[] = []
  let living: readonly Fellow[] = []
  let beats = 0
  /** A key in use that this process has not. */
  let lacking: string | undefined
  let last: Moment = { steady: -Infinity, wall: -Infinity }
  let running: Promise<void> = Promise.resolve()

  async function turn(): Promise<void> {
    const began = moment()
    await tell()
    const all = await rows()
    const gift = all.find((one) => one.id === id)?.handed
    if (gift) await accept(gift)
    living = all.filter(isAlive).map((one) => ({ ...one, known: one.known.split(' ') }))
    // After our row was written: who puts a key in use from now on sees it.
    const inUse = await usedKeys(keysDb)
    lacking = inUse.find((kek) => wrapping.of(kek) === undefined)
    if (lacking !== undefined) return
    const needed = used === undefined ? inUse : [...inUse, used]
    const ours = living.filter(({ known }) => needed.every((kek) => known.includes(kek)))
    for (const fellow of ours) trusted.add(fellow.id)
    for (const fellow of living) {
      const wanted = wrapping.known().slice(used === undefined ? 0 : wrapping.known().indexOf(used))
      const lacks = [...new Set([...inUse, ...wanted])].filter((kek) => !fellow.known.includes(kek))
      if (lacks.length > 0 && trusted.has(fellow.id)) await hand(fellow, lacks)
      else if (lacks.length > 0) passOver(fellow, lacks)
    }
    // All of them have every key in use, so that what is common to them is never an earlier one.
    const common = wrapping.known().findLast((kek) => ours.every(({ known }) => known.includes(kek)))
    if (common !== undefined) await use(common)
    last = began
  }

  async function tell(): Promise<void> {
    beats++
    const known = wrapping.known().join(' ')
    const row = { known, beats, mac: macOf({ id, public_key: receiver.publicKey, beats, known }) }
    await db
      .tables<ProcessTables>()
      .insertInto('node_process')
      .values({ id, public_key: receiver.publicKey, handed: null, seen_at: now, ...row })
      .onConflict((c) => c.column('id').doUpdateSet({ seen_at: now, ...row }))
      .execute()
    await db
      .tables<ProcessTables>()
      .deleteFrom('node_process')
      .where('seen_at', '<', sql<number>`${now} - ${FORGOTTEN_MS}`)
      .execute()
  }

  const rows = () =>
    db
      .tables<ProcessTables>()
      .selectFrom('node_process')
      .selectAll()
      .where('seen_at', '>', sql<number>`${now} - ${ALIVE_MS}`)
      .execute()

  /** Whether somebody with the node's secrets has written the row, and goes on writing it. */
  function isAlive(row: ProcessTables['node_process']): boolean {
    if (row.id === id || row.mac !== macOf(row)) return false
    const before = heard.get(row.id)
    const at = performance.now()
    if (before !== undefined && row.beats <= before.beats) return at - before.at < ALIVE_MS
    heard.delete(row.id)
    heard.set(row.id, { beats: row.beats, at })
    if (heard.size > HEARD) forget(heard.keys().next().value!)
    return true
  }

  function forget(other: string): void {
    heard.delete(other)
    trusted.delete(other)
    strangers.delete(other)
  }

  function passOver(fellow: Fellow, lacks: readonly string[]): void {
    if (strangers.has(fellow.id)) return
    strangers.add(fellow.id)
    log.warn('key.stranger', { process: fellow.id, lacks: lacks.join(' '), todo: 'copy key.json to it and start it again' }) // prettier-ignore
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
    log.info('key.handed', { to: to.id, keys: keks.join(' ') })
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
        log.warn('key.taken', { key: kek, todo: 'copy key.json from the process that rotated it' })
      }
    } catch (error) {
      if (!(error instanceof SealError)) throw error
      log.warn('key.not-taken', { code: error.code })
    }
  }

  function mayWrap(): void {
    if (lacking !== undefined)
      throw new KhienError('vault/older-key', `This process lacks the key ${lacking}, which is in use by now: copy key.json from where the key was rotated, and start it again.`, { status: 503 }) // prettier-ignore
    const { steady, wall } = moment()
    if (steady - last.steady < SURE_MS && wall - last.wall < SURE_MS) return
    throw new KhienError('vault/out-of-touch', 'This process was out of touch with its database for a while, and does not know whether its key is still in use; try again in a second.', { status: 503 }) // prettier-ignore
  }

  async function retire(kek: string): Promise<void> {
    mayWrap()
    if (performance.now() - usedSince < ALIVE_MS)
      throw new StartError('key/behind', 'The key was taken into use a moment ago; try again in 15 seconds.', { status: 409 }) // prettier-ignore
    const without = living.find(({ known }) => !known.includes(kek))
    if (without !== undefined)
      throw new StartError('key/behind', `The process ${without.id} serves without the key ${kek}: stop it, or copy key.json to it and start it again.`, { status: 409 }) // prettier-ignore
    const earlier = wrapping.known().slice(0, wrapping.known().indexOf(kek))
    const inUse = await usedKeys(keysDb)
    if (inUse.some((one) => one !== kek && !earlier.includes(one)))
      throw new StartError('key/behind', 'Another process uses a later key already; try again in a moment.', { status: 409 }) // prettier-ignore
    if (earlier.length > 0)
      await keysDb.tables<UsedKeyTables>().deleteFrom('used_key').where('kek', 'in', earlier).execute()
  }

  const beat = (): Promise<void> => {
    const next = running.then(turn)
    running = next.catch(() => undefined)
    return next
  }
  const leave = () =>
    db.tables<ProcessTables>().deleteFrom('node_process').where('id', '=', id).execute().catch(() => undefined) // prettier-ignore
  await beat()
  if (lacking !== undefined) {
    await leave()
    throw olderKey(ctx.folder, lacking)
  }
  return {
    beat,
    mayWrap,
    retire,
    fileLacks() {
      const keys = lacking === undefined ? handed : [lacking]
      return keys.length === 0 ? undefined : `key.json here lacks ${keys.join(' ')}: copy it from the process that rotated the key, before the next start` // prettier-ignore
    },
    async [Symbol.asyncDispose]() {
      await running
      await leave()
    },
  }
}
export type Fellows = AsyncDisposable & {
  /** Tells the others that this process is alive and what it has; takes what it was handed. Every second, and at once after a rotation. */
  beat(): Promise<void>
  /**
   * Asked right before something is put under the key in use. Errors, both 503: `vault/older-key` when a key is in use that
   * this process has not, `vault/out-of-touch` when it was silent so long that the others may have gone on without it.
   */
  mayWrap(): void
  /** From now on a key file needs no earlier key than this one. Errors: `key/behind` while others may still use one. */
  retire(kek: string): Promise<void>
  /** What the key file of this process lacks, as a sentence. */
  fileLacks(): string | undefined
}
type Row = Pick<ProcessTables['node_process'], 'id' | 'public_key' | 'mac' | 'known' | 'beats'>
type Fellow = Omit<Row, 'known'> & { readonly known: readonly string[] }
/** Milliseconds: one clock goes on while the process is stopped, the other while the machine is. */
type Moment = { readonly steady: number; readonly wall: number }
const moment = (): Moment => ({ steady: performance.now(), wall: Date.now() })

/** Secrets that put nothing under a key unless these fellows agree. */
export function guarded(secrets: Secrets, fellows: Pick<Fellows, 'mayWrap'>): Secrets {
  return {
    ...secrets,
    wrapping: {
      ...secrets.wrapping,
      current() {
        fellows.mayWrap()
        return secrets.wrapping.current()
      },
    },
    sealSmall(plain, about) {
      fellows.mayWrap()
      return secrets.sealSmall(plain, about)
    },
  }
}

const usedKeys = async (keysDb: Database): Promise<string[]> =>
  (await keysDb.tables<UsedKeyTables>().selectFrom('used_key').select('kek').execute()).map(({ kek }) => kek)

async function mustKnowUsed({ keysDb, folder, secrets }: Context): Promise<void> {
  const missing = (await usedKeys(keysDb)).find((kek) => secrets.wrapping.of(kek) === undefined)
  if (missing !== undefined) throw olderKey(folder, missing)
}

const olderKey = (folder: string, kek: string): StartError =>
  new StartError(
    'data/older-key',
    `The key.json in ${folder} lacks the key ${kek}, which was put in use since: copy key.json from where the key was rotated.`,
    { status: 409 },
  )
