import { KhienError } from '../kit/errors.ts'

/** What went wrong at a database, in the terms of both drivers. */
export type Fault = 'busy' | 'taken' | 'too-long' | 'away' | 'denied' | 'other'

const CODES: Readonly<Record<string, Fault>> = {
  '55P03': 'busy',
  '40P01': 'busy',
  '40001': 'busy',
  ER_LOCK_WAIT_TIMEOUT: 'busy',
  ER_LOCK_DEADLOCK: 'busy',
  ER_STATEMENT_TIMEOUT: 'busy',
  ER_LOCK_NOWAIT: 'busy',
  '23505': 'taken',
  ER_DUP_ENTRY: 'taken',
  '22001': 'too-long',
  ER_DATA_TOO_LONG: 'too-long',
  '42501': 'denied',
  ER_TABLEACCESS_DENIED_ERROR: 'denied',
  ER_DBACCESS_DENIED_ERROR: 'denied',
  ER_COLUMNACCESS_DENIED_ERROR: 'denied',
  ER_SPECIFIC_ACCESS_DENIED_ERROR: 'denied',
  ER_BINLOG_CREATE_ROUTINE_NEED_SUPER: 'denied',
  '57P01': 'away',
  '57P02': 'away',
  '57P03': 'away',
  '53300': 'away',
  ECONNREFUSED: 'away',
  ECONNRESET: 'away',
  EPIPE: 'away',
  ETIMEDOUT: 'away',
  PROTOCOL_CONNECTION_LOST: 'away',
  ER_SERVER_SHUTDOWN: 'away',
  ER_CON_COUNT_ERROR: 'away',
}

export function faultOf(error: unknown): Fault {
  const { code, message } = (error ?? {}) as { code?: unknown; message?: unknown }
  const known = CODES[String(code)]
  if (known !== undefined) return known
  if (String(code).startsWith('08')) return 'away'
  return /^Connection terminated|^Client has encountered a connection error|connection is in closed state/.test(
    String(message),
  )
    ? 'away'
    : 'other'
}

/** Worth trying again in a moment. */
export const passes = (error: unknown): boolean => ['busy', 'away'].includes(faultOf(error))

/**
 * An error of ours in place of a driver's: messages of databases repeat values, so only their code is told.
 * Codes: `source/busy`, `source/taken`, `source/too-long`, `source/denied`, `source/unreachable`, `source/refused`.
 */
export function told(error: unknown, doing: string, place: string): KhienError {
  if (error instanceof KhienError) return error
  const { code, sqlMessage, severity } = (error ?? {}) as { code?: unknown; sqlMessage?: unknown; severity?: unknown }
  const fault = faultOf(error)
  const why = {
    busy: 'the tables are in use; try again in a quieter moment',
    taken: 'a unique index holds the same value already',
    'too-long': 'a value is longer than its column',
    denied: 'this database user may not do that',
    away: 'the server does not answer',
    other: `the server refused it (${String(code ?? (sqlMessage || severity ? 'no code' : 'not a database error'))})`,
  }[fault]
  const name = { away: 'unreachable', other: 'refused' }[fault as 'away' | 'other'] ?? fault
  return new KhienError(`source/${name}`, `${place}: ${doing}: ${why}.`, { cause: error })
}
