import { readdirSync, readFileSync, readlinkSync } from 'node:fs'

const [LISTEN, ESTABLISHED] = ['0A', '01']
type Row = { readonly local: number; readonly remote: number; readonly state: string; readonly inode: string }

/** TCP over IPv4 of the whole machine (proc(5), /proc/net/tcp). */
function rows(): Row[] {
  return readFileSync('/proc/net/tcp', 'utf8')
    .split('\n')
    .slice(1, -1)
    .map((line) => {
      const [, local = '', remote = '', state = '', , , , , , inode = ''] = line.trim().split(/\s+/)
      return { local: portIn(local), remote: portIn(remote), state, inode }
    })
}

const portIn = (address: string): number => Number.parseInt(address.slice(address.indexOf(':') + 1), 16)

function socketAt(path: string): string | undefined {
  try {
    return /^socket:\[(\d+)\]$/.exec(readlinkSync(path))?.[1]
  } catch {
    return undefined
  }
}

function socketsOf(pid: number): Set<string> {
  const folder = `/proc/${pid}/fd`
  try {
    return new Set(readdirSync(folder).flatMap((fd) => socketAt(`${folder}/${fd}`) ?? []))
  } catch {
    // It ended as we looked.
    return new Set()
  }
}

/** How many sockets listen on a port. */
export const listenersOn = (port: number): number =>
  rows().filter(({ local, state }) => local === port && state === LISTEN).length

/** Those of the processes that listen on a port. */
export function listening(pids: readonly number[], port: number): number[] {
  const open = new Set(rows().flatMap(({ local, state, inode }) => (local === port && state === LISTEN ? [inode] : [])))
  return pids.filter((pid) => [...socketsOf(pid)].some((inode) => open.has(inode)))
}

/**
 * Ports of the clients whose connections to `ports` a process holds, and of those that nobody has accepted yet: what can break when that
 * process ends.
 */
export function clientsOf(pid: number, ports: readonly number[]): Set<number> {
  const held = socketsOf(pid)
  const unaccepted = ({ state, inode }: Row): boolean => state === ESTABLISHED && inode === '0'
  return new Set(
    rows()
      .filter((row) => ports.includes(row.local) && row.state !== LISTEN && (held.has(row.inode) || unaccepted(row)))
      .map(({ remote }) => remote),
  )
}

export const descriptorsOf = (pid: number): number => readdirSync(`/proc/${pid}/fd`).length

/** Resident memory, MiB. */
export const residentOf = (pid: number): number =>
  Number(/^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))![1]) / 1024
