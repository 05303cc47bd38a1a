import { readBoundary } from './boundary.ts'
import { readDisposition } from './disposition.ts'
import type { Multipart, MultipartFlags, UploadedFile } from './multipart-flags.ts'
import { MAX_PAIRS, type Pair } from './urlencoded.ts'

const MAX_HEADER_LINE = 4_096
const MAX_PART_HEADERS = 64

/**
 * RFC 7578 multipart/form-data (latin1) line by line as ModSecurity reads it: tolerant, with a flag for each oddity and an error for what
 * it cannot read; what was read before an error stays. Never throws.
 */
export function parseMultipart(contentType: string, text: string, fileLimit: number): Multipart {
  const { boundary, flags, error } = readBoundary(contentType)
  const reader = new Reader(boundary, flags, fileLimit)
  if (error === undefined) reader.read(text)
  return reader.result(error, text !== '')
}

class Reader {
  private readonly boundary: string
  private readonly flags: MultipartFlags
  private readonly fileLimit: number
  private readonly pairs: Pair[] = []
  private readonly files: UploadedFile[] = []
  private readonly partHeaders: Pair[] = []
  private error: string | undefined
  private seen = 0
  private complete = false
  private last = { name: '', file: '' }
  /** The part being read: its header lines, then where its content began. */
  private part: { headers: [string, string][]; name: string; file: string; hasFile: boolean; from: number } | undefined

  constructor(boundary: string, flags: MultipartFlags, fileLimit: number) {
    this.boundary = boundary
    this.flags = flags
    this.fileLimit = fileLimit
  }

  read(text: string): void {
    for (let at = 0; at < text.length;) {
      const newline = text.indexOf('\n', at)
      const end = newline < 0 ? text.length : newline + 1
      if (!this.line(text, at, end)) return
      at = end
      if (this.complete) {
        this.flags.dataAfter = at < text.length
        return
      }
    }
  }

  /** False when reading cannot go on. */
  private line(text: string, from: number, to: number): boolean {
    const delimiter = `--${this.boundary}`
    if (text.startsWith(delimiter, from)) return this.delimiter(text, from, to, from + delimiter.length)
    const whole = text.slice(from, to)
    if (whole.startsWith('--') && whole.length > 3) {
      if (this.flags.boundaryQuoted && whole.startsWith(`--"${this.boundary}`))
        return this.stop('a quote before the boundary')
      if (/^--\s/.test(whole) && whole.slice(2).trimStart().startsWith(this.boundary))
        return this.stop('white space before the boundary')
      this.flags.unmatchedBoundary = 1
    } else if (whole.includes(delimiter)) this.flags.unmatchedBoundary = 1
    if (this.part === undefined) this.flags.dataBefore = true
    else if (this.part.from < 0) return this.header(whole, to)
    return true
  }

  private delimiter(text: string, from: number, to: number, at: number): boolean {
    if (this.seen > 0) this.flags.unmatchedBoundary = 2
    const final = text.startsWith('--', at)
    const rest = text.slice(final ? at + 2 : at, to)
    // The last line may lack its end.
    if (rest !== '\r\n' && rest !== '\n' && !(final && rest === '' && this.seen > 0))
      return this.stop('text after a boundary')
    if (rest === '\n') this.flags.lfLine = true
    else if (rest !== '') this.flags.crlfLine = true
    this.close(text, from)
    this.seen++
    if (final) this.complete = true
    else this.part = { headers: [], name: '', file: '', hasFile: false, from: -1 }
    return true
  }

  private stop(error: string): boolean {
    this.flags.error = true
    this.error = error
    return false
  }

  private header(line: string, to: number): boolean {
    const part = this.part!
    if (line.length >= MAX_HEADER_LINE || part.headers.length >= MAX_PART_HEADERS)
      return this.stop('part headers are too long')
    if (line.includes('\0')) return this.stop('a NUL in part headers')
    if (line.endsWith('\r\n')) this.flags.crlfLine = true
    else this.flags.lfLine = true
    const text = line.replace(/\r?\n$/, '')
    if (text === '') return this.headersEnd(to)
    if (/^\s/.test(text)) {
      const last = part.headers.at(-1)
      const fold = /^\s+/.exec(text)![0]
      this.flags.headerFolding = true
      if (/[^\t ]/.test(fold)) this.flags.invalidHeaderFolding = true
      if (last === undefined) this.error = 'a folded line before any part header'
      else last[1] += ` ${text.slice(fold.length)}`
      return true
    }
    const colon = text.indexOf(':')
    if (colon <= 0) {
      this.error = colon < 0 ? 'a part header without a colon' : 'a part header without a name'
      return true
    }
    const name = text.slice(0, colon)
    if (part.headers.some(([other]) => other.toLowerCase() === name.toLowerCase()))
      this.error = 'a part header is doubled'
    else part.headers.push([name, text.slice(colon + 1).replace(/^[\t ]+/, '')])
    return true
  }

  private headersEnd(to: number): boolean {
    const part = this.part!
    const value = part.headers.find(([name]) => name.toLowerCase() === 'content-disposition')?.[1]
    part.from = to
    if (value === undefined) {
      this.error = 'a part without Content-Disposition'
      return true
    }
    const found = readDisposition(value)
    if (found.oddQuoting) this.flags.invalidQuoting = true
    if (found.name !== '') this.last.name = found.name
    if (found.file !== '') this.last.file = found.file
    if (found.fault !== undefined) this.error = found.fault
    else if (found.name === '') this.error = 'a part without a name'
    else if (found.hasFile && !value.includes('filename=')) this.error = 'a file name that others would not see'
    part.name = found.name
    part.file = found.file
    part.hasFile = found.hasFile
    return true
  }

  private close(text: string, boundaryAt: number): void {
    const part = this.part
    if (part === undefined) return
    this.part = undefined
    if (part.name === '') {
      this.flags.invalidPart = true
      return
    }
    for (const [name, value] of part.headers) this.partHeaders.push([part.name, `${name}: ${value}`])
    const content = part.from < 0 ? '' : text.slice(part.from, boundaryAt).replace(/\r?\n$/, '')
    if (this.pairs.length + this.files.length >= MAX_PAIRS) this.error = 'too many parts'
    else if (!part.hasFile) this.pairs.push([part.name, content])
    else {
      if (this.files.length >= this.fileLimit) this.flags.fileLimitExceeded = true
      this.files.push({ field: part.name, name: part.file, content })
    }
  }

  result(fault: string | undefined, hasData: boolean): Multipart {
    const incomplete = this.seen === 0 ? 'no boundary in the body' : 'the last boundary is missing'
    return {
      pairs: this.pairs,
      files: this.files,
      partHeaders: this.partHeaders,
      flags: this.flags,
      lastName: this.last.name,
      lastFile: this.last.file,
      error: fault ?? this.error ?? (hasData && !this.complete ? incomplete : undefined),
    }
  }
}
