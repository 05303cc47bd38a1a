import { spawn, spawnSync, type ChildProcess } from 'node:child_process'
import { createHmac } from 'node:crypto'
import { closeSync, openSync } from 'node:fs'
import { createServer, type AddressInfo } from 'node:net'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'

const bin = join(import.meta.dirname, '../../bin/khien.js')

/** A verb of Khiên to its end; `passphrase` is the path of a file, given as descriptor 3. Throws with what it said. */
export async function khien(args: readonly string[], how: { passphrase?: string; fails?: true } = {}): Promise<string> {
  const child = spawnKhien(args, how.passphrase)
  let said = ''
  for (const stream of [child.stdout!, child.stderr!]) stream.on('data', (chunk: Buffer) => (said += chunk.toString()))
  const code = await new Promise<number | null>((resolve) => child.once('close', resolve))
  if ((code !== 0) !== (how.fails === true)) throw new Error(`khien ${args.join(' ')} ended with ${code}:\n${said}`)
  return said
}

function spawnKhien(args: readonly string[], passphrase?: string): ChildProcess {
  const fd = passphrase === undefined ? 'ignore' : openSync(passphrase, 'r')
  const words = passphrase === undefined ? args : [...args, '--key-fd', '3']
  const child = spawn(process.execPath, [bin, ...words], { stdio: ['ignore', 'pipe', 'pipe', fd] })
  if (typeof fd === 'number') closeSync(fd)
  return child
}

export type Running = { readonly said: () => string; stop(): Promise<void>; kill(): Promise<void> }

/** `khien start` until it serves. */
export async function startKhien(args: readonly string[], passphrase: string, ready: string): Promise<Running> {
  return serving(spawnKhien(['start', ...args], passphrase), ready)
}

/** PHP's own server with one file for everything. */
export async function startShop(file: string, port: number, env: Record<string, string>): Promise<Running> {
  const given = { PATH: process.env['PATH'] ?? '', ...env }
  const child = spawn('php', ['-S', `127.0.0.1:${port}`, file], { env: given, stdio: ['ignore', 'pipe', 'pipe'] })
  return serving(child, `http://127.0.0.1:${port}/`)
}

async function serving(child: ChildProcess, ready: string): Promise<Running> {
  let said = ''
  for (const stream of [child.stdout!, child.stderr!]) stream.on('data', (chunk: Buffer) => (said += chunk.toString()))
  const gone = new Promise<void>((resolve) => child.once('exit', () => resolve()))
  for (
    let tries = 0;
    !(await fetch(ready).then(
      (answer) => answer.ok,
      () => false,
    ));
    tries++
  ) {
    if (child.exitCode !== null || tries > 600) throw new Error(`it does not serve: ${said}`)
    await sleep(100)
  }
  const end = (signal: 'SIGTERM' | 'SIGKILL') => async (): Promise<void> => {
    child.kill(signal)
    await gone
  }
  return { said: () => said, stop: end('SIGTERM'), kill: end('SIGKILL') }
}

/** Rows of a query, through PHP, which this example needs anyway. */
export function rows(database: string, sql: string): Record<string, string | null>[] {
  const code = `$db = new PDO($argv[1], null, null, [PDO::ATTR_ERRMODE => PDO::ERRMODE_EXCEPTION]);
    $said = $db->query($argv[2]); echo json_encode($said->columnCount() > 0 ? $said->fetchAll(PDO::FETCH_ASSOC) : []);`
  const { status, stdout, stderr } = spawnSync('php', ['-r', code, '--', database, sql], { encoding: 'utf8' })
  if (status !== 0) throw new Error(`${stdout}${stderr}`)
  return JSON.parse(stdout) as Record<string, string | null>[]
}

export async function freePorts(many: number): Promise<number[]> {
  const servers = Array.from({ length: many }, () => createServer())
  const ports = await Promise.all(
    servers.map(async (server) => {
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
      return (server.address() as AddressInfo).port
    }),
  )
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))))
  return ports
}

const form = (origin: string, cookie: string | undefined, fields: [string, string][]): RequestInit => ({
  method: 'POST',
  redirect: 'manual',
  headers: { origin, 'content-type': 'application/x-www-form-urlencoded', ...(cookie === undefined ? {} : { cookie }) },
  body: new URLSearchParams(fields).toString(),
})

/** Redeems a one-time link as a person would: password, and the six digits an authenticator app shows (RFC 6238). */
export async function enrol(origin: string, token: string, name: string): Promise<string> {
  const page = await (await fetch(`${origin}/setup?token=${token}`)).text()
  const secret = /id="totp-secret"[^>]*>([^<]+)</.exec(page)![1]!
  const fields: [string, string][] = [
    ['token', token],
    ['name', name],
    ['password', 'một câu dễ nhớ và dài'],
    ['code', sixDigits(secret)],
  ]
  const answer = await fetch(`${origin}/setup`, form(origin, undefined, fields))
  if (answer.status !== 303) throw new Error(`enrolling ${name} answered ${answer.status}`)
  return answer.headers.getSetCookie()[0]!.split(';')[0]!
}

/** What a page of the console shows once: a link or a key. */
export async function shownOnce(
  origin: string,
  cookie: string,
  path: string,
  fields: [string, string][],
): Promise<string> {
  const page = await (await fetch(origin + path, form(origin, cookie, fields))).text()
  return /id="secret"[^>]*>([^<]+)</.exec(page)![1]!
}

function sixDigits(base32: string): string {
  const bits = [...base32.replaceAll(' ', '')]
    .map((sign) => 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'.indexOf(sign).toString(2).padStart(5, '0'))
    .join('')
  const counter = Buffer.alloc(8)
  counter.writeBigUInt64BE(BigInt(Math.floor(Date.now() / 30_000)))
  const key = Uint8Array.from((bits.match(/.{8}/g) ?? []).map((eight) => Number.parseInt(eight, 2)))
  const mac = createHmac('sha1', key).update(counter).digest()
  return String((mac.readUInt32BE(mac[19]! & 15) & 0x7fffffff) % 1_000_000).padStart(6, '0')
}
