import assert from 'node:assert/strict'
import test from 'node:test'
import { enrol, runningNode } from '../running-node.ts'
import { drilledOf, duty, madeBy, twoPlaces } from './places.ts'

type List = {
  items: { id: string; state: string; keys: { expiresAt: string; destroyedAt: string | null; overdue: boolean } }[]
  lastDrill: { backup: string; good: boolean; tookMs: number; at: string } | null
  keysUntil: string | null
  fault: string | null
}

test('the console sees backups, the ends of their keys and the last drill; the log records each', async () => {
  let now = Date.now()
  await using node = await runningNode({ clock: () => now })
  const cookie = await enrol(node.internal, node.setupToken, 'quan-tri', now)
  const get = async <T>(path: string): Promise<T> => {
    const answer = await fetch(`${node.internal}${path}`, { headers: { cookie } })
    assert.equal(answer.status, 200)
    return (await answer.json()) as T
  }
  assert.deepEqual(await get('/api/backups'), { items: [], lastDrill: null, drills: [], keysUntil: null, fault: null })

  const places = twoPlaces()
  await madeBy(node, places, { keepKeys: 30 })
  now += 60_000
  await madeBy(node, places, { keepKeys: 10 })
  const drilled = await drilledOf(node.config.folder, places)
  const { detail: _, name: _name, at: _at, collections: _collections, ...result } = drilled
  await duty(node.socket, 'backup-drilled', result)
  const list = await get<List>('/api/backups')
  assert.equal(list.items.length, 2)
  assert.ok(list.items.every(({ state, keys }) => state === 'made' && keys.destroyedAt === null && !keys.overdue))
  assert.equal(list.keysUntil, list.items[1]!.keys.expiresAt, 'the one that lives longest')
  assert.partialDeepStrictEqual(list.lastDrill, { backup: list.items[0]!.id, good: true, tookMs: drilled.tookMs })

  const { items } = await get<{ items: { kind: string; facts: object }[] }>('/api/log?limit=20')
  assert.deepEqual(
    items.map(({ kind }) => kind).filter((kind) => kind.startsWith('backup.')),
    ['backup.drilled', 'backup.made', 'backup.made'],
  )
  await assert.rejects(duty(node.socket, 'backup-drilled', { ...result, failure: 'Nguyễn Văn A' }), {
    code: 'http/invalid',
  })
})

test('one backup at a time', async () => {
  await using node = await runningNode()
  const places = twoPlaces()
  const both = await Promise.allSettled(
    [1, 2].map(() => duty(node.socket, 'backup', { ...places, keepKeys: 30, rate: 0.01 })),
  )
  assert.deepEqual(both.map(({ status }) => status).toSorted(), ['fulfilled', 'rejected'])
  await assert.rejects(duty(node.socket, 'backup', { ...places, keepKeys: 30, rate: 1 }), { code: 'backup/running' })
})
