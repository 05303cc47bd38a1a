import { execFileSync, spawn } from 'node:child_process'
import { closeSync, mkdtempSync, openSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { AddressInfo } from 'node:net'
import type { Role } from '../../src/app/config.ts'
import type { StaffRole } from '../../src/kit/contract.ts'
import { SMTPServer } from 'smtp-server'
import { freeBase } from './system.ts'
import { root, until } from '../commands/processes.ts'
import { enrol, form } from '../running-node.ts'

const OFFSET: Record<Role, number> = { platform: 1, telecom: 2, authority: 3 }
const START_MS = 90_000

/** One role as its owner runs it: a real key, no demo, no other node anywhere. */
export type Alone = AsyncDisposable & {
  readonly gateway: string
  readonly internal: string
  readonly public: string
  readonly data: string
  /** A member of staff of its own with these roles. */
  staff(roles: readonly StaffRole[]): Promise<{
    readonly cookie: string
    ask<T>(method: string, path: string, body?: unknown): Promise<T>
  }>
  /** A service key with these scopes. */
  key(scopes: readonly string[]): Promise<string>
}

export async function startAlone(
  role: Role,
  more: readonly string[] = [],
  env: Record<string, string> = {},
): Promise<Alone> {
  const data = mkdtempSync(join(tmpdir(), `khien-alone-${role}-`))
  const secret = join(data, 'passphrase')
  writeFileSync(secret, 'một câu đủ dài để giữ khóa')
  const bin = join(root, 'bin', 'khien.js')
  const withKey = <T>(use: (fd: number) => T): T => {
    const fd = openSync(secret, 'r')
    try {
      return use(fd)
    } finally {
      closeSync(fd)
    }
  }
  withKey((fd) =>
    execFileSync(process.execPath, [bin, 'key', 'init', '--role', role, '--data', data, '--key-fd', '3'], {
      stdio: ['ignore', 'ignore', 'inherit', fd],
    }),
  )
  const port = await freeBase()
  const child = withKey((fd) =>
    spawn(
      process.execPath,
      [bin, 'start', '--role', role, '--data', data, '--port', String(port), '--key-fd', '3', ...more],
      { stdio: ['ignore', 'pipe', 'pipe', fd], env: { ...process.env, LANG: 'en_GB.UTF-8', NO_COLOR: '1', ...env } },
    ),
  )
  let printed = ''
  for (const stream of [child.stdout!, child.stderr!]) stream.on('data', (chunk: Buffer) => (printed += String(chunk)))
  const ended = new Promise((resolve) => child.once('exit', resolve))
  const internal = `http://localhost:${port + OFFSET[role]}`
  await until(`${role} to be ready`, () => printed.includes('Ctrl-C') || child.exitCode !== null, START_MS).catch(
    () => {},
  )
  const token = /setup\?token=([A-Za-z0-9_-]{43})/.exec(printed)?.[1]
  if (token === undefined) {
    child.kill('SIGKILL')
    throw new Error(`${role} did not come up:\n${printed}`)
  }
  const admin = await enrol(internal, token, 'quan-tri')
  const secretOn = async (path: string, fields: [string, string][]): Promise<string> => {
    const page = await (await fetch(`${internal}${path}`, form(internal, admin, fields))).text()
    return /id="secret"[^>]*>([^<]+)</.exec(page)![1]!
  }
  let people = 0
  return {
    gateway: `http://localhost:${port}`,
    internal,
    public: `http://localhost:${port + 10 + OFFSET[role]}`,
    data,
    async staff(roles) {
      const link = await secretOn(
        '/settings/invitations',
        roles.map((each) => ['roles[]', each]),
      )
      const cookie = await enrol(internal, new URL(link).searchParams.get('token')!, `nguoi ${++people}`)
      return {
        cookie,
        async ask<T>(method: string, path: string, body?: unknown): Promise<T> {
          const response = await fetch(`${internal}${path}`, {
            method,
            headers: {
              cookie,
              origin: internal,
              ...(body === undefined ? {} : { 'content-type': 'application/json' }),
            },
            ...(body === undefined ? {} : { body: JSON.stringify(body) }),
          })
          const answer = (await response.json()) as T & { code?: string }
          if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${answer.code}`)
          return answer
        },
      }
    },
    key: (scopes) =>
      secretOn('/settings/keys', [['name', 'app'], ...scopes.map((s): [string, string] => ['scopes[]', s])]),
    async [Symbol.asyncDispose]() {
      child.kill('SIGTERM')
      await ended
      rmSync(data, { recursive: true, force: true })
    },
  }
}

/** A real mail server that keeps what it takes; texts with their quoted-printable undone. */
export async function mailServer(): Promise<
  AsyncDisposable & { readonly port: number; readonly got: { to: string; text: string }[] }
> {
  const got: { to: string; text: string }[] = []
  const server = new SMTPServer({
    authOptional: true,
    disabledCommands: ['STARTTLS'],
    onData(stream, session, done) {
      const parts: Buffer[] = []
      stream.on('data', (part: Buffer) => parts.push(part))
      stream.on('end', () => {
        const raw = Buffer.concat(parts).toString('latin1')
        const body = raw.slice(raw.indexOf('\r\n\r\n') + 4)
        const bytes = /^content-transfer-encoding: base64/im.test(raw)
          ? Buffer.from(body, 'base64')
          : Buffer.from(
              body
                .replace(/=\r\n/g, '')
                .replace(/=([0-9A-F]{2})/g, (_, hex: string) => String.fromCharCode(parseInt(hex, 16))),
              'latin1',
            )
        got.push({ to: session.envelope.rcptTo[0]!.address, text: bytes.toString('utf8') })
        done()
      })
    },
  })
  server.on('error', () => undefined)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    port: (server.server.address() as AddressInfo).port,
    got,
    [Symbol.asyncDispose]: () => new Promise((resolve) => server.close(() => resolve())),
  }
}
