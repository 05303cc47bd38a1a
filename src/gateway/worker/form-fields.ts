import { isMultipart, parseMultipart } from '../../engine/waf/index.ts'

const LONGEST_BODY = 16_384
const MOST = 8

/**
 * What stands in a field of a form or a JSON object, by its name: all of them, eight at most from each end, for
 * applications read the first or the last. Empty when it is not there; bodies of other kinds and long ones have none.
 */
export function fieldsIn(body: Uint8Array, contentType: string, field: string): readonly string[] {
  if (body.length > LONGEST_BODY) return []
  const all = valuesOf(body, contentType, field)
  return all.length <= 2 * MOST ? all : [...all.slice(0, MOST), ...all.slice(-MOST)]
}

function valuesOf(body: Uint8Array, contentType: string, field: string): string[] {
  const bytes = Buffer.from(body)
  if (/^\s*application\/x-www-form-urlencoded\b/i.test(contentType))
    return new URLSearchParams(bytes.toString('utf8')).getAll(field)
  if (isMultipart(contentType))
    return parseMultipart(contentType, bytes.toString('latin1'), 0)
      .pairs.map(([name, value]) => [Buffer.from(name, 'latin1').toString(), value] as const)
      .flatMap(([name, value]) => (name === field ? [Buffer.from(value, 'latin1').toString()] : []))
  if (!/^\s*application\/(?:[\w.]+\+)?json\b/i.test(contentType)) return []
  try {
    const value: unknown = JSON.parse(bytes.toString('utf8'))
    const found = typeof value === 'object' && value !== null ? (value as Record<string, unknown>)[field] : undefined
    return typeof found === 'string' ? [found] : []
  } catch {
    return []
  }
}
