import { byteSet, foldCase, invert, unite, type ByteSet } from '../../bytes/byte-set.ts'
import { CLASSES, posixClass } from './classes.ts'
import { asByte, escapedByte, type Cursor } from './cursor.ts'

/** A class, `[` to `]`; the cursor is on the `[` (pcre2pattern(3), "Square brackets and character classes"). */
export function parseBracket(cursor: Cursor, caseless: boolean): ByteSet {
  cursor.at++
  const negated = cursor.take('^')
  const parts: ByteSet[] = []
  let quoted = false
  for (let first = true; ; first = false) {
    if (cursor.done) throw cursor.fail('a class without its end')
    if (!quoted && !first && cursor.take(']')) break
    if (cursor.take(quoted ? '\\E' : '\\Q')) {
      quoted = !quoted
      continue
    }
    if (!quoted && cursor.take('\\E')) continue
    const low = quoted ? literal(cursor) : member(cursor, caseless)
    if (quoted || !/-[^\]]/y.test(cursor.source.slice(cursor.at, cursor.at + 2))) {
      parts.push(typeof low === 'number' ? byteSet(low) : low)
      continue
    }
    cursor.at++
    const high = member(cursor, caseless)
    if (typeof low !== 'number' || typeof high !== 'number' || high < low)
      throw cursor.fail('a range without two ends in order')
    parts.push(byteSet([low, high]))
  }
  const set = caseless ? foldCase(unite(parts)) : unite(parts)
  return negated ? invert(set) : set
}

function literal(cursor: Cursor): number {
  return asByte(cursor, cursor.source.charCodeAt(cursor.at++))
}

function member(cursor: Cursor, caseless: boolean): number | ByteSet {
  const posix = cursor.match(/\[:(\^?)([a-z]+):\]/y)
  if (posix !== undefined) {
    const set = posixClass(posix[2]!, caseless)
    if (set === undefined) throw cursor.fail(`the class [:${posix[2]}:]`)
    return posix[1] === '^' ? invert(set) : set
  }
  if (cursor.match(/\[([.=])[^\]]*\1\]/y) !== undefined) throw cursor.fail('a collating element')
  if (!cursor.take('\\')) return literal(cursor)
  const set = CLASSES[cursor.sign ?? '']
  if (set !== undefined) {
    cursor.at++
    return set
  }
  if (cursor.take('b')) return 8
  const octal = cursor.match(/[1-7][0-7]{0,2}/y)
  return octal === undefined ? escapedByte(cursor) : asByte(cursor, Number.parseInt(octal[0], 8))
}
