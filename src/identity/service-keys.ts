import { createPrivateKey, createPublicKey, hkdfSync, verify, type KeyObject } from 'node:crypto'
import type { Caller, Scope } from '../kit/contract.ts'
import { KhienError } from '../kit/errors.ts'
import { SUBJECT, newId, newSecret } from '../kit/ids.ts'
import { hashOf, type IdentityContext } from './context.ts'
import type { IdentityTables } from './store.ts'

const KEY = /^khk_([0-9A-Z]{26})_([A-Za-z0-9_-]{43})$/
const PKCS8_ED25519 = Buffer.from('302e020100300506032b657004220420', 'hex')
const SPKI_ED25519 = Buffer.from('302a300506032b6570032100', 'hex')
const HANDOVER_LIVES_MS = 60_000
const FRESH_MS = 1_000

/** The client derives the same seed from its secret: it signs, the node keeps only the public half. */
const handoverSeed = (secret: string): Buffer => Buffer.from(hkdfSync('sha256', secret, '', 'khien handover v1', 32))

const publicHalf = (seed: Buffer): Buffer =>
  createPublicKey(createPrivateKey({ key: Buffer.concat([PKCS8_ED25519, seed]), format: 'der', type: 'pkcs8' }))
    .export({ format: 'der', type: 'spki' })
    .subarray(SPKI_ED25519.length)

const publicKey = (raw: Uint8Array): KeyObject =>
  createPublicKey({ key: Buffer.concat([SPKI_ED25519, raw]), format: 'der', type: 'spki' })

/** Keys of the protected app, with scopes, and the signed links with which it hands a person over. */
export function serviceKeyService(ctx: IdentityContext) {
  const { db, clock, entropy } = ctx
  const tables = () => db.tables<IdentityTables>()

  /** Makes a key; its secret is shown once and kept only as a hash. */
  async function create(name: string, scopes: readonly Scope[], actor: string): Promise<{ id: string; key: string }> {
    const id = newId('khk', clock(), entropy)
    const key = `${id}_${newSecret(entropy)}`
    await db.transaction<IdentityTables, void>(async (trx) => {
      await trx
        .insertInto('service_key')
        .values({
          id,
          name,
          secret: hashOf(key),
          handover: publicHalf(handoverSeed(key)),
          scopes: scopes.join(' '),
          created_at: clock(),
          revoked_at: null,
        })
        .execute()
      await ctx.record(trx, [
        { kind: 'key.created', actor, result: 'done', facts: { key: id, scopes: scopes.join(' ') } },
      ])
    })
    forget()
    return { id, key }
  }

  async function revoke(id: string, actor: string): Promise<void> {
    await db.transaction<IdentityTables, void>(async (trx) => {
      await trx
        .updateTable('service_key')
        .set({ revoked_at: clock() })
        .where('id', '=', id)
        .where('revoked_at', 'is', null)
        .execute()
      await ctx.record(trx, [{ kind: 'key.revoked', actor, result: 'done', facts: { key: id } }])
    })
    forget()
  }

  /** On SQLite one process owns the store, so that this cannot outlive a revocation; on PostgreSQL it does by a second. */
  const cache = new Map<string, { readonly caller: Caller; readonly at: number }>()
  /** Rises with every change: an answer that was asked for before it is not kept after it. */
  let generation = 0
  const forget = (): void => {
    generation++
    cache.clear()
  }

  async function find(key: string): Promise<Caller | undefined> {
    const parts = KEY.exec(key)
    if (!parts) return undefined
    const hashed = hashOf(key)
    const now = clock()
    const known = cache.get(hashed)
    if (known && (db.dialect === 'sqlite' || (now - known.at < FRESH_MS && now >= known.at))) return known.caller
    const asked = generation
    const row = await tables()
      .selectFrom('service_key')
      .select(['id', 'scopes'])
      .where('secret', '=', hashed)
      .where('revoked_at', 'is', null)
      .executeTakeFirst()
    if (!row) return undefined
    const caller: Caller = { kind: 'service', id: row.id, scopes: row.scopes.split(' ') as Scope[] }
    if (asked === generation) cache.set(hashed, { caller, at: now })
    return caller
  }

  /**
   * Redeems a handover link (`payload.signature`, base64url; payload `{v:1, key, sub, exp, jti, aud}`): short-lived,
   * bound to this node's public origin, single use. Answers the subject. Every fault answers alike.
   */
  async function redeem(token: string, audience: string): Promise<string> {
    const refused = new KhienError(
      'identity/link-spent',
      'This link was used or has expired. Open it again from the shop.',
      { status: 410 },
    )
    const [body, signature, ...rest] = token.split('.')
    if (!body || !signature || rest.length > 0) throw refused
    const claim = parseClaim(body)
    const now = clock()
    if (!claim || claim.aud !== audience || claim.exp <= now || claim.exp > now + 2 * HANDOVER_LIVES_MS) throw refused
    const row = await tables()
      .selectFrom('service_key')
      .select(['handover'])
      .where('id', '=', claim.key)
      .where('revoked_at', 'is', null)
      .executeTakeFirst()
    if (!row || !verify(null, Buffer.from(body), publicKey(row.handover), Buffer.from(signature, 'base64url')))
      throw refused
    const claimed = await tables()
      .insertInto('handover_used')
      .values({ jti: `${claim.key}:${claim.jti}`, expires_at: claim.exp })
      .onConflict((c) => c.doNothing())
      .executeTakeFirst()
    if (Number(claimed.numInsertedOrUpdatedRows ?? 0) === 0) throw refused
    return claim.sub
  }

  const list = () =>
    tables()
      .selectFrom('service_key')
      .select(['id', 'name', 'scopes', 'created_at', 'revoked_at'])
      .orderBy('created_at')
      .execute()

  return { create, revoke, find, redeem, list }
}

type Claim = { key: string; sub: string; exp: number; jti: string; aud: string }

function parseClaim(body: string): Claim | undefined {
  try {
    const c = JSON.parse(Buffer.from(body, 'base64url').toString('utf8')) as Partial<Claim> & { v?: number }
    const good =
      c.v === 1 &&
      typeof c.key === 'string' &&
      typeof c.exp === 'number' &&
      typeof c.aud === 'string' &&
      typeof c.sub === 'string' &&
      SUBJECT.test(c.sub) &&
      typeof c.jti === 'string' &&
      /^[A-Za-z0-9_-]{16,64}$/.test(c.jti)
    return good ? (c as Claim) : undefined
  } catch {
    return undefined
  }
}
