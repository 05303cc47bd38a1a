import { createContext, useContext, useEffect, useMemo, useState, type ReactNode } from 'react'
import type { Language, Twin, Words } from './catalogue.ts'
import { formats, type Formats } from './format.ts'

export { words } from './catalogue.ts'
export type { Language, Twin, Words } from './catalogue.ts'

type Spoken = { readonly language: Language; readonly speak: (language: Language) => void; readonly f: Formats }
const Speech = createContext<Spoken | undefined>(undefined)
const YEAR_S = 31_536_000

/** Chosen before (the same cookie as the server's pages), else by the browser, else Vietnamese. */
function chosen(): Language {
  const cookie = /(?:^|; )lang=(vi|en)/.exec(document.cookie)?.[1]
  if (cookie === 'vi' || cookie === 'en') return cookie
  const ranked = navigator.languages.map((tag) => tag.slice(0, 2))
  return ranked.find((tag) => tag === 'vi' || tag === 'en') === 'en' ? 'en' : 'vi'
}

export function Speaking({ children }: { readonly children: ReactNode }) {
  const [language, setLanguage] = useState(chosen)
  useEffect(() => {
    document.documentElement.lang = language
  }, [language])
  const spoken = useMemo(
    (): Spoken => ({
      language,
      f: formats(language),
      speak: (next) => {
        document.cookie = `lang=${next}; Path=/; SameSite=Lax; Max-Age=${YEAR_S}`
        setLanguage(next)
      },
    }),
    [language],
  )
  return <Speech value={spoken}>{children}</Speech>
}

export function useSpeech(): Spoken {
  const spoken = useContext(Speech)
  if (!spoken) throw new Error('outside of <Speaking>')
  return spoken
}
export const useFormats = (): Formats => useSpeech().f
/** A catalogue in the language of the page. */
export function useWords<T extends object>(catalogue: Words<T>): Twin<T> {
  const { language } = useSpeech()
  return language === 'vi' ? (catalogue.vi as unknown as Twin<T>) : catalogue.en
}
