import type { RailEntry } from '../frames.ts'

/** Telecom and authority: what their server-rendered pages lead to; the rest is in the console. */
export const watchingRail: readonly RailEntry[] = [
  {
    href: '/',
    icon: 'open',
    label: 'home',
    roles: ['administrator', 'dpo', 'analyst', 'moderator', 'inspector', 'support', 'auditor'],
  },
  { href: '/log', icon: 'leaf', label: 'log', roles: ['administrator', 'dpo', 'auditor'] },
  { href: '/settings', icon: 'gear', label: 'settings', roles: ['administrator'] },
]
