import type { ReactNode } from 'react'
import { useSpeech, useWords } from '../language.tsx'
import { partWords } from '../words/parts.ts'
import { Icon } from './icon.tsx'

export type Level = 'informational' | 'low' | 'medium' | 'high' | 'critical'
const BARS: Readonly<Record<Level, string>> = {
  informational: 's1',
  low: 's1',
  medium: 's2',
  high: 's3',
  critical: 's4',
}
/** Bars and word. Coloured only while it still happens, and then it says so. */
export function Severity({ level, live = false }: { readonly level: Level; readonly live?: boolean }) {
  const m = useWords(partWords)
  const hot = live && (level === 'high' || level === 'critical')
  return (
    <span className={`sev ${BARS[level]}${hot ? ' live' : ''}`}>
      {m.severity[level]}
      {hot ? `, ${m.ongoing}` : ''}
    </span>
  )
}

export type Shape = 'new' | 'run' | 'ok' | 'look' | 'bad' | 'stop'
/** Shape and word of a thing in work. */
export const Status = ({ shape, children }: { readonly shape: Shape; readonly children: ReactNode }) => (
  <span className={`st ${shape}`}>{children}</span>
)

export function ClassChip({ sensitive }: { readonly sensitive: boolean }) {
  const m = useWords(partWords)
  return <span className={`cls${sensitive ? ' sens' : ''}`}>{sensitive ? m.sensitive : m.basic}</span>
}

/** The weave over what the server has covered with `•`; a reader hears that it is. */
export function Masked({ text }: { readonly text: string }) {
  const m = useWords(partWords)
  const { language } = useSpeech()
  // The engine counts in English.
  const said = language === 'vi' ? text.replace(/\((\d+) bytes\)$/, '($1 byte)') : text
  return (
    <span className="mask mono">
      {said.split(/(•+)/).map((part, i) =>
        part.startsWith('•') ? (
          <i key={i} role="img" aria-label={m.masked}>
            {part}
          </i>
        ) : (
          part
        ),
      )}
    </span>
  )
}

export const Leaf = ({ index, href }: { readonly index: number; readonly href?: string }) => {
  const { f } = useSpeech()
  const inner = (
    <>
      <Icon name="leaf" />
      {f.n(index)}
    </>
  )
  return href === undefined ? (
    <span className="leaf">{inner}</span>
  ) : (
    <a className="leaf" href={href}>
      {inner}
    </a>
  )
}

export type NodeRole = 'platform' | 'telecom' | 'authority'
const ROLE_SHAPE = { platform: '', telecom: ' tel', authority: ' aut' } as const
export const RoleShape = ({ role }: { readonly role: NodeRole }) => <span className={`role${ROLE_SHAPE[role]}`} />
