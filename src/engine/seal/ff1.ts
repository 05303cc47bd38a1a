import { createCipheriv, type KeyObject } from 'node:crypto'

/** Fewest values there must be for a token not to be guessed (SP 800-38G Rev. 1, second draft, section 5.1). */
const LEAST_DOMAIN = 1_000_000
const MOST_NUMERALS = 4_096
const MOST_TWEAK = 4_096
const BLOCK = 16
const ROUNDS = 10
const NUMERALS = '0123456789abcdefghijklmnopqrstuvwxyz'

export type Ff1Options = {
  /** A secret AES key of 128, 192 or 256 bits, used for nothing else. */
  readonly key: KeyObject
  /** How many digits there are: 10 for decimal numbers, 36 for `0-9a-z`. */
  readonly radix: number
  /** What the value belongs to (a field, a tenant); not secret. Equal values under two tweaks have different tokens. */
  readonly tweak: Uint8Array
}
export type Ff1 = { readonly encrypt: (value: string) => string; readonly decrypt: (token: string) => string }

/**
 * Format-preserving encryption FF1 (NIST SP 800-38G, algorithms 7 and 8): a digit string to another of the same length
 * and digits, and back. Digits are `0-9a-z` up to the radix (2–36), lower case. One value has one token, so tokens can be
 * joined on; and since all tokens are as likely as all values, a wrong key or tweak gives a wrong value and no error.
 * Throws RangeError for a key, radix, tweak, length or digit that does not fit; the message never holds the value.
 */
export function ff1({ key, radix, tweak }: Ff1Options): Ff1 {
  if (!Number.isInteger(radix) || radix < 2 || radix > NUMERALS.length)
    throw new RangeError(`ff1: radix: expected a whole number from 2 to ${NUMERALS.length}`)
  const cipher = ff1Numerals({ key, radix, tweak, leastDomain: LEAST_DOMAIN })
  const write = (numerals: readonly number[]): string => numerals.map((numeral) => NUMERALS[numeral]).join('')
  return {
    encrypt: (value) => write(cipher.encrypt(numeralsOf(value, radix))),
    decrypt: (token) => write(cipher.decrypt(numeralsOf(token, radix))),
  }
}

function numeralsOf(text: string, radix: number): number[] {
  return Array.from(text, (sign, i) => {
    const numeral = NUMERALS.indexOf(sign)
    if (numeral >= 0 && numeral < radix) return numeral
    throw new RangeError(
      `ff1: value: sign ${i + 1} is none of the ${radix} digits ${NUMERALS[0]}–${NUMERALS[radix - 1]}`,
    )
  })
}

/** FF1 over numerals 0 to radix − 1, radix 2 to 2^16: what stands under `ff1`. `leastDomain`: the standard of 2016 asked for 100. */
export function ff1Numerals({ key, radix, tweak, leastDomain }: Ff1Options & { readonly leastDomain: number }): {
  readonly encrypt: (numerals: readonly number[]) => number[]
  readonly decrypt: (numerals: readonly number[]) => number[]
} {
  if (!Number.isInteger(radix) || radix < 2 || radix > 65_536)
    throw new RangeError('ff1: radix: expected a whole number from 2 to 65536')
  if (tweak.length > MOST_TWEAK) throw new RangeError(`ff1: tweak: at most ${MOST_TWEAK} bytes`)
  const block = blockCipher(key)
  const shapes = new Map<number, Shape>()

  function shapeOf(numerals: readonly number[]): Shape {
    const known = shapes.get(numerals.length)
    const shape = known ?? shapeFor(numerals.length, { radix, tweak, leastDomain, block })
    if (known === undefined && shapes.size < 64) shapes.set(numerals.length, shape)
    for (const [i, numeral] of numerals.entries())
      if (!Number.isInteger(numeral) || numeral < 0 || numeral >= radix)
        throw new RangeError(`ff1: value: numeral ${i + 1} is not from 0 to ${radix - 1}`)
    return shape
  }
  return {
    encrypt(numerals) {
      const shape = shapeOf(numerals)
      let a = numberOf(numerals.slice(0, shape.u), radix)
      let b = numberOf(numerals.slice(shape.u), radix)
      for (let i = 0; i < ROUNDS; i++) {
        const modulus = i % 2 === 0 ? shape.evenModulus : shape.oddModulus
        const c = (a + shape.roundValue(i, b)) % modulus
        a = b
        b = c
      }
      return [...numeralsFrom(a, radix, shape.u), ...numeralsFrom(b, radix, shape.v)]
    },
    decrypt(numerals) {
      const shape = shapeOf(numerals)
      let a = numberOf(numerals.slice(0, shape.u), radix)
      let b = numberOf(numerals.slice(shape.u), radix)
      for (let i = ROUNDS - 1; i >= 0; i--) {
        const modulus = i % 2 === 0 ? shape.evenModulus : shape.oddModulus
        const c = (b - (shape.roundValue(i, a) % modulus) + modulus) % modulus
        b = a
        a = c
      }
      return [...numeralsFrom(a, radix, shape.u), ...numeralsFrom(b, radix, shape.v)]
    },
  }
}

type BlockCipher = (block: Uint8Array) => Uint8Array
type Shape = {
  readonly u: number
  readonly v: number
  /** radix^u and radix^v: what rounds 0, 2, … and 1, 3, … count by. */
  readonly evenModulus: bigint
  readonly oddModulus: bigint
  /** The number y of steps 6.i to 6.iv. */
  readonly roundValue: (round: number, half: bigint) => bigint
}

// ECB keeps nothing between blocks, so one cipher serves as the bare block function for as long as the key lives.
function blockCipher(key: KeyObject): BlockCipher {
  const bits = key.type === 'secret' ? (key.symmetricKeySize ?? 0) * 8 : 0
  if (![128, 192, 256].includes(bits)) throw new RangeError('ff1: key: expected a secret key of 128, 192 or 256 bits')
  const cipher = createCipheriv(`aes-${bits}-ecb`, key, null).setAutoPadding(false)
  return (block) => cipher.update(block)
}

function shapeFor(
  n: number,
  under: { radix: number; tweak: Uint8Array; leastDomain: number; block: BlockCipher },
): Shape {
  const { radix, tweak, leastDomain, block } = under
  if (n > MOST_NUMERALS) throw new RangeError(`ff1: value: at most ${MOST_NUMERALS} digits`)
  if (n < 2 || radix ** n < leastDomain)
    throw new RangeError(
      `ff1: value: ${n} digits of radix ${radix} have fewer than ${leastDomain} values; a token of it could be guessed`,
    )
  const u = Math.floor(n / 2)
  const v = n - u
  const evenModulus = BigInt(radix) ** BigInt(u)
  const oddModulus = BigInt(radix) ** BigInt(v)
  // b: bytes that hold any number of v numerals; d: bytes of y, at least four more so that y mod radix^m is near even.
  const b = Math.ceil((oddModulus - 1n).toString(2).length / 8)
  const d = 4 * Math.ceil(b / 4) + 4
  const p = new Uint8Array(BLOCK)
  p.set([1, 2, 1, radix >> 16, radix >> 8, radix, ROUNDS, u])
  const view = new DataView(p.buffer)
  view.setUint32(8, n)
  view.setUint32(12, tweak.length)
  // P is the same in every round: the chain goes on from its block.
  const afterP = Uint8Array.from(block(p))
  const q = new Uint8Array(Math.ceil((tweak.length + 1 + b) / BLOCK) * BLOCK)
  q.set(tweak)

  function roundValue(round: number, half: bigint): bigint {
    q[q.length - b - 1] = round
    writeNumber(q, half, b)
    const r = chain(block, afterP, q)
    let hex = Buffer.from(r).toString('hex')
    for (let j = 1; hex.length < 2 * d; j++) hex += Buffer.from(block(withCounter(r, j))).toString('hex')
    return BigInt(`0x${hex.slice(0, 2 * d)}`)
  }
  return { u, v, evenModulus, oddModulus, roundValue }
}

/** PRF of algorithm 6, CBC-MAC, from the state after the blocks before. */
function chain(block: BlockCipher, from: Uint8Array, text: Uint8Array): Uint8Array {
  let state = from
  const mixed = new Uint8Array(BLOCK)
  for (let at = 0; at < text.length; at += BLOCK) {
    for (let i = 0; i < BLOCK; i++) mixed[i] = state[i]! ^ text[at + i]!
    state = block(mixed)
  }
  return state
}

function withCounter(r: Uint8Array, j: number): Uint8Array {
  const out = Uint8Array.from(r)
  for (let i = 0; i < 4; i++) out[BLOCK - 1 - i]! ^= (j >>> (8 * i)) & 255
  return out
}

/** The last `size` bytes of `out` become the number, greatest byte first. */
function writeNumber(out: Uint8Array, value: bigint, size: number): void {
  const hex = value.toString(16).padStart(2 * size, '0')
  for (let i = 0; i < size; i++) out[out.length - size + i] = Number.parseInt(hex.slice(2 * i, 2 * i + 2), 16)
}

function numberOf(numerals: readonly number[], radix: number): bigint {
  // Small numbers are most numbers: BigInt only from where a double would lose a digit.
  if (radix ** numerals.length <= Number.MAX_SAFE_INTEGER)
    return BigInt(numerals.reduce((total, numeral) => total * radix + numeral, 0))
  return numerals.reduce((total, numeral) => total * BigInt(radix) + BigInt(numeral), 0n)
}

function numeralsFrom(value: bigint, radix: number, length: number): number[] {
  const out = Array.from<number>({ length })
  let rest = value
  for (let i = length - 1; i >= 0; i--) {
    out[i] = Number(rest % BigInt(radix))
    rest /= BigInt(radix)
  }
  return out
}
