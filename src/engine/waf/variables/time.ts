import type { LiveVariable } from './names.ts'

const two = (number: number): string => String(number).padStart(2, '0')

/** TIME_… of an instant (milliseconds since 1970) at an offset from UTC (minutes); undefined for a name that is none. */
export function timeOf(name: LiveVariable, at: number, offset: number): string | undefined {
  const local = new Date(at + offset * 60_000)
  switch (name) {
    case 'TIME':
      return `${two(local.getUTCHours())}:${two(local.getUTCMinutes())}:${two(local.getUTCSeconds())}`
    case 'TIME_DAY':
      return String(local.getUTCDate())
    case 'TIME_EPOCH':
      return String(Math.floor(at / 1000))
    case 'TIME_HOUR':
      return String(local.getUTCHours())
    case 'TIME_MIN':
      return String(local.getUTCMinutes())
    // As in C's struct tm: January is 0, Sunday is 0.
    case 'TIME_MON':
      return String(local.getUTCMonth())
    case 'TIME_SEC':
      return String(local.getUTCSeconds())
    case 'TIME_WDAY':
      return String(local.getUTCDay())
    case 'TIME_YEAR':
      return String(local.getUTCFullYear())
    default:
      return undefined
  }
}
