import { foldUnit } from '../fold.ts'
import type { Kind } from '../kinds.ts'
import { type Dice, dice, LOOKALIKES, pick, VALUES } from './values.ts'

export type Label = { readonly kind: Kind; readonly start: number; readonly end: number }
export type Labelled = { readonly text: string; readonly labels: readonly Label[] }
export type Corpus = { readonly seed: number; readonly templates: readonly string[] }

const SLOT = /\{([a-z-]+)\}/
const NUMERIC = new Set<string>([
  'personal-id',
  'old-id',
  'phone',
  'payment-card',
  'bank-account',
  'social-insurance',
  'tax-code',
])
/** Kinds a value is labelled with under another name than its slot's. */
const KIND: Readonly<Record<string, Kind>> = { landline: 'phone', password: 'secret' }

type Spelling = 'as it is' | 'NFD' | 'no marks' | 'full-width' | 'no width'
const SPELLINGS: readonly Spelling[] = [
  'as it is',
  'as it is',
  'as it is',
  'as it is',
  'NFD',
  'no marks',
  'no marks',
  'full-width',
  'no width',
]

/** Texts out of templates, each with the places of what is in it. The same for one seed. */
export function* labelled({ seed, templates }: Corpus, count: number): Generator<Labelled> {
  const next = dice(seed)
  for (let i = 0; i < count; i++) yield fill(templates[i % templates.length]!, pick(next, SPELLINGS), next)
}

function fill(template: string, spelling: Spelling, next: Dice): Labelled {
  const labels: Label[] = []
  let text = ''
  for (const [i, part] of template.split(SLOT).entries()) {
    if (i % 2 === 0) {
      text += spellText(part, spelling)
      continue
    }
    const make = VALUES[part as Kind] ?? LOOKALIKES[part]
    if (make === undefined) throw new Error(`no values for {${part}}`)
    const start = text.length
    const value = make(next)
    text += NUMERIC.has(part) ? spellDigits(value, spelling, next) : spellText(value, spelling)
    if (part in VALUES) labels.push({ kind: KIND[part] ?? (part as Kind), start, end: text.length })
  }
  return { text, labels }
}

function spellText(text: string, spelling: Spelling): string {
  if (spelling === 'NFD') return text.normalize('NFD')
  return spelling === 'no marks' ? Array.from(text, (sign) => foldUnit(sign.charCodeAt(0))).join('') : text
}

function spellDigits(text: string, spelling: Spelling, next: Dice): string {
  if (spelling === 'full-width') return text.replace(/\d/g, (digit) => String.fromCharCode(0xff10 + Number(digit)))
  if (spelling !== 'no width') return text
  const at = 1 + next(text.length - 1)
  return text.slice(0, at) + pick(next, ['\u200b', '\u200c', '\u2060', '\ufeff']) + text.slice(at)
}
