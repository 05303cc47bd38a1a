import assert from 'node:assert/strict'
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { openSqlite } from '../storage/sql/index.ts'
import type { ExchangeTables } from './store.ts'
import { taxiiClient } from './taxii/client.ts'
import { numbered } from './testing.ts'

const child = (...args: string[]): ChildProcess =>
  spawn(
    process.execPath,
    ['--disable-warning=ExperimentalWarning', join(import.meta.dirname, 'crash-child.ts'), ...args],
    {
      stdio: ['ignore', 'pipe', 'inherit', 'ipc'],
    },
  )

async function line(of: ChildProcess): Promise<string> {
  const [text] = (await once(of.stdout!, 'data')) as [Buffer]
  return text.toString().trim()
}

async function kill(one: ChildProcess): Promise<void> {
  if (one.exitCode !== null || one.signalCode !== null) return
  const gone = once(one, 'exit')
  one.kill('SIGKILL')
  await gone
}

async function stored(path: string): Promise<string[]> {
  await using db = openSqlite(path)
  const rows = await db.tables<ExchangeTables>().selectFrom('exchange_object').select('object_id').execute()
  return rows.map((row) => row.object_id)
}

test('kill -9 of the server under pushes, and of a pull: what was acknowledged is there, once', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'khien-exchange-'))
  const [here, there] = [join(folder, 'server.db'), join(folder, 'puller.db')]
  let running: ChildProcess | undefined
  try {
    const acknowledged: string[] = []
    let next = 0
    for (let round = 0; round < 2; round++) {
      running = child('serve', here)
      const [root, collection] = (await line(running)).split(' ') as [string, string]
      const client = taxiiClient({ root, collection, user: 'u', secret: 's', sleep: async () => {} })
      const pushing = (async () => {
        for (;;) {
          const batch = Array.from({ length: 400 }, () => numbered(next++))
          const outcomes = await client.push(
            batch.map((each) => ({ id: each.id, version: each.modified, body: JSON.stringify(each) })),
          )
          acknowledged.push(...outcomes.filter((each) => each.outcome === 'success').map((each) => each.id))
        }
      })()
      const ended = pushing.catch(() => undefined)
      const wanted = acknowledged.length + 400
      while (acknowledged.length < wanted) await sleep(5)
      await sleep(10 + round * 25)
      await kill(running)
      await ended
    }
    const kept = await stored(here)
    assert.ok(acknowledged.length >= 400, `${acknowledged.length} acknowledged`)
    assert.equal(new Set(kept).size, kept.length)
    const all = new Set(kept)
    assert.deepEqual(
      acknowledged.filter((id) => !all.has(id)),
      [],
    )

    running = child('serve', here)
    const [root, collection] = (await line(running)).split(' ')
    const remote = JSON.stringify({ root, collection })
    let kills = 0
    for (let wait = 20; ; wait *= 3) {
      const puller = child('pull', there, remote)
      // Both lines may come at once.
      const begun = await line(puller)
      const ended = begun.endsWith('done') ? begun : await Promise.race([line(puller), sleep(wait, '')])
      await kill(puller)
      if (ended.endsWith('done')) break
      kills++
    }
    assert.ok(kills > 0)
    const fetched = await stored(there)
    assert.equal(new Set(fetched).size, fetched.length)
    assert.deepEqual(fetched.toSorted(), kept.toSorted())
  } finally {
    if (running) await kill(running)
    rmSync(folder, { recursive: true, force: true })
  }
})
