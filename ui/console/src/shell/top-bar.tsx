import { Popover } from '@base-ui/react/popover'
import { useNavigate } from '@tanstack/react-router'
import { useRef, useState, type FormEvent } from 'react'
import { useNow } from '../components/clock.tsx'
import { Icon } from '../components/icon.tsx'
import { RoleShape } from '../components/marks.tsx'
import { useToast } from '../components/toast.tsx'
import { useSpeech, useWords } from '../language.tsx'
import { shellWords } from '../words/shell.ts'
import { useKeys } from './keys.tsx'
import { DENSITIES, lookNow, SCHEMES, wear } from './look.ts'
import { useMe } from './me.tsx'

/** Where an id leads. */
const PLACES: readonly (readonly [RegExp, string])[] = [
  [/^R(?:-[0-9A-Z]{4}){2}$/, '/protect/refusals/'],
  [/^VV-\d{4}-\d{4,6}$/, '/detect/cases/'],
  [/^alr_[0-9A-Z]{26}$/i, '/detect/alerts/'],
  [/^ind_[0-9A-Z]{26}$/i, '/share/indicators/'],
  [/^inf_[0-9A-Z]{26}$/i, '/warn/infections/'],
  [/^[0-9A-Z]{4}(?:-[0-9A-Z]{4}){3}$/, '/people/'],
  [/^rep_[0-9A-Z]{26}$/i, '/reports/'],
]
/** Capitals except in the prefix of our long ids. */
const asWritten = (text: string): string => text.toUpperCase().replace(/^[A-Z]{3}_/, (prefix) => prefix.toLowerCase())

/** Whose node, a way to any thing by its id, seal and log, the time, and who you are. */
export function TopBar() {
  const m = useWords(shellWords)
  const { f, language, speak } = useSpeech()
  const me = useMe()
  const now = useNow(10_000)
  const { node, log } = me
  const other = language === 'vi' ? 'en' : 'vi'
  return (
    <header className="top">
      <div className="who">
        <RoleShape role={node.role} />
        <span className="soft">{m.role[node.role]}</span>
        {node.controller === null ? null : <b>{node.controller}</b>}
      </div>
      <Find />
      <div className="state">
        <span title={m.unsealed}>
          <Icon name="open" />
          <span className="txt opt">{m.unsealed}</span>
        </span>
        {log === null ? null : (
          <span className="leaf opt">
            <Icon name="leaf" />
            {m.leaves(f.n(log.leaves), f.hm(log.signedAt))}
          </span>
        )}
        <span className="txt">{f.clock(now)}</span>
        <button type="button" className="btn bare" lang={other} onClick={() => speak(other)}>
          {other === 'en' ? 'English' : 'Tiếng Việt'}
        </button>
        <Display />
      </div>
    </header>
  )
}

function Find() {
  const m = useWords(shellWords)
  const navigate = useNavigate()
  const say = useToast()
  const input = useRef<HTMLInputElement>(null)
  const focus = (): void => input.current?.focus()
  useKeys({ g: focus, '/': focus })
  function go(event: FormEvent): void {
    event.preventDefault()
    const text = asWritten(input.current?.value.trim() ?? '')
    if (text === '') return
    const place = PLACES.find(([form]) => form.test(text))
    if (!place) return say(m.findNothing)
    input.current!.value = ''
    void navigate({ to: place[1] + text })
  }
  return (
    <form className="find" role="search" onSubmit={go}>
      <Icon name="search" />
      <input
        ref={input}
        aria-label={m.find}
        placeholder={m.findShort}
        maxLength={60}
        spellCheck={false}
        autoComplete="off"
      />
      <kbd>g</kbd>
    </form>
  )
}

function Display() {
  const m = useWords(shellWords)
  const me = useMe()
  const [look, setLook] = useState(lookNow)
  const change = (part: Partial<typeof look>): void => {
    const next = { ...look, ...part }
    wear(next)
    setLook(next)
  }
  return (
    <Popover.Root>
      <Popover.Trigger className="btn bare who-am">
        <Icon name="person" />
        <span className="txt">
          {me.name} · {me.roles.map((role) => m.staffRole[role]).join(', ')}
        </span>
        <span className="vh">{m.display}</span>
      </Popover.Trigger>
      <Popover.Portal>
        <Popover.Positioner align="end" sideOffset={6}>
          <Popover.Popup className="pop" aria-label={m.display}>
            <p className="pop-who">
              <b>{me.name}</b>
              <br />
              {me.roles.map((role) => m.staffRole[role]).join(', ')}
            </p>
            <fieldset>
              <legend>{m.scheme}</legend>
              {SCHEMES.map((scheme) => (
                <label key={scheme} className="tick">
                  <input
                    type="radio"
                    name="scheme"
                    checked={look.scheme === scheme}
                    onChange={() => change({ scheme })}
                  />
                  {m.schemes[scheme]}
                </label>
              ))}
            </fieldset>
            <fieldset>
              <legend>{m.density}</legend>
              {DENSITIES.map((density) => (
                <label key={density} className="tick">
                  <input
                    type="radio"
                    name="density"
                    checked={look.density === density}
                    onChange={() => change({ density })}
                  />
                  {m.densities[density]}
                </label>
              ))}
            </fieldset>
            <form method="post" action="/sign-out">
              <button className="btn">{m.signOut}</button>
            </form>
          </Popover.Popup>
        </Popover.Positioner>
      </Popover.Portal>
    </Popover.Root>
  )
}
