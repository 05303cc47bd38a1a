import { addressTable } from './address-table.ts'
import { nameTable } from './name-table.ts'
import { isName, type Matcher, type Wanted } from './wanted.ts'

/** The same answers as the plain matcher, for a million indicators: about 50 MB of typed arrays, no garbage a look-up. */
export function fastMatcher(wanted: readonly Wanted[]): Matcher {
  const names: string[] = []
  const owners: number[] = []
  const ranges: { range: string; port: number | undefined; ordinal: number }[] = []
  for (const [ordinal, one] of wanted.entries()) {
    if ('range' in one) ranges.push({ range: one.range, port: one.port, ordinal })
    else if (isName(one.name)) {
      names.push(one.name)
      owners.push(ordinal)
    }
  }
  const byName = nameTable(names, owners)
  const byAddress = addressTable(ranges)
  return {
    size: names.length + byAddress.size,
    bytes: byName.bytes + byAddress.bytes,
    name: byName.find,
    address: byAddress.find,
  }
}
