import { createHmac } from 'node:crypto'
import { request } from 'node:http'
import { join } from 'node:path'
import { textOf, Visitor, type World } from './world.ts'

export type Node = 'platform' | 'telecom' | 'authority'
type Json = Record<string, unknown>

/** A member of staff at one node, signed in: reads and acts through the console's own interface. */
export type Operator = {
  readonly get: <T = Json>(path: string) => Promise<T>
  readonly send: <T = Json>(method: 'POST' | 'PUT' | 'DELETE', path: string, body?: object) => Promise<T>
}

const SIGNS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'

/** Signs somebody new in at a demo node: invited over the node's socket, which only this machine's user can open. */
export async function operator(world: World, node: Node, roles: readonly string[]): Promise<Operator> {
  const origin = node === 'platform' ? world.internal : world[node].internal
  const { token } = (await overSocket(join(world.data, node, 'run', 'node.sock'), '/duties/demo-invite', {
    roles,
  })) as {
    token: string
  }
  const visitor = new Visitor()
  const page = await visitor.text(`${origin}/setup?token=${token}`)
  const code = sixDigits(textOf(page, 'totp-secret') ?? '')
  const name = `demo ${token.replace(/[^A-Za-z0-9]/g, '').slice(0, 8)}`
  const entered = await visitor.post(`${origin}/setup`, { token, name, password: 'một câu dễ nhớ và dài', code })
  if (entered.status !== 303) throw new Error(`${node}: enrolment answered ${entered.status}`)
  const ask = async <T>(method: string, path: string, body?: object): Promise<T> => {
    const response = await visitor.send(`${origin}${path}`, {
      method,
      headers: {
        accept: 'application/json',
        origin,
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    })
    const answer = (await response.json()) as T
    if (!response.ok)
      throw new Error(`${node} ${method} ${path}: ${response.status} ${(answer as Json)['code'] as string}`)
    return answer
  }
  return { get: (path) => ask('GET', path), send: (method, path, body) => ask(method, path, body ?? undefined) }
}

/** What an authenticator app shows now (RFC 6238, SHA-1, 30 s). */
function sixDigits(secret: string): string {
  const bits = [...secret.replaceAll(' ', '')].map((sign) => SIGNS.indexOf(sign).toString(2).padStart(5, '0')).join('')
  const key = Buffer.from((bits.match(/.{8}/g) ?? []).map((byte) => parseInt(byte, 2)))
  const counter = Buffer.alloc(8)
  counter.writeBigUInt64BE(BigInt(Math.floor(Date.now() / 30_000)))
  const mac = createHmac('sha1', key).update(counter).digest()
  return String((mac.readUInt32BE(mac.at(-1)! & 15) & 0x7fffffff) % 1_000_000).padStart(6, '0')
}

function overSocket(socketPath: string, path: string, body: object): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const sent = request(
      { socketPath, path, method: 'POST', headers: { 'content-type': 'application/json', host: 'node' } },
      async (response) => {
        let text = ''
        for await (const chunk of response) text += String(chunk)
        if (response.statusCode === 200) resolve(JSON.parse(text))
        else reject(new Error(`${path}: ${response.statusCode}`))
      },
    )
    sent.on('error', reject)
    sent.end(JSON.stringify(body))
  })
}
