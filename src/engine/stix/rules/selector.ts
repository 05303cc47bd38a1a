import { type Place, quote } from './fault.ts'
import { isObject, type JsonObject } from './kind.ts'

/** True when `labels.[0]`, `external_references.[1].url` and the like lead to something in the object (§7.2.3.1). */
export function selects(object: JsonObject, selector: string): boolean {
  let here: unknown = object
  for (const part of selector.split('.')) {
    const index = /^\[(0|[1-9][0-9]{0,8})\]$/.exec(part)
    if (index !== null) {
      if (!Array.isArray(here) || !(Number(index[1]) < here.length)) return false
      here = here[Number(index[1])]
    } else {
      if (!isObject(here) || !Object.hasOwn(here, part)) return false
      here = here[part]
    }
  }
  return true
}

/** Every selector of every granular marking must lead somewhere. */
export function checkSelectors(object: JsonObject, at: Place): void {
  const markings = object['granular_markings']
  if (!Array.isArray(markings)) return
  for (const [i, marking] of markings.entries()) {
    const selectors: unknown = isObject(marking) ? marking['selectors'] : undefined
    if (!Array.isArray(selectors)) continue
    for (const [j, selector] of selectors.entries()) {
      if (typeof selector !== 'string' || (selector.length <= 5000 && selects(object, selector))) continue
      at.at('granular_markings')
        .at(i)
        .at('selectors')
        .at(j)
        .by('7.2.3.1')
        .error('selector', `${quote(selector)} selects nothing`)
    }
  }
}
