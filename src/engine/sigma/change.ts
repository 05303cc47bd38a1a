import { toBase64 } from '../bytes/base64.ts'
import { base64Offsets, utf16, utf8, type Utf16 } from './encode.ts'
import { SigmaError } from './error.ts'
import type { Change } from './modifiers.ts'
import { MANY, type Part, parseValue, plainText } from './wildcard.ts'

export type Placeholders = Readonly<Record<string, readonly string[]>>

const DASHES = ['-', '/', '–', '—', '―']
const DASH = /[-/–—―]/
/** `windash` and `expand` multiply; five dashes at six places are already 15,625 values. */
const VARIANTS_LIMIT = 5000

/**
 * One value to the values that may stand for it, any of which counts, after the changes in their order (modifiers
 * appendix). Throws SigmaError `modifier/combination`, `modifier/placeholder` or `value/too-large`.
 */
export function changeValue(value: string, changes: readonly Change[], placeholders?: Placeholders): Part[][] {
  const expands = changes.includes('expand')
  let variants = expands ? expand(value, placeholders) : [parseValue(value)]
  let wide: Utf16 | undefined
  for (const change of changes) {
    if (change === 'utf16' || change === 'utf16le' || change === 'utf16be') wide = change
    else if (change !== 'expand') variants = variants.flatMap((parts) => changeOne(parts, change, wide))
    limit(variants)
  }
  return variants
}

function changeOne(parts: Part[], change: Change, wide: Utf16 | undefined): Part[][] {
  switch (change) {
    case 'contains':
      return [[MANY, ...parts, MANY]]
    case 'startswith':
      return [[...parts, MANY]]
    case 'endswith':
      return [[MANY, ...parts]]
    case 'windash':
      return windash(parts)
    default: {
      const text = plainText(parts)
      if (text === undefined) throw new SigmaError('modifier/combination', '', `${change} takes no wildcards`)
      const bytes = wide === undefined ? utf8(text) : utf16(text, wide)
      const encoded = change === 'base64' ? [toBase64(bytes)] : base64Offsets(bytes)
      if (encoded.includes('')) throw new SigmaError('value/type', '', `the value is too short for ${change}`)
      return encoded.map((text) => [{ kind: 'text', text }])
    }
  }
}

/** Every dash becomes each of the five, each dash by itself. */
function windash(parts: readonly Part[]): Part[][] {
  let out: Part[][] = [[]]
  for (const part of parts) {
    if (part.kind !== 'text') {
      out = out.map((before) => [...before, part])
      continue
    }
    let texts = ['']
    for (const char of part.text) {
      texts = DASH.test(char) ? texts.flatMap((text) => DASHES.map((dash) => text + dash)) : texts.map((t) => t + char)
      limit(texts)
    }
    out = out.flatMap((before) => texts.map((text): Part[] => [...before, { kind: 'text', text }]))
    limit(out)
  }
  return out
}

/** `%name%` becomes each of its values; `\%` is a plain percent sign (rules specification, Placeholders). */
function expand(value: string, placeholders: Placeholders | undefined): Part[][] {
  let out: Part[][] = [[]]
  let text = ''
  const append = (variants: readonly Part[][]): void => {
    out = out.flatMap((before) => variants.map((parts) => [...before, ...parts]))
    limit(out)
  }
  for (let i = 0; i < value.length; i++) {
    if (value[i] === '\\' && (value[i + 1] === '%' || value[i + 1] === '\\')) {
      text += value[++i] === '%' ? '%' : '\\\\'
      continue
    }
    const name = value[i] === '%' ? /^%([^%\s\\]{1,100})%/.exec(value.slice(i, i + 102))?.[1] : undefined
    if (name === undefined) {
      text += value[i]!
      continue
    }
    const values = placeholders !== undefined && Object.hasOwn(placeholders, name) ? placeholders[name]! : []
    if (values.length === 0) throw new SigmaError('modifier/placeholder', '', `no values are given for %${name}%`)
    append([parseValue(text)])
    append(values.map((each) => parseValue(each)))
    text = ''
    i += name.length + 1
  }
  append([parseValue(text)])
  return out
}

function limit(variants: readonly unknown[]): void {
  if (variants.length > VARIANTS_LIMIT) {
    throw new SigmaError('value/too-large', '', `the value stands for more than ${VARIANTS_LIMIT} others`)
  }
}
