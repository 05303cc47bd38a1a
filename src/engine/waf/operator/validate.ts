import { utf8SequenceAt } from '../../bytes/latin1.ts'
import { byteSet, invert } from '../../bytes/byte-set.ts'
import { hexByteAt } from '../transform/decode.ts'
import type { OperatorFactory } from './index.ts'
import { toNumber } from './number.ts'

const HIT = { groups: [] as readonly string[] }

/** Matches when a byte lies outside: `@validateByteRange 1-255`. */
export const validateByteRange: OperatorFactory = (param) => {
  const allowed = byteSet(
    ...param
      .split(',')
      .filter((part) => part.trim() !== '')
      .map((part): readonly [number, number] => {
        const [low = '', high = low] = part.split('-')
        return [toNumber(low), toNumber(high)]
      }),
  )
  const find = (value: string): ReturnType<ReturnType<OperatorFactory>> => {
    for (let at = 0; at < value.length; at++) if (allowed[value.charCodeAt(at)] !== 1) return HIT
    return undefined
  }
  return Object.assign(find, { bytes: invert(allowed) })
}

/** Matches when a `%` is not followed by two hexadecimal digits. */
export const validateUrlEncoding: OperatorFactory = () => (value) => {
  for (let at = value.indexOf('%'); at >= 0; at = value.indexOf('%', at + 1))
    if (hexByteAt(value, at + 1) < 0) return HIT
  return undefined
}

/** Matches when the bytes are not well-formed UTF-8. */
export const validateUtf8Encoding: OperatorFactory = () => (value) => {
  for (let at = 0; at < value.length;) {
    const size = utf8SequenceAt(value, at)
    if (size === 0) return HIT
    at += size
  }
  return undefined
}
