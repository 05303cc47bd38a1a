import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { readSuite } from '../../src/cli/waf-suite.ts'
import { parseRequest, type RawRequest } from '../../src/cli/waf-request.ts'

const FOLDER = join(
  process.env['KHIEN_VECTORS'] ?? join(import.meta.dirname, '../../../shared/vectors'),
  'crs4/tests/regression/tests',
)
export const crsAbsent = existsSync(FOLDER) ? false : 'OWASP CRS tests are not here: set KHIEN_VECTORS'

export type CrsRequest = {
  /** `942100-3`; `/2` for a second stage. */
  readonly name: string
  /** `942-APPLICATION-ATTACK-SQLI` */
  readonly family: string
  /** An attack must raise its own rule; an ordinary one must raise none of those named. */
  readonly kind: 'attack' | 'ordinary'
  readonly request: RawRequest
}

/**
 * Requests of CRS 4's own tests of the injection families (930 to 944), byte for byte as its test runner sends them, at all paranoia
 * levels, and 999's requests that must not be refused. What no HTTP front end would pass on is left out and counted.
 */
export function crsRequests(): { requests: CrsRequest[]; malformed: number } {
  const requests: CrsRequest[] = []
  let malformed = 0
  for (const folder of readdirSync(FOLDER).filter((name) => /^REQUEST-9(?:3\d|4[0-4]|99)-/.test(name))) {
    const family = folder.slice('REQUEST-'.length)
    for (const { name, raw, expected } of readSuite(join(FOLDER, folder)).stages) {
      const isAttack = expected.log?.expect_ids?.includes(Number(name.split('-')[0])) === true
      if (!isAttack && expected.log?.no_expect_ids === undefined) continue
      const request = parseRequest(raw)
      if ('status' in request) malformed++
      else requests.push({ name, family, kind: isAttack ? 'attack' : 'ordinary', request })
    }
  }
  return { requests, malformed }
}
