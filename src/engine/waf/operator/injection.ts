import { detectSqli } from '../sqli/index.ts'
import { detectXss } from '../xss/index.ts'
import type { OperatorFactory } from './index.ts'

const sqli: OperatorFactory = () => (value) => {
  const found = detectSqli(value)
  return found === undefined ? undefined : { groups: [found.fingerprint] }
}
const xss: OperatorFactory = () => (value) => (detectXss(value) ? { groups: [value] } : undefined)

/** SQL and HTML that a value would smuggle in; captures the fingerprint, and the value. */
export const injections: Readonly<Record<string, OperatorFactory>> = { detectSQLi: sqli, detectXSS: xss }
