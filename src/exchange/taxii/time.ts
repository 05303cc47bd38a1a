import { readInstant } from '../../engine/stix/time.ts'

/** Microseconds since 1970 as TAXII writes them, six digits (§1.6.1). */
export function printMicros(micros: number): string {
  const millis = Math.floor(micros / 1_000)
  const rest = micros - millis * 1_000
  return `${new Date(millis).toISOString().slice(0, -1)}${String(rest).padStart(3, '0')}Z`
}

/** Microseconds of an RFC 3339 UTC time, or undefined; digits after the sixth are dropped. */
export const readMicros = (text: string): number | undefined => readInstant(text)?.micros

/** The version of an object as text that sorts as time does; undefined when it is no time. */
export const versionKey = (version: string): string | undefined => readInstant(version)?.text
