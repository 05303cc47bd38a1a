import type { Detection } from '../../detection/index.ts'
import type { SigningKey } from '../../engine/seal/index.ts'
import type { RecordActs } from '../../kit/act.ts'
import { iso, type Clock } from '../../kit/clock.ts'
import { KhienError, badRequest } from '../../kit/errors.ts'
import type { Entropy } from '../../kit/ids.ts'
import type { Database, Migration } from '../../storage/sql/index.ts'
import { LawfulAlert, passGate } from './lawful.ts'
import { keyIdOf, signRequest, verifyRequest, type Signed } from './signature.ts'

type SocTables = {
  soc_contract: { id: number; name: string; url: string }
  soc_client: { key_id: string; name: string; key: string; added_at: number; last_at: number | null; alerts: number }
  soc_delivery: { alert: string; state: string; tries: number; held: string; error: string | null; at: number }
}

export const socMigrations: readonly Migration[] = [
  {
    name: '20261122T003000-create-soc',
    async up(db) {
      await db.schema
        .createTable('soc_contract')
        .addColumn('id', 'integer', (c) => c.primaryKey())
        .addColumn('name', 'text', (c) => c.notNull())
        .addColumn('url', 'text', (c) => c.notNull())
        .execute()
      await db.schema
        .createTable('soc_client')
        .addColumn('key_id', 'text', (c) => c.primaryKey())
        .addColumn('name', 'text', (c) => c.notNull())
        .addColumn('key', 'text', (c) => c.notNull())
        .addColumn('added_at', 'bigint', (c) => c.notNull())
        .addColumn('last_at', 'bigint')
        .addColumn('alerts', 'bigint', (c) => c.notNull())
        .execute()
      await db.schema
        .createTable('soc_delivery')
        .addColumn('alert', 'text', (c) => c.primaryKey())
        .addColumn('state', 'text', (c) => c.notNull())
        .addColumn('tries', 'integer', (c) => c.notNull())
        .addColumn('held', 'text', (c) => c.notNull())
        .addColumn('error', 'text')
        .addColumn('at', 'bigint', (c) => c.notNull())
        .execute()
    },
  },
]

export type SocContext = {
  readonly db: Database
  readonly clock: Clock
  readonly entropy: Entropy
  readonly record: RecordActs
  readonly detection: Detection
  readonly voice: SigningKey
}
const TIMEOUT_MS = 10_000
const SHOWN = 100

/** The channel between a platform and the centre it contracted, both ends. */
export function socService(ctx: SocContext) {
  const db = ctx.db.tables<SocTables>()

  /** Sends one alert through the gate. Throws when the centre did not take it, so that the outbox tries again. */
  async function deliver(alertId: string): Promise<void> {
    const contract = await db.selectFrom('soc_contract').selectAll().where('id', '=', 1).executeTakeFirst()
    if (!contract) return
    const { out, held } = passGate(await ctx.detection.alerts.one(alertId))
    const before = await db.selectFrom('soc_delivery').selectAll().where('alert', '=', alertId).executeTakeFirst()
    if (before?.state === 'sent') return
    const note = async (state: string, error: string | null): Promise<void> => {
      const row = { state, tries: (before?.tries ?? 0) + 1, held: held.join(' '), error, at: ctx.clock() }
      await ctx.db.transaction<SocTables, void>(async (trx) => {
        await trx
          .insertInto('soc_delivery')
          .values({ alert: alertId, ...row })
          .onConflict((c) => c.column('alert').doUpdateSet(row))
          .execute()
        if (state === 'sent')
          await ctx.record(trx, [
            {
              kind: 'soc.alert-sent',
              actor: 'node',
              result: 'done',
              facts: { alert: alertId, centre: new URL(contract.url).host, held: held.join(' ') },
            },
          ])
      })
    }
    const url = new URL('/soc/alerts', contract.url)
    const body = Buffer.from(JSON.stringify(out))
    const nonce = Buffer.from(ctx.entropy(16)).toString('base64url')
    const signed: Signed = { method: 'POST', authority: url.host, path: url.pathname, body }
    try {
      const response = await fetch(url, {
        method: 'POST',
        headers: { 'content-type': 'application/json', ...signRequest(signed, ctx.voice, ctx.clock(), nonce) },
        body,
        redirect: 'error',
        signal: AbortSignal.timeout(TIMEOUT_MS),
      })
      await response.body?.cancel()
      if (!response.ok) throw new KhienError('soc/refused', `The centre answered ${response.status}.`)
    } catch (error) {
      const why = error instanceof KhienError ? error : new KhienError('soc/away', 'The centre cannot be reached.')
      await note('failed', why.code)
      throw why
    }
    await note('sent', null)
  }

  /** Takes one alert of a client. Errors: `soc/signature` (401, or 400 when there is none to read), `soc/alert` (400). */
  async function receive(request: Signed, headers: (name: string) => string | null): Promise<void> {
    const verdict = await verifyRequest(request, headers, ctx.clock(), async (keyId) => {
      const client = await db.selectFrom('soc_client').select('key').where('key_id', '=', keyId).executeTakeFirst()
      return client && Buffer.from(client.key, 'base64url')
    })
    if (!verdict.ok)
      throw new KhienError('soc/signature', `The signature does not hold (${verdict.why}).`, {
        status: verdict.why === 'malformed' ? 400 : 401,
        field: 'header.signature',
      })
    const alert = parse(request.body)
    const client = await db
      .selectFrom('soc_client')
      .selectAll()
      .where('key_id', '=', verdict.keyId)
      .executeTakeFirstOrThrow()
    const { id, rule, title, level, first, last, count, observables } = alert
    const taken = await ctx.detection.alerts.receive(
      [
        {
          rule,
          title,
          level,
          group: { alert: id },
          count,
          from: Date.parse(first),
          at: Date.parse(last),
          events: [],
          observables,
        },
      ],
      client.name,
    )
    // A repeat, honest or replayed, changes nothing.
    if (taken.length === 0) return
    await db
      .updateTable('soc_client')
      .set((eb) => ({ last_at: ctx.clock(), alerts: eb('alerts', '+', 1) }))
      .where('key_id', '=', verdict.keyId)
      .execute()
  }

  async function setContract(contract: { name: string; url: string } | null, actor: string): Promise<void> {
    if (contract && !isPrivate(new URL(contract.url)))
      throw badRequest('soc/plain', 'url: expected https:// (plain http only on this machine).', 'body.url')
    await ctx.db.transaction<SocTables, void>(async (trx) => {
      await trx.deleteFrom('soc_contract').execute()
      if (contract)
        await trx
          .insertInto('soc_contract')
          .values({ id: 1, name: contract.name, url: new URL(contract.url).origin })
          .execute()
      await ctx.record(trx, [
        {
          kind: contract ? 'soc.contracted' : 'soc.contract-ended',
          actor,
          result: 'done',
          facts: contract ? { centre: new URL(contract.url).host } : {},
        },
      ])
    })
  }

  /** A platform that contracted us. A key that is known already gets the new name. */
  async function addClient(name: string, key: string, actor: string): Promise<void> {
    const bytes = Buffer.from(key, 'base64url')
    if (bytes.length !== 32) throw badRequest('soc/key', 'key: expected 32 bytes in base64url', 'body.key')
    const keyId = keyIdOf(bytes)
    await ctx.db.transaction<SocTables, void>(async (trx) => {
      await trx
        .insertInto('soc_client')
        .values({ key_id: keyId, name, key, added_at: ctx.clock(), last_at: null, alerts: 0 })
        .onConflict((c) => c.column('key_id').doUpdateSet({ name }))
        .execute()
      await ctx.record(trx, [{ kind: 'soc.client-added', actor, result: 'done', facts: { key: keyId } }])
    })
  }

  async function show() {
    const [contract, deliveries, clients] = await Promise.all([
      db.selectFrom('soc_contract').selectAll().executeTakeFirst(),
      db.selectFrom('soc_delivery').selectAll().orderBy('at', 'desc').limit(SHOWN).execute(),
      db.selectFrom('soc_client').selectAll().orderBy('added_at').execute(),
    ])
    return {
      key: Buffer.from(ctx.voice.publicKey).toString('base64url'),
      contract: contract ? { name: contract.name, url: contract.url } : null,
      deliveries: deliveries.map((row) => ({
        alert: row.alert,
        state: row.state as 'sent',
        tries: Number(row.tries),
        held: row.held === '' ? [] : row.held.split(' '),
        error: row.error,
        at: iso(Number(row.at)),
      })),
      clients: clients.map((row) => ({
        keyId: row.key_id,
        name: row.name,
        addedAt: iso(Number(row.added_at)),
        lastAt: row.last_at === null ? null : iso(Number(row.last_at)),
        alerts: Number(row.alerts),
      })),
    }
  }
  return { deliver, receive, setContract, addClient, show }
}
export type Soc = ReturnType<typeof socService>

const isPrivate = ({ protocol, hostname }: URL): boolean =>
  protocol === 'https:' || /^(?:localhost|127(?:\.\d+){3}|\[::1\])$/.test(hostname)

function parse(body: Uint8Array): LawfulAlert {
  let value: unknown
  try {
    value = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(body))
  } catch {
    throw badRequest('soc/alert', 'The alert is not valid JSON.', 'body')
  }
  const result = LawfulAlert.safeParse(value)
  if (!result.success)
    throw badRequest(
      'soc/alert',
      `The alert is malformed at ${result.error.issues[0]!.path.join('.') || 'its top'}.`,
      'body',
    )
  return result.data
}
