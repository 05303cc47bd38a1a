import { byteSet, sizeOf, type ByteSet } from '../../bytes/byte-set.ts'
import { partsOf, type Node } from './ast.ts'

/**
 * Words of which every match holds at least one, in lower case, to be looked for without regard to case. `squeeze`: bytes to
 * take out of the text first (the rest of the text closes up); absent where the text is searched as it is.
 */
export type Literals = { readonly words: readonly string[]; readonly squeeze?: ByteSet }

const MAX_WORDS = 600
/** Most words that joining two parts may give. */
const MAX_JOINED = 128
/** Longest run of bytes kept; a longer word is not rarer. */
const MAX_LENGTH = 12
/** A set of more bytes than this, cases taken as one, is no literal. */
const MAX_SET = 12

type Words = ReadonlySet<string>
/**
 * What is known of a node's matches. `exact`: all of them. `prefix`, `suffix`: one of these begins, ends it ('' when nothing is
 * known). `best`: one of these stands in it.
 */
type Facts = {
  readonly exact: Words | undefined
  readonly prefix: Words
  readonly suffix: Words
  readonly best: Words | undefined
}

const NOTHING: Words = new Set([''])
const EMPTY: Facts = { exact: NOTHING, prefix: NOTHING, suffix: NOTHING, best: undefined }
const UNKNOWN: Facts = { exact: undefined, prefix: NOTHING, suffix: NOTHING, best: undefined }

/**
 * The set of words that is least likely in ordinary text, of those of which every match must hold one; undefined when there is
 * none worth looking for. Sound for any pattern: looks, references and assertions are taken to say nothing.
 */
export function literalsOf(tree: Node): Literals | undefined {
  const words = wordsOf(factsOf(tree), 2)
  return words === undefined ? undefined : { words: [...words] }
}

/**
 * The same for the text with the bytes of `junk` taken out: `l['"]*s` holds "ls". What may stand between and is not junk but must
 * hold a rare sign is stepped over, and its sign is one more word: `l(?:\$\w*)?s` holds "ls" or "$".
 */
export function squeezedLiteralsOf(tree: Node, junk: ByteSet = SHELL_JUNK): Literals | undefined {
  const signs = new Set<string>()
  const words = wordsOf(factsOf(squeeze(tree, junk, signs)), 2)
  if (words === undefined || words.size + signs.size > MAX_WORDS) return undefined
  return { words: minimal([...words, ...signs]), squeeze: junk }
}

/** What shells drop between the letters of a command: quotes, backslashes, brackets. */
export const SHELL_JUNK: ByteSet = byteSet(0x22, 0x27, 0x28, 0x29, 0x5b, 0x5c, 0x5d)

function wordsOf(facts: Facts, shortest: number): Words | undefined {
  const best = better(better(facts.best, facts.exact), better(facts.prefix, facts.suffix))
  if (best === undefined) return undefined
  const words = minimal([...best])
  return words.some((word) => word.length < shortest) || words.length > MAX_WORDS ? undefined : new Set(words)
}

/** A word that holds another one need not be looked for. */
function minimal(words: readonly string[]): string[] {
  const kept: string[] = []
  for (const word of [...new Set(words)].sort((a, b) => a.length - b.length))
    if (!kept.some((own) => word.includes(own))) kept.push(word)
  return kept
}

// How often a byte stands in the text of requests, roughly: letters, blanks and UTF-8 are common, signs are rare.
const OFTEN = Float64Array.from({ length: 256 }, (_, byte) => {
  const sign = String.fromCharCode(byte)
  if (/[aeinoht]/.test(sign)) return 0.07
  if (/[a-z]/.test(sign)) return 0.03
  if (/[ 0-9]/.test(sign)) return 0.05
  if (/[-._/=&,:;%"]/.test(sign)) return 0.02
  return byte >= 128 ? 0.02 : 0.004
})

/** How likely one of the words begins at a place, +Infinity when one is empty. */
function likelihood(words: Words): number {
  let sum = 0
  for (const word of words) {
    if (word === '') return Infinity
    let own = 1
    for (let at = 0; at < word.length; at++) own *= OFTEN[word.charCodeAt(at)]!
    sum += own
  }
  return sum
}

function better(a: Words | undefined, b: Words | undefined): Words | undefined {
  if (a === undefined || b === undefined) return usable(a ?? b)
  if (a.size > MAX_WORDS || b.size > MAX_WORDS) return usable(a.size <= b.size ? a : b)
  return usable(likelihood(a) <= likelihood(b) ? a : b)
}

const usable = (words: Words | undefined): Words | undefined =>
  words === undefined || words.has('') || words.size > MAX_WORDS ? undefined : words

function factsOf(node: Node): Facts {
  switch (node.kind) {
    case 'set':
      return ofSet(node.set)
    case 'sequence':
      return ofSequence(node.items.map(factsOf))
    case 'choice':
      return ofChoice(node.options.map(factsOf))
    case 'repeat':
      return ofRepeat(factsOf(node.body), node.min, node.max)
    case 'capture':
    case 'atomic':
      return factsOf(node.body)
    case 'look':
    case 'assert':
      return EMPTY
    case 'back':
      return UNKNOWN
  }
}

function ofSet(set: ByteSet): Facts {
  const members = new Set<string>()
  for (let byte = 0; byte < 256; byte++)
    if (set[byte] === 1) members.add(String.fromCharCode(byte >= 65 && byte <= 90 ? byte + 32 : byte))
  if (members.size > MAX_SET) return UNKNOWN
  return { exact: members, prefix: members, suffix: members, best: members }
}

const tail = (word: string): string => word.slice(-MAX_LENGTH)
const head = (word: string): string => word.slice(0, MAX_LENGTH)

/** Every word of `a` followed by every word of `b`, or undefined when they are too many. */
function cross(a: Words, b: Words, cut: (word: string) => string): Words | undefined {
  if (a.size > 1 && b.size > 1 && a.size * b.size > MAX_JOINED * 2) return undefined
  const out = new Set<string>()
  for (const left of a) for (const right of b) out.add(cut(left + right))
  return a.size > 1 && b.size > 1 && out.size > MAX_JOINED ? undefined : out
}

function ofSequence(items: readonly Facts[]): Facts {
  let best: Words | undefined
  // What ends at the place reached: one of these. As long as nothing was cut it is all there is.
  let run: Words = NOTHING
  let whole = true
  let prefix: Words | undefined
  for (const item of items) {
    best = better(best, item.best)
    const longer = item.exact === undefined ? undefined : cross(run, item.exact, (word) => word)
    if (longer !== undefined && [...longer].every((word) => word.length <= MAX_LENGTH * 2)) {
      run = longer
      best = better(best, run)
      continue
    }
    const onward = cross(run, item.exact ?? item.prefix, (word) => word)
    if (onward !== undefined) best = better(best, new Set([...onward].map(head)))
    if (whole) prefix = onward === undefined ? run : new Set([...onward].map(head))
    whole = false
    const joined = item.exact === undefined ? undefined : cross(run, item.exact, tail)
    run = joined ?? item.exact ?? item.suffix
    best = better(best, run)
  }
  return { exact: whole ? run : undefined, prefix: prefix ?? run, suffix: run, best }
}

function ofChoice(options: readonly Facts[]): Facts {
  const all = (pick: (facts: Facts) => Words | undefined): Words | undefined => {
    const out = new Set<string>()
    for (const option of options) {
      const words = pick(option)
      if (words === undefined) return undefined
      for (const word of words) out.add(word)
    }
    return out
  }
  const exact = all((option) => option.exact)
  const best = all((option) => better(option.best, better(option.exact, better(option.prefix, option.suffix))))
  return {
    exact: exact !== undefined && exact.size <= MAX_WORDS ? exact : undefined,
    prefix: shortened(
      all((option) => option.prefix)!,
      (word, length) => word.slice(0, length),
    ),
    suffix: shortened(
      all((option) => option.suffix)!,
      (word, length) => (length === 0 ? '' : word.slice(-length)),
    ),
    best: best === undefined || best.size > MAX_WORDS * 2 ? undefined : usable(new Set(minimal([...best]))),
  }
}

/** Fewer words by cutting them shorter. */
function shortened(words: Words, cut: (word: string, length: number) => string): Words {
  let out = words
  for (let length = 6; out.size > MAX_WORDS && length >= 0; length--)
    out = new Set([...words].map((word) => cut(word, length)))
  return out
}

function ofRepeat(body: Facts, min: number, max: number): Facts {
  if (max === 0) return EMPTY
  if (min === 0)
    return max === 1 && body.exact !== undefined
      ? { ...EMPTY, exact: new Set([...body.exact, '']), best: undefined }
      : UNKNOWN
  const more: Facts = { ...body, exact: undefined }
  const copies = Array.from({ length: Math.min(min, 6) }, () => body)
  if (min === max && min <= 6) return ofSequence(copies)
  return ofSequence([...copies.slice(0, -1), more])
}

/** Signs that are rare enough to be words by themselves. */
const RARE = byteSet(0x21, 0x24, 0x26, 0x2a, 0x3c, 0x3e, 0x5e, 0x60, 0x7b, 0x7c, 0x7d, 0x7e)

function squeeze(node: Node, junk: ByteSet, signs: Set<string>): Node {
  switch (node.kind) {
    case 'set': {
      const left = node.set.map((flag, byte) => flag & (1 - junk[byte]!))
      const size = sizeOf(left)
      if (size === 0) return { kind: 'sequence', items: [] }
      const set: Node = { kind: 'set', set: left }
      return size === sizeOf(node.set) ? set : { kind: 'repeat', body: set, min: 0, max: 1, lazy: false }
    }
    case 'repeat': {
      const body = squeeze(node.body, junk, signs)
      const sign = node.min === 0 ? rareSignOf(body) : undefined
      if (sign === undefined) return { ...node, body }
      for (const one of sign) signs.add(one)
      return { kind: 'sequence', items: [] }
    }
    case 'sequence':
      return { ...node, items: node.items.map((item) => squeeze(item, junk, signs)) }
    case 'choice':
      return { ...node, options: node.options.map((option) => squeeze(option, junk, signs)) }
    case 'capture':
    case 'atomic':
      return { ...node, body: squeeze(node.body, junk, signs) }
    case 'back':
    case 'look':
    case 'assert':
      return node
  }
}

/** A rare sign, one of few, that the node must take whenever it takes anything; empty: it takes nothing. */
function rareSignOf(node: Node): Words | undefined {
  if (node.kind === 'set') {
    const members = [...node.set.keys()].filter((byte) => node.set[byte] === 1)
    return members.length <= 4 && members.every((byte) => RARE[byte] === 1)
      ? new Set(members.map((byte) => String.fromCharCode(byte)))
      : undefined
  }
  const parts = partsOf(node)
  if (node.kind === 'sequence') {
    if (parts.every((part) => part.kind === 'sequence' && part.items.length === 0)) return new Set()
    for (const part of parts) {
      const signs = rareSignOf(part)
      if (signs !== undefined && signs.size > 0) return signs
    }
    return undefined
  }
  if (node.kind === 'repeat') return node.min > 0 || isNothing(node.body) ? rareSignOf(node.body) : undefined
  if (node.kind !== 'choice' && node.kind !== 'capture' && node.kind !== 'atomic') return undefined
  const all = parts.map(rareSignOf)
  return all.every((signs) => signs !== undefined) ? new Set(all.flatMap((signs) => [...signs!])) : undefined
}

const isNothing = (node: Node): boolean => node.kind === 'sequence' && node.items.every(isNothing)
