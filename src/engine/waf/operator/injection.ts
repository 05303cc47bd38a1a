import { detectSqli, SQL_HINTS } from '../sqli/index.ts'
import { byteSet } from '../../bytes/byte-set.ts'
import { detectXss } from '../xss/index.ts'
import type { OperatorFactory } from './index.ts'

const sqli: OperatorFactory = () => {
  const find = (value: string): ReturnType<ReturnType<OperatorFactory>> => {
    const found = detectSqli(value)
    return found === undefined ? undefined : { groups: [found.fingerprint] }
  }
  return Object.assign(find, { words: SQL_HINTS })
}
const xss: OperatorFactory = () =>
  Object.assign((value: string) => (detectXss(value) ? { groups: [value] } : undefined), {
    // Without either there is no tag and no attribute with a value.
    bytes: byteSet(0x3c, 0x3d),
  })

/** SQL and HTML that a value would smuggle in; captures the fingerprint, and the value. */
export const injections: Readonly<Record<string, OperatorFactory>> = { detectSQLi: sqli, detectXSS: xss }
