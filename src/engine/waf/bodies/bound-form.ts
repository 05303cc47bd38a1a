import { fromLatin1, toLatin1 } from '../../bytes/latin1.ts'
import { readBoundary } from './boundary.ts'
import { readDisposition } from './disposition.ts'

/** What of a form's head is looked at for a file's name. */
const HEAD = 8_192
const [NEWLINE, DASH] = [10, 45]

export const isMultipart = (type: string): boolean => /^\s*multipart\/form-data\s*;/i.test(type)

/**
 * A multipart/form-data body (RFC 7578), of which `whole` says whether it is all there → what to inspect: at most `textLimit` bytes of
 * fields that are no files, and closed where it was cut, since a form that breaks off is an attack to the rules. `cut`: fields were.
 */
export function boundForm(
  type: string,
  body: Uint8Array,
  whole: boolean,
  textLimit: number,
): { readonly seen: Uint8Array; readonly cut: boolean } {
  const { boundary, error } = readBoundary(type)
  // A boundary that cannot be read makes all of it text; the rules refuse it by its own oddity.
  if (error !== undefined || boundary === '') return { seen: body.subarray(0, textLimit), cut: body.length > textLimit }
  const mark = fromLatin1(`--${boundary}`)
  const closed = (end: number): Uint8Array => {
    const tail = fromLatin1(`${body[end - 1] === NEWLINE ? '' : '\r\n'}--${boundary}--\r\n`)
    const out = new Uint8Array(end + tail.length)
    out.set(body.subarray(0, end))
    out.set(tail, end)
    return out
  }
  let fields = 0
  for (let at = markFrom(body, mark, 0); at >= 0;) {
    const next = markFrom(body, mark, at + mark.length)
    const end = next < 0 ? body.length : next
    const head = headEnd(body, at + mark.length, end)
    if (next < 0 && !whole) return { seen: closed(head === undefined ? at : end), cut: false }
    if (head !== undefined && !isFilePart(toLatin1(body.subarray(at, head)))) {
      if (fields + end - head > textLimit) return { seen: closed(head + textLimit - fields), cut: true }
      fields += end - head
    }
    at = next
  }
  return { seen: body, cut: false }
}

/** As the engine reads it: a name of a file inside the name of a field makes no file. */
const isFilePart = (head: string): boolean =>
  readDisposition(/^content-disposition:[ \t]*([^\r\n]*)/im.exec(head)?.[1] ?? '').hasFile

/** Where the next line begins that is the mark, or the mark and two dashes. */
function markFrom(body: Uint8Array, mark: Uint8Array, from: number): number {
  for (let at = body.indexOf(DASH, from); at >= 0; at = body.indexOf(DASH, at + 1)) {
    if (at > 0 && body[at - 1] !== NEWLINE) continue
    if (mark.some((byte, i) => body[at + i] !== byte)) continue
    const behind = toLatin1(body.subarray(at + mark.length, at + mark.length + 2))
    if (/^(?:$|\r|\n|[ \t]|--?)/.test(behind)) return at
  }
  return -1
}

/** Behind the empty line that ends a part's head; undefined when the part has none. */
function headEnd(body: Uint8Array, from: number, to: number): number | undefined {
  const text = toLatin1(body.subarray(from, Math.min(to, from + HEAD)))
  const found = /\r?\n\r?\n/.exec(text)
  return found === null ? undefined : from + found.index + found[0].length
}
