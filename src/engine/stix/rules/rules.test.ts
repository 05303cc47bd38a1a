import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { test } from 'node:test'
import fc from 'fast-check'
import { observableId, TLP_MARKINGS, validateBundle, validateObject } from '../index.ts'

const sha1 = (bytes: Uint8Array): Uint8Array => createHash('sha1').update(bytes).digest()
const UUID = '5b1d5c3e-9d3b-4f0a-8d9c-1a2b3c4d5e6f'
const identity = {
  type: 'identity',
  spec_version: '2.1',
  id: `identity--${UUID}`,
  created: '2026-01-01T00:00:00.000Z',
  modified: '2026-01-01T00:00:00.000Z',
  name: 'Trung tâm',
}
const indicator = {
  ...identity,
  type: 'indicator',
  id: `indicator--${UUID}`,
  pattern_type: 'stix',
  pattern: "[ipv4-addr:value = '203.0.113.7']",
  valid_from: '2026-01-01T00:00:00Z',
}
const address = { type: 'ipv4-addr', id: 'ipv4-addr--28bb3599-77cd-5a82-a950-b5bc3caf07c4', value: '198.51.100.3' }
const traffic = { type: 'network-traffic', id: `network-traffic--${UUID}`, protocols: ['tcp'], dst_ref: address.id }
const file = { type: 'file', id: `file--${UUID}`, name: 'a' }
const marking = {
  type: 'marking-definition',
  spec_version: '2.1',
  id: `marking-definition--${UUID}`,
  created: identity.created,
  definition_type: 'statement',
  definition: { statement: 's' },
}
const white = TLP_MARKINGS.get('marking-definition--613f2e26-407d-48c7-9eca-b8e91df99dc9')!

for (const { name, object, faults } of [
  { name: 'an identity', object: identity, faults: [] },
  { name: 'an indicator', object: indicator, faults: [] },
  { name: 'an address with its own identifier', object: address, faults: [] },
  { name: 'TLP:WHITE', object: white, faults: [] },
  { name: 'a number', object: 5, faults: [' type'] },
  { name: 'another version', object: { ...identity, spec_version: '2.0' }, faults: ['spec_version vocabulary'] },
  { name: "another type's identifier", object: { ...identity, id: `tool--${UUID}` }, faults: ['id identifier'] },
  {
    name: 'modified before created',
    object: { ...identity, modified: '2025-01-01T00:00:00.000Z' },
    faults: ['modified time-order'],
  },
  { name: 'local time', object: { ...identity, created: '2026-01-01T00:00:00.000+07:00' }, faults: ['created format'] },
  {
    name: 'nanoseconds',
    object: { ...identity, modified: '2026-01-01T00:00:00.123456789Z' },
    faults: ['modified format warning'],
  },
  {
    name: 'null and an empty list',
    object: { ...identity, labels: [], description: null },
    faults: ['description null', 'labels empty', 'description type'],
  },
  { name: 'a custom property', object: { ...identity, x_colour: 'red' }, faults: ['x_colour custom warning'] },
  {
    name: 'a custom property of an extension',
    object: {
      ...identity,
      colour: 'red',
      extensions: { [`extension-definition--${UUID}`]: { extension_type: 'toplevel-property-extension' } },
    },
    faults: [],
  },
  { name: 'a bad property name', object: { ...identity, 'X-Colour': 'red' }, faults: ['X-Colour name'] },
  {
    name: 'a sector nobody knows',
    object: { ...identity, sectors: ['magic'] },
    faults: ['sectors.0 vocabulary warning'],
  },
  { name: 'a bad pattern', object: { ...indicator, pattern: '[a:b' }, faults: ['pattern pattern'] },
  {
    name: 'a pattern of another language',
    object: { ...indicator, pattern: '[a:b', pattern_type: 'yara' },
    faults: [],
  },
  {
    name: 'a reference without ground',
    object: { ...identity, external_references: [{ source_name: 'x' }] },
    faults: ['external_references.0 combination'],
  },
  {
    name: 'a CVE that is none',
    object: { ...identity, external_references: [{ source_name: 'cve', external_id: '5' }] },
    faults: ['external_references.0 format'],
  },
  {
    name: 'a selector into nothing',
    object: { ...identity, granular_markings: [{ lang: 'vi', selectors: ['name', 'labels.[0]'] }] },
    faults: ['granular_markings.0.selectors.1 selector'],
  },
  {
    name: 'a granular marking with both',
    object: { ...identity, granular_markings: [{ lang: 'vi', marking_ref: marking.id, selectors: ['name'] }] },
    faults: ['granular_markings.0 combination'],
  },
  { name: 'TLP changed', object: { ...white, name: 'TLP:CLEAR' }, faults: ['name marking'] },
  {
    name: 'a TLP of its own',
    object: { ...marking, definition_type: 'tlp', definition: { tlp: 'white' } },
    faults: ['definition_type marking'],
  },
  {
    name: 'a short hash',
    object: { ...file, hashes: { MD5: 'ab' } },
    faults: ['hashes.MD5 hash', 'id deterministic-id warning'],
  },
  {
    name: 'an extension of files on traffic',
    object: { ...traffic, extensions: { 'pdf-ext': { version: '1' } } },
    faults: ['extensions.pdf-ext extension', 'id deterministic-id warning'],
  },
  {
    name: 'a port beyond the last',
    object: { ...traffic, dst_port: 65_536 },
    faults: ['dst_port range', 'id deterministic-id warning'],
  },
  {
    name: 'traffic to a file',
    object: { ...traffic, dst_ref: file.id },
    faults: ['dst_ref reference', 'id deterministic-id warning'],
  },
  {
    name: 'an address out of range',
    object: { ...address, value: '198.51.100.300' },
    faults: ['value format', 'id deterministic-id warning'],
  },
  {
    name: 'a type nobody knows',
    object: { ...identity, type: 'x-thing', id: `x-thing--${UUID}` },
    faults: ['type custom warning'],
  },
  {
    name: 'depth',
    object: { ...identity, x_deep: JSON.parse(`${'['.repeat(200)}1${']'.repeat(200)}`) },
    faults: [' too-large'],
  },
])
  test(`rules: ${name}`, () => {
    assert.deepEqual(
      validateObject(object, { sha1 }).map(
        ({ path, code, level }) => `${path} ${code}${level === 'warning' ? ' warning' : ''}`,
      ),
      faults,
    )
  })

/** The first from STIX 2.1 §2.9; the others as OASIS's own library makes them. */
for (const [id, properties] of Object.entries({
  'ipv4-addr--28bb3599-77cd-5a82-a950-b5bc3caf07c4': { value: '198.51.100.3' },
  'ipv6-addr--6469e3a9-b053-5e34-a025-9396ae051d26': { value: '2001:db8::1' },
  'domain-name--bedb4899-d24b-5401-bc86-8f6b4cc18ec7': { value: 'example.com', resolves_to_refs: ['not counted'] },
}))
  test(`the identifier of ${JSON.stringify(properties)}`, () => {
    assert.equal(observableId(sha1, { type: id.split('--')[0], ...properties }), id)
  })

test('numbers and objects that break naive code are answered', () => {
  for (const text of [
    '{"type":"autonomous-system","number":1e999}',
    '{"type":{"toString":null},"id":{"toString":null}}',
  ]) {
    const value: unknown = JSON.parse(text)
    assert.ok(validateObject(value, { sha1 }).some(({ level }) => level === 'error'))
    assert.ok(validateBundle({ type: 'bundle', id: value, objects: [value, value] }, { sha1 }).length > 0)
  }
})

test('more hashes of a file leave its identifier as it is; a process has none', () => {
  const one = observableId(sha1, { type: 'file', hashes: { MD5: 'a' } })
  assert.equal(observableId(sha1, { type: 'file', hashes: { 'SHA-256': 'b', MD5: 'a' } }), one)
  assert.equal(observableId(sha1, { type: 'process', pid: 5 }), undefined)
})

const bundle = (...objects: object[]): object => ({ type: 'bundle', id: `bundle--${UUID}`, objects })
const other = { ...marking, id: `marking-definition--6${UUID.slice(1)}`, object_marking_refs: [marking.id] }
for (const { name, value, faults } of [
  { name: 'two versions', value: bundle(identity, { ...identity, modified: '2026-02-01T00:00:00.000Z' }), faults: [] },
  {
    name: 'no bundle',
    value: identity,
    faults: ['type type', 'id identifier', 'spec_version custom', 'created custom', 'modified custom', 'name custom'],
  },
  { name: 'nothing in it', value: bundle(), faults: ['objects type'] },
  { name: 'one version twice', value: bundle(identity, identity), faults: ['objects.1 version'] },
  {
    name: 'one version, two contents',
    value: bundle(identity, { ...identity, name: 'b' }),
    faults: ['objects.1 version'],
  },
  {
    name: 'another creation',
    value: bundle(identity, { ...identity, created: '2025-01-01T00:00:00.000Z', modified: '2026-02-01T00:00:00.000Z' }),
    faults: ['objects.1.created version'],
  },
  {
    name: 'life after revocation',
    value: bundle({ ...identity, revoked: true }, { ...identity, modified: '2026-02-01T00:00:00.000Z' }),
    faults: ['objects.1 version'],
  },
  {
    name: 'a marking of itself',
    value: bundle({ ...marking, object_marking_refs: [other.id] }, other),
    faults: ['objects.0.object_marking_refs marking', 'objects.1.object_marking_refs marking'],
  },
  {
    name: 'a translation of nothing',
    value: bundle(identity, {
      ...identity,
      type: 'language-content',
      id: `language-content--${UUID}`,
      name: undefined,
      object_ref: identity.id,
      contents: { vi: { name: 'a', goals: 'b' } },
    }),
    faults: ['objects.1.name custom', 'objects.1.contents.vi.goals reference'],
  },
])
  test(`bundle: ${name}`, () => {
    assert.deepEqual(
      validateBundle(value, { sha1 }).map(({ path, code }) => `${path} ${code}`),
      faults,
    )
  })

test('any JSON is answered', () => {
  const key = fc.constantFrom(
    'type',
    'id',
    'objects',
    'extensions',
    'granular_markings',
    'selectors',
    'hashes',
    'pattern',
    'pattern_type',
    'object_refs',
    'contents',
    'definition',
    'modified',
    'created',
    'spec_version',
    '__proto__',
    'constructor',
    'toString',
  )
  const leaf = fc.oneof(
    fc.jsonValue({ maxDepth: 1 }),
    fc.constantFrom(
      'bundle',
      'indicator',
      'file',
      'marking-definition',
      'language-content',
      'constructor',
      '__proto__',
      identity.id,
      '2.1',
      'stix',
      identity.created,
    ),
  )
  const { any } = fc.letrec((tie) => ({
    any: fc.oneof({ maxDepth: 4 }, leaf, fc.array(tie('any'), { maxLength: 3 }), fc.dictionary(key, tie('any'))),
  }))
  fc.assert(
    fc.property(any, (value) => {
      validateObject(value, { sha1 })
      validateBundle(value, { sha1 })
      validateBundle(bundle(value as object, identity), { sha1 })
    }),
    { numRuns: 2000 },
  )
})
