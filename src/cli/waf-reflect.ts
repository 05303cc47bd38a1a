import { toLatin1, utf8 } from '../engine/bytes/latin1.ts'

export type Reflected = {
  readonly status: number
  readonly headers: readonly (readonly [string, string])[]
  readonly body: string
}

const PLAIN: Reflected = { status: 200, headers: [['Content-Type', 'text/plain']], body: 'Hello\n' }

/**
 * The backend CRS's tests expect: `/reflect` answers with the status, headers and body that the request's JSON body asks for
 * (`{"status":200,"headers":{…},"body":"…"}` or `"encodedBody"` in base64), anything else with 200. Text is latin1.
 */
export function reflect(target: string, body: Uint8Array): Reflected {
  if (!target.split('?', 1)[0]!.endsWith('/reflect')) return PLAIN
  let asked: unknown
  try {
    asked = JSON.parse(new TextDecoder().decode(body))
  } catch {
    return { ...PLAIN, status: 400, body: 'not JSON\n' }
  }
  if (typeof asked !== 'object' || asked === null) return PLAIN
  const { status, headers, body: text, encodedBody } = asked as Record<string, unknown>
  return {
    status: typeof status === 'number' && status >= 200 && status <= 599 ? status : 200,
    headers: typed(
      Object.entries(typeof headers === 'object' && headers !== null ? headers : {}).map(
        ([name, value]) => [name, utf8(String(value))] as const,
      ),
    ),
    body:
      typeof encodedBody === 'string'
        ? toLatin1(Buffer.from(encodedBody, 'base64'))
        : typeof text === 'string'
          ? utf8(text)
          : '',
  }
}

// As the web server behind upstream's backend does for an answer without a type.
const typed = (headers: Reflected['headers']): Reflected['headers'] =>
  headers.some(([name]) => name.toLowerCase() === 'content-type') ? headers : [...headers, PLAIN.headers[0]!]
