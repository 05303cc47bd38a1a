import { useEffect, useRef } from 'react'

type Keys = Readonly<Record<string, () => void>>
const stack: { current: Keys }[] = []
let listening = false

const typing = (target: EventTarget | null): boolean =>
  target instanceof HTMLElement &&
  (target.isContentEditable || /^(?:INPUT|TEXTAREA|SELECT)$/.test(target.tagName)) &&
  !(target instanceof HTMLInputElement && /^(?:checkbox|radio|button)$/.test(target.type))

function onKey(event: KeyboardEvent): void {
  if (event.ctrlKey || event.metaKey || event.altKey || typing(event.target)) return
  // What lies above the page has the keys; a toast does not.
  if (document.querySelector('.dlg, .pop')) return
  for (const keys of stack.toReversed()) {
    const act = keys.current[event.key]
    if (!act) continue
    event.preventDefault()
    act()
    return
  }
}

/** Single keys while nobody types; what was mounted last is asked first. */
export function useKeys(keys: Keys): void {
  const latest = useRef(keys)
  latest.current = keys
  useEffect(() => {
    stack.push(latest)
    if (!listening) document.addEventListener('keydown', onKey)
    listening = true
    return () => void stack.splice(stack.indexOf(latest), 1)
  }, [])
}
