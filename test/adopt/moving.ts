import { spawn } from 'node:child_process'
import { mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openDoor, openMove, propose, type Move, type Plan } from '../../src/adopt/index.ts'
import { openSource, type Source } from '../../src/source/index.ts'
import { runningNode, type RunningNode } from '../running-node.ts'
import { FIELDS, fillShop } from './shop.ts'

const bin = join(import.meta.dirname, '../../bin/khien.js')

export type Moving = AsyncDisposable & {
  readonly url: string
  readonly source: Source
  readonly node: RunningNode
  readonly key: string
  readonly plan: Plan
  /** A move as `khien adopt` opens it, with its own end. */
  readonly open: (plan?: Plan, signal?: AbortSignal) => Promise<Move>
  /** Runs `khien adopt …` as a program of its own. */
  readonly run: (words: readonly string[]) => ReturnType<typeof command>
}

/** Declares what the shop reads and what the mover reads, as a shop must before. */
export async function declarePurpose(origin: string, key: string, fields: readonly string[]): Promise<void> {
  const both = { vi: 'Chuyển dữ liệu vào kho khóa', en: 'Moving data into the vault' }
  const purpose = { id: 'moving-in', title: both, what: both, ground: 'law', duty: both, fields, recipients: [] }
  const answer = await fetch(`${origin}/api/processing`, {
    method: 'PUT',
    headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
    body: JSON.stringify({ notice: both, purposes: [purpose] }),
  })
  if (!answer.ok) throw new Error(`declaring answered ${answer.status}: ${await answer.text()}`)
}

/** A shop of so many people, a vault, and a plan from one into the other. */
export async function readyToMove(url: string, people: number): Promise<Moving> {
  const source = await openSource(url)
  await fillShop(source, people)
  const plan = await propose(source, { now: Date.now() })
  const node = await runningNode()
  const { key } = node.serviceKey()
  await declarePurpose(node.internal, key, FIELDS)
  const folder = mkdtempSync(join(tmpdir(), 'khien-adopt-'))
  writeFileSync(join(folder, 'key.json'), JSON.stringify({ key }))
  writeFileSync(join(folder, 'plan.json'), JSON.stringify(plan))
  const places = ['--vault', node.internal, '--key-file', join(folder, 'key.json')]
  const door = openDoor({ origin: node.internal, key })
  return {
    url,
    source,
    node,
    key,
    plan,
    open: (given, signal) => openMove({ source, door, ...(signal ? { signal } : {}) }, given),
    run: (words) =>
      command(
        ['adopt', ...words, ...places, ...(words[0] === 'copy' ? ['--plan', join(folder, 'plan.json')] : [])],
        url,
      ),
    async [Symbol.asyncDispose]() {
      await source[Symbol.asyncDispose]()
      await node[Symbol.asyncDispose]()
    },
  }
}

export function command(args: readonly string[], source: string) {
  const child = spawn(process.execPath, [bin, ...args], {
    env: { ...process.env, KHIEN_SOURCE: source },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let said = ''
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (said += chunk.toString()))
  const ended = new Promise<number | null>((resolve) => child.once('close', (code) => resolve(code)))
  return { child, ended, said: () => said }
}
