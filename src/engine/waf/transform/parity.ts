const isOdd = (byte: number): boolean => {
  let bits = byte & 0x7f
  bits ^= bits >> 4
  bits ^= bits >> 2
  return ((bits ^ (bits >> 1)) & 1) === 1
}
const eachByte =
  (change: (byte: number) => number) =>
  (text: string): string =>
    text.replace(/[^]/g, (sign) => String.fromCharCode(change(sign.charCodeAt(0))))

/** The eighth bit set so that the number of ones is even. */
export const parityEven7bit = eachByte((byte) => (isOdd(byte) ? byte | 0x80 : byte & 0x7f))
/** The eighth bit set so that the number of ones is odd. */
export const parityOdd7bit = eachByte((byte) => (isOdd(byte) ? byte & 0x7f : byte | 0x80))
/** The eighth bit cleared. */
export const parityZero7bit = eachByte((byte) => byte & 0x7f)
