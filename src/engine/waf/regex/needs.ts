import { unite, type ByteSet } from '../../bytes/byte-set.ts'
import type { Node } from './ast.ts'

/** Which bytes a value holds, or a pattern needs one of, as three words of flags: 32–63; 64–126 with the cases as one; classes of the rest. */
export type Signs = { readonly low: number; readonly high: number; readonly rest: number }

/** A match must hold one of each of these. */
export type Needs = readonly Signs[]

const MOST = 6

/** What every match of the pattern must contain, rarest first. bench/gateway.ts: most values are cleared by this before any search. */
export function needsOf(root: Node): Needs {
  return needed(root)
    .map((set) => ({ weight: weightOf(set), signs: signsOfSet(set) }))
    .sort((a, b) => a.weight - b.weight)
    .slice(0, MOST)
    .map(({ signs }) => signs)
}

/** Any one of these bytes; nothing when there are too many of them to tell anything. */
export const needsOfBytes = (bytes: ByteSet): Needs => [signsOfSet(bytes)]

function needed(node: Node): ByteSet[] {
  switch (node.kind) {
    case 'set':
      return [node.set]
    case 'sequence':
      return node.items.flatMap(needed)
    case 'capture':
    case 'atomic':
      return needed(node.body)
    case 'repeat':
      return node.min > 0 ? needed(node.body) : []
    case 'choice': {
      // One need of each option, united: whichever option matches, one of these bytes is there.
      const options = node.options.map((option) => needed(option).sort((a, b) => weightOf(a) - weightOf(b)))
      const count = Math.min(MOST, ...options.map((list) => list.length))
      return Array.from({ length: count }, (_, i) => unite(options.map((list) => list[i]!)))
    }
    case 'look':
    case 'back':
    case 'assert':
      return []
  }
}

// Letters stand in nearly every value, digits in many, signs in few.
const weightOf = (set: ByteSet): number =>
  set.reduce(
    (sum, flag, byte) =>
      sum +
      flag *
        (byte < 32 || byte > 126
          ? 1000
          : /[a-z ]/i.test(String.fromCharCode(byte))
            ? 30
            : byte >= 48 && byte <= 57
              ? 8
              : 1),
    0,
  )

// Classes of bytes that are no printable ASCII: NUL, controls, UTF-8 continuations, leads of overlong forms, E0, other leads.
const REST = Uint8Array.from({ length: 256 }, (_, byte) =>
  byte === 0
    ? 1
    : byte < 32 || byte === 127
      ? 2
      : byte < 128
        ? 0
        : byte < 0xc0
          ? 4
          : byte < 0xc2
            ? 8
            : byte === 0xe0
              ? 16
              : 32,
)

const signsOfSet = (set: ByteSet): Signs =>
  signsOf(String.fromCharCode(...Array.from(set.keys()).filter((byte) => set[byte] === 1)))

export function signsOf(text: string): Signs {
  let low = 0
  let high = 0
  let rest = 0
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at)
    if (code >= 64 && code < 127) high |= 1 << (code & 31)
    else if (code >= 32 && code < 64) low |= 1 << (code & 31)
    else rest |= REST[code]!
  }
  return { low, high, rest }
}

export function mayHold(low: number, high: number, rest: number, needs: Needs): boolean {
  for (let i = 0; i < needs.length; i++) {
    const need = needs[i]!
    if ((low & need.low) === 0 && (high & need.high) === 0 && (rest & need.rest) === 0) return false
  }
  return true
}
