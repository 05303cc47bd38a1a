import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { enrol, runningNode, type RunningNode } from '../running-node.ts'
import { built, seedRefusals } from './world.ts'

const COUNT = 420
let node: RunningNode
let cookie: string
before(async () => {
  await built()
  node = await runningNode()
  cookie = await enrol(node.internal, node.setupToken, 'quan-tri')
  await seedRefusals(node, COUNT)
})
after(() => node[Symbol.asyncDispose]())

type Refusal = {
  id: string
  at: string
  clientAddress: string
  mode: string
  matches: { ruleId: number; severity: string }[]
}
type Page = { items: Refusal[]; next: string | null; looked: number; reached: string | null }
const ask = async <T>(path: string): Promise<T> =>
  (await (await fetch(`${node.internal}${path}`, { headers: { cookie } })).json()) as T

async function all(query: string): Promise<Refusal[]> {
  const found: Refusal[] = []
  for (let cursor = ''; ;) {
    const page = await ask<Page>(`/api/refusals?limit=37&${query}${cursor}`)
    found.push(...page.items)
    if (page.next === null) return found
    cursor = `&cursor=${page.next}`
  }
}

test('pages of refusals lose and double nothing, newest first', async () => {
  const found = await all('')
  assert.equal(new Set(found.map(({ id }) => id)).size, COUNT)
  assert.equal(found.length, COUNT)
  assert.deepEqual(
    found.map(({ at }) => at),
    found
      .map(({ at }) => at)
      .toSorted()
      .toReversed(),
  )
})

for (const { query, fits } of [
  { query: 'rule=1002001', fits: (one: Refusal) => one.matches.some(({ ruleId }) => ruleId === 1_002_001) },
  { query: 'source=203.0.113.77', fits: (one: Refusal) => one.clientAddress === '203.0.113.77' },
  { query: 'severity=low', fits: (one: Refusal) => one.matches[0]!.severity === 'low' },
  { query: 'mode=detect', fits: (one: Refusal) => one.mode === 'detect' },
])
  test(`${query} finds those and all of those`, async () => {
    const everything = await all('')
    const found = await all(query)
    assert.ok(found.length > 0 && found.length < COUNT)
    assert.deepEqual(
      found.map(({ id }) => id),
      everything.filter(fits).map(({ id }) => id),
    )
  })

test('a span holds what fell into it, also when it begins far from the newest', async () => {
  const everything = await all('')
  const [from, to] = [12, 6].map((hours) => new Date(Date.now() - hours * 3_600_000).toISOString())
  const found = await all(`from=${from}&to=${to}`)
  assert.ok(found.length > 10)
  assert.deepEqual(
    found.map(({ id }) => id),
    everything.filter(({ at }) => at >= from! && at < to!).map(({ id }) => id),
  )
})

test('the figures of the day are those of the list, and follow what comes in', async () => {
  type Figures = {
    refused: number[]
    total: number
    kept: number
    observed: number
    rules: { total: number; hours: number[] }[]
  }
  const day = await ask<Figures>('/api/refusals/figures')
  assert.equal(day.refused.length, 144)
  assert.equal(
    day.refused.reduce((sum, n) => sum + n, 0),
    COUNT,
  )
  assert.deepEqual([day.total, day.kept], [COUNT, COUNT])
  assert.equal(
    day.rules.reduce((sum, { total }) => sum + total, 0),
    COUNT,
  )
  for (const { total, hours } of day.rules)
    assert.equal(
      hours.reduce((sum, n) => sum + n, 0),
      total,
    )
  assert.equal(day.observed, (await all('mode=detect')).length)
  // The same batch again is known already.
  await seedRefusals(node, 10)
  const { total } = await ask<Figures>('/api/refusals/figures')
  assert.equal(total, (await all('')).length)
})

test('the live stream brings one refusal as data', async () => {
  const stop = new AbortController()
  const response = await fetch(`${node.internal}/api/refusals/live`, { headers: { cookie }, signal: stop.signal })
  assert.match(response.headers.get('content-type') ?? '', /event-stream/)
  const known = new Set((await all('')).map(({ id }) => id))
  const heard = (async () => {
    let text = ''
    for await (const chunk of response.body!.pipeThrough(new TextDecoderStream())) {
      text += chunk
      const line = /data: (.+)\n\n/.exec(text)?.[1]
      if (line !== undefined) return JSON.parse(line) as Refusal
    }
    throw new Error('the stream ended')
  })()
  await seedRefusals(node, COUNT + 5)
  const { id } = await heard
  assert.ok(!known.has(id) && (await all('')).some((one) => one.id === id))
  stop.abort()
})

for (const { path, status, type, cache } of [
  { path: '/protect/refusals/R-0000-0000', status: 200, type: /text\/html/, cache: /no-cache/ },
  { path: '/evidence', status: 200, type: /text\/html/, cache: /no-cache/ },
  { path: '/console/files/nothing-00000000.js', status: 404, type: /problem/, cache: /no-store/ },
  { path: '/console/files/..%2f..%2fpackage.json', status: 400, type: /problem/, cache: /no-store/ },
])
  test(`${path} answers ${status}`, async () => {
    const response = await fetch(`${node.internal}${path}`)
    assert.equal(response.status, status)
    assert.match(response.headers.get('content-type') ?? '', type)
    assert.match(response.headers.get('cache-control') ?? '', cache)
  })

test('built files are packed, immutable, and bring no checker of schemas along', async () => {
  const html = await (await fetch(`${node.internal}/`, { headers: { cookie } })).text()
  assert.doesNotMatch(html, /<script>|<style|style=/)
  const script = /src="([^"]+\.js)"/.exec(html)![1]!
  for (const coding of ['br', 'gzip']) {
    const response = await fetch(`${node.internal}${script}`, { headers: { 'accept-encoding': coding } })
    assert.equal(response.headers.get('content-encoding'), coding)
    assert.match(response.headers.get('cache-control') ?? '', /immutable/)
    const text = await response.text()
    assert.ok(text.length > 100_000 && !text.includes('ZodError'))
  }
})

test('a build that is not needed is not made', async () => {
  assert.equal(await built(), false)
})

for (const { who, status, location } of [
  { who: 'staff', status: 200, location: null },
  { who: 'nobody', status: 303, location: '/sign-in' },
])
  test(`the first address answers ${who} with ${status}`, async () => {
    const headers: Record<string, string> = who === 'staff' ? { cookie } : {}
    const response = await fetch(`${node.internal}/`, { headers, redirect: 'manual' })
    assert.deepEqual([response.status, response.headers.get('location')], [status, location])
  })
