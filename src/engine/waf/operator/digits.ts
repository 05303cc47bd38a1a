import { compilePattern } from './rx.ts'
import type { OperatorFactory } from './index.ts'

/** Most places looked at in one value: a long run of digits has as many as it has digits. */
const MOST_TRIES = 1_000

/** A pattern finds candidates, a check over their digits decides; goes on one byte after the start of each that fails. */
const checked =
  (check: (digits: readonly number[]) => boolean): OperatorFactory =>
  (param) => {
    const pattern = compilePattern(param)
    return (value) => {
      for (let at = 0, tries = 0; at < value.length && tries < MOST_TRIES; tries++) {
        const found = pattern.exec(value, at)
        const text = found?.groups[0]
        if (found === undefined || text === undefined || text === '') return undefined
        if (check([...text].filter((sign) => sign >= '0' && sign <= '9').map(Number))) return { groups: [text] }
        at = found.index + 1
      }
      return undefined
    }
  }

/** Luhn's sum (ISO/IEC 7812-1): payment cards. `@verifyCC \d{13,16}` */
export const verifyCC = checked((digits) => {
  const sum = digits
    .toReversed()
    .map((digit, i) => (i % 2 === 0 ? digit : digit > 4 ? digit * 2 - 9 : digit * 2))
    .reduce((a, b) => a + b, 0)
  return digits.length > 0 && sum % 10 === 0
})

const weighted = (digits: readonly number[], weights: readonly number[]): number =>
  weights.reduce((sum, weight, i) => sum + weight * digits[i]!, 0)
const cpfDigit = (digits: readonly number[], count: number): number => {
  const rest =
    weighted(
      digits,
      Array.from({ length: count }, (_, i) => count + 1 - i),
    ) % 11
  return rest < 2 ? 0 : 11 - rest
}

/** Brazilian taxpayers' numbers: two check digits modulo 11, never eleven times the same digit. */
export const verifyCPF = checked(
  (digits) =>
    digits.length === 11 &&
    digits.some((digit) => digit !== digits[0]) &&
    cpfDigit(digits, 9) === digits[9] &&
    cpfDigit(digits, 10) === digits[10],
)

/** Social security numbers of the United States as issued before 2011: area 1–740 without 666, group and serial not zero, no runs. */
export const verifySSN = checked((digits) => {
  if (digits.length !== 9) return false
  const number = (from: number, to: number): number => Number(digits.slice(from, to).join(''))
  const isRun = digits.every((digit, i) => i === 0 || digit === digits[i - 1]! + 1)
  const isSame = digits.every((digit) => digit === digits[0])
  const area = number(0, 3)
  return !isRun && !isSame && area > 0 && area < 740 && area !== 666 && number(3, 5) > 0 && number(5, 9) > 0
})

/** Austrian social insurance numbers: the fourth digit is a sum modulo 11 of the others. */
export const verifySVNR = checked(
  (digits) => digits.length === 10 && weighted(digits, [3, 7, 9, 0, 5, 8, 4, 2, 1, 6]) % 11 === digits[3],
)
