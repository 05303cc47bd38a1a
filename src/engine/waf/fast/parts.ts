import type { Item } from '../evaluate/select.ts'
import type { State } from '../evaluate/state.ts'
import type { Rule, Target } from '../plan.ts'
import { entry, type Entry, type Values } from '../variables/entry.ts'
import type { MessageVariable } from '../variables/names.ts'

const NONE: Values = []

/** Parts of a request's collections, each found once: all, those of one name, those whose name a pattern finds. */
export class Parts {
  private readonly byName = new Map<Values, ReadonlyMap<string, Values>>()
  private readonly byPattern = new Map<Values, Map<string, Values>>()

  of(values: Values, { selector }: Target): Values {
    if (selector === undefined || values.length === 0) return values
    if ('name' in selector) return this.names(values).get(selector.name) ?? NONE
    let known = this.byPattern.get(values)
    if (known === undefined) this.byPattern.set(values, (known = new Map()))
    let part = known.get(selector.source)
    if (part === undefined) known.set(selector.source, (part = values.filter(({ key }) => selector.pattern.test(key))))
    return part
  }

  private names(values: Values): ReadonlyMap<string, Values> {
    let names = this.byName.get(values)
    if (names === undefined) this.byName.set(values, (names = groupByName(values)))
    return names
  }
}

function groupByName(values: Values): ReadonlyMap<string, Values> {
  const out = new Map<string, Entry[]>()
  for (const value of values) {
    const name = value.key.toLowerCase()
    const own = out.get(name)
    if (own === undefined) out.set(name, [value])
    else own.push(value)
  }
  return out
}

/** What `select` gives for a rule of which no target has been taken away and whose collections do not change. */
export function selectFrom(state: State, rule: Rule, parts: Parts): readonly Item[] {
  const out: Item[] = []
  for (const target of rule.targets) {
    let chosen = parts.of(state.collections[target.collection as MessageVariable], target)
    for (const other of rule.exclusions) {
      if (other.collection !== target.collection || chosen.length === 0) continue
      const gone = new Set(parts.of(state.collections[target.collection as MessageVariable], other))
      if (gone.size > 0) chosen = chosen.filter((value) => !gone.has(value))
    }
    if (target.count) out.push({ target, entry: entry('', String(chosen.length)) })
    else for (const value of chosen) out.push({ target, entry: value })
  }
  return out
}
