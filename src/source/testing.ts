import { execFileSync, spawn } from 'node:child_process'
import { chownSync, existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import mysql from 'mysql2/promise'
import { freePort, newPostgresDatabase, postgresBin } from '../storage/sql/testing.ts'

/** Where Debian keeps the server. */
export const mariadbBin = (): string | undefined =>
  ['/usr/sbin/mariadbd', '/usr/local/sbin/mariadbd'].find((path) => existsSync(path))

/** The servers every test of a source runs on. `skip` is the sentence that says why one cannot run here. */
export const SOURCES: readonly { name: string; skip: string | false; open(): Promise<string> }[] = [
  {
    name: 'postgres',
    skip: postgresBin() === undefined ? 'PostgreSQL is not installed (Debian: apt install postgresql)' : false,
    open: newPostgresDatabase,
  },
  {
    name: 'mariadb',
    skip: mariadbBin() === undefined ? 'MariaDB is not installed (Debian: apt install mariadb-server)' : false,
    open: newMariadbDatabase,
  },
]

let server: Promise<number> | undefined
let databases = 0

/** A new, empty database in a throw-away server of this process; its address. */
export async function newMariadbDatabase(): Promise<string> {
  server ??= startServer()
  const port = await server
  const name = `t${process.pid}_${++databases}`
  const client = await mysql.createConnection({ host: '127.0.0.1', port, user: 'khien' })
  await client.query(`create database ${name} character set utf8mb4 collate utf8mb4_unicode_ci`)
  await client.end()
  return `mariadb://khien@127.0.0.1:${port}/${name}`
}

async function startServer(): Promise<number> {
  const folder = mkdtempSync(join(tmpdir(), 'khien-mariadb-'))
  const asRoot = process.getuid?.() === 0
  if (asRoot)
    chownSync(folder, Number(execFileSync('id', ['-u', 'mysql'])), Number(execFileSync('id', ['-g', 'mysql'])))
  const user = asRoot ? ['--user=mysql'] : []
  const data = join(folder, 'data')
  // Its own account may not write where this process keeps its scratch files.
  const env = { ...process.env, TMPDIR: folder }
  execFileSync(
    'mariadb-install-db',
    ['--no-defaults', `--datadir=${data}`, '--auth-root-authentication-method=normal', ...user],
    { stdio: 'ignore', env },
  )
  const port = await freePort()
  const socket = join(folder, 's')
  const child = spawn(
    mariadbBin()!,
    ['--no-defaults', `--datadir=${data}`, `--port=${port}`, '--bind-address=127.0.0.1', `--socket=${socket}`, ...user],
    { stdio: 'ignore', env },
  )
  child.unref()
  process.on('exit', () => {
    child.kill('SIGKILL')
    rmSync(folder, { recursive: true, force: true })
  })
  for (let tries = 0; tries < 200; tries++) {
    try {
      const root = await mysql.createConnection({ socketPath: socket, user: 'root' })
      await root.query(`create user khien@'127.0.0.1'`)
      await root.query(`grant all on *.* to khien@'127.0.0.1' with grant option`)
      await root.end()
      return port
    } catch {
      await sleep(50)
    }
  }
  throw new Error('the test MariaDB did not start')
}
