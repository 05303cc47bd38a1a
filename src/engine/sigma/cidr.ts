import { SigmaError } from './error.ts'

type Address = { readonly bits: 32 | 128; readonly value: bigint }

/**
 * `cidr`: whether an address lies in a range, `10.0.0.0/8` or `2001:db8::/32`; a bare address is a range of one. Throws
 * SigmaError `value/cidr`, also when bits behind the mask are set: such a range means something else to its writer.
 */
export function compileCidr(range: string): (text: string) => boolean {
  const [text = '', mask, ...more] = range.split('/')
  const base = parseAddress(text)
  const wrong = new SigmaError('value/cidr', '', `${JSON.stringify(range.slice(0, 100))} is not an address range`)
  if (base === undefined || more.length > 0 || (mask !== undefined && !/^(?:0|[1-9][0-9]{0,2})$/.test(mask)))
    throw wrong
  const length = mask === undefined ? base.bits : Number(mask)
  if (length > base.bits) throw wrong
  const shift = BigInt(base.bits - length)
  if ((base.value >> shift) << shift !== base.value) throw wrong
  return (candidate) => {
    const address = parseAddress(candidate)
    return address !== undefined && address.bits === base.bits && address.value >> shift === base.value >> shift
  }
}

/** An IPv4 or IPv6 address; an IPv4-mapped one (`::ffff:192.0.2.1`) counts as IPv4, since systems log both. */
export function parseAddress(text: string): Address | undefined {
  if (text.length > 60) return undefined
  if (!text.includes(':')) {
    const value = parseV4(text)
    return value === undefined ? undefined : { bits: 32, value }
  }
  const value = parseV6(text.replace(/%[0-9A-Za-z.]{1,20}$/, ''))
  if (value === undefined) return undefined
  return value >> 32n === 0xffffn ? { bits: 32, value: value & 0xffffffffn } : { bits: 128, value }
}

function parseV4(text: string): bigint | undefined {
  const parts = text.split('.')
  if (parts.length !== 4 || !parts.every((part) => /^(?:0|[1-9][0-9]{0,2})$/.test(part) && Number(part) < 256)) {
    return undefined
  }
  return parts.reduce((value, part) => (value << 8n) | BigInt(part), 0n)
}

function parseV6(text: string): bigint | undefined {
  const halves = text.split('::')
  if (halves.length > 2) return undefined
  const [head, tail] = [groups(halves[0]!), halves.length === 2 ? groups(halves[1]!) : []]
  if (head === undefined || tail === undefined) return undefined
  const missing = 8 - head.length - tail.length
  if (halves.length === 2 ? missing < 1 : missing !== 0) return undefined
  return [...head, ...Array<bigint>(missing).fill(0n), ...tail].reduce((value, group) => (value << 16n) | group, 0n)
}

function groups(text: string): bigint[] | undefined {
  if (text === '') return []
  const out: bigint[] = []
  const parts = text.split(':')
  for (const [i, part] of parts.entries()) {
    if (part.includes('.') && i === parts.length - 1) {
      const v4 = parseV4(part)
      if (v4 === undefined) return undefined
      out.push(v4 >> 16n, v4 & 0xffffn)
    } else if (/^[0-9A-Fa-f]{1,4}$/.test(part)) out.push(BigInt(`0x${part}`))
    else return undefined
  }
  return out
}
