import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import test from 'node:test'
import { runningNode } from '../running-node.ts'
import { anApp, madeBy, restored, twoPlaces } from './places.ts'

test('a log shorter than what others have seen goes on only as a declared new epoch, which the log records', async () => {
  const places = twoPlaces()
  let at: string
  const notes: string[] = []
  let between: number
  {
    await using node = await runningNode()
    at = node.config.folder
    const checkpoint = async (): Promise<string> => {
      await new Promise((resolve) => setTimeout(resolve, 700))
      const note = readFileSync(join(at, 'log', 'checkpoint'), 'utf8')
      assert.equal(await (await fetch(`${node.public}/checkpoint`)).text(), note)
      notes.push(note)
      return note
    }
    const app = await anApp(node)
    await app.person(1)
    await checkpoint()
    assert.equal((await madeBy(node, places)).state, 'made')
    await app.person(2)
    await checkpoint()
    between = Date.now()
    assert.equal((await madeBy(node, places)).state, 'made')
    for (let n = 10; n < 20; n++) await app.person(n)
    await checkpoint()
  }
  const sizeOf = (note: string): number => Number(note.split('\n')[1])
  const [early, middle, late] = notes as [string, string, string]

  // Of the newest backup nobody here knows more, until somebody hands in what they have seen.
  const plain = await restored(at, places)
  assert.equal(plain.done.epoch, undefined)
  const held = await restored(at, places, { checkpoint: early })
  assert.equal(held.done.epoch, undefined, 'the log in the backup extends this one')
  const declared = await restored(at, places, { checkpoint: late })
  assert.equal(declared.done.epoch?.oldSize, sizeOf(late))
  assert.equal(declared.done.epoch?.oldRoot, late.split('\n')[2])
  assert.ok(declared.done.epoch!.size < sizeOf(late))

  // An older backup where a later one shows more.
  await assert.rejects(restored(at, places, { to: between - 1 }), { code: 'restore/shorter-log' })
  const older = await restored(at, places, { to: between - 1, checkpoint: middle })
  assert.ok(older.done.epoch!.oldSize >= sizeOf(middle))

  await assert.rejects(restored(at, places, { checkpoint: late.replace(/\n\d+\n/, '\n9999\n') }), {
    code: 'restore/checkpoint',
  })

  await using node = await runningNode({ config: { folder: declared.folder } })
  await new Promise((resolve) => setTimeout(resolve, 700))
  const records = readFileSync(join(declared.folder, 'log', 'checkpoint'), 'utf8')
  assert.ok(sizeOf(records) > declared.done.epoch!.size)
  assert.match(
    readFileSync(join(declared.folder, 'log', 'tile/entries/000.p', String(sizeOf(records))), 'utf8'),
    /khien\/1 log\.epoch /,
  )
  assert.ok(node.logged().includes('audit.reconciled'))
})
