import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import test from 'node:test'
import pg from 'pg'
import { createKhien } from '../../src/client/index.ts'
import { newPostgresDatabase, postgresBin } from '../../src/storage/sql/testing.ts'
import { runningNode } from '../running-node.ts'
import { harmed } from './harm.ts'
import { anApp, appOf, drilledOf, madeBy, restored, twoPlaces } from './places.ts'

const skip = postgresBin() === undefined ? 'PostgreSQL is not installed (Debian: apt install postgresql)' : false
const twoDatabases = async () => ({
  databaseUrl: await newPostgresDatabase(),
  keysDatabaseUrl: await newPostgresDatabase(),
})

test(
  'a node on PostgreSQL, backed up while it serves, put back into empty databases, and into files',
  { skip },
  async () => {
    const places = twoPlaces()
    const people: string[] = []
    const first = await twoDatabases()
    let key: string
    let at: string
    let gone: string
    {
      await using node = await runningNode({ config: first })
      const app = await anApp(node)
      gone = await app.person(900)
      for (let n = 0; n < 30; n++) people.push(await app.person(n))
      let serving = true
      const load = (async () => {
        for (let n = 1_000; serving; n++) await app.person(n)
      })()
      const status = await madeBy(node, places)
      serving = false
      await load
      assert.equal(status.state, 'made', status.detail ?? '')
      await app.khien.shred(gone, 'DSR-1')
      key = node.serviceKey().key
      at = node.config.folder
    }
    // The list beside the ring is brought up to date every few seconds; here the node ended before, and starts again.
    {
      await using _ = await runningNode({ config: { ...first, folder: at } })
    }
    const drilled = await drilledOf(at, places)
    assert.partialDeepStrictEqual(drilled, { good: true, failure: null, opened: 20 })

    await assert.rejects(restored(at, places, first), { code: 'restore/not-empty' })
    const second = await twoDatabases()
    const onPostgres = await restored(at, places, second)
    const inFiles = await restored(at, places)
    assert.equal(existsSync(join(onPostgres.folder, 'control.db')), false)
    await rm(at, { recursive: true })
    for (const config of [{ ...second, folder: onPostgres.folder }, { folder: inFiles.folder }]) {
      await using node = await runningNode({ config })
      const app = appOf(createKhien({ origin: node.internal, key, publicOrigin: node.public }))
      for (const [n, subject] of people.entries()) assert.equal(await app.phone(subject), `09${String(10_000_000 + n)}`)
      assert.equal(await app.phone(gone), null, 'who was erased since does not come back')
      await app.person(5_000)
    }
    assert.equal(onPostgres.done.takenOut, 1)
    assert.equal(inFiles.done.takenOut, 1)
  },
)

test('a restore that fails leaves the databases as empty as they were', { skip }, async () => {
  const places = twoPlaces()
  let at: string
  {
    await using node = await runningNode({ config: await twoDatabases() })
    at = node.config.folder
    assert.equal((await madeBy(node, places)).state, 'made')
  }
  harmed(places.to, 'control.sealed')
  const into = await twoDatabases()
  await assert.rejects(restored(at, places, into), { code: 'backup/altered' })
  for (const connectionString of Object.values(into)) {
    const client = new pg.Client({ connectionString })
    await client.connect()
    const { rows } = await client.query('select count(*)::int as n from pg_tables where schemaname = current_schema()')
    await client.end()
    assert.deepEqual(rows, [{ n: 0 }])
  }
})
