import type { Opened, RoleSlices } from '../node.ts'
import { openPeopleData } from './people-data.ts'

/**
 * A further process of a node, on the same PostgreSQL: the vault and the consents its reads rest on. Gateway, events,
 * backups, console and citizen pages are the whole node's.
 */
export function openBeside(opened: Opened): RoleSlices {
  const { rows, jobs, keysBehind, close } = openPeopleData(opened)
  return { rows, jobs, keysBehind, close }
}
