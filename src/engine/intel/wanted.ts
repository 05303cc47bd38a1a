/**
 * What a matcher looks for: a name and all names below it (`evil.vn` is hit by `a.b.evil.vn`, not by `devil.vn`), or an
 * address or range, of any port or of one. Names in lower case, without the last dot.
 */
export type Wanted =
  | { readonly name: string }
  | { /** `203.0.113.7`, `203.0.113.0/24`, `2001:db8::/48` */ readonly range: string; readonly port?: number }

/** Answers are places in the list the matcher was built from, rising. */
export type Matcher = {
  /** How many of the list it holds; malformed ones are left out. */
  readonly size: number
  /** Bytes outside the heap, as far as they are known. */
  readonly bytes: number
  name(name: string): readonly number[]
  address(address: string, port: number | null): readonly number[]
}

export const NOTHING: readonly number[] = Object.freeze([])
const LONGEST_NAME = 253

/** A name as the wire has it (RFC 1035; others are IDNA-encoded before they come here). */
export const isName = (name: string): boolean =>
  name.length > 0 &&
  name.length <= LONGEST_NAME &&
  /^[\x21-\x7e]+$/.test(name) &&
  !name.startsWith('.') &&
  !name.endsWith('.') &&
  !name.includes('..')
