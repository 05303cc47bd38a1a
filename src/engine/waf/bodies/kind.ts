/** Media types whose bodies are files, not text. The whole type: `application/zipx` is not `application/zip`. */
const BINARY =
  /^(?:(?:image|audio|video|font)\/(?!svg)[a-z0-9.+-]{1,60}|application\/(?:octet-stream|pdf|zip|gzip|x-7z-compressed|x-tar|wasm|msword|vnd\.ms-excel|vnd\.openxmlformats-officedocument\.[a-z.]{1,60}))$/

/** What is looked at to tell text from a file. */
const LOOK = 4_096

/** `Text/HTML; charset=x` → `text/html` */
export const mediaOf = (contentType: string): string => (/^\s*([^\s;,]*)/.exec(contentType)?.[1] ?? '').toLowerCase()

const isBinaryType = (contentType: string): boolean =>
  BINARY.test(contentType.trim().toLowerCase().split(/\s*;/, 1)[0]!)

const isSpace = (byte: number): boolean => byte === 32 || (byte >= 9 && byte <= 13)

/** First byte that is no white space nor part of a byte order mark. */
function firstSign(body: Uint8Array): number {
  const mark = body[0] === 0xef && body[1] === 0xbb && body[2] === 0xbf ? 3 : 0
  for (let at = mark; at < body.length; at++) if (!isSpace(body[at]!)) return body[at]!
  return 0
}

/** `{` or `[`: an application that reads any body as JSON would take it. */
export function opensLikeJson(body: Uint8Array): boolean {
  const sign = firstSign(body)
  return sign === 0x7b || sign === 0x5b
}

function isPrintable(body: Uint8Array): boolean {
  for (let at = 0; at < Math.min(body.length, LOOK); at++) {
    const byte = body[at]!
    if (byte === 127 || (byte < 32 && !isSpace(byte))) return false
  }
  // A cut sequence at the end of the look is no fault.
  const text = new TextDecoder('utf-8', { fatal: true })
  try {
    text.decode(body.subarray(0, LOOK), { stream: true })
    return true
  } catch {
    return false
  }
}

/** A file by its type that does not look like text either: the type alone is the sender's word, and an application may ignore it. */
export const isFile = (contentType: string, body: Uint8Array): boolean =>
  isBinaryType(contentType) && !opensLikeJson(body) && !isPrintable(body)
