import type { Clock } from '../kit/clock.ts'
import { type Entropy, newId } from '../kit/ids.ts'

/** Random bytes of an id: the 80 bits of `newId` less 16 that count. */
const ID_RANDOM = 8

/**
 * Ids that sort in the order they were given out, also within a millisecond and when the clock steps back. Asked for
 * `count` at a time, since the system's randomness costs more a call than a byte.
 */
export function orderedIds(clock: Clock, entropy: Entropy): (count: number) => string[] {
  let at = 0
  let given = 0
  return (count) => {
    const now = clock()
    if (now > at) [at, given] = [now, 0]
    const random = entropy(ID_RANDOM * count)
    return Array.from({ length: count }, (_, i) => {
      if (++given > 0xffff) [at, given] = [at + 1, 0]
      const part = random.subarray(ID_RANDOM * i, ID_RANDOM * (i + 1))
      return newId('aud', at, () => Uint8Array.of(given >> 8, given & 255, ...part))
    })
  }
}
