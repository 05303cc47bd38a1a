import { execFileSync, spawn } from 'node:child_process'
import { closeSync, mkdirSync, mkdtempSync, openSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { root, until } from '../../commands/processes.ts'
import { descendants, freeBase } from '../../journey/system.ts'
import { enrol } from '../../running-node.ts'
import { makeCertificate } from '../certificate.ts'
import { listenersOn } from './sockets.ts'

const START_MS = 90_000
const CREDENTIAL = 'khien-passphrase'
const HOST = 'shop.example.vn'

/** A platform as its owner runs it: `khien start` with a real key that it can open again by itself, two workers, TLS. */
export type Platform = AsyncDisposable & {
  readonly port: number
  readonly tls: number
  /** Of the gateway's workers, of the node, and of all other processes of the start. */
  workers(): readonly number[]
  node(): number | undefined
  printed(): string
}

const WORKERS = 2

export async function startPlatform(upstream: string, rules: string | undefined): Promise<Platform> {
  const data = mkdtempSync(join(tmpdir(), 'khien-soak-'))
  const secrets = join(data, 'secrets')
  mkdirSync(secrets)
  writeFileSync(join(secrets, CREDENTIAL), 'một câu đủ dài để giữ khóa')
  const bin = join(root, 'bin', 'khien.js')
  const fd = openSync(join(secrets, CREDENTIAL), 'r')
  execFileSync(process.execPath, [bin, 'key', 'init', '--role', 'platform', '--data', data, '--key-fd', '3'], {
    stdio: ['ignore', 'ignore', 'inherit', fd],
  })
  closeSync(fd)
  const port = await freeBase()
  const tls = port + 24
  const flags = {
    role: 'platform',
    data,
    port,
    upstream,
    workers: WORKERS,
    'tls-port': tls,
    'key-credential': CREDENTIAL,
  }
  const args = Object.entries({ ...flags, ...(rules === undefined ? {} : { rules }) }).flatMap(([name, value]) => [
    `--${name}`,
    String(value),
  ])
  const child = spawn(process.execPath, [bin, 'start', ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, CREDENTIALS_DIRECTORY: secrets, LANG: 'en_GB.UTF-8', NO_COLOR: '1' },
  })
  let printed = ''
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (printed += String(chunk)))
  const ended = new Promise((resolve) => child.once('exit', resolve))
  const processes = (name: string): number[] =>
    descendants(child.pid!).flatMap((one) => (one.name === name ? [one.pid] : []))
  const platform: Platform = {
    port,
    tls,
    workers: () => processes('gateway.ts'),
    node: () => processes('node.ts')[0],
    printed: () => printed,
    async [Symbol.asyncDispose]() {
      child.kill('SIGTERM')
      await ended
      rmSync(data, { recursive: true, force: true })
    },
  }
  try {
    await until('the platform to be ready', () => printed.includes('Ctrl-C') || child.exitCode !== null, START_MS)
    const token = /setup\?token=([A-Za-z0-9_-]{43})/.exec(printed)?.[1]
    if (token === undefined) throw new Error('ended before it was ready')
    const internal = `http://localhost:${port + 1}`
    await settle(internal, await enrol(internal, token, 'quan-tri'), makeCertificate(secrets, HOST))
    await until('both workers to listen', () => listenersOn(tls) === WORKERS)
    return platform
  } catch (error) {
    await platform[Symbol.asyncDispose]()
    throw new Error(`khien start did not come up:\n${printed}`, { cause: error })
  }
}

/** The one site gets a certificate; and no rule may turn itself to watching, for here one client sends all the attacks. */
async function settle(internal: string, cookie: string, tls: { certificate: string; key: string }): Promise<void> {
  const ask = async <T>(method: string, body?: unknown): Promise<T> => {
    const answer = await fetch(`${internal}/api/gateway/sites/default`, {
      method,
      headers: { cookie, origin: internal, ...(body === undefined ? {} : { 'content-type': 'application/json' }) },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    })
    if (!answer.ok) throw new Error(`${method} site: ${answer.status} ${await answer.text()}`)
    return (await answer.json()) as T
  }
  type Kept = { readonly version: number; readonly site: Record<string, unknown> }
  // The workers tell the node of the site a second after they began.
  let kept: Kept | undefined
  for (let tries = 0; kept === undefined && tries < 100; tries++) {
    kept = await ask<Kept>('GET').catch(() => undefined)
    if (kept === undefined) await new Promise((resolve) => setTimeout(resolve, 100))
  }
  const { version, site } = kept!
  const change = { version, reason: 'Chứng chỉ cho lần chạy thử tải.' }
  const made = await ask<{ version: number }>('PUT', { site: { ...site, tls, watchSudden: false }, ...change })
  await takenBy(internal, cookie, made.version)
}

async function takenBy(internal: string, cookie: string, version: number): Promise<void> {
  for (let tries = 0; tries < 300; tries++) {
    const answer = await fetch(`${internal}/api/gateway/sites`, { headers: { cookie } })
    const { workers } = (await answer.json()) as { workers: { version: number }[] }
    if (workers.length >= WORKERS && workers.every((one) => one.version >= version)) return
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
  throw new Error('the workers did not take the settings')
}

/** CRS v4 as it comes, in one folder under `at`, with what its manual asks to be set; undefined when it is not among the vectors. */
export function coreRuleSet(at: string, vectors: string): string | undefined {
  const crs = join(vectors, 'crs4')
  const folder = join(at, 'rules')
  mkdirSync(folder)
  writeFileSync(join(folder, '000-setup.conf'), BASE)
  try {
    for (const name of readdirSync(join(crs, 'rules'))) symlinkSync(join(crs, 'rules', name), join(folder, name))
    symlinkSync(join(crs, 'crs-setup.conf.example'), join(folder, '001-crs-setup.conf'))
    return folder
  } catch {
    return undefined
  }
}

const BASE = `SecRuleEngine On
SecRequestBodyAccess On
SecRequestBodyLimit 13107200
SecRequestBodyNoFilesLimit 262144
SecRule REQUEST_HEADERS:Content-Type "^application/json" "id:200001,phase:1,t:none,t:lowercase,pass,nolog,ctl:requestBodyProcessor=JSON"
`
