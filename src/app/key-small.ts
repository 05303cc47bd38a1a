import { promisify } from 'node:util'
import { CompiledQuery, type Kysely } from 'kysely'
import { SealError } from '../engine/seal/index.ts'
import type { Database } from '../storage/sql/index.ts'
import type { Secrets } from './secrets.ts'
import type { Stores } from './stores.ts'

type Place = {
  readonly store: keyof Stores & ('db' | 'keysDb')
  readonly table: string
  /** What a row is known by. */
  readonly id: string
  readonly column: string
  /** Base64 in a text column; else bytes. */
  readonly text?: true
  /** What it was sealed about, as its slice says it. */
  readonly about: (id: string) => string
}

/** Every place where a slice keeps what `sealSmall` sealed. test/commands/key-prune.test.ts fills them all. */
export const SMALL_SECRETS: readonly Place[] = [
  { store: 'db', table: 'staff', id: 'id', column: 'totp', about: (id) => `staff:${id}` },
  { store: 'db', table: 'invitation', id: 'token', column: 'totp', about: (token) => `invitation:${token}` },
  { store: 'db', table: 'alert_recipient', id: 'id', column: 'sealed', about: (id) => id },
  { store: 'db', table: 'mail_key', id: 'id', column: 'sealed', about: () => 'dkim key' },
  { store: 'db', table: 'vault_recipient', id: 'id', column: 'headers', about: (id) => `recipient ${id}` },
  { store: 'db', table: 'exchange_peer', id: 'id', column: 'remote_secret', text: true, about: (id) => `peer ${id}` },
  { store: 'db', table: 'citizen_report', id: 'id', column: 'sealed', about: (id) => id },
  { store: 'db', table: 'report_message', id: 'id', column: 'sealed', about: (id) => id },
  { store: 'keysDb', table: 'gateway_traffic_key', id: 'id', column: 'sealed', text: true, about: (id) => id },
]

const PAGE = 100
const SETTLED_MS = 20_000
const nextTurn = promisify(setImmediate)
type Row = { readonly id: string | number; readonly sealed: Uint8Array | string }

/** Puts what is the node's own, and no person's, under the key of today; begins again with each rotation. */
export function smallSecrets(
  stores: Pick<Stores, 'db' | 'keysDb'>,
  secrets: Pick<Secrets, 'sealSmall' | 'openSmall' | 'smallMark'>,
) {
  let done: string | undefined
  let left = 0
  let clean: { readonly name: string; readonly at: number } | undefined

  async function run(): Promise<void> {
    const mark = secrets.smallMark()
    const name = Buffer.from(mark).toString('base64')
    if (mark.length === 0 || done === name) return
    left = await behind()
    for (const place of SMALL_SECRETS) await renew(place, mark)
    left = await behind()
    const at = performance.now()
    if (clean?.name !== name) clean = { name, at }
    // Looked at once more: a write that began under the earlier key may still have ended.
    else if (left === 0 && at - clean.at > SETTLED_MS) done = name
  }

  /** How many lie under an earlier key. */
  async function behind(): Promise<number> {
    const mark = secrets.smallMark()
    let count = 0
    if (mark.length > 0)
      for (const place of SMALL_SECRETS) {
        const { rows } = await ask<{ n: number }>(place, `select count(*) as n`, mark)
        count += Number(rows[0]!.n)
      }
    return count
  }

  async function renew(place: Place, mark: Uint8Array): Promise<void> {
    for (let after: Row['id'] | undefined; ;) {
      const { rows } = await ask<Row>(place, `select ${place.id} as id, ${place.column} as sealed`, mark, after)
      if (rows.length === 0) return
      after = rows.at(-1)!.id
      for (const { id, sealed } of rows) {
        const bytes = typeof sealed === 'string' ? Buffer.from(sealed, 'base64') : Uint8Array.from(sealed)
        const about = place.about(String(id))
        const anew = renewed(bytes, about)
        if (anew === undefined) continue
        const value = typeof sealed === 'string' ? Buffer.from(anew).toString('base64') : anew
        // Only over what was read: what its slice wrote meanwhile stays.
        const { one, two, three } = signs(stores[place.store])
        const text = `update ${place.table} set ${place.column} = ${one} where ${place.id} = ${two} and ${place.column} = ${three}`
        await tables(place).executeQuery(CompiledQuery.raw(text, [value, id, sealed]))
      }
      await nextTurn()
    }
  }

  /** Undefined for what does not open: it stays behind, is counted, and holds up nothing else. */
  function renewed(sealed: Uint8Array, about: string): Uint8Array | undefined {
    try {
      return secrets.sealSmall(secrets.openSmall(sealed, about), about)
    } catch (error) {
      if (error instanceof SealError) return undefined
      throw error
    }
  }

  /** Rows of a place whose value does not begin with the mark. */
  function ask<R>(place: Place, what: string, mark: Uint8Array, after?: Row['id']) {
    const { one, two } = signs(stores[place.store])
    const begin = place.text ? Buffer.from(mark).toString('base64') : mark
    const rest = after === undefined ? '' : `and ${place.id} > ${two}`
    const page = what.includes('count') ? '' : `${rest} order by ${place.id} limit ${PAGE}`
    const text = `${what} from ${place.table} where ${place.column} is not null
      and substr(${place.column}, 1, ${begin.length}) <> ${one} ${page}`
    return tables(place).executeQuery<R>(CompiledQuery.raw(text, after === undefined ? [begin] : [begin, after]))
  }
  const tables = (place: Place): Kysely<unknown> => stores[place.store].tables()

  return { run, behind, left: () => left }
}
export type SmallSecrets = ReturnType<typeof smallSecrets>

const signs = ({ dialect }: Database) =>
  dialect === 'sqlite' ? { one: '?', two: '?', three: '?' } : { one: '$1', two: '$2', three: '$3' }
