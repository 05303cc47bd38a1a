import { keep, kept } from '../components/kept.ts'

export const SCHEMES = ['system', 'light', 'dark'] as const
export const DENSITIES = ['tight', 'roomy'] as const
export type Look = { readonly scheme: (typeof SCHEMES)[number]; readonly density: (typeof DENSITIES)[number] }

export const lookNow = (): Look => ({ scheme: 'system', density: 'tight', ...kept<Partial<Look>>('look') })

/** Sets scheme and density of the whole page, and keeps them for this browser. */
export function wear(look: Look): void {
  const { dataset } = document.documentElement
  if (look.scheme === 'system') delete dataset['scheme']
  else dataset['scheme'] = look.scheme
  if (look.density === 'tight') delete dataset['density']
  else dataset['density'] = look.density
  keep('look', look)
}
