import { Fragment, useMemo, type ReactNode } from 'react'
import { rightsMessages } from '../../../../src/rights/messages.ts'
import type { ActView } from '../../../../src/audit/contract.ts'
import { useCallers } from '../caller-names.ts'
import { useNames, type Names } from '../field-names.ts'
import { useFormats, useSpeech, useWords, type Language } from '../language.tsx'
import type { Formats } from '../format.ts'
import { usePurposes } from '../purpose-names.ts'
import { actWords } from '../words/acts.ts'
import { evidenceWords } from '../words/evidence.ts'
import { shareWords } from '../words/share.ts'
import { shellWords } from '../words/shell.ts'
import { warnWords } from '../words/warn.ts'

type Table = Readonly<Record<string, string>>
type Fact = ActView['facts'][string]

export const RESULT_SHAPE = { allowed: 'ok', done: 'ok', refused: 'stop', failed: 'look' } as const

/** Numbers that are names. */
const PLAIN: ReadonlySet<string> = new Set(['rule'])
const TIMES: ReadonlySet<string> = new Set(['at', 'due', 'keysExpire', 'backups'])
const CODES: ReadonlySet<string> = new Set(['code', 'observed'])
/** Facts that hold one of a few words of the program, or several with blanks between; others hold ids. */
const WORDS: ReadonlySet<string> = new Set([
  'attribution',
  'caller',
  'given',
  'ground',
  'held',
  'kept',
  'kind',
  'language',
  'method',
  'mode',
  'result',
  'role',
  'roles',
  'state',
  'text',
  'what',
  'why',
])

/** Let through although no ground was there, because its purpose was only watched. */
export const observedCode = ({ facts }: ActView): string | undefined =>
  typeof facts['observed'] === 'string' ? facts['observed'] : undefined

export type Teller = {
  kind(kind: string): ReactNode
  /** The name of an application, a word for the node and the like; undefined for whoever is known by id alone. */
  actor(actor: string): string | undefined
  label(key: string): ReactNode
  value(key: string, value: Fact): ReactNode
}

/** Says acts and facts in the words of the page; a code without a word stays a code, and looks like one. */
export function useTeller(): Teller {
  const m = useWords(actWords)
  const share = useWords(shareWords)
  const shell = useWords(shellWords)
  const warn = useWords(warnWords)
  const names = useNames()
  const callers = useCallers()
  const titleOf = usePurposes()
  const f = useFormats()
  const { language } = useSpeech()
  return useMemo((): Teller => {
    const tables: readonly Table[] = [
      m.values,
      codesIn(language),
      warn.noticeStates,
      warn.noticeWhy,
      warn.why,
      shell.staffRole,
      shell.role,
      share.roles,
      share.kinds,
    ]
    const word = (code: string): ReactNode => own(tables.find((table) => Object.hasOwn(table, code)) ?? {}, code)
    return {
      kind: (kind) => own(m.acts, kind),
      actor: (actor) => callers.nameOf(actor) ?? (m.actors as Table)[actor],
      label: (key) => own(m.facts, key),
      value(key, value) {
        if (typeof value === 'boolean') return value ? m.yes : m.no
        if (typeof value === 'number') return numberTold(key, value, f, m)
        if (value === '') return '–'
        if (key === 'fields') return fieldsTold(value, names, m.andMore)
        if (key === 'collections') return value.split(' ').map(names.collection).join(', ')
        if (key === 'purposes') return each(value, (id) => titleOf(id) ?? token(id))
        if (key === 'article') return m.article(value)
        if (TIMES.has(key)) return Number.isNaN(Date.parse(value)) ? token(value) : f.full(value)
        if (key === 'caller' && callers.nameOf(value) !== undefined) return callers.nameOf(value)
        if (CODES.has(key)) return own(codesIn(language), value)
        return each(value, WORDS.has(key) ? word : token)
      },
    }
  }, [m, share, shell, warn, names, callers, titleOf, f, language])
}

/** Several with blanks between, each told apart. */
const each = (value: string, tell: (one: string) => ReactNode): ReactNode =>
  value.split(' ').map((one, i) => (
    <Fragment key={one}>
      {i > 0 ? ', ' : ''}
      {tell(one)}
    </Fragment>
  ))
const token = (text: string): ReactNode => <span className="tok">{text}</span>
const own = (table: Table, key: string): ReactNode => (Object.hasOwn(table, key) ? table[key] : token(key))
const codesIn = (language: Language): Table => rightsMessages[language].why

function numberTold(
  key: string,
  value: number,
  f: Formats,
  m: { readonly ms: (n: string) => string; readonly days: (n: string) => string },
): ReactNode {
  if (key === 'tookMs') return m.ms(f.n(value))
  if (key === 'cleanAfterDays') return m.days(f.n(value))
  if (key === 'bytes') return f.bytes(value)
  return PLAIN.has(key) ? <span className="tok">{value}</span> : f.n(value)
}

/** A record names twelve fields at most and counts the others: `person.name person.phone +3`. */
const fieldsTold = (told: string, names: Names, more: (n: string) => string): string =>
  told
    .split(' ')
    .map((word) => (/^\+\d+$/.test(word) ? more(word.slice(1)) : names.field(word)))
    .join(', ')

/** Why an act was refused, or would have been; in the language of the page where there are words for it. */
const whyOf = ({ facts }: ActView): string | undefined => {
  const code = facts['observed'] ?? facts['code']
  return typeof code === 'string' ? code : undefined
}

/** What came of an act: a read that was let through without a ground is not told as an allowed one. */
export function Result({ of }: { readonly of: ActView }) {
  const m = useWords(evidenceWords)
  const { observed } = useWords(actWords)
  const { language } = useSpeech()
  const passed = observedCode(of) !== undefined
  const code = whyOf(of)
  const why = code === undefined ? undefined : codesIn(language)[code]
  return (
    <span className={`st wraps ${passed ? 'look' : RESULT_SHAPE[of.result]}`}>
      {passed ? observed : m.results[of.result]}
      {why === undefined ? '' : `: ${why}`}
    </span>
  )
}

/** The facts of an act in one line: fields first, and not again what its result says. */
export function FactLine({ of, tell }: { readonly of: ActView; readonly tell: Teller }) {
  const { language } = useSpeech()
  const told = Object.entries(of.facts)
    .filter(([key, value]) => !CODES.has(key) || !Object.hasOwn(codesIn(language), String(value)))
    .toSorted(([a], [b]) => Number(b === 'fields') - Number(a === 'fields'))
  return (
    <span className="cut">
      {told.map(([key, value], i) => (
        <Fragment key={key}>
          {i > 0 ? '; ' : ''}
          {tell.label(key)}: {tell.value(key, value)}
        </Fragment>
      ))}
    </span>
  )
}
