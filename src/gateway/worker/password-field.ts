const LONGEST_BODY = 16_384

/** The password in a form or a JSON object, by the name of its field; of other bodies and long ones undefined. */
export function passwordIn(body: Uint8Array, contentType: string, field: string): string | undefined {
  if (body.length > LONGEST_BODY) return undefined
  const text = Buffer.from(body).toString('utf8')
  if (/^\s*application\/x-www-form-urlencoded\b/i.test(contentType))
    return new URLSearchParams(text).get(field) ?? undefined
  if (!/^\s*application\/(?:[\w.]+\+)?json\b/i.test(contentType)) return undefined
  try {
    const value: unknown = JSON.parse(text)
    const found = typeof value === 'object' && value !== null ? (value as Record<string, unknown>)[field] : undefined
    return typeof found === 'string' ? found : undefined
  } catch {
    return undefined
  }
}
