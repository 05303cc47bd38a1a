import { join, resolve } from 'node:path'
import type { Role } from '../app/config.ts'
import type { Io } from './verb.ts'

/** `<data>/<role>`, from --data, KHIEN_DATA, or the clone's own ./data. */
export function nodeFolder(data: string | undefined, role: Role, io: Io): string {
  const given = data ?? io.env['KHIEN_DATA']
  const inClone = !io.root.split(/[\\/]/).includes('node_modules')
  const own = inClone ? join(io.root, 'data') : join(process.cwd(), 'khien-data')
  return join(given ? resolve(given) : own, role)
}
