import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { demoConfig } from '../running-node.ts'
import type { NodeConfig } from '../../src/app/config.ts'
import { freePort } from '../../src/storage/sql/testing.ts'

export type Child = {
  readonly origin: string
  readonly serviceKey: string
  readonly pid: number
  /** SIGKILL: nothing is finished, nothing is closed. */
  kill(): Promise<void>
  /** Stops it as a service manager would, and waits. */
  stop(): Promise<void>
}
type How = {
  readonly stores?: Pick<NodeConfig, 'databaseUrl' | 'keysDatabaseUrl' | 'beside'>
  /** A program to run it under, with arguments. */
  readonly under?: readonly string[]
  readonly careless?: boolean
}

/** Two levels that do not exist yet, as on a first start. */
export const newNodeFolder = (): string => join(mkdtempSync(join(tmpdir(), 'khien-durable-')), 'data', 'platform')

export async function startChild(folder: string, how: How = {}): Promise<Child> {
  const [internal, publicPort] = [await freePort(), await freePort()]
  const config: NodeConfig = { ...demoConfig('platform', folder, internal, publicPort), ...how.stores }
  const entry = join(import.meta.dirname, 'node-process.ts')
  const words = [...(how.under ?? []), process.execPath, entry, JSON.stringify(config)]
  if (how.careless) words.push('careless')
  const run = spawn(words[0]!, words.slice(1), { stdio: ['pipe', 'pipe', 'pipe'] })
  let said = ''
  run.stderr.on('data', (data: Buffer) => (said += data.toString()))
  run.stdin.on('error', () => undefined)
  const gone = once(run, 'close')
  const first = await Promise.race([once(run.stdout, 'data'), gone.then(() => undefined)])
  if (first === undefined) throw new Error(`the node did not start: ${said}`)
  const { key } = JSON.parse(String(first[0])) as { key: string }
  return {
    origin: `http://127.0.0.1:${internal}`,
    serviceKey: key,
    pid: run.pid!,
    async kill() {
      run.kill('SIGKILL')
      await gone
    },
    async stop() {
      run.stdin.end()
      await gone
    },
  }
}

export type Answer = { readonly status: number; readonly text: string }

/** One call with a service key; throws when no whole answer came. */
export async function call(
  child: Child,
  method: string,
  path: string,
  body: object,
  idempotencyKey?: string,
): Promise<Answer> {
  const headers: Record<string, string> = {
    authorization: `Bearer ${child.serviceKey}`,
    'content-type': 'application/json',
  }
  if (idempotencyKey !== undefined) headers['idempotency-key'] = idempotencyKey
  const response = await fetch(child.origin + path, {
    method,
    headers,
    body: JSON.stringify(body),
    signal: AbortSignal.timeout(5_000),
  })
  return { status: response.status, text: await response.text() }
}

const both = (text: string): { vi: string; en: string } => ({ vi: text, en: text })
const purpose = (id: string, more: object): object => ({
  id,
  title: both(id),
  what: both(id),
  fields: ['person.name', 'person.phone', 'person.email', 'person.personal_id', 'order.note'],
  recipients: [],
  ...more,
})
/** One purpose on each ground. */
export const PROCESSING = {
  notice: both('How we use data'),
  purposes: [
    purpose('keep', { ground: 'law', duty: both('Keep the books') }),
    purpose('deliver', { ground: 'agreement', agreement: 'order' }),
    purpose('news', {
      ground: 'consent',
      ifWithdrawn: both('No more news'),
      // Nobody answers there: what is to be told stays in the outbox.
      recipients: [{ id: 'post', name: 'Post', notify: 'http://127.0.0.1:9/withdrawn' }],
    }),
  ],
}
