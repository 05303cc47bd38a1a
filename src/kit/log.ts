/** Structured log lines on stderr, one JSON object a line. Values never carry personal data: ids, codes, counts only. */
export type Log = {
  info(event: string, fields?: LogFields): void
  warn(event: string, fields?: LogFields): void
  error(event: string, fields?: LogFields): void
  with(fields: LogFields): Log
}
export type LogFields = Record<string, string | number | boolean | undefined>

export function jsonLog(write: (line: string) => void, base: LogFields = {}, now: () => number = Date.now): Log {
  const put = (level: string, event: string, fields?: LogFields): void =>
    write(`${JSON.stringify({ at: new Date(now()).toISOString(), level, event, ...base, ...fields })}\n`)
  return {
    info: (event, fields) => put('info', event, fields),
    warn: (event, fields) => put('warn', event, fields),
    error: (event, fields) => put('error', event, fields),
    with: (fields) => jsonLog(write, { ...base, ...fields }, now),
  }
}

export const silentLog: Log = { info() {}, warn() {}, error() {}, with: () => silentLog }
