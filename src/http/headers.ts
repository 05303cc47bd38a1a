import type { Route } from '../kit/contract.ts'

// No inline script or style anywhere: a value that slipped through escaping still cannot run.
const POLICY =
  "default-src 'none'; style-src 'self'; font-src 'self'; img-src 'self' data:; script-src 'self'; connect-src 'self'; " +
  "form-action 'self'; frame-ancestors 'none'; base-uri 'none'"

/** `same-origin`, not `no-referrer`: with the latter a browser sends `Origin: null` and the origin check would fail. */
export function secureHeaders(headers: Headers, kind: NonNullable<Route['kind']>): void {
  headers.set('x-content-type-options', 'nosniff')
  headers.set('referrer-policy', 'same-origin')
  headers.set('cross-origin-opener-policy', 'same-origin')
  headers.set('cross-origin-resource-policy', 'same-origin')
  headers.set('x-frame-options', 'DENY')
  if (kind === 'page') headers.set('content-security-policy', POLICY)
  if (!headers.has('cache-control')) headers.set('cache-control', 'no-store')
}
