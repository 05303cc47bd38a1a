import { isWithin, readAddress, readRange, type AddressRange } from './address.ts'
import { isName, NOTHING, type Matcher, type Wanted } from './wanted.ts'

/** Looks for names and addresses with a Map and a list: obviously right, and fast enough for a few thousand. */
export function plainMatcher(wanted: readonly Wanted[]): Matcher {
  const names = new Map<string, number[]>()
  const ranges: { readonly range: AddressRange; readonly port: number | undefined; readonly ordinal: number }[] = []
  let size = 0
  for (const [ordinal, one] of wanted.entries()) {
    if ('name' in one) {
      if (!isName(one.name)) continue
      const same = names.get(one.name)
      if (same) same.push(ordinal)
      else names.set(one.name, [ordinal])
    } else {
      const range = readRange(one.range)
      if (range === undefined) continue
      ranges.push({ range, port: one.port, ordinal })
    }
    size++
  }
  return {
    size,
    bytes: 0,
    name(name) {
      const found: number[] = []
      for (let at = 0; at >= 0; at = nextLabel(name, at)) {
        const here = names.get(name.slice(at))
        if (here) found.push(...here)
      }
      return found.length === 0 ? NOTHING : found.sort((a, b) => a - b)
    },
    address(address, port) {
      const words = readAddress(address)
      if (words === undefined) return NOTHING
      const found = ranges.filter((one) => (one.port === undefined || one.port === port) && isWithin(words, one.range))
      return found.length === 0 ? NOTHING : found.map((one) => one.ordinal)
    },
  }
}

/** Where the label after the one at `at` begins; -1 after the last. */
function nextLabel(name: string, at: number): number {
  const dot = name.indexOf('.', at)
  return dot < 0 ? -1 : dot + 1
}
