import type { Pair } from '../bodies/urlencoded.ts'
import { MESSAGE_VARIABLES, type MessageVariable } from './names.ts'

/** One value a rule can look at, latin1. `key` is empty for variables that are one value. */
export type Entry = { readonly key: string; readonly value: string }
export type Values = readonly Entry[]
export type Collections = Record<MessageVariable, Values>

export const entry = (key: string, value: string): Entry => ({ key, value })
export const one = (value: string): Values => [entry('', value)]
export const keyed = (pairs: readonly Pair[]): Values => pairs.map(([key, value]) => entry(key, value))
/** The names of pairs as values, one each, doubles too. */
export const namesOf = (pairs: readonly Pair[]): Values => pairs.map(([key]) => entry(key, key))

const NONE: Values = []
const EMPTY = Object.fromEntries(MESSAGE_VARIABLES.map((name) => [name, NONE])) as Collections
export const emptyCollections = (): Collections => ({ ...EMPTY })
