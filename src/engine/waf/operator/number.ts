import type { OperatorFactory } from './index.ts'

// C's atoi: leading white space, a sign, digits; anything else is 0.
export function toNumber(text: string): number {
  let value = 0
  for (let at = 0; at < text.length; at++) {
    const digit = text.charCodeAt(at) - 48
    if (digit < 0 || digit > 9 || at === 15) return spelled(text)
    value = value * 10 + digit
  }
  return value
}

const spelled = (text: string): number => Number(/^[\t-\r ]{0,9}([+-]?\d{1,15})/.exec(text.slice(0, 40))?.[1] ?? 0)

const HIT = { groups: [] as readonly string[] }
const comparing =
  (test: (value: number, param: number) => boolean): OperatorFactory =>
  (param) => {
    const right = toNumber(param)
    return (value) => (test(toNumber(value), right) ? HIT : undefined)
  }

export const eq = comparing((a, b) => a === b)
export const ge = comparing((a, b) => a >= b)
export const gt = comparing((a, b) => a > b)
export const le = comparing((a, b) => a <= b)
export const lt = comparing((a, b) => a < b)
