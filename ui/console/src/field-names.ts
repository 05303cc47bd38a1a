import { useMemo } from 'react'
import { rightsMessages } from '../../../src/rights/messages.ts'
import { vaultRoutes } from '../../../src/vault/contract.ts'
import { useCall, type Got } from './api.ts'
import { useSpeech, useWords, type Language } from './language.tsx'
import { may, useMe } from './shell/me.tsx'
import { personWords } from './words/person.ts'

type Known = Got<typeof vaultRoutes.collections>['fields'][number]
export type Names = {
  /** `person.phone`: as it was declared, else in our words, else by its name; undefined where there are none. */
  titled(place: string): string | undefined
  field(place: string): string
  collection(name: string): string
}
const FRESH_MS = 60_000

export function namesOf(
  fields: readonly Known[],
  language: Language,
  collectionWords: Readonly<Record<string, string>>,
): Names {
  const words: Readonly<Record<string, string>> = rightsMessages[language].fieldNames
  const titles = new Map(fields.map((one) => [`${one.collection}.${one.field}`, one.title?.[language]]))
  const collections = new Map(fields.map((one) => [one.collection, one.collectionTitle?.[language]]))
  const titled = (place: string): string | undefined => titles.get(place) ?? words[place]
  return {
    titled,
    field: (place) => titled(place) ?? place,
    collection: (name) => collections.get(name) ?? collectionWords[name] ?? name,
  }
}

/** What fields and collections are called on this node; who may not see the vault's fields reads our own words. */
export function useNames(): Names {
  const { language } = useSpeech()
  const { collectionNames } = useWords(personWords)
  const me = useMe()
  const enabled = me.node.role !== 'authority' && may(me, vaultRoutes.collections)
  const { data } = useCall(vaultRoutes.collections, {}, { every: FRESH_MS, enabled })
  return useMemo(() => namesOf(data?.fields ?? [], language, collectionNames), [data, language, collectionNames])
}
