import { availableParallelism } from 'node:os'
import type { Kysely } from 'kysely'
import type { ConsentTables } from '../../consent/index.ts'
import { hashPassword } from '../../identity/index.ts'
import type { Once } from '../../kit/contract.ts'
import { KhienError } from '../../kit/errors.ts'
import type { VaultContext } from '../context.ts'
import type { Keyring } from '../keyring.ts'
import { openText, refuse, sealPlace, SHREDDED, type Refusal } from '../put.ts'
import { insertValues, type VaultTables } from '../store.ts'
import { runOnce } from '../../storage/sql/index.ts'
import { COMMON } from './common.ts'
import { workQueue } from './queue.ts'
import { SlowHashes } from './slow.ts'
import { checkStored, importable, storedForm, type Imported } from './stored.ts'

const MAX_FAILURES = 10
const WINDOW_MS = 15 * 60_000
const WATCHED = 50_000
/** About two seconds of work: whoever comes later than that gives up anyway. */
const WAITING = 48
const FOREIGN_WAITING = 24
const MOST_THREADS = 4
/** Each takes 40 ms of a core. */
const WRAPPED_A_BATCH = 20
const PLACE = { collection: 'account', record: '-' } as const

export type ImportItem = Imported & { readonly subject: string }
export type ImportResult = { ok: true; scheme: string } | Refusal

/** Passwords: kept as argon2id with pepper, checked and never given out; hashes of other programs taken over and renewed at log-in. */
export function passwordService(ctx: VaultContext, keys: Keyring) {
  const threads = Math.max(1, Math.min(MOST_THREADS, availableParallelism() >> 1))
  const slow = new SlowHashes(threads)
  const own = { pepper: ctx.pepper, entropy: ctx.entropy, slow }
  // One core stays free for those who read.
  const queue = workQueue({ atOnce: Math.max(1, availableParallelism() - 1), waiting: WAITING })
  // Other programs' hashes cost what their makers chose, a second and more: they wait for each other, and for nobody else.
  const foreignQueue = workQueue({ atOnce: threads, waiting: FOREIGN_WAITING })

  /** What is kept of a new password. Throws `vault/busy` (429). */
  const hashed = (password: string): Promise<string> => queue.run(() => hashPassword(password, ctx.pepper, ctx.entropy))

  /** Whether attackers try this one first: of the few hundred most common, or of the operator's list of breached ones. */
  const breached = async (password: string): Promise<boolean> =>
    COMMON.has(password.normalize('NFC').toLowerCase()) || (await ctx.breached?.(password)) === true

  const placeOf = (db: Kysely<VaultTables>, subject: string) =>
    db
      .selectFrom('vault_value')
      .select('sealed')
      .where('subject', '=', subject)
      .where('collection', '=', PLACE.collection)
      .where('record', '=', PLACE.record)
      .where('field', '=', 'password')

  async function stored(subject: string): Promise<string | undefined> {
    const row = await placeOf(ctx.db.tables<VaultTables>(), subject).executeTakeFirst()
    const key = row && (await keys.keysOf([subject])).get(subject)
    return row && key
      ? Buffer.from(ctx.sealer.open(key, row.sealed, sealPlace(ctx.node, { subject, ...PLACE }, 'password'))).toString()
      : undefined
  }

  async function seal(subject: string, text: string) {
    const { found, gone } = await keys.keysFor([subject], true)
    if (gone.has(subject)) return undefined
    const sealed = ctx.sealer.seal(
      found.get(subject)!,
      Buffer.from(text),
      sealPlace(ctx.node, { subject, ...PLACE }, 'password'),
    )
    return { subject, ...PLACE, field: 'password', sealed, at: ctx.clock() }
  }

  const failures = new Map<string, { count: number; since: number }>()

  /** Ten tries for one person in a quarter of an hour, counted before they are judged; the right one clears them. */
  function takeTry(subject: string): void {
    const now = ctx.clock()
    const known = failures.get(subject)
    const seen = known && now - known.since <= WINDOW_MS ? known : { count: 0, since: now }
    if (seen.count >= MAX_FAILURES) {
      const wait = Math.ceil((seen.since + WINDOW_MS - now) / 1000)
      throw new KhienError('vault/too-many-tries', 'Too many wrong passwords for this person; try again later.', {
        status: 429,
        retryAfter: wait,
      })
    }
    if (!known && failures.size >= WATCHED) failures.delete(failures.keys().next().value!)
    failures.set(subject, { ...seen, count: seen.count + 1 })
  }

  async function check(
    purpose: string,
    reason: string,
    subject: string,
    password: string,
    actor: string,
  ): Promise<boolean> {
    takeTry(subject)
    const text = await stored(subject)
    const outcome =
      text === undefined ? { right: false, renew: false } : await queueOf(text).run(() => fitting(text, password))
    const ruling = await ctx.db.transaction<
      VaultTables & ConsentTables,
      { lawful: boolean; code?: string; why?: string }
    >(async (trx) => {
      const [ruled] = await ctx.consent.rule(trx, purpose, [{ subject, fields: ['account.password'] }])
      const lawful = ruled!.lawful
      await ctx.record(trx, [
        {
          kind: 'vault.password-checked',
          actor,
          subject,
          purpose,
          reason,
          result: !lawful ? 'refused' : outcome.right ? 'allowed' : 'failed',
          facts: {
            fields: 'account.password',
            ...(ruled!.lawful ? { ground: ruled!.ground, article: ruled!.article } : { code: ruled!.code }),
          },
        },
      ])
      return ruled!
    })
    if (!ruling.lawful) throw new KhienError(ruling.code!, ruling.why!, { status: 403 })
    if (outcome.right) failures.delete(subject)
    // The answer does not wait for it: whoever is right is let in, and the next log-in tries again.
    if (outcome.renew) void renew(subject, text!, password).catch(() => undefined)
    return outcome.right
  }

  const queueOf = (text: string) => (text.startsWith('foreign:') ? foreignQueue : queue)

  /** Another program hashed what its keyboard gave: the same word may come composed or decomposed. */
  async function fitting(text: string, password: string) {
    const first = await checkStored(text, password, own)
    const composed = password.normalize('NFC')
    return first.right || composed === password ? first : checkStored(text, composed, own)
  }

  /** Keeps the password in our own form, unless it was changed meanwhile. */
  async function renew(subject: string, was: string, password: string): Promise<void> {
    const row = await seal(subject, await hashed(password))
    if (row === undefined) return
    const key = (await keys.keysOf([subject])).get(subject)
    await ctx.db.transaction<VaultTables, void>(async (trx) => {
      const query = placeOf(trx, subject)
      const now = await (ctx.db.dialect === 'postgres' ? query.forUpdate() : query).executeTakeFirst()
      if (!key || !now || openText(ctx, key, now.sealed, { subject, ...PLACE }, 'password') !== was) return
      await insertValues(trx, ctx.db.dialect, [row])
      await ctx.record(trx, [
        {
          kind: 'vault.password-renewed',
          actor: 'node',
          subject,
          result: 'done',
          facts: { fields: 'account.password' },
        },
      ])
    })
  }

  /** Takes over hashes of another program, item by item; fast ones (MD5, SHA) are wrapped in argon2id before they are kept. */
  async function importHashes(
    items: readonly ImportItem[],
    actor: string,
    once: Once | undefined,
  ): Promise<ImportResult[]> {
    const erasedSince = keys.watch()
    const results: ImportResult[] = []
    const rows: VaultTables['vault_value'][] = []
    const seen = new Set<string>()
    let wrapped = 0
    for (const [i, item] of items.entries()) {
      const form = importable(item)
      const said = (code: string, detail: string): void =>
        void results.push(refuse(code, detail, `body.items.${i}.${code === 'vault/hash-salt' ? 'salt' : 'hash'}`))
      if (typeof form === 'string') {
        said(
          form,
          form === 'vault/unknown-hash'
            ? 'Not a hash this vault can check: argon2, bcrypt, PHPass, PBKDF2, or MD5, SHA-1, SHA-256 or SHA-512 in hexadecimal.'
            : 'This hash carries its salt itself.',
        )
      } else if (seen.has(item.subject)) said('vault/twice', 'The same person stands twice in one batch.')
      else if (form.scheme === 'fast' && ++wrapped > WRAPPED_A_BATCH)
        said(
          'vault/too-many-passwords',
          `A batch takes ${WRAPPED_A_BATCH} hashes that must be wrapped; send the rest in another.`,
        )
      else {
        seen.add(item.subject)
        const held = await stored(item.subject)
        if (held !== undefined && !/^(?:foreign|wrapped):/.test(held)) {
          said('vault/password-kept', 'This person’s password is ours already; a hash of before would undo it.')
          continue
        }
        const text = await (form.scheme === 'fast'
          ? queue.run(() => storedForm(form, item, own))
          : storedForm(form, item, own))
        const row = await seal(item.subject, text)
        if (row === undefined) results.push(SHREDDED)
        else {
          rows.push(row)
          results.push({ ok: true, scheme: form.scheme === 'fast' ? form.digest : form.scheme })
        }
      }
    }
    return runOnce<VaultTables, ImportResult[]>(ctx.db, once, ctx.clock(), async (trx) => {
      const erased = await erasedSince(
        trx,
        rows.map(({ subject }) => subject),
      )
      const kept = rows.filter(({ subject }) => !erased.has(subject))
      await insertValues(
        trx,
        ctx.db.dialect,
        kept.toSorted((a, b) => (a.subject < b.subject ? -1 : 1)),
      )
      if (kept.length > 0)
        await ctx.record(
          trx,
          kept.map(({ subject }) => ({
            kind: 'vault.put',
            actor,
            subject,
            result: 'done' as const,
            facts: { fields: 'account.password', imported: true },
          })),
        )
      return results.map((result, i) => (result.ok && erased.has(items[i]!.subject) ? SHREDDED : result))
    })
  }

  return {
    check,
    hashed,
    breached,
    importHashes,
    figures: () => ({ ...queue.figures(), foreign: foreignQueue.figures() }),
    close: () => slow[Symbol.asyncDispose](),
  }
}
export type PasswordService = ReturnType<typeof passwordService>
