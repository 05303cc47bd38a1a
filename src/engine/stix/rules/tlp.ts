import type { Place } from './fault.ts'
import { isObject, type JsonObject } from './kind.ts'

const tlp1 = (colour: string, id: string): readonly [string, JsonObject] => [
  `marking-definition--${id}`,
  {
    type: 'marking-definition',
    spec_version: '2.1',
    id: `marking-definition--${id}`,
    created: '2017-01-20T00:00:00.000Z',
    definition_type: 'tlp',
    name: `TLP:${colour.toUpperCase()}`,
    definition: { tlp: colour },
  },
]

/** The four marking objects of TLP 1.0, the only ones of definition type `tlp` (STIX 2.1 §7.2.1.4). */
export const TLP_MARKINGS: ReadonlyMap<string, JsonObject> = new Map([
  tlp1('white', '613f2e26-407d-48c7-9eca-b8e91df99dc9'),
  tlp1('green', '34098fce-860f-48ae-8e50-ebd3cc5e41da'),
  tlp1('amber', 'f88d31f6-486f-44da-b317-01333bde0b82'),
  tlp1('red', '5e57c739-391a-4eb3-b6be-7d15ca92d5ed'),
])

/** A marking that says it is TLP, by type or by identifier, must be one of the four to the letter. */
export function checkTlp(object: JsonObject, at: Place): void {
  const here = at.by('7.2.1.4')
  const fixed = TLP_MARKINGS.get(typeof object['id'] === 'string' ? object['id'].toLowerCase() : '')
  if (fixed === undefined) {
    if (object['definition_type'] === 'tlp') {
      here.at('definition_type').error('marking', 'TLP 1.0 has four marking objects, and this is none of them')
    }
    return
  }
  for (const [key, wanted] of Object.entries(fixed)) {
    const same = isObject(wanted) ? isSameDefinition(object[key], wanted) : object[key] === wanted
    if (!same && key !== 'id') here.at(key).error('marking', `this TLP object has ${JSON.stringify(wanted)} here`)
  }
  for (const key of Object.keys(object)) {
    if (!Object.hasOwn(fixed, key)) here.at(key).error('marking', 'this TLP object has no such property')
  }
}

const isSameDefinition = (value: unknown, wanted: JsonObject): boolean =>
  isObject(value) && value['tlp'] === wanted['tlp'] && Object.keys(value).length === 1
