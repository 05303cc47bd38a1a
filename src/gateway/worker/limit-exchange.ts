import { readdirSync, rmSync } from 'node:fs'
import { mkdir } from 'node:fs/promises'
import { connect, createServer, type Socket } from 'node:net'
import { join } from 'node:path'
import type { Limiter, Taken } from './limiter.ts'

/** So long takings are gathered; until they are told, each worker gives away the same room once more. */
const GATHER_MS = 2
const LOOK_MS = 1_000
/** A line is at most 5,000 keys of some 150 signs. */
const LONGEST = 2 << 20
/** A peer that does not read is no reason to hold more than this. */
const MOST_UNSENT = 4 << 20

export type LimitExchange = AsyncDisposable & { counts(): { readonly peers: number; readonly unheard: number } }

/**
 * Workers of one machine tell each other what was taken of their buckets, 2 ms after it was, straight over unix sockets in `folder` that
 * only this user can open. What several took at once beyond a limit is a debt: the next wait that much longer, and the rate holds. With
 * nobody to tell, each worker limits by what it sees itself.
 */
export async function limitExchange(folder: string, limiter: Limiter, now: () => number): Promise<LimitExchange> {
  await mkdir(folder, { recursive: true, mode: 0o700 })
  const name = `gw-${process.pid}.sock`
  const own = join(folder, name)
  const peers = new Map<string, Socket>()
  const heard = new Set<Socket>()
  let unheard = 0

  const server = createServer((socket) => {
    heard.add(socket)
    socket.on('close', () => heard.delete(socket)).on('error', () => socket.destroy())
    let held = ''
    socket.setEncoding('utf8').on('data', (chunk: string) => {
      held += chunk
      const lines = held.split('\n')
      held = lines.pop()!
      if (held.length > LONGEST) return void socket.destroy()
      for (const line of lines) hear(line)
    })
  })
  function hear(line: string): void {
    try {
      limiter.hear(JSON.parse(line) as Taken, now())
    } catch {
      unheard++
    }
  }
  rmSync(own, { force: true })
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(own, resolve)
  })

  function look(): void {
    let names: string[] = []
    try {
      names = readdirSync(folder).filter((one) => /^gw-\d+\.sock$/.test(one) && one !== name)
    } catch {
      // No folder, no peers.
    }
    for (const one of names) {
      if (peers.has(one)) continue
      const path = join(folder, one)
      const socket = connect(path)
      peers.set(one, socket)
      socket.resume()
      socket.on('close', () => peers.delete(one))
      socket.on('error', (error: NodeJS.ErrnoException) => {
        // Nobody listens: the worker died, and what it left is only a name.
        if (error.code === 'ECONNREFUSED') rmSync(path, { force: true })
      })
    }
  }
  let gathering: NodeJS.Timeout | undefined
  function tell(): void {
    gathering = undefined
    const taken = limiter.untold()
    if (peers.size === 0 || Object.keys(taken).length === 0) return
    const line = `${JSON.stringify(taken)}\n`
    for (const socket of peers.values()) {
      if (socket.writableLength > MOST_UNSENT) socket.destroy()
      else if (!socket.connecting) socket.write(line)
    }
  }
  look()
  limiter.whenTaken(() => (gathering ??= setTimeout(tell, GATHER_MS)))
  const looking = setInterval(look, LOOK_MS)
  looking.unref()
  server.unref()
  return {
    counts: () => ({ peers: peers.size, unheard }),
    async [Symbol.asyncDispose]() {
      limiter.whenTaken(() => undefined)
      clearTimeout(gathering)
      clearInterval(looking)
      for (const socket of [...peers.values(), ...heard]) socket.destroy()
      await new Promise<void>((resolve) => server.close(() => resolve()))
      rmSync(own, { force: true })
    },
  }
}
