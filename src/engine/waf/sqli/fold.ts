import type { Kind, Token } from './token.ts'
import { beginsPair, isCalled, wordKind } from './words.ts'

const UNARY = new Set(['+', '-', '!', '~', '!~', 'not'])
const isUnary = ({ kind, text }: Token): boolean => (kind === 'o' || kind === '&') && UNARY.has(text)
const isValue = (kind: Kind): boolean => kind === '1' || kind === 'n' || kind === 'v' || kind === 's'

/**
 * Tokens → at most `most` of them, with all that does not change the shape of a statement taken away: comments between words, repeated
 * signs, `1+2*3` → `1`, `a, b, c` → `a`. A comment that ends the text stays: attackers cut the rest of a statement off with one.
 */
export function fold(tokens: Iterable<Token>, most: number): Token[] {
  const stack: Token[] = []
  let comment: Token | undefined
  for (const token of tokens) {
    if (token.kind === 'c') {
      comment = token
      continue
    }
    comment = undefined
    stack.push(token)
    // Every step but the last of `two` shortens; the renaming ones apply once to a token.
    while (stack.length > 0 && reduce(stack));
    // Two more than asked for, since what follows may still shorten the end.
    if (stack.length >= most + 2) break
  }
  while (isLead(stack)) stack.shift()
  const out = stack.slice(0, most)
  if (comment !== undefined && out.length < most) out.push(comment)
  return out
}

/** At the beginning these say nothing: an open bracket, a sign, a cast. */
function isLead(stack: readonly Token[]): boolean {
  const [first] = stack
  return first !== undefined && (first.kind === '(' || first.kind === 't' || isUnary(first))
}

function reduce(stack: Token[]): boolean {
  if (isLead(stack) && stack.length === 1) {
    stack.pop()
    return true
  }
  return two(stack) || three(stack)
}

/** Puts one token in place of the last `count`. */
function replace(stack: Token[], count: number, token: Token): true {
  stack.splice(stack.length - count, count, token)
  return true
}

function two(stack: Token[]): boolean {
  if (stack.length < 2) return false
  const a = stack.at(-2)!
  const b = stack.at(-1)!
  const ab = a.kind + b.kind
  if (ab === 'ss') return replace(stack, 2, { ...a, closed: b.closed! })
  if (ab === ';;' || ab === '((' || ab === '))' || ab === ',,') return replace(stack, 2, a)
  const joined = a.kind !== 's' && b.kind !== 's' && beginsPair(a.text) ? wordKind(`${a.text} ${b.text}`) : undefined
  if (joined !== undefined) return replace(stack, 2, { kind: joined, text: `${a.text} ${b.text}` })
  if (a.kind === 'o' && (isUnary(b) || b.kind === 't') && b.kind !== '&') return replace(stack, 2, a)
  if (a.kind === '&' && (isUnary(b) || b.kind === 't')) return replace(stack, 2, a)
  if (a.kind === '(' && isUnary(b)) return replace(stack, 2, a)
  if (b.kind === '(') {
    if (a.kind !== 'f' && isCalled(a.text)) return replace(stack, 2, { ...a, kind: 'f' }) && push(stack, b)
    return false
  }
  // A function that is not called is a name.
  if (a.kind === 'f' && !NO_BRACKETS.has(a.text)) return replace(stack, 2, { ...a, kind: 'n' }) && push(stack, b)
  if (a.kind === ';' && b.text === 'if' && b.kind !== 'T')
    return replace(stack, 2, a) && push(stack, { kind: 'T', text: 'if' })
  if (a.kind === 't' && isValue(b.kind)) return replace(stack, 2, b)
  if (a.kind === 'A' && b.kind === 'n') return replace(stack, 2, a) && drop(stack)
  if (ab === '{n') return drop(stack) && drop(stack)
  if (b.kind === '}') return drop(stack)
  return false
}

const NO_BRACKETS = new Set(
  'current_user current_date current_time current_timestamp session_user system_user user sysdate localtime'.split(' '),
)

function push(stack: Token[], token: Token): true {
  stack.push(token)
  return true
}

function drop(stack: Token[]): true {
  stack.pop()
  return true
}

function three(stack: Token[]): boolean {
  if (stack.length < 3) return false
  const [a, b, c] = stack.slice(-3) as [Token, Token, Token]
  const kinds = a.kind + b.kind + c.kind
  if (kinds === '1o1' || kinds === 'vov' || kinds === 'vo1' || kinds === 'von' || kinds === 'vos')
    return replace(stack, 3, a)
  if (kinds === '1on' || kinds === 'no1') return b.text === '=' || b.kind !== 'o' ? false : replace(stack, 3, a)
  if (kinds === 'n.n' || kinds === 'n.o') return replace(stack, 3, { ...c, kind: 'n' })
  if (
    b.kind === ',' &&
    (a.kind === '1' || a.kind === 'n' || a.kind === 'v' || a.kind === 's') &&
    isValue(c.kind) &&
    c.kind !== 's'
  )
    return replace(stack, 3, a)
  if ((a.kind === 'E' || a.kind === 'B' || a.kind === 'k' || a.kind === ',') && isUnary(b) && b.kind === 'o')
    return replace(stack, 2, c)
  return false
}
