import { RegexError } from './error.ts'
import { type CharSet, word } from './class.ts'
import { type Edge, parseRegex, type Regex, type RegexFlags } from './parse.ts'

const PROGRAM_LIMIT = 20_000
/** Instructions looked at for one value. */
const WORK_LIMIT = 10_000_000
const META = /[\\^$.*+?()[\]{}|]/

type Instruction =
  | { readonly op: 'char'; readonly set: CharSet }
  | { readonly op: 'edge'; readonly edge: Edge }
  | { readonly op: 'split'; a: number; b: number }
  | { readonly op: 'match' }

/**
 * A test whether the expression occurs anywhere in a text. All states are walked side by side, so the time is bounded by
 * expression × text whatever either says. Throws RegexError (`unsupported`) for what is not supported; the function it
 * gives throws `too-complex` past `workLimit` steps.
 */
export function compileRegex(source: string, flags: RegexFlags, workLimit = WORK_LIMIT): (text: string) => boolean {
  if (!flags.i && !META.test(source)) return (text) => text.includes(source)
  const program: Instruction[] = []
  emit(parseRegex(source, flags), program)
  push(program, { op: 'match' })
  return (text) => run(program, text, workLimit)
}

function push(program: Instruction[], instruction: Instruction): number {
  if (program.length >= PROGRAM_LIMIT) throw new RegexError('unsupported', 'the regular expression is too large')
  return program.push(instruction) - 1
}

/** Every instruction but `split` goes on to the next one. */
function emit(regex: Regex, program: Instruction[]): void {
  switch (regex.kind) {
    case 'char':
      push(program, { op: 'char', set: regex.set })
      return
    case 'edge':
      push(program, { op: 'edge', edge: regex.edge })
      return
    case 'all':
      for (const part of regex.parts) emit(part, program)
      return
    case 'one-of':
      emitAlternatives(regex.parts, program)
      return
    default:
      emitRepeat(regex, program)
  }
}

function emitAlternatives(parts: readonly Regex[], program: Instruction[]): void {
  const jumps: (Instruction & { op: 'split' })[] = []
  for (const [i, part] of parts.entries()) {
    const last = i === parts.length - 1
    const split = { op: 'split' as const, a: 0, b: 0 }
    if (!last) split.a = push(program, split) + 1
    emit(part, program)
    if (last) break
    const jump = { op: 'split' as const, a: 0, b: 0 }
    split.b = push(program, jump) + 1
    jumps.push(jump)
  }
  for (const jump of jumps) jump.a = jump.b = program.length
}

function emitRepeat({ of, least, most }: Regex & { kind: 'repeat' }, program: Instruction[]): void {
  for (let i = 0; i < least; i++) emit(of, program)
  if (most === Infinity) {
    const split = { op: 'split' as const, a: 0, b: 0 }
    const start = push(program, split)
    split.a = start + 1
    emit(of, program)
    push(program, { op: 'split', a: start, b: start })
    split.b = program.length
    return
  }
  const splits: (Instruction & { op: 'split' })[] = []
  for (let i = least; i < most; i++) {
    const split = { op: 'split' as const, a: 0, b: 0 }
    split.a = push(program, split) + 1
    splits.push(split)
    emit(of, program)
  }
  for (const split of splits) split.b = program.length
}

function run(program: readonly Instruction[], text: string, limit: number): boolean {
  const codes = Array.from(text, (char) => char.codePointAt(0)!)
  const seen = new Int32Array(program.length).fill(-1)
  let states: number[] = []
  let work = 0
  for (let at = 0; at <= codes.length; at++) {
    // A match may begin at every place.
    const open = [...states, 0]
    states = []
    while (open.length > 0) {
      const state = open.pop()!
      if (seen[state] === at) continue
      seen[state] = at
      if (++work > limit) throw new RegexError('too-complex', 'a regular expression takes too long')
      const instruction = program[state]!
      if (instruction.op === 'match') return true
      if (instruction.op === 'split') open.push(instruction.a, instruction.b)
      else if (instruction.op === 'edge') {
        if (isEdge(instruction.edge, codes, at)) open.push(state + 1)
      } else if (at < codes.length && instruction.set(codes[at]!)) states.push(state + 1)
    }
  }
  return false
}

function isEdge(edge: Edge, codes: readonly number[], at: number): boolean {
  const end = codes.length
  switch (edge) {
    case 'start':
      return at === 0
    case 'end':
      return at === end
    case 'line-start':
      return at === 0 || (codes[at - 1] === 10 && at < end)
    case 'line-end':
      return at === end || codes[at] === 10
    case 'last-line-end':
      return at === end || (at === end - 1 && codes[at] === 10)
    default: {
      const before = at > 0 && word(codes[at - 1]!)
      const after = at < end && word(codes[at]!)
      return (before !== after) === (edge === 'word')
    }
  }
}
