import type { Chain, Target } from './plan.ts'
import { signsOf, type Signs } from './regex/needs.ts'
import type { Entry } from './request.ts'

export type Item = { readonly target: Target; readonly entry: Entry }

/** The values a rule looks at after its transformations, with the signs of each and of all. */
export type View = { readonly values: readonly string[]; readonly signs: readonly Signs[]; readonly all: Signs }

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
    const signs = values.map(signsOf)
    let low = 0
    let high = 0
    for (const one of signs) {
      low |= one.low
      high |= one.high
    }
    return { values, signs, all: { low, high } }
  }
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
