import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

/** Where the one backup in a folder has this file. */
export const fileIn = (to: string, name: string): string => join(to, readdirSync(to)[0]!, name)

/** Turns one bit of a file of the backup, in its middle. */
export function harmed(to: string, name: string): void {
  const path = fileIn(to, name)
  const bytes = readFileSync(path)
  bytes[bytes.length >> 1]! ^= 1
  writeFileSync(path, bytes)
}
