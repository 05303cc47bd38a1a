import assert from 'node:assert/strict'
import { test } from 'node:test'
import { manualClock } from '../../kit/clock.ts'
import { migrate, type Database } from '../../storage/sql/index.ts'
import { STORES } from '../../storage/sql/testing.ts'
import { exchangeMigrations } from '../store.ts'
import { numbered, START } from '../testing.ts'
import { withheldFrom } from '../tlp.ts'
import { collectionStore, type CollectionStore, type Viewer } from './collections.ts'
import { readQuery } from './query.ts'

const PLACE = { id: 'c', root: '/r/', title: 'c', mediaTypes: [] }
const ALL: Viewer = { peer: 'p' }

async function openStore(open: () => Promise<Database>) {
  const db = await open()
  await migrate(db, exchangeMigrations)
  const clock = manualClock(START)
  const store = collectionStore({ db, clock })
  await store.ensure(PLACE)
  return { db, clock, store }
}

/** Small and seeded, so that a failure can be run again (mulberry32). */
function random(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296
  }
}

async function read(store: CollectionStore, query: string, viewer: Viewer = ALL): Promise<string[]> {
  const filter = readQuery(new URLSearchParams(query), 100)
  const { rows } = await store.page('c', filter, -1, viewer, false)
  return rows.map((row) => `${Number.parseInt(row.object_id.slice(10, 18), 16)} ${row.version.slice(0, 10)}`)
}

for (const { name, skip, open } of STORES) {
  test(`${name}: random pages beside concurrent inserts deliver every object exactly once`, { skip }, async () => {
    const { db, store } = await openStore(open)
    await using _ = db
    const next = random(7)
    const total = 1_500
    let written = 0
    // The clock stands still, so that every object would have the same time.
    const writer = async (lane: number): Promise<void> => {
      while (written < total) {
        const from = written
        written = Math.min(total, written + 1 + Math.floor(next() * 40))
        const batch = Array.from({ length: written - from }, (_, i) => numbered(from + i, { name: `lane ${lane}` }))
        await store.add('c', batch, { check: 'shape' })
        await new Promise((resolve) => setTimeout(resolve, next() * 3))
      }
    }
    const writers = Promise.all([writer(0), writer(1), writer(2)])
    let ended = false
    void writers.then(() => (ended = true))
    const reader = async (): Promise<string[]> => {
      const got: string[] = []
      let after = -1
      for (;;) {
        const last = ended
        const filter = { ...readQuery(new URLSearchParams(), 100), limit: 1 + Math.floor(next() * 30) }
        const page = await store.page('c', filter, after, ALL, false)
        got.push(...page.rows.map((row) => row.object_id))
        after = page.last
        for (let i = 1; i < page.rows.length; i++) assert.ok(page.rows[i - 1]!.added < page.rows[i]!.added)
        if (last && !page.more) return got
        if (page.rows.length === 0) await new Promise((resolve) => setTimeout(resolve, 1))
      }
    }
    const readers = await Promise.all([reader(), reader(), reader()])
    await writers
    for (const got of readers) {
      assert.equal(got.length, total)
      assert.equal(new Set(got).size, total)
    }
  })

  test(`${name}: versions, specification versions and what a removal leaves`, { skip }, async () => {
    const { db, store } = await openStore(open)
    await using _ = db
    const version = (n: number, day: string, spec = '2.1') =>
      numbered(n, { modified: `2026-11-${day}T00:00:00Z`, spec_version: spec })
    // Out of order, so that the newest is not the last to come.
    const put = [version(1, '03'), version(1, '01'), version(1, '02'), version(2, '01'), version(2, '05', '2.0')]
    await store.add('c', put, { check: 'shape' })
    const again = await store.add('c', [version(1, '03'), version(2, '01')], { check: 'shape' })
    assert.deepEqual(
      again.map((each) => [each.failed, each.message]),
      [
        [false, 'This version is there already.'],
        [false, 'This version is there already.'],
      ],
    )
    for (const [query, wanted] of [
      ['', ['1 2026-11-03', '2 2026-11-01']],
      ['match[version]=all', ['1 2026-11-03', '1 2026-11-01', '1 2026-11-02', '2 2026-11-01']],
      ['match[version]=first', ['1 2026-11-01', '2 2026-11-01']],
      ['match[version]=first,last', ['1 2026-11-03', '1 2026-11-01', '2 2026-11-01']],
      ['match[version]=2026-11-02T00:00:00.000000Z', ['1 2026-11-02']],
      ['match[spec_version]=2.0', ['2 2026-11-05']],
      ['match[spec_version]=2.0,2.1', ['1 2026-11-03', '2 2026-11-05']],
      ['match[spec_version]=2.0,2.1&match[version]=first', ['1 2026-11-01', '2 2026-11-01']],
      ['match[type]=malware', []],
      [`match[id]=${numbered(2).id}`, ['2 2026-11-01']],
    ] as const)
      assert.deepEqual(await read(store, query), wanted, query)
    const id = numbered(1).id
    const newest = await store.page('c', readQuery(new URLSearchParams(`match[id]=${id}`), 9), -1, ALL, false)
    await store.remove(
      'c',
      id,
      newest.rows.map((row) => row.added),
    )
    assert.deepEqual(await read(store, ''), ['1 2026-11-02', '2 2026-11-01'])
    assert.ok(await store.has('c', id, ALL))
  })

  test(`${name}: an audience and a marking hide objects from the rest`, { skip }, async () => {
    const { db, store } = await openStore(open)
    await using _ = db
    const red = ['marking-definition--e828b379-4e03-4974-9ac4-e53a884c97c1']
    const green = ['marking-definition--bab4a63c-aed9-4cf5-a766-dfca5abac2bb']
    const odd = ['marking-definition--11111111-2222-4333-8444-555555555555']
    const note = { type: 'note', content: 'x', object_refs: [numbered(1).id] }
    const noteId = (n: number) => `note--${numbered(n).id.slice(10)}`
    await store.add('c', [numbered(1)], { check: 'stix', audience: ['p', 'q'] })
    await store.add('c', [numbered(2, { object_marking_refs: red })], { check: 'stix' })
    await store.add('c', [numbered(3, { object_marking_refs: green })], { check: 'stix' })
    await store.add('c', [numbered(4, { object_marking_refs: odd })], { check: 'stix' })
    await store.add('c', [{ ...numbered(5), ...note, name: undefined, id: noteId(5) }], { check: 'shape' })
    const viewer = (peer: string, maxTlp: 'green' | 'amber'): Viewer => ({
      peer,
      withhold: (rank) => withheldFrom(rank, { maxTlp, own: false }),
    })
    const seen = async (who: Viewer) => {
      const page = await store.page('c', { ...readQuery(new URLSearchParams(), 2) }, -1, who, false)
      return [page.rows.map((row) => row.object_id.slice(-36, -28)), page.withheld.map((row) => row.reason)]
    }
    assert.deepEqual(await seen(viewer('p', 'amber')), [['00000001', '00000003'], ['tlp-red']])
    assert.deepEqual(await seen(viewer('r', 'green')), [['00000003'], ['tlp-red', 'tlp-unknown', 'tlp-ceiling']])
    assert.ok(!(await store.has('c', numbered(1).id, viewer('r', 'green'))))
    assert.ok(!(await store.has('c', numbered(2).id, viewer('p', 'green'))))
  })
}
