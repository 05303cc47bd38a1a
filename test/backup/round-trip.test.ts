import assert from 'node:assert/strict'
import { existsSync, readdirSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import test from 'node:test'
import { setTimeout as wait } from 'node:timers/promises'
import { createKhien } from '../../src/client/index.ts'
import { runningNode } from '../running-node.ts'
import { readRing } from '../../src/backup/index.ts'
import { anApp, appOf, drilledOf, keyOf, madeBy, restored, twoPlaces } from './places.ts'

test('a node that serves meanwhile, backed up, destroyed and put back: everybody reads, the log goes on', async () => {
  const places = twoPlaces()
  const people: string[] = []
  let key: string
  let folder: string
  {
    await using node = await runningNode()
    const app = await anApp(node)
    for (let n = 0; n < 50; n++) people.push(await app.person(n))
    // The backup holds the log as it was published when it began: two leaves a person, half a second behind or so.
    const published = async (): Promise<number> =>
      Number((await (await fetch(`${node.public}/checkpoint`)).text()).split('\n')[1])
    while ((await published()) < 100) await wait(50)
    let serving = true
    let meanwhile = 0
    const load = (async () => {
      while (serving) await app.person(1_000 + meanwhile++)
    })()
    const status = await madeBy(node, places)
    serving = false
    await load
    assert.equal(status.state, 'made', status.detail ?? '')
    assert.ok(meanwhile > 0)
    key = node.serviceKey().key
    folder = node.config.folder
    assert.deepEqual(readdirSync(places.to), [status.name])
    assert.equal(readdirSync(places.keysTo).filter((name) => name.startsWith('.')).length, 0)
    const drilled = await drilledOf(folder, places)
    assert.partialDeepStrictEqual(drilled, { good: true, failure: null, collections: 1, opened: 20 })
  }
  const again = await restored(folder, places)
  await rm(folder, { recursive: true })
  assert.equal(again.done.takenOut, 0)
  assert.ok(again.done.leaves >= 100)
  assert.equal(existsSync(join(again.data, '.restoring-platform')), false)
  {
    // Also of people first seen while it was made: no value without its key.
    using db = new DatabaseSync(join(again.folder, 'control.db'))
    db.exec(`attach database '${join(again.folder, 'keys.db')}' as keys`)
    const count = (text: string) => Number(Object.values(db.prepare(text).get()!)[0])
    assert.ok(count('select count(distinct subject) from vault_value') >= 50)
    assert.equal(count('select count(*) from vault_value where subject not in (select subject from subject_key)'), 0)
    // The list of backups knows this one as it was made, not as it stood while it was.
    const { bytes, rows, leaves } = db.prepare('select bytes, rows, leaves from backup').get()!
    assert.ok(Number(leaves) >= 100 && Number(rows) >= 100 && Number(bytes) > 10_000, `${leaves} ${rows} ${bytes}`)
  }
  await using node = await runningNode({ config: { folder: again.folder } })
  const khien = createKhien({ origin: node.internal, key, publicOrigin: node.public })
  const app = appOf(khien)
  for (const [n, subject] of people.entries()) assert.equal(await app.phone(subject), `09${String(10_000_000 + n)}`)
  await app.person(5_000)
  // The store that came back knew its own backup only as one that was being made: its key must not die for that.
  const { secrets } = await keyOf(again.folder)
  const ring = await readRing(places.keysTo, 'platform', secrets.node)
  assert.ok(ring!.keys.every(({ sealed }) => sealed !== null))
  assert.equal((await drilledOf(again.folder, places)).good, true)
  const next = await madeBy(node, places)
  assert.equal(next.state, 'made', next.detail ?? '')
  assert.match(node.logged(), /audit\.reconciled/)
})
