import { KhienError } from '../kit/errors.ts'
import type { Kind } from './query.ts'

export type Address = { readonly kind: Kind; readonly url: URL; readonly place: string }

const KINDS: Readonly<Record<string, Kind>> = {
  'postgres:': 'postgres',
  'postgresql:': 'postgres',
  'mysql:': 'mysql',
  'mariadb:': 'mysql',
}
const SHAPE = 'postgres://user@host:5432/name, mysql://user@host:3306/name or mariadb://…'

/** Reads the address of a database. Errors: `source/address`, which never repeats what was given (it may hold a password). */
export function readAddress(text: string): Address {
  const url = URL.parse(text)
  const kind = url === null ? undefined : KINDS[url.protocol]
  if (url === null || kind === undefined)
    throw new KhienError('source/address', `The address of the database must look like ${SHAPE}.`, { field: 'source' })
  const database = decodeURIComponent(url.pathname.slice(1))
  if (database === '' || url.hostname === '')
    throw new KhienError('source/address', `The address of the database lacks a host or a name: ${SHAPE}.`, {
      field: 'source',
    })
  const port = url.port || (kind === 'postgres' ? '5432' : '3306')
  const title = kind === 'postgres' ? 'PostgreSQL' : url.protocol === 'mariadb:' ? 'MariaDB' : 'MySQL'
  return { kind, url, place: `${title} at ${url.hostname}:${port}/${database}` }
}

/** Why a connection could not be made, without user and password. */
export function unreachable(place: string, cause: unknown): KhienError {
  const code = String((cause as { code?: unknown })?.code)
  const why = ['3D000', 'ER_BAD_DB_ERROR'].includes(code)
    ? 'has no database of this name'
    : ['28P01', '28000', 'ER_ACCESS_DENIED_ERROR', 'ER_DBACCESS_DENIED_ERROR'].includes(code)
      ? 'refuses this user'
      : 'does not answer'
  return new KhienError('source/unreachable', `${place} ${why}.`, { status: 503, cause })
}
