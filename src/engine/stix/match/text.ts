/** -1, 0 or 1 by code points; JavaScript's own order goes by UTF-16 units and puts 𐀀 before ｡ (STIX 2.1 §9.6). */
export function compareText(a: string, b: string): number {
  const length = Math.min(a.length, b.length)
  for (let i = 0; i < length; i++) {
    const [left, right] = [a.charCodeAt(i), b.charCodeAt(i)]
    if (left === right) continue
    const [high, low] = [left >= 0xd800 && left <= 0xdfff, right >= 0xd800 && right <= 0xdfff]
    if (high !== low) return high ? 1 : -1
    return left < right ? -1 : 1
  }
  return Math.sign(a.length - b.length)
}

/** LIKE: `%` any run of characters, `_` exactly one, all else itself; the whole value, both sides NFC already (§9.6). */
export function likeTest(pattern: string): (value: string) => boolean {
  const wanted = [...pattern]
  return (value) => {
    const chars = [...value]
    let [at, next] = [0, 0]
    // Where the last % stood and how much it has swallowed: one place to come back to is enough for globs.
    let [star, from] = [-1, 0]
    while (at < chars.length) {
      const sign = wanted[next]
      if (sign === '%') {
        star = next++
        from = at
      } else if (sign !== undefined && (sign === '_' || sign === chars[at])) {
        next++
        at++
      } else if (star >= 0) {
        next = star + 1
        at = ++from
      } else return false
    }
    while (wanted[next] === '%') next++
    return next === wanted.length
  }
}
