import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, test } from 'node:test'

// What TAXII 2.1 (OASIS Standard 10 June 2021) wants of a server, asked over HTTP of `khien taxii serve` with the data set
// of medallion, the OASIS server (BSD-3; its expectations as far as they are the specification's). Written anew.

const root = join(import.meta.dirname, '../..')
const vectors = process.env['KHIEN_VECTORS'] ?? join(root, '../shared/vectors')
const data = join(vectors, 'stix/taxii/default_data.json')
const skip = existsSync(data) ? false : `the data set is not here (${data})`

const MEDIA = 'application/taxii+json;version=2.1'
const GROUP = '/trustgroup1/'
const COLLECTIONS = `${GROUP}collections/`
const READ = `${COLLECTIONS}91a7b528-80eb-42ed-a74d-c6fbd5a26116/`
const BOTH = `${COLLECTIONS}365fed99-08fa-fdcd-a1b3-fb247eb41d01/`
const WRITE_ONLY = `${COLLECTIONS}472c94ae-3113-4e3e-a4dd-a9f4ac7471d4/`
const READ_ONLY = `${COLLECTIONS}52892447-4d7e-4f70-b94d-d7f22742ff63/`
const NEITHER = `${COLLECTIONS}64993447-4d7e-4f70-b94d-d7f33742ee63/`
const NOWHERE = `${COLLECTIONS}12345678-1234-1234-1234-123456789012/`
const INDICATOR = 'indicator--6770298f-0fd8-471a-ab8c-1c658a46574e'
const MALWARE = 'malware--c0931cc6-c75e-47e5-9036-78fabc95d4ec'
const RELATION = 'relationship--2f9a9aa9-108a-4333-83e2-4fb25add0463'
const AUTH = `Basic ${Buffer.from('admin:Password0').toString('base64')}`

const SERVE = ['taxii', 'serve', '--load', data, '--user', 'admin', '--password-fd', '3', '--page-size', '20']
let base = ''
let stop = async (): Promise<void> => {}

before(async () => {
  if (skip !== false) return
  const child = spawn(
    process.execPath,
    ['--disable-sigusr1', '--disable-warning=ExperimentalWarning', join(root, 'bin/khien.js'), ...SERVE],
    { stdio: ['ignore', 'pipe', 'ignore', 'pipe'] },
  )
  const pipe = child.stdio[3] as import('node:stream').Writable
  pipe.end('Password0\n')
  const [line] = (await once(child.stdout!, 'data')) as [Buffer]
  base = new URL(line.toString().trim()).origin
  stop = async () => {
    child.kill('SIGTERM')
    await once(child, 'exit')
  }
})
after(() => stop())

type Answer = { status: number; headers: Headers; body: ReturnType<typeof JSON.parse> }
async function ask(
  path: string,
  more: { method?: string; body?: unknown; headers?: Record<string, string> } = {},
): Promise<Answer> {
  const response = await fetch(base + path, {
    method: more.method ?? (more.body === undefined ? 'GET' : 'POST'),
    headers: { accept: MEDIA, authorization: AUTH, 'content-type': MEDIA, ...more.headers },
    ...(more.body === undefined ? {} : { body: typeof more.body === 'string' ? more.body : JSON.stringify(more.body) }),
  })
  const text = await response.text()
  return { status: response.status, headers: response.headers, body: text === '' ? undefined : JSON.parse(text) }
}
const dates = ({ headers }: Answer) => [headers.get('x-taxii-date-added-first'), headers.get('x-taxii-date-added-last')]
const ids = ({ body }: Answer): string[] => (body.objects ?? []).map((object: { id: string }) => object.id.slice(0, 14))

for (const s of [
  { path: '/taxii2/', has: { title: 'Some TAXII Server' } },
  { path: GROUP, has: { title: 'Malware Research Group' } },
  { path: '/api1/', has: { title: 'General STIX 2.1 Collections' } },
  { path: `${GROUP}status/2d086da7-4bdc-4f91-900e-d77486753710/`, has: { total_count: 4, pending_count: 2 } },
  { path: READ, has: { can_read: true, can_write: true } },
  { path: NEITHER, has: { can_read: false, can_write: false } },
])
  test(`GET ${s.path}`, { skip }, async () => {
    const answer = await ask(s.path)
    assert.equal(answer.status, 200)
    assert.equal(answer.headers.get('content-type'), MEDIA)
    for (const [name, value] of Object.entries(s.has)) assert.deepEqual(answer.body[name], value)
  })

test('five collections are listed', { skip }, async () => {
  assert.equal((await ask(COLLECTIONS)).body.collections.length, 5)
})

const LATEST = ['relationship--', 'indicator--cd9', 'marking-defini', 'malware--c0931', 'indicator--677']
const FROM = '2014-05-08T09:00:00.000000Z'
const TO = '2017-12-31T13:49:53.935000Z'
for (const s of [
  { query: '', ids: LATEST, dates: [FROM, TO] },
  { query: '?added_after=2016-11-03T12:30:59Z', ids: LATEST.slice(2) },
  { query: '?added_after=2017-12-31T13:49:53.935000Z', ids: [], dates: [null, null] },
  { query: `?match[id]=${MALWARE}`, ids: ['malware--c0931'] },
  { query: '?match[type]=indicator', ids: ['indicator--cd9', 'indicator--677'] },
  { query: '?match[type]=incident&match[version]=2016-01-01T01:01:01.000Z', ids: [] },
  { query: '?match[version]=2016-12-25T12:30:59.444Z', ids: ['indicator--677'] },
  { query: '?match[version]=first', count: 5 },
  { query: '?match[version]=all', count: 7 },
  { query: '?match[spec_version]=2.0', count: 1 },
  { query: '?match[spec_version]=2.1', count: 5 },
  { query: '?match[spec_version]=2.0,2.1', count: 5 },
  { query: '?match[spec_version]=2.0,2.1&match[version]=all', count: 8 },
] as { query: string; ids?: string[]; count?: number; dates?: (string | null)[] }[])
  for (const what of ['objects', 'manifest'])
    test(`GET ${what}/${s.query}`, { skip }, async () => {
      const answer = await ask(`${READ}${what}/${s.query}`)
      assert.equal(answer.status, 200)
      assert.equal(answer.headers.get('content-type'), MEDIA)
      if (s.ids) assert.deepEqual(ids(answer), s.ids)
      else assert.equal(answer.body.objects.length, s.count)
      if (ids(answer).length > 0) assert.equal(answer.body.more, false)
      else assert.deepEqual(answer.body, {})
      if (s.dates) assert.deepEqual(dates(answer), s.dates)
    })

for (const s of [
  { query: '', versions: ['2017-01-27T13:49:53.935Z'] },
  { query: '?match[version]=all', count: 3 },
  { query: '?match[version]=first', versions: ['2016-11-03T12:30:59.000Z'] },
  { query: '?match[version]=2016-12-25T12:30:59.444Z', versions: ['2016-12-25T12:30:59.444Z'] },
  { query: '?limit=1', versions: ['2017-01-27T13:49:53.935Z'] },
  { query: '?added_after=2018-01-27T13:49:59.997000Z', count: 0 },
] as { query: string; versions?: string[]; count?: number }[])
  test(`GET object${s.query}`, { skip }, async () => {
    const answer = await ask(`${READ}objects/${INDICATOR}/${s.query}`)
    assert.equal(answer.status, 200)
    const found = (answer.body.objects ?? []).map((object: { modified: string }) => object.modified)
    if (s.versions) assert.deepEqual(found, s.versions)
    else assert.equal(found.length, s.count)
  })

test('versions of an object, page by page', { skip }, async () => {
  const got: string[] = []
  let query = '?limit=1'
  for (let more = true; more;) {
    const answer = await ask(`${READ}objects/${INDICATOR}/versions/${query}`)
    assert.equal(answer.body.versions.length, 1)
    assert.equal(dates(answer)[0], dates(answer)[1])
    got.push(...answer.body.versions)
    more = answer.body.more
    query = `?limit=1&next=${answer.body.next}`
  }
  assert.deepEqual(got, ['2016-11-03T12:30:59.000Z', '2016-12-25T12:30:59.444Z', '2017-01-27T13:49:53.935Z'])
  assert.deepEqual((await ask(`${READ}objects/${RELATION}/versions?added_after=2014-05-08T09:00:00Z`)).body, {})
})

test('objects, page by page, in the order of date_added', { skip }, async () => {
  const first = await ask(`${READ}objects/?limit=3`)
  assert.deepEqual(ids(first), LATEST.slice(0, 3))
  assert.equal(first.body.more, true)
  assert.deepEqual(dates(first), [FROM, '2017-01-20T00:00:00.000000Z'])
  const second = await ask(`${READ}objects/?limit=3&next=${first.body.next}`)
  assert.deepEqual(ids(second), LATEST.slice(3))
  assert.equal(second.body.more, false)
  assert.deepEqual(dates(second), ['2017-01-27T13:49:59.997000Z', TO])
})

for (const s of [
  { path: COLLECTIONS, headers: { authorization: '' }, status: 401 },
  { path: COLLECTIONS, headers: { authorization: `Basic ${Buffer.from('admin:x').toString('base64')}` }, status: 401 },
  { path: COLLECTIONS, headers: { authorization: 'Bearer x' }, status: 401 },
  { path: COLLECTIONS, headers: { accept: 'application/json' }, status: 406 },
  { path: COLLECTIONS, headers: { accept: 'application/taxii+json;version=2.0' }, status: 406 },
  { path: `${BOTH}objects/`, body: { objects: [] }, headers: { 'content-type': 'application/json' }, status: 415 },
  { path: '/trustgroup2/', status: 404 },
  { path: '/carbon1/collections/', status: 404 },
  { path: NOWHERE, status: 404 },
  { path: `${NOWHERE}objects/`, status: 404 },
  { path: `${NOWHERE}objects/`, body: { objects: [{}] }, status: 404 },
  { path: `${GROUP}status/22101993/`, status: 404 },
  { path: `${READ}objects/malware--cee60c30-a68c-11e3-b0c1-a01aac20d000/`, status: 404 },
  { path: `${READ}manifest/${INDICATOR}/`, status: 404 },
  { path: `${NEITHER}manifest/`, status: 403 },
  { path: `${NEITHER}objects/`, status: 403 },
  { path: `${WRITE_ONLY}objects/`, status: 403 },
  { path: `${READ_ONLY}objects/`, body: { objects: [{}] }, status: 403 },
  { path: `${NEITHER}objects/${INDICATOR}/`, method: 'DELETE', status: 404 },
  { path: `${WRITE_ONLY}objects/${INDICATOR}/`, method: 'DELETE', status: 403 },
  { path: `${READ_ONLY}objects/${INDICATOR}/`, method: 'DELETE', status: 403 },
  { path: `${READ}objects/?limit=0`, status: 400 },
  { path: `${READ}objects/?limit=-20`, status: 400 },
  { path: `${READ}objects/?limit=x`, status: 400 },
  { path: `${READ}objects/?next=nonsense`, status: 400 },
  { path: `${READ}objects/?added_after=yesterday`, status: 400 },
  { path: `${READ}objects/?match[version]=yesterday`, status: 400 },
  { path: `${READ}objects/?match[colour]=red`, status: 400 },
  { path: `${READ}objects/?match[type]=a&match[type]=b`, status: 400 },
  { path: `${BOTH}objects/`, body: '{"objects":[', status: 400 },
  {
    path: `${BOTH}objects/`,
    body: { type: 'identity', id: 'x' },
    status: 422,
    says: 'While processing supplied content, an error occurred',
  },
  { path: `${BOTH}objects/`, body: { objects: [] }, status: 422 },
  { path: `${BOTH}objects/`, body: { objects: [{ type: 'x' }] }, status: 422 },
  { path: `${BOTH}objects/`, body: `{"objects":["${'x'.repeat(9_765_625)}"]}`, status: 413 },
  { path: COLLECTIONS, body: {}, status: 405 },
] as {
  path: string
  method?: string
  headers?: Record<string, string>
  body?: unknown
  status: number
  says?: string
}[])
  test(
    `${s.status} for ${s.method ?? (s.body ? 'POST' : 'GET')} ${s.path} ${Object.values(s.headers ?? {}).join()}`,
    { skip },
    async () => {
      const { path, status, says = '', ...more } = s
      const answer = await ask(path, more)
      assert.equal(answer.status, status)
      assert.equal(answer.headers.get('content-type'), MEDIA)
      assert.equal(answer.body.title, 'ProcessingError')
      assert.equal(answer.body.http_status, String(status))
      assert.match(answer.body.error_id, /^T-/)
      assert.ok(answer.body.description.includes(says))
      if (status === 401) assert.match(answer.headers.get('www-authenticate')!, /^Basic realm=/)
    },
  )

test('filters must stay the same while paging', { skip }, async () => {
  const { body } = await ask(`${READ}objects/?match[version]=all&limit=2`)
  assert.equal((await ask(`${READ}objects/?match[version]=all&limit=5&next=${body.next}`)).status, 200)
  assert.equal((await ask(`${READ}objects/?match[version]=first&limit=2&next=${body.next}`)).status, 400)
})

const course = (day: string, more: object = {}) => ({
  type: 'course-of-action',
  spec_version: '2.1',
  id: 'course-of-action--68794cd5-28db-429d-ab1e-1256704ef906',
  created: '2014-01-27T13:49:53.935Z',
  modified: `${day}T13:49:53.935Z`,
  name: 'Test',
  ...more,
})

test('objects are added, told about, listed, and deleted version by version', { skip }, async () => {
  const days = ['2015-01-27', '2016-01-27', '2017-01-27', '2018-01-27', '2019-01-27']
  const added = await ask(`${BOTH}objects/`, { body: { objects: days.map((day) => course(day)) } })
  assert.equal(added.status, 202)
  assert.deepEqual([added.body.status, added.body.success_count, added.body.successes.length], ['complete', 5, 5])
  assert.deepEqual((await ask(`${GROUP}status/${added.body.id}/`)).body, added.body)
  const at = `${BOTH}objects/${course('').id}`
  for (const [query, left] of [
    ['?match[version]=2018-01-27T13:49:53.935Z', ['2015', '2016', '2017', '2019']],
    ['?match[version]=first', ['2016', '2017', '2019']],
    ['?match[version]=last', ['2016', '2017']],
  ] as const) {
    const gone = await ask(`${at}${query}`, { method: 'DELETE' })
    assert.deepEqual([gone.status, gone.headers.get('content-type')], [200, MEDIA])
    const versions = (await ask(`${at}/versions`)).body.versions.map((version: string) => version.slice(0, 4))
    assert.deepEqual(versions, left)
  }
  assert.equal((await ask(`${at}/?match[version]=all`, { method: 'DELETE' })).status, 200)
  assert.equal((await ask(`${at}/versions`)).status, 404)
  assert.equal((await ask(at)).status, 404)
})

test('deleting by specification version', { skip }, async () => {
  const both = [course('2017-01-27'), course('2019-01-27', { spec_version: '2.0' })]
  assert.equal((await ask(`${BOTH}objects/`, { body: { objects: both } })).body.success_count, 2)
  const at = `${BOTH}objects/${course('').id}/`
  assert.equal((await ask(`${at}?match[spec_version]=2.0`, { method: 'DELETE' })).status, 200)
  assert.deepEqual((await ask(`${at}versions/`)).body.versions, ['2017-01-27T13:49:53.935Z'])
  assert.equal((await ask(`${at}?match[spec_version]=2.1`, { method: 'DELETE' })).status, 200)
  assert.equal((await ask(at)).status, 404)
})

test('an observable has no version but the time it was added', { skip }, async () => {
  const sco = {
    type: 'artifact',
    spec_version: '2.1',
    id: 'artifact--6f437177-6e48-5cf8-9d9e-872a2bddd641',
    url: 'http://x/',
  }
  assert.equal((await ask(`${BOTH}objects/`, { body: { objects: [sco] } })).body.success_count, 1)
  assert.equal((await ask(`${BOTH}objects/`, { body: { objects: [sco] } })).body.success_count, 1)
  const at = `${BOTH}objects/${sco.id}/`
  for (const query of ['?match[version]=all', '?match[version]=first', '', '?added_after=2017-01-27T13:49:53.935Z'])
    assert.equal((await ask(at + query)).body.objects.length, 1)
  assert.deepEqual((await ask(`${at}?added_after=${new Date(Date.now() + 60_000).toISOString()}`)).body, {})
  const [manifest] = (await ask(`${BOTH}manifest/?match[id]=${sco.id}`)).body.objects
  assert.equal(manifest.version, manifest.date_added)
})

test('the same version again is no failure', { skip }, async () => {
  const { modified, ...bare } = course('2017-01-27')
  await ask(`${BOTH}objects/`, { body: { objects: [course('2017-01-27')] } })
  const again = await ask(`${BOTH}objects/`, {
    body: { objects: [course('2017-01-27'), { ...bare, created: modified }] },
  })
  assert.equal(again.status, 202)
  assert.deepEqual([again.body.success_count, again.body.failures], [2, undefined])
})

test('page size is what was asked for, and never more than the server’s', { skip }, async () => {
  const objects = Array.from({ length: 25 }, (_, i) => ({
    ...course('2020-01-01'),
    id: `course-of-action--${String(i).padStart(8, '0')}-28db-429d-ab1e-1256704ef906`,
  }))
  await ask(`${BOTH}objects/`, { body: { objects } })
  assert.equal((await ask(`${BOTH}objects/?limit=1000`)).body.objects.length, 20)
  assert.equal((await ask(`${BOTH}objects/`)).body.objects.length, 20)
})
