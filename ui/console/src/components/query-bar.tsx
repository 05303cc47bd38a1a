import { useRef, useState, type FormEvent } from 'react'
import { ApiError } from '../api.ts'
import { useSpeech, useWords } from '../language.tsx'
import { useKeys } from '../shell/keys.tsx'
import { useSentence } from '../words/errors.ts'
import { partWords } from '../words/parts.ts'
import { Icon } from './icon.tsx'

/** A field as the API calls it, and in Vietnamese; values likewise where they are words. */
export type QueryField = {
  readonly name: string
  readonly vi: string
  readonly values?: Readonly<Record<string, string>>
}
type Props = {
  /** In the API's names, so that a link says the same in both languages. */
  readonly value: string
  readonly onChange: (value: string) => void
  /** What this list knows; without it the server judges. */
  readonly fields?: readonly QueryField[]
  readonly example: string
  /** What the server has against it. */
  readonly trouble?: Error | null | undefined
}

/** Terms of a query: blanks part them, except within quotes. */
export const termsOf = (text: string): string[] => text.match(/-?[^\s":]*:?"[^"]*"|\S+/g) ?? []
const SPLIT = /^(-?)([^:]+):(.+)$/s

/** `field:value` chips; a leading `-` excludes. The state lives in the address, so a link says the same list. */
export function QueryBar({ value, onChange, fields, example, trouble }: Props) {
  const m = useWords(partWords)
  const { language } = useSpeech()
  const input = useRef<HTMLInputElement>(null)
  const [wrong, setWrong] = useState<string>()
  useKeys({ '/': () => input.current?.focus() })
  const terms = termsOf(value)

  function add(event: FormEvent): void {
    event.preventDefault()
    const text = input.current?.value.trim() ?? ''
    if (text === '') return
    const bad = termsOf(text)
      .map((term) => {
        const field = SPLIT.exec(term)?.[2]
        if (fields === undefined) return undefined
        if (field === undefined) return m.bareWord
        if (fields.some(({ name, vi }) => name === field || vi === field)) return undefined
        return m.unknownField(
          field,
          near(
            field,
            fields.map((one) => (language === 'vi' ? one.vi : one.name)),
          ),
        )
      })
      .find((one) => one !== undefined)
    setWrong(bad)
    if (bad !== undefined) return
    onChange([...terms, ...termsOf(text).map((term) => inApiWords(term, fields))].join(' '))
    input.current!.value = ''
  }

  const say = useSentence()
  // Only what is wrong with the question stands here; what is wrong with the answer stands where the answer would.
  const said = wrong ?? (trouble instanceof ApiError && trouble.status === 400 ? say(trouble) : undefined)
  return (
    <form className="query" role="search" onSubmit={add}>
      <div className="q">
        <Icon name="search" />
        {terms.map((term, i) => {
          const [, minus = '', name = '', value = term] = SPLIT.exec(term) ?? []
          const known = language === 'vi' ? fields?.find((one) => one.name === name) : undefined
          const field = known?.vi ?? name
          const text = known?.values?.[value] ?? value
          return (
            <button
              key={`${term}-${i}`}
              type="button"
              className={`qt${minus ? ' no' : ''}`}
              aria-label={m.remove(`${minus}${field === '' ? '' : `${field}:`}${text}`)}
              onClick={() => onChange(terms.filter((_, n) => n !== i).join(' '))}
            >
              {field ? (
                <u>
                  {minus}
                  {field}:
                </u>
              ) : null}
              {text}
              <Icon name="cross" />
            </button>
          )
        })}
        <input
          ref={input}
          aria-label={m.filter}
          placeholder={m.filterHint(example)}
          maxLength={400}
          spellCheck={false}
          autoComplete="off"
          {...(said === undefined ? {} : { 'aria-describedby': 'query-wrong', 'aria-invalid': true })}
        />
      </div>
      {said === undefined ? null : (
        <p className="query-wrong" id="query-wrong" role="alert">
          {said}
        </p>
      )}
    </form>
  )
}

function inApiWords(term: string, fields: readonly QueryField[] | undefined): string {
  const [, minus = '', field = '', value = ''] = SPLIT.exec(term) ?? []
  const known = fields?.find(({ name, vi }) => name === field || vi === field)
  if (!known) return term
  const asked = Object.entries(known.values ?? {}).find(([, vi]) => vi === value)?.[0] ?? value
  return `${minus}${known.name}:${asked}`
}

/** The value of each field asked for; the last one counts. */
export const valuesOf = (text: string): Readonly<Record<string, string>> =>
  Object.fromEntries(
    termsOf(text).flatMap((term) => {
      const [, minus, field, value] = SPLIT.exec(term) ?? []
      return minus === '' && field !== undefined ? [[field, value!.replaceAll('"', '')]] : []
    }),
  )

/** The query with one value for a field, or none. */
export const withTerm = (text: string, field: string, value: string | undefined): string =>
  [
    ...termsOf(text).filter((term) => SPLIT.exec(term)?.[2] !== field),
    ...(value === undefined ? [] : [`${field}:${value}`]),
  ].join(' ')

/** The name that shares most pairs of letters. */
function near(name: string, names: readonly string[]): string {
  const pairs = (text: string): string[] =>
    Array.from({ length: Math.max(0, text.length - 1) }, (_, i) => text.slice(i, i + 2))
  const own = pairs(name.toLowerCase())
  const score = (other: string): number => {
    const theirs = pairs(other.toLowerCase())
    return (2 * own.filter((pair) => theirs.includes(pair)).length) / Math.max(1, own.length + theirs.length)
  }
  return names.toSorted((a, b) => score(b) - score(a))[0] ?? ''
}
