import { holdsAt } from './edge.ts'
import { ASSERT, MATCH, SAVE, SET, SPLIT, type Program } from './program.ts'

type Threads = { readonly pcs: Int32Array; readonly slots: Int32Array[]; count: number }

/**
 * The first match in PCRE's order of preference, with its groups, in time bounded by program × text (Pike's machine; Cox,
 * "Regular Expression Matching: the Virtual Machine Approach"). Returns its slots, or undefined. Groups inside loops whose turns
 * may be empty can differ from PCRE's. Bytes from `to` on are seen by assertions only.
 */
export function pikeExec(program: Program, text: string, from: number, to = text.length): Int32Array | undefined {
  const size = program.op.length
  const seen = new Int32Array(size).fill(-1)
  let now: Threads = { pcs: new Int32Array(size), slots: [], count: 0 }
  let then: Threads = { pcs: new Int32Array(size), slots: [], count: 0 }
  const fresh = new Int32Array(program.slots).fill(-1)
  let found: Int32Array | undefined
  for (let at = from; ; at++) {
    // A match may begin here as long as none began before.
    if (found === undefined) follow(program, now, program.start, fresh, text, at, seen)
    if (now.count === 0 && found !== undefined) break
    const code = at < to ? text.charCodeAt(at) : -1
    then.count = 0
    for (let i = 0; i < now.count; i++) {
      const pc = now.pcs[i]!
      if (program.op[pc] === MATCH) {
        found = now.slots[i]!
        break
      }
      if (code >= 0 && program.sets[program.arg[pc]!]![code] === 1)
        follow(program, then, program.next[pc]!, now.slots[i]!, text, at + 1, seen)
    }
    const spent = now
    now = then
    then = spent
    if (at >= to) break
  }
  return found
}

const pending: number[] = []
const held: Int32Array[] = []

function follow(
  p: Program,
  into: Threads,
  start: number,
  first: Int32Array,
  text: string,
  at: number,
  seen: Int32Array,
): void {
  pending.push(start)
  held.push(first)
  while (pending.length > 0) {
    const pc = pending.pop()!
    const slots = held.pop()!
    if (seen[pc] === at) continue
    seen[pc] = at
    switch (p.op[pc]) {
      case SET:
      case MATCH:
        into.pcs[into.count] = pc
        into.slots[into.count++] = slots
        break
      case SPLIT:
        pending.push(p.other[pc]!, p.next[pc]!)
        held.push(slots, slots)
        break
      case SAVE: {
        const own = slots.slice()
        own[p.arg[pc]!] = at
        pending.push(p.next[pc]!)
        held.push(own)
        break
      }
      case ASSERT:
        if (!holdsAt(p.assertions[p.arg[pc]!]!, text, at)) break
      // falls through
      default:
        pending.push(p.next[pc]!)
        held.push(slots)
    }
  }
}
