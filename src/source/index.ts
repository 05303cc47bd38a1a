import { readAddress } from './address.ts'
import { openMysqlSource } from './mysql.ts'
import { openPostgresSource } from './postgres.ts'
import type { Source } from './source.ts'

export { faultOf, passes, told } from './faults.ts'
export { list, literal, name, quote, sql, words, type Kind, type Query } from './query.ts'
export { countRows, keyFrom, keyText, lockRows, page, rowsAt, setColumn, type Key, type KeyedRow } from './rows.ts'
export { columnOf, type Column, type Index, type Row, type Session, type Source, type Table } from './source.ts'

/**
 * Opens somebody else's database: `postgres://…`, `mysql://…` or `mariadb://…`. Names are quoted, values bound, rows come
 * as text. Errors: `source/address`, `source/unreachable`; none repeats the address, which may hold a password.
 */
export async function openSource(url: string): Promise<Source> {
  const address = readAddress(url)
  return address.kind === 'postgres' ? openPostgresSource(address) : openMysqlSource(address)
}
