import { urlDecode } from '../transform/decode.ts'

export type Pair = readonly [name: string, value: string]
export type Parsed = { readonly pairs: readonly Pair[]; readonly error: string | undefined }

/** Arguments looked at in one request; a request with more is malformed to us, since what is past the limit would go unseen. */
export const MAX_PAIRS = 2000

/** Names a parser makes up (`json.a.0.b`) grow with depth times width, not with the body; one of them, and all of one body together. */
export const MAX_NAME = 2_048
export const MAX_NAME_BYTES = 131_072

/** `a=1&b=%20` (latin1) → decoded pairs in order, doubles kept. Never throws; too many pairs is the only error. */
export function parseUrlencoded(text: string, separator = '&', most = MAX_PAIRS): Parsed {
  const pairs: Pair[] = []
  for (let at = 0; at <= text.length;) {
    const found = text.indexOf(separator, at)
    const end = found < 0 ? text.length : found
    if (end > at) {
      if (pairs.length >= most) return { pairs, error: 'too many arguments' }
      const part = text.slice(at, end)
      const equals = part.indexOf('=')
      pairs.push(
        equals < 0 ? [urlDecode(part), ''] : [urlDecode(part.slice(0, equals)), urlDecode(part.slice(equals + 1))],
      )
    }
    at = end + 1
  }
  return { pairs, error: undefined }
}

/** `a=1; b="2"` of a Cookie header. Values are as sent: cookies have no encoding of their own (RFC 6265 §4.2). */
export function parseCookies(header: string): Pair[] {
  const out: Pair[] = []
  for (const part of header.trimEnd().split(';')) {
    const text = part.trimStart()
    const equals = text.indexOf('=')
    const name = equals < 0 ? text : text.slice(0, equals)
    if (name === '' || out.length >= MAX_PAIRS) continue
    out.push([name, equals < 0 ? '' : text.slice(equals + 1)])
  }
  return out
}
