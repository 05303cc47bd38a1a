import type { Khien } from './index.ts'
import { KhienRefusal } from './error.ts'

/**
 * A cell that says itself where its value is: `kh_…` → the vault holds it, anything else → it lies here. So an app reads
 * and writes the same way before, during and after it has moved in (`khien adopt`), column by column and row by row.
 */
export const isToken = (cell: string | null | undefined): cell is string =>
  typeof cell === 'string' && /^kh_[a-z0-9]{16,20}$/.test(cell)
/** Characters a column needs so that a token fits. */
export const LONGEST_TOKEN = 23

/** Where a value lies in the vault. `record` is `-` for what a person has one of. */
export type CellPlace = {
  readonly subject: string
  readonly collection: string
  readonly record?: string
  readonly field: string
}
export type Cell = Omit<CellPlace, 'subject'> & {
  /** Null where the row's person has no subject token yet; then its cells are no tokens either. */
  readonly subject: string | null
  readonly cell: string | null
  readonly agreement?: string
}
export type Opened = {
  readonly value: string | null
  /** Why the vault does not give it out (`consent/no-ground`); the value is null then. */
  readonly refused?: string
}

const CALL = 200
const SIGNS = '0123456789abcdefghjkmnpqrstvwxyz'
const LONG_NUMBER = /\d{9,}/
const REFERENCE = /^[A-Za-z0-9][A-Za-z0-9._:-]{0,63}$/
const fits = (text: string): boolean => REFERENCE.test(text) && !LONG_NUMBER.test(text.replace(/[._:-]/g, ''))

/**
 * The name of a record for a key of the app's own: as it is where the vault takes it; a key with nine digits in a row,
 * which might be a phone number, with letters for its digits. Different keys have different names. Undefined when too long.
 */
export function recordOf(key: string): string | undefined {
  if (fits(key) && !key.startsWith('x-')) return key
  const name = `x-${key.replace(/[^a-fA-F.-]/g, (sign) => {
    const digit = '0123456789'.indexOf(sign)
    if (digit >= 0) return 'ghijklmnop'[digit]!
    return /^[A-Za-z:]$/.test(sign)
      ? `:${sign}`
      : `_${[...sign.codePointAt(0)!.toString(16)].map((d) => 'ghijklmnopabcdef'[Number.parseInt(d, 16)]).join('')}_`
  })}`
  return fits(name) ? name : undefined
}

/**
 * What stands in a cell whose field has no stable token (a name, an address): a name of the place, the same for ever
 * and without any trace of the value. 90 bits of SHA-256.
 */
export async function placeToken({ subject, collection, record = '-', field }: CellPlace): Promise<string> {
  const text = new TextEncoder().encode(['khien place', subject, collection, record, field].join('\u0000'))
  const bytes = new Uint8Array(await crypto.subtle.digest('SHA-256', text))
  return `kh_${Array.from(bytes.subarray(0, 18), (byte) => SIGNS[byte & 31]).join('')}`
}

type Vault = Pick<Khien, 'put' | 'get' | 'tokens'>

export type ColumnOptions = {
  /** `vault`: what is written goes there and its token here. `here`: written as it is, as before moving in. */
  readonly writes: 'vault' | 'here'
}

/** Cells of the app's own tables, read and written through the vault. Calls of at most 200 items each. */
export function vaultColumns(khien: Vault, options: ColumnOptions) {
  /**
   * Values of cells, in their order: those that are tokens from the vault, the rest as they are. A place the vault
   * refuses is told by its code; the others are answered all the same. Errors: `KhienRefusal` when a call fails.
   */
  async function opens(cells: readonly Cell[], use: { purpose: string; reason: string }): Promise<Opened[]> {
    const out = cells.map(({ cell }): Opened => ({ value: cell }))
    const items = new Map<string, { item: Item; at: number[] }>()
    for (const [i, { subject, collection, record = '-', field, cell, agreement }] of cells.entries()) {
      if (!isToken(cell)) continue
      if (subject === null) {
        out[i] = { value: null, refused: 'client/no-subject' }
        continue
      }
      const where = [subject, collection, record, agreement].join(' ')
      const known = items.get(where)
      if (known) {
        known.at.push(i)
        if (!known.item.fields.includes(field)) known.item.fields.push(field)
      } else {
        const item = { subject, collection, record, fields: [field], ...(agreement === undefined ? {} : { agreement }) }
        items.set(where, { item, at: [i] })
      }
    }
    const all = [...items.values()]
    for (let from = 0; from < all.length; from += CALL) {
      const part = all.slice(from, from + CALL)
      const { items: answers } = await khien.get({ ...use, items: part.map(({ item }) => item) })
      for (const [n, { at }] of part.entries()) {
        const answer = answers[n]!
        for (const i of at)
          out[i] = answer.ok ? { value: answer.fields[cells[i]!.field] ?? null } : { value: null, refused: answer.code }
      }
    }
    return out
  }

  /**
   * Puts values into the vault and gives what belongs into their cells. For a row that is there already, call it inside
   * the transaction that has locked the row (`select … for update`), so that what is followed and what is written
   * cannot cross. Errors: `KhienRefusal` of the first value the vault does not take; others of the call may be kept.
   */
  async function seals(values: readonly (CellPlace & { readonly value: string })[]): Promise<string[]> {
    if (options.writes === 'here') return values.map(({ value }) => value)
    const out: string[] = []
    for (let from = 0; from < values.length; from += CALL) {
      const part = values.slice(from, from + CALL)
      const { items } = await khien.put(
        part.map(({ subject, collection, record = '-', field, value }) => ({
          subject,
          collection,
          record,
          fields: { [field]: value },
        })),
      )
      for (const [n, answer] of items.entries()) {
        if (!answer.ok) throw new KhienRefusal(422, answer)
        out.push(answer.tokens?.[part[n]!.field] ?? (await placeToken(part[n]!)))
      }
    }
    return out
  }

  /** What stands in a column for a value of a field with stable tokens. */
  async function tokenOf(collection: string, field: string, value: string): Promise<string> {
    return (await khien.tokens({ collection, field, values: [value] })).tokens[0]!
  }

  return {
    opens,
    seals,
    tokenOf,
    /** For `where phone in (…)`: the value as it is and its token, which finds rows that have moved and rows that have not. */
    either: async (collection: string, field: string, value: string): Promise<[string, string]> => [
      value,
      await tokenOf(collection, field, value),
    ],
  }
}
type Item = { subject: string; collection: string; record: string; fields: string[]; agreement?: string }
