import { isStrictError, type Multipart } from '../bodies/multipart-flags.ts'
import { entry, keyed, one, type Collections } from './entry.ts'

const flag = (value: boolean): Collections['FILES'] => one(value ? '1' : '0')

/** What a multipart body sets apart from ARGS. */
export function multipartVariables({ files, partHeaders, flags, lastName, lastFile }: Multipart): Partial<Collections> {
  return {
    FILES: files.map(({ field, name }) => entry(field, name)),
    FILES_NAMES: files.map(({ field }) => entry(field, field)),
    FILES_SIZES: files.map(({ field, content }) => entry(field, String(content.length))),
    FILES_COMBINED_SIZE: one(String(files.reduce((sum, { content }) => sum + content.length, 0))),
    FILES_TMP_CONTENT: files.map(({ field, content }) => entry(field, content)),
    MULTIPART_BOUNDARY_QUOTED: flag(flags.boundaryQuoted),
    MULTIPART_BOUNDARY_WHITESPACE: flag(flags.boundaryWhitespace),
    MULTIPART_CRLF_LF_LINES: flag(flags.crlfLine && flags.lfLine),
    MULTIPART_DATA_AFTER: flag(flags.dataAfter),
    MULTIPART_DATA_BEFORE: flag(flags.dataBefore),
    MULTIPART_FILENAME: lastFile === '' ? [] : one(lastFile),
    MULTIPART_FILE_LIMIT_EXCEEDED: flag(flags.fileLimitExceeded),
    MULTIPART_HEADER_FOLDING: flag(flags.headerFolding),
    MULTIPART_INVALID_HEADER_FOLDING: flag(flags.invalidHeaderFolding),
    MULTIPART_INVALID_PART: flag(flags.invalidPart),
    MULTIPART_INVALID_QUOTING: flag(flags.invalidQuoting),
    MULTIPART_LF_LINE: flag(flags.lfLine),
    MULTIPART_MISSING_SEMICOLON: flag(flags.missingSemicolon),
    MULTIPART_NAME: lastName === '' ? [] : one(lastName),
    MULTIPART_PART_HEADERS: keyed(partHeaders),
    MULTIPART_STRICT_ERROR: flag(isStrictError(flags)),
    MULTIPART_UNMATCHED_BOUNDARY: one(String(flags.unmatchedBoundary)),
  }
}
