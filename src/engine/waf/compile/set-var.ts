import { ConstructError } from '../error.ts'
import { parseTemplate } from '../macro.ts'
import type { SetVar } from '../plan.ts'
import { isPersistent } from '../variables/names.ts'

const FORM = /^(!?)([A-Za-z]+)[.:]([^=]+)(?:=(.*))?$/s

/** `tx.score=+%{tx.critical}`, `!ip.counter`, `tx.seen` (1) → the change. Throws `ConstructError`. */
export function setVarOf(text: string): SetVar {
  const found = FORM.exec(text)
  const collection = found?.[2]!.toUpperCase() ?? ''
  if (found === null || (collection !== 'TX' && !isPersistent(collection)))
    throw new ConstructError(
      `setvar:${text} is not supported: tx, ip, global, session, user and resource can be written`,
    )
  const key = parseTemplate(found[3]!.trim())
  const value = found[4]
  if (found[1] === '!') return { collection, key, how: 'remove', value: [] }
  if (value === undefined) return { collection, key, how: 'set', value: ['1'] }
  const how = value.startsWith('+') ? 'add' : value.startsWith('-') ? 'subtract' : 'set'
  return { collection, key, how, value: parseTemplate(how === 'set' ? value : value.slice(1)) }
}
