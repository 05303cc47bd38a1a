import { useNavigate, useSearch } from '@tanstack/react-router'
import type { Search } from './router.tsx'

type Change = { readonly [K in keyof Search]?: string | undefined }
/** The state of the list in the address, and a way to change parts of it (undefined takes one away). */
export function useListState(): [Search, (change: Change) => void] {
  const search: Search = useSearch({ strict: false })
  const navigate = useNavigate()
  const change = (part: Change): void => {
    const next = Object.entries({ ...search, ...part }).filter(([, value]) => value !== undefined && value !== '')
    void navigate({ to: '.', search: Object.fromEntries(next) as Search, replace: true, resetScroll: false })
  }
  return [search, change]
}
