import type { Chain, Target } from './plan.ts'
import { signsOf, type Signs } from './regex/needs.ts'
import type { Entry } from './request.ts'

export type Item = { readonly target: Target; readonly entry: Entry }

/** The values a rule looks at after its transformations, with the signs of each and of all. */
export type View = {
  readonly values: readonly string[]
  readonly low: Int32Array
  readonly high: Int32Array
  readonly rest: Int32Array
  readonly anyLow: number
  readonly anyHigh: number
  readonly anyRest: number
}

/** What the targets of a rule select from one request. bench/gateway.ts: forty rules share one selection and six views of it. */
export class Selection {
  readonly items: readonly Item[]
  private readonly views: (View | undefined)[] = []

  constructor(items: readonly Item[]) {
    this.items = items
  }

  view(chain: Chain | undefined): View {
    const index = chain === undefined ? 0 : chain.index + 1
    // Filled up so that the array stays dense.
    while (this.views.length <= index) this.views.push(undefined)
    return (this.views[index] ??= this.look(chain))
  }

  private look(chain: Chain | undefined): View {
    const values = this.items.map(({ entry }) => transformed(entry, chain))
    const low = new Int32Array(values.length)
    const high = new Int32Array(values.length)
    const rest = new Int32Array(values.length)
    let anyLow = 0
    let anyHigh = 0
    let anyRest = 0
    for (let i = 0; i < values.length; i++) {
      const signs = signsOfEntry(this.items[i]!.entry, values[i]!)
      anyLow |= low[i] = signs.low
      anyHigh |= high[i] = signs.high
      anyRest |= rest[i] = signs.rest
    }
    return { values, low, high, rest, anyLow, anyHigh, anyRest }
  }
}

// Most chains leave most values as the one before did; their signs are then known.
function signsOfEntry(entry: Entry, text: string): Signs {
  if (entry.seen?.text !== text) entry.seen = { text, signs: signsOf(text) }
  return entry.seen.signs
}

/** The value after a chain; kept on the entry, because most rules share their chains. */
export function transformed(entry: Entry, chain: Chain | undefined): string {
  if (chain === undefined) return entry.value
  while (entry.transformed.length <= chain.index) entry.transformed.push(undefined)
  return (entry.transformed[chain.index] ??= chain.run(transformed(entry, chain.before)))
}

/** The value before the chain and after each of its steps, each different text once in a row (multiMatch). */
export function everyStep(entry: Entry, chain: Chain | undefined): string[] {
  const out: string[] = []
  for (let step = chain; step !== undefined; step = step.before) out.push(transformed(entry, step))
  out.push(entry.value)
  return out.reverse().filter((value, i, all) => value !== all[i - 1])
}
