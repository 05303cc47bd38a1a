import { chmodSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { Hono } from 'hono'
import { serve, type Listening } from '../http/index.ts'
import { KhienError, StartError, badRequest, toProblem } from '../kit/errors.ts'

/** What the host itself may ask of a node, over a unix socket that only the node's own user can open. */
export type HostRequests = {
  unseal(passphrase: string): Promise<Record<string, unknown>>
  /** The key file was written anew: wraps with its newest key from now on. */
  rotate(passphrase: string): Promise<Record<string, unknown>>
  /** Earlier keys are about to be destroyed: answers the key under which everything lies. Errors: `key/behind`. */
  retire(): Promise<Record<string, unknown>>
  recover(): Promise<Record<string, unknown>>
  /** NDJSON lines of refusals; resolves when they are durable. */
  refusals(lines: string): Promise<void>
  /** What a worker counts; resolves with the version of the settings it should have. */
  stats(figures: unknown): Promise<number>
  /** The gateway's settings as they hold now; undefined when the node has none. */
  settings(): Promise<object | undefined>
  /** What our own processes tell and ask the slices; undefined for a duty this role has not. Throws while sealed. */
  duty(name: string, body: unknown): Promise<unknown> | undefined
}

const LONGEST = 4 * 1024 * 1024
/** sockaddr_un holds 108 bytes. */
const LONGEST_PATH = 100

export async function controlSocket(folder: string, host: HostRequests): Promise<Listening> {
  const path = join(folder, 'run', 'node.sock')
  if (Buffer.byteLength(path) > LONGEST_PATH) {
    throw new StartError(
      'data-folder',
      `The path ${path} is too long for a socket; choose a data folder with a shorter name.`,
    )
  }
  // The folder's lock says that nobody else runs here, so what lies there is a dead node's.
  rmSync(path, { force: true })
  const app = new Hono()
  app.onError((error) => {
    const problem = toProblem(error)
    return Response.json(problem, { status: problem.status, headers: { 'content-type': 'application/problem+json' } })
  })
  const passphraseIn = async (request: Request): Promise<string> => {
    const { passphrase } = (await json(request)) as { passphrase?: unknown }
    if (typeof passphrase !== 'string')
      throw badRequest('http/invalid', 'body.passphrase: expected a text', 'body.passphrase')
    return passphrase
  }
  app.post('/unseal', async (c) => Response.json(await host.unseal(await passphraseIn(c.req.raw))))
  app.post('/key/rotated', async (c) => Response.json(await host.rotate(await passphraseIn(c.req.raw))))
  app.post('/key/retire', async () => Response.json(await host.retire()))
  app.post('/admin/recover', async () => Response.json(await host.recover()))
  app.post('/gateway/refusals', async (c) => {
    await host.refusals(await text(c.req.raw))
    return new Response(null, { status: 204 })
  })
  app.post('/gateway/stats', async (c) => {
    return Response.json({ settingsVersion: await host.stats(await json(c.req.raw)) })
  })
  app.get('/gateway/settings', async () => {
    const settings = await host.settings()
    if (!settings) throw new KhienError('gateway/no-settings', 'The node has no settings yet.', { status: 404 })
    return Response.json(settings)
  })
  app.post('/duties/:name', async (c) => {
    const done = host.duty(c.req.param('name'), await json(c.req.raw))
    if (!done) throw new KhienError('node/no-duty', 'This node has no such duty.', { status: 404 })
    return Response.json((await done) ?? {})
  })
  const listening = await serve(app, { socket: path })
  chmodSync(path, 0o600)
  return listening
}

async function text(request: Request): Promise<string> {
  const bytes = await request.arrayBuffer()
  if (bytes.byteLength > LONGEST) throw new KhienError('http/too-large', 'The body is too large.', { status: 413 })
  return Buffer.from(bytes).toString('utf8')
}

async function json(request: Request): Promise<unknown> {
  try {
    return JSON.parse(await text(request))
  } catch {
    throw badRequest('http/json', 'The body is not valid JSON.', 'body')
  }
}
