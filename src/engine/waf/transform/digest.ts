const words = (text: string, littleEndian: boolean): number[] => {
  const padded = `${text}\x80`
  const total = Math.ceil((padded.length + 8) / 64) * 16
  const out = Array.from({ length: total }, () => 0)
  for (let at = 0; at < padded.length; at++)
    out[at >> 2]! |= padded.charCodeAt(at) << ((littleEndian ? at & 3 : 3 - (at & 3)) * 8)
  const low = (text.length * 8) | 0
  const high = Math.floor(text.length / 0x2000_0000)
  out[total - 2] = littleEndian ? low : high
  out[total - 1] = littleEndian ? high : low
  return out
}
const bytesOf = (state: readonly number[], littleEndian: boolean): string =>
  state
    .flatMap((word) => (littleEndian ? [0, 8, 16, 24] : [24, 16, 8, 0]).map((shift) => (word >>> shift) & 255))
    .map((byte) => String.fromCharCode(byte))
    .join('')
const rotate = (word: number, by: number): number => (word << by) | (word >>> (32 - by))

/** SHA-1 as 20 bytes (RFC 3174): a name for a value, not a proof of it. */
export function sha1(text: string): string {
  const input = words(text, false)
  const state = [0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476, 0xc3d2e1f0]
  const w = new Int32Array(80)
  for (let block = 0; block < input.length; block += 16) {
    for (let t = 0; t < 80; t++)
      w[t] = t < 16 ? input[block + t]! : rotate(w[t - 3]! ^ w[t - 8]! ^ w[t - 14]! ^ w[t - 16]!, 1)
    let [a, b, c, d, e] = state as [number, number, number, number, number]
    for (let t = 0; t < 80; t++) {
      const f = t < 20 ? (b & c) | (~b & d) : t < 40 || t >= 60 ? b ^ c ^ d : (b & c) | (b & d) | (c & d)
      const k = t < 20 ? 0x5a827999 : t < 40 ? 0x6ed9eba1 : t < 60 ? 0x8f1bbcdc : 0xca62c1d6
      const next = (rotate(a, 5) + f + e + k + w[t]!) | 0
      ;[a, b, c, d, e] = [next, a, rotate(b, 30), c, d]
    }
    ;[a, b, c, d, e].forEach((word, i) => (state[i] = (state[i]! + word) | 0))
  }
  return bytesOf(state, false)
}

const SHIFTS = [7, 12, 17, 22, 5, 9, 14, 20, 4, 11, 16, 23, 6, 10, 15, 21]
const SINES = Array.from({ length: 64 }, (_, i) => Math.floor(Math.abs(Math.sin(i + 1)) * 0x1_0000_0000) | 0)

/** MD5 as 16 bytes (RFC 1321): a name for a value, not a proof of it. */
export function md5(text: string): string {
  const input = words(text, true)
  const state = [0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476]
  for (let block = 0; block < input.length; block += 16) {
    let [a, b, c, d] = state as [number, number, number, number]
    for (let i = 0; i < 64; i++) {
      const round = i >> 4
      const f = [(b & c) | (~b & d), (d & b) | (~d & c), b ^ c ^ d, c ^ (b | ~d)][round]!
      const g = [i, 5 * i + 1, 3 * i + 5, 7 * i][round]! % 16
      const sum = (a + f + SINES[i]! + input[block + g]!) | 0
      ;[a, d, c, b] = [d, c, b, (b + rotate(sum, SHIFTS[round * 4 + (i % 4)]!)) | 0]
    }
    ;[a, b, c, d].forEach((word, i) => (state[i] = (state[i]! + word) | 0))
  }
  return bytesOf(state, true)
}
