import { STAFF_ROLES } from '../../kit/contract.ts'
import type { RailEntry } from '../frames.ts'

/** What the few server-rendered pages of the staff lead to: everything else is in the console. */
export const rail: readonly RailEntry[] = [
  { href: '/', icon: 'protect', label: 'home', roles: STAFF_ROLES },
  { href: '/evidence', icon: 'leaf', label: 'log', roles: ['administrator', 'dpo', 'auditor'] },
  { href: '/settings', icon: 'gear', label: 'settings', roles: ['administrator'] },
]
