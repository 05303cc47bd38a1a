import { accessSync, constants, existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { dirname, join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { StartError } from '../kit/errors.ts'
import { codeOf } from './config-file.ts'
import type { Listener } from './plan.ts'

/** Version of the data folder's layout that this program writes. Rises when an older program must not open it. */
export const DATA_FORMAT = 1

/** Every listener's port is free at this moment. A plain listen: one that shares its port (reusePort) counts as taken. */
export async function checkPorts(listeners: readonly Listener[]): Promise<void> {
  for (const { name, address } of listeners) {
    const code = await tryListen(address.host, address.port)
    if (code === undefined) continue
    const where = `${address.host}:${address.port}`
    if (code === 'EADDRINUSE')
      throw new StartError(
        'port-busy',
        `Port ${address.port} (${name}) is already in use: stop what listens there, or choose others with --port.`,
      )
    if (code === 'EACCES')
      throw new StartError(
        'port-denied',
        `Port ${address.port} (${name}) may not be opened by this user; choose one above 1023 with --port.`,
      )
    throw new StartError('address', `Nothing can listen on ${where} (${name}): ${code}.`)
  }
}

const tryListen = (host: string, port: number): Promise<string | undefined> =>
  new Promise((resolve) => {
    const server = createServer()
    server.once('error', (error) => resolve(codeOf(error)))
    server.listen({ host, port, exclusive: true }, () => server.close(() => resolve(undefined)))
  })

/**
 * Makes the data folder, refuses one of a newer format, and holds it for this process alone. The lock is SQLite's on
 * `lock.db`: the kernel drops it however the process dies, so that no stale lock ever needs a person.
 */
export function claimFolder(data: string): Disposable {
  try {
    makeFolder(data)
    accessSync(data, constants.R_OK | constants.W_OK | constants.X_OK)
  } catch (error) {
    throw new StartError('data-folder', `The data folder ${data} cannot be written (${codeOf(error)}).`)
  }
  const held = hold(data)
  try {
    checkFormat(data)
  } catch (error) {
    held[Symbol.dispose]()
    throw error
  }
  return held
}

/** Step by step: Node's own `recursive` never returns where the file system answers ENOENT to mkdir, as /proc does. */
export function makeFolder(path: string): void {
  if (existsSync(path) && statSync(path).isDirectory()) return
  if (dirname(path) !== path) makeFolder(dirname(path))
  mkdirSync(path, { mode: 0o700 })
}

function hold(data: string): Disposable {
  let db: DatabaseSync | undefined
  try {
    db = new DatabaseSync(join(data, 'lock.db'), { timeout: 0 })
    db.exec('PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE')
    const open = db
    return { [Symbol.dispose]: () => open.close() }
  } catch (error) {
    if (db?.isOpen) db.close()
    if (error instanceof Error && /locked|busy/.test(error.message))
      throw new StartError('data-in-use', `Another Khiên is running on the data folder ${data}; stop it first.`)
    throw new StartError('data-folder', `The data folder ${data} cannot be locked (${codeOf(error)}).`)
  }
}

function checkFormat(data: string): void {
  const path = join(data, 'format')
  if (!existsSync(path)) {
    try {
      writeFileSync(path, `${DATA_FORMAT}\n`)
    } catch (error) {
      throw new StartError('data-folder', `The file ${path} cannot be written (${codeOf(error)}).`)
    }
    return
  }
  const found = readFileSync(path, 'utf8').trim()
  if (!/^\d+$/.test(found)) throw new StartError('data-format', `The file ${path} does not hold a format number.`)
  if (Number(found) > DATA_FORMAT)
    throw new StartError(
      'data-format',
      `The data folder ${data} has format ${found}, this Khiên knows up to ${DATA_FORMAT}: install the newer version that wrote it.`,
    )
}
