import { ConstructError } from '../error.ts'
import { parseTemplate } from '../macro.ts'
import type { Effect } from '../plan.ts'
import { isPersistent, type Persistent } from '../variables/names.ts'

function split(action: string, text: string, sign: RegExp): [string, string] {
  const at = text.search(sign)
  if (at <= 0 || at === text.length - 1) throw new ConstructError(`${action}:${text} is not understood`)
  return [text.slice(0, at), text.slice(at + 1)]
}

function collectionOf(action: string, name: string): Persistent {
  const collection = name.trim().toUpperCase()
  if (!isPersistent(collection)) throw new ConstructError(`${action}: ${name} is not a collection that lasts`)
  return collection
}

/** `ip=%{REMOTE_ADDR}` */
export function initialisationOf(text: string): Effect {
  const [name, key] = split('initcol', text, /=/)
  return { kind: 'init', collection: collectionOf('initcol', name), key: parseTemplate(key) }
}

/** setsid, setuid, setrsc: the collection with that key. */
export const namedCollection = (collection: Persistent, text: string): Effect => ({
  kind: 'init',
  collection,
  key: parseTemplate(text),
})

/** `ip.counter=60`: gone that many seconds from now. */
export function expirationOf(text: string): Effect {
  const [variable, seconds] = split('expirevar', text, /=/)
  const [name, key] = split('expirevar', variable, /[.:]/)
  const collection = collectionOf('expirevar', name)
  return { kind: 'expire', collection, key: parseTemplate(key), seconds: parseTemplate(seconds) }
}

/** `ip.score=10/60`: less by 10 for every 60 seconds since it was last written. */
export function deprecationOf(text: string): Effect {
  const found = /^([A-Za-z]+)[.:]([^=%]+)=(\d{1,9})\/(\d{1,9})$/.exec(text)
  if (found === null || Number(found[4]) === 0) throw new ConstructError(`deprecatevar:${text} is not understood`)
  return {
    kind: 'deprecate',
    collection: collectionOf('deprecatevar', found[1]!),
    key: found[2]!.toLowerCase(),
    amount: Number(found[3]),
    seconds: Number(found[4]),
  }
}

/** `name=value`, seen by rules as ENV:name; the process's own environment is never touched. */
export function environmentOf(text: string): Effect {
  const [name, value] = split('setenv', text, /=/)
  return { kind: 'env', name: parseTemplate(name), value: parseTemplate(value) }
}
