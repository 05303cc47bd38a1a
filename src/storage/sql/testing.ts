import { execFileSync, spawn } from 'node:child_process'
import { existsSync, mkdtempSync, readdirSync, rmSync, chownSync } from 'node:fs'
import { createServer, type AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import pg from 'pg'
import { silentLog } from '../../kit/log.ts'
import type { Database } from './database.ts'
import { openPostgres } from './postgres.ts'
import { openSqlite } from './sqlite.ts'

/** The stores every store test runs on. `skip` is the sentence that says why one cannot run here. */
export const STORES: readonly { name: string; skip: string | false; open(): Promise<Database> }[] = [
  { name: 'sqlite', skip: false, open: async () => openSqlite(join(mkdtempSync(join(tmpdir(), 'khien-')), 'test.db')) },
  {
    name: 'postgres',
    skip: postgresBin() === undefined ? 'PostgreSQL is not installed (Debian: apt install postgresql)' : false,
    open: async () => openPostgres(await newPostgresDatabase(), silentLog),
  },
]

/** Debian keeps its server programs outside PATH. */
export function postgresBin(): string | undefined {
  const base = '/usr/lib/postgresql'
  const versions = existsSync(base) ? readdirSync(base).filter((v) => existsSync(join(base, v, 'bin/initdb'))) : []
  const newest = versions.toSorted((a, b) => Number(b) - Number(a))[0]
  return newest === undefined ? undefined : join(base, newest, 'bin')
}

let cluster: Promise<number> | undefined
let databases = 0

/** A new, empty database in a throw-away cluster of this process; its address. */
export async function newPostgresDatabase(): Promise<string> {
  cluster ??= startCluster()
  const port = await cluster
  const name = `t${process.pid}_${++databases}`
  const client = new pg.Client({ connectionString: `postgres://khien@127.0.0.1:${port}/postgres` })
  await client.connect()
  await client.query(`create database ${name}`)
  await client.end()
  return `postgres://khien@127.0.0.1:${port}/${name}`
}

async function startCluster(): Promise<number> {
  const bin = postgresBin()!
  const folder = mkdtempSync(join(tmpdir(), 'khien-pg-'))
  // PostgreSQL refuses to run as root; Debian's own account takes over there.
  const asRoot = process.getuid?.() === 0
  const uid = asRoot ? Number(execFileSync('id', ['-u', 'postgres'])) : process.getuid!()
  const gid = asRoot ? Number(execFileSync('id', ['-g', 'postgres'])) : process.getgid!()
  chownSync(folder, uid, gid)
  const port = await freePort()
  const data = join(folder, 'data')
  execFileSync(join(bin, 'initdb'), ['-D', data, '-U', 'khien', '-A', 'trust', '-E', 'UTF8', '--locale=C.UTF-8'], {
    uid,
    gid,
    stdio: 'ignore',
  })
  const server = spawn(
    join(bin, 'postgres'),
    ['-D', data, '-p', String(port), '-k', folder, '-c', 'listen_addresses=127.0.0.1'],
    { uid, gid, stdio: 'ignore' },
  )
  server.unref()
  process.on('exit', () => {
    server.kill('SIGKILL')
    rmSync(folder, { recursive: true, force: true })
  })
  for (let tries = 0; tries < 100; tries++) {
    const client = new pg.Client({ connectionString: `postgres://khien@127.0.0.1:${port}/postgres` })
    try {
      await client.connect()
      await client.end()
      return port
    } catch {
      await sleep(50)
    }
  }
  throw new Error('the test PostgreSQL did not start')
}

export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = createServer().on('error', reject)
    probe.listen(0, '127.0.0.1', () => {
      const { port } = probe.address() as AddressInfo
      probe.close(() => resolve(port))
    })
  })
}
