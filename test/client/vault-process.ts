import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { demoConfig } from '../running-node.ts'
import { freePort } from '../../src/storage/sql/testing.ts'

const ENTRY = join(import.meta.dirname, '../durability/node-process.ts')

export type VaultProcess = AsyncDisposable & {
  readonly origin: string
  readonly publicOrigin: string
  readonly key: string
  readonly folder: string
  /** SIGKILL; `start` brings it back on the same ports, with the same data. */
  kill(): Promise<void>
  start(how?: { sealed: true }): Promise<void>
  /** SIGSTOP: it takes connections and answers nothing. */
  freeze(): void
  thaw(): void
}

/** A whole platform node in a process of its own that can be killed and brought back where it was. */
export async function vaultProcess(): Promise<VaultProcess> {
  const folder = join(mkdtempSync(join(tmpdir(), 'khien-offline-')), 'data', 'platform')
  const [internal, publicPort] = [await freePort(), await freePort()]
  const config = demoConfig('platform', folder, internal, publicPort)
  let run: ChildProcess | undefined
  let key = ''

  async function start(how?: { sealed: true }): Promise<void> {
    const given = how?.sealed ? { ...config, demo: false, key: { from: 'sealed' } } : config
    const child = spawn(process.execPath, [ENTRY, JSON.stringify(given)], { stdio: ['pipe', 'pipe', 'pipe'] })
    let said = ''
    child.stderr.on('data', (data: Buffer) => (said += data.toString()))
    child.stdin.on('error', () => undefined)
    const first = await Promise.race([once(child.stdout, 'data'), once(child, 'exit').then(() => undefined)])
    if (first === undefined) throw new Error(`the node did not start: ${said}`)
    key = (JSON.parse(String(first[0])) as { key: string }).key
    run = child
  }
  async function end(how: (child: ChildProcess) => unknown): Promise<void> {
    const child = run
    run = undefined
    if (!child || child.exitCode !== null || child.signalCode !== null) return
    const gone = once(child, 'exit')
    how(child)
    await gone
  }
  await start()
  return {
    origin: `http://127.0.0.1:${internal}`,
    publicOrigin: config.publicOrigin,
    key,
    folder,
    start,
    kill: () => end((child) => child.kill('SIGKILL')),
    freeze: () => void run?.kill('SIGSTOP'),
    thaw: () => void run?.kill('SIGCONT'),
    async [Symbol.asyncDispose]() {
      run?.kill('SIGCONT')
      await end((child) => child.stdin!.end())
      rmSync(dirname(dirname(folder)), { recursive: true, force: true })
    },
  }
}

const both = (text: string): { vi: string; en: string } => ({ vi: text, en: text })
/** One purpose on the ground of law, so that tests of delivery need no agreements. */
export const KEEPING = {
  notice: both('Cửa hàng giữ những gì cần để giao hàng.'),
  purposes: [
    {
      id: 'invoice',
      title: both('Giữ hóa đơn'),
      what: both('Hóa đơn ghi tên người mua.'),
      ground: 'law' as const,
      duty: both('nghĩa vụ giữ hóa đơn'),
      fields: ['person.name', 'person.phone', 'person.email', 'order.address', 'order.note'],
      recipients: [],
    },
  ],
}
