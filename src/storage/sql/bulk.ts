import { CompiledQuery, type Kysely } from 'kysely'
import type { Dialect } from './database.ts'

/** Rows of one statement; few sizes, so that each stays prepared. SQLite takes 32,766 parameters in a statement. */
const SIZES = [100, 25, 5, 1] as const

/**
 * Inserts many rows of one shape. The text is written once and kept: building it anew for each hundred rows costs more
 * than SQLite needs to insert them (bench/vault.ts). `end` is what follows the values, as `on conflict … do update …`.
 */
export function bulkInsert(table: string, columns: readonly string[], end = '') {
  const texts = new Map<string, string>()
  const textOf = (dialect: Dialect, count: number): string => {
    const name = `${dialect} ${count}`
    let text = texts.get(name)
    if (text === undefined) {
      const sign = (at: number): string => (dialect === 'sqlite' ? '?' : `$${at + 1}`)
      const row = (i: number): string => `(${columns.map((_, c) => sign(i * columns.length + c)).join(', ')})`
      text = `insert into ${table} (${columns.join(', ')}) values ${Array.from({ length: count }, (_, i) => row(i)).join(', ')} ${end}`
      texts.set(name, text)
    }
    return text
  }

  /** Each row has its values in the order of the columns. */
  return async function insert(trx: unknown, dialect: Dialect, rows: readonly (readonly unknown[])[]): Promise<void> {
    for (let from = 0; from < rows.length;) {
      const size = SIZES.find((one) => one <= rows.length - from)!
      const values = rows.slice(from, from + size).flat()
      await (trx as Kysely<unknown>).executeQuery(CompiledQuery.raw(textOf(dialect, size), values))
      from += size
    }
  }
}
