import { useEffect, useState } from 'react'

export type Ink = { readonly soft: string; readonly line: string; readonly flow: string; readonly ours: string }
const NAMES = { soft: '--ink-3', line: '--line', flow: '--data-2', ours: '--data-1' } as const

/** Colours of the sheet for a canvas, which knows no variables: read off an element that has them. */
function read(): Ink {
  const probe = document.body.appendChild(document.createElement('i'))
  const colours = Object.entries(NAMES).map(([name, variable]) => {
    probe.style.color = `var(${variable})`
    const colour = getComputedStyle(probe).color
    return [name, name === 'flow' ? colour.replace(/^rgb\((.+)\)$/, 'rgba($1, 0.42)') : colour]
  })
  probe.remove()
  return Object.fromEntries(colours) as Ink
}

/** Read anew when the system or the person changes between light and dark. */
export function useInk(): Ink {
  const [ink, setInk] = useState(read)
  useEffect(() => {
    const again = (): void => setInk(read())
    const system = matchMedia('(prefers-color-scheme: dark)')
    const own = new MutationObserver(again)
    system.addEventListener('change', again)
    own.observe(document.documentElement, { attributes: true, attributeFilter: ['data-scheme'] })
    return () => {
      system.removeEventListener('change', again)
      own.disconnect()
    }
  }, [])
  return ink
}
