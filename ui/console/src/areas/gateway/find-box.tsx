import { useRef } from 'react'
import { useListState } from '../../search.ts'
import { useKeys } from '../../shell/keys.tsx'

/** Narrows a list in the browser; what is looked for stands in the address. `/` goes there. */
export function FindBox({ label }: { readonly label: string }) {
  const [{ q = '' }, change] = useListState()
  const input = useRef<HTMLInputElement>(null)
  useKeys({ '/': () => input.current?.focus() })
  return (
    <input
      ref={input}
      className="in find-box"
      type="search"
      aria-label={label}
      placeholder={label}
      value={q}
      maxLength={200}
      spellCheck={false}
      autoComplete="off"
      onChange={(event) => change({ q: event.target.value })}
    />
  )
}
