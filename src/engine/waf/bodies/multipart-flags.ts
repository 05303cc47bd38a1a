import type { Pair } from './urlencoded.ts'

/** What is odd about a multipart body, as ModSecurity names it. */
export type MultipartFlags = {
  error: boolean
  boundaryQuoted: boolean
  boundaryWhitespace: boolean
  dataBefore: boolean
  dataAfter: boolean
  headerFolding: boolean
  invalidHeaderFolding: boolean
  lfLine: boolean
  crlfLine: boolean
  missingSemicolon: boolean
  invalidQuoting: boolean
  invalidPart: boolean
  fileLimitExceeded: boolean
  /** 0; 1 when a line only resembles the boundary; 2 when the boundary came again, as it does in every body of several lines. */
  unmatchedBoundary: 0 | 1 | 2
}

export const newFlags = (): MultipartFlags => ({
  error: false,
  boundaryQuoted: false,
  boundaryWhitespace: false,
  dataBefore: false,
  dataAfter: false,
  headerFolding: false,
  invalidHeaderFolding: false,
  lfLine: false,
  crlfLine: false,
  missingSemicolon: false,
  invalidQuoting: false,
  invalidPart: false,
  fileLimitExceeded: false,
  unmatchedBoundary: 0,
})

/** MULTIPART_STRICT_ERROR: any of the oddities that ModSecurity counts into it. */
export const isStrictError = (flags: MultipartFlags): boolean =>
  flags.error ||
  flags.boundaryQuoted ||
  flags.boundaryWhitespace ||
  flags.dataBefore ||
  flags.dataAfter ||
  flags.headerFolding ||
  flags.lfLine ||
  flags.missingSemicolon ||
  flags.invalidQuoting ||
  flags.invalidPart ||
  flags.invalidHeaderFolding ||
  flags.fileLimitExceeded

export type UploadedFile = { readonly field: string; readonly name: string; readonly content: string }
export type Multipart = {
  readonly pairs: readonly Pair[]
  readonly files: readonly UploadedFile[]
  /** Name of the part, and `Header: value` as received. */
  readonly partHeaders: readonly Pair[]
  readonly flags: MultipartFlags
  /** The last name and file name read, also of a part that turned out invalid. */
  readonly lastName: string
  readonly lastFile: string
  readonly error: string | undefined
}
