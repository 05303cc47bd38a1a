import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { existsSync, globSync, readFileSync } from 'node:fs'
import { dirname, join, normalize } from 'node:path'
import { test } from 'node:test'
import { validateBundle, validateObject } from '../../src/engine/stix/index.ts'

const folder = join(
  process.env['KHIEN_VECTORS'] ?? join(import.meta.dirname, '../../../shared/vectors'),
  'stix/json-schemas',
)
const skip = existsSync(folder) ? false : 'The public STIX schemas are not here; set KHIEN_VECTORS to their folder.'
const sha1 = (bytes: Uint8Array): Uint8Array => createHash('sha1').update(bytes).digest()

type Json = Record<string, unknown>
const read = (path: string): Json => JSON.parse(readFileSync(path, 'utf8')) as Json
const isObject = (value: unknown): value is Json => typeof value === 'object' && value !== null && !Array.isArray(value)

/** As much of JSON Schema 2020-12 as the OASIS schemas use; `format` is not asserted. */
class Schemas {
  readonly #files = new Map<string, Json>()

  accepts(schema: unknown, value: unknown, file: string): boolean {
    if (!isObject(schema)) return schema !== false
    const sub = (each: unknown, of: unknown = value): boolean => this.accepts(each, of, file)
    const list = (key: string): unknown[] => (Array.isArray(schema[key]) ? (schema[key] as unknown[]) : [])
    if (typeof schema['$ref'] === 'string' && !this.#follow(schema['$ref'], value, file)) return false
    if ('type' in schema && !hasType(value, String(schema['type']))) return false
    if ('enum' in schema && !list('enum').includes(value)) return false
    if ('const' in schema && schema['const'] !== value) return false
    if (!list('allOf').every((each) => sub(each))) return false
    if ('anyOf' in schema && !list('anyOf').some((each) => sub(each))) return false
    if ('oneOf' in schema && list('oneOf').filter((each) => sub(each)).length !== 1) return false
    if ('not' in schema && sub(schema['not'])) return false
    if ('if' in schema && sub(schema['if']) && 'then' in schema && !sub(schema['then'])) return false
    if (typeof value === 'string') return !('pattern' in schema) || new RegExp(String(schema['pattern'])).test(value)
    if (typeof value === 'number') {
      return value >= Number(schema['minimum'] ?? -Infinity) && value <= Number(schema['maximum'] ?? Infinity)
    }
    if (Array.isArray(value)) {
      if (value.length < Number(schema['minItems'] ?? 0)) return false
      if ('contains' in schema && !value.some((each) => sub(schema['contains'], each))) return false
      return !('items' in schema) || value.every((each) => sub(schema['items'], each))
    }
    return !isObject(value) || this.#members(schema, value, file)
  }

  #members(schema: Json, value: Json, file: string): boolean {
    const required = Array.isArray(schema['required']) ? (schema['required'] as string[]) : []
    if (!required.every((key) => key in value)) return false
    if (Object.keys(value).length < Number(schema['minProperties'] ?? 0)) return false
    const [properties, patterns] = [schema['properties'] ?? {}, schema['patternProperties'] ?? {}] as [Json, Json]
    for (const [key, member] of Object.entries(value)) {
      let known = false
      for (const each of [
        ...(Object.hasOwn(properties, key) ? [properties[key]] : []),
        ...Object.entries(patterns).flatMap(([pattern, each]) => (new RegExp(pattern).test(key) ? [each] : [])),
      ]) {
        known = true
        if (!this.accepts(each, member, file)) return false
      }
      if (!known && 'additionalProperties' in schema && !this.accepts(schema['additionalProperties'], member, file)) {
        return false
      }
      if ('propertyNames' in schema && !this.accepts(schema['propertyNames'], key, file)) return false
    }
    return true
  }

  #follow(ref: string, value: unknown, file: string): boolean {
    const [path = '', pointer = ''] = ref.split('#')
    const target = path === '' ? file : normalize(join(dirname(file), path))
    let schema: unknown = this.#file(target)
    for (const part of pointer.split('/').slice(1)) schema = (schema as Json)[part]
    return this.accepts(schema, value, target)
  }

  #file(path: string): Json {
    const known = this.#files.get(path) ?? read(path)
    this.#files.set(path, known)
    return known
  }

  for(type: string): ((value: unknown) => boolean) | undefined {
    const path = ['sdos', 'sros', 'observables', 'common']
      .map((each) => join(folder, 'schemas', each, `${type}.json`))
      .find((each) => existsSync(each))
    return path === undefined ? undefined : (value) => this.accepts(this.#file(path), value, path)
  }
}

function hasType(value: unknown, type: string): boolean {
  if (type === 'integer') return Number.isInteger(value)
  if (type === 'array') return Array.isArray(value)
  if (type === 'object') return isObject(value)
  return type === 'null' ? value === null : typeof value === type
}

const errors = (value: unknown): string[] =>
  validateObject(value, { sha1 })
    .filter(({ level }) => level === 'error')
    .map(({ path, message }) => `${path}: ${message}`)

test('the eight published examples have no errors', { skip }, () => {
  let count = 0
  for (const path of globSync(join(folder, 'examples/**/*.json'))) {
    const value = read(path)
    const faults = value['type'] === 'bundle' ? validateBundle(value, { sha1 }) : validateObject(value, { sha1 })
    assert.deepEqual(
      faults.filter(({ level }) => level === 'error'),
      [],
      path.slice(folder.length),
    )
    count++
  }
  assert.equal(count, 8)
})

const UUID = '5b1d5c3e-9d3b-4f0a-8d9c-1a2b3c4d5e6f'
const id = (type: string): string => `${type}--${UUID}`
const T = '2026-01-01T00:00:00.000Z'
const LATER = '2026-01-02T00:00:00.000Z'
const common = (type: string): Json => ({ type, spec_version: '2.1', id: id(type), created: T, modified: LATER })
const phases = [{ kill_chain_name: 'k', phase_name: 'p' }]
const seen = { first_seen: T, last_seen: LATER }
const sha256 = 'a'.repeat(64)

const optional: Json = {
  created_by_ref: id('identity'),
  revoked: false,
  labels: ['l'],
  confidence: 50,
  lang: 'vi',
  external_references: [{ source_name: 's', url: 'https://example.com/', hashes: { 'SHA-256': sha256 } }],
  object_marking_refs: [id('marking-definition')],
  granular_markings: [
    { marking_ref: id('marking-definition'), selectors: ['labels.[0]', 'external_references.[0].url'] },
  ],
  extensions: { [id('extension-definition')]: { extension_type: 'property-extension', toxicity: 8 } },
}

/** One full object of every type. */
const FULL: readonly Json[] = [
  { ...common('attack-pattern'), name: 'n', description: 'd', aliases: ['a'], kill_chain_phases: phases },
  { ...common('campaign'), name: 'n', description: 'd', aliases: ['a'], ...seen, objective: 'o' },
  { ...common('course-of-action'), ...optional, name: 'n', description: 'd' },
  { ...common('grouping'), name: 'n', context: 'unspecified', object_refs: [id('malware')] },
  {
    ...common('identity'),
    name: 'n',
    identity_class: 'group',
    sectors: ['energy'],
    roles: ['r'],
    contact_information: 'c',
  },
  { ...common('incident'), name: 'n', description: 'd' },
  {
    ...common('indicator'),
    name: 'n',
    indicator_types: ['benign'],
    pattern: '[a:b = 1]',
    pattern_type: 'stix',
    pattern_version: '2.1',
    valid_from: T,
    valid_until: LATER,
    kill_chain_phases: phases,
  },
  {
    ...common('infrastructure'),
    name: 'n',
    infrastructure_types: ['botnet'],
    aliases: ['a'],
    kill_chain_phases: phases,
    ...seen,
  },
  {
    ...common('intrusion-set'),
    name: 'n',
    aliases: ['a'],
    goals: ['g'],
    ...seen,
    resource_level: 'club',
    primary_motivation: 'revenge',
    secondary_motivations: ['revenge'],
  },
  {
    ...common('location'),
    name: 'n',
    latitude: 21,
    longitude: 105.8,
    precision: 10,
    region: 'south-eastern-asia',
    country: 'VN',
    administrative_area: 'a',
    city: 'c',
    street_address: 's',
    postal_code: 'p',
  },
  {
    ...common('malware'),
    name: 'n',
    is_family: true,
    malware_types: ['bot'],
    aliases: ['a'],
    kill_chain_phases: phases,
    ...seen,
    operating_system_refs: [id('software')],
    architecture_execution_envs: ['x86'],
    implementation_languages: ['c'],
    capabilities: ['anti-vm'],
    sample_refs: [id('file')],
  },
  {
    ...common('malware-analysis'),
    product: 'p',
    version: '1',
    result: 'benign',
    submitted: T,
    analysis_started: T,
    analysis_ended: LATER,
    modules: ['m'],
    host_vm_ref: id('software'),
    sample_ref: id('file'),
    analysis_sco_refs: [id('file')],
  },
  { ...common('note'), abstract: 'a', content: 'c', authors: ['a'], object_refs: [id('malware')] },
  {
    ...common('observed-data'),
    first_observed: T,
    last_observed: LATER,
    number_observed: 5,
    object_refs: [id('ipv4-addr')],
  },
  { ...common('opinion'), opinion: 'agree', explanation: 'e', authors: ['a'], object_refs: [id('malware')] },
  { ...common('report'), name: 'n', report_types: ['malware'], published: T, object_refs: [id('malware')] },
  {
    ...common('threat-actor'),
    name: 'n',
    threat_actor_types: ['spy'],
    aliases: ['a'],
    ...seen,
    roles: ['agent'],
    goals: ['g'],
    sophistication: 'none',
    resource_level: 'club',
    primary_motivation: 'revenge',
    personal_motivations: ['revenge'],
  },
  {
    ...common('tool'),
    name: 'n',
    tool_types: ['unknown'],
    aliases: ['a'],
    kill_chain_phases: phases,
    tool_version: '1',
  },
  {
    ...common('vulnerability'),
    name: 'n',
    description: 'd',
    external_references: [{ source_name: 'cve', external_id: 'CVE-2026-1234' }],
  },
  {
    ...common('relationship'),
    relationship_type: 'uses',
    source_ref: id('malware'),
    target_ref: id('tool'),
    start_time: T,
    stop_time: LATER,
  },
  {
    ...common('sighting'),
    sighting_of_ref: id('indicator'),
    ...seen,
    count: 3,
    observed_data_refs: [id('observed-data')],
    where_sighted_refs: [id('identity')],
    summary: false,
  },
  { ...common('language-content'), object_ref: id('malware'), object_modified: T, contents: { vi: { name: 'tên' } } },
  {
    ...common('extension-definition'),
    created_by_ref: id('identity'),
    name: 'n',
    schema: 's',
    version: '1',
    extension_types: ['toplevel-property-extension'],
    extension_properties: ['toxicity'],
  },
  {
    type: 'marking-definition',
    spec_version: '2.1',
    id: id('marking-definition'),
    created: T,
    name: 'n',
    definition_type: 'statement',
    definition: { statement: 's' },
  },
  {
    type: 'artifact',
    id: id('artifact'),
    mime_type: 'image/png',
    payload_bin: 'AQI=',
    hashes: { 'SHA-256': sha256 },
    encryption_algorithm: 'AES-256-GCM',
    decryption_key: 'k',
  },
  { type: 'autonomous-system', id: id('autonomous-system'), number: 7552, name: 'n', rir: 'APNIC' },
  {
    type: 'directory',
    id: id('directory'),
    path: 'C:\\x',
    path_enc: 'windows-1252',
    ctime: T,
    mtime: T,
    atime: T,
    contains_refs: [id('file')],
  },
  { type: 'domain-name', id: id('domain-name'), value: 'example.com', resolves_to_refs: [id('ipv4-addr')] },
  {
    type: 'email-addr',
    id: id('email-addr'),
    value: 'a@example.com',
    display_name: 'A',
    belongs_to_ref: id('user-account'),
  },
  {
    type: 'email-message',
    id: id('email-message'),
    is_multipart: false,
    body: 'b',
    date: T,
    content_type: 'text/plain',
    from_ref: id('email-addr'),
    sender_ref: id('email-addr'),
    to_refs: [id('email-addr')],
    message_id: 'm',
    subject: 's',
    received_lines: ['r'],
    additional_header_fields: { 'X-A': 'b' },
  },
  {
    type: 'file',
    id: id('file'),
    hashes: { MD5: 'b'.repeat(32) },
    size: 5,
    name: 'n',
    name_enc: 'utf-8',
    magic_number_hex: 'ffd8',
    mime_type: 'image/png',
    ctime: T,
    mtime: T,
    atime: T,
    parent_directory_ref: id('directory'),
    contains_refs: [id('file')],
    content_ref: id('artifact'),
    extensions: { 'pdf-ext': { version: '1.7', document_info_dict: { Title: 't' } } },
  },
  {
    type: 'ipv4-addr',
    id: id('ipv4-addr'),
    value: '203.0.113.0/24',
    resolves_to_refs: [id('mac-addr')],
    belongs_to_refs: [id('autonomous-system')],
  },
  { type: 'ipv6-addr', id: id('ipv6-addr'), value: '2001:db8::1/64' },
  { type: 'mac-addr', id: id('mac-addr'), value: 'd2:fb:49:24:37:18' },
  { type: 'mutex', id: id('mutex'), name: 'n' },
  {
    type: 'network-traffic',
    id: id('network-traffic'),
    start: T,
    end: LATER,
    is_active: false,
    src_ref: id('ipv4-addr'),
    dst_ref: id('domain-name'),
    src_port: 1,
    dst_port: 443,
    protocols: ['tcp'],
    src_byte_count: 1,
    dst_byte_count: 1,
    src_packets: 1,
    dst_packets: 1,
    ipfix: { a: 1 },
    src_payload_ref: id('artifact'),
    encapsulates_refs: [id('network-traffic')],
    extensions: { 'tcp-ext': { src_flags_hex: '02' } },
  },
  {
    type: 'process',
    id: id('process'),
    pid: 1,
    is_hidden: false,
    created_time: T,
    cwd: '/',
    command_line: 'c',
    environment_variables: { A: 'b' },
    opened_connection_refs: [id('network-traffic')],
    creator_user_ref: id('user-account'),
    image_ref: id('file'),
    parent_ref: id('process'),
    child_refs: [id('process')],
  },
  {
    type: 'software',
    id: id('software'),
    name: 'n',
    cpe: 'cpe:2.3:a:microsoft:word:2000:*:*:*:*:*:*:*',
    swid: 's',
    languages: ['en'],
    vendor: 'v',
    version: '1',
  },
  { type: 'url', id: id('url'), value: 'https://example.com/' },
  {
    type: 'user-account',
    id: id('user-account'),
    user_id: '1',
    credential: 'c',
    account_login: 'l',
    account_type: 'unix',
    display_name: 'd',
    is_disabled: true,
    account_created: T,
    extensions: { 'unix-account-ext': { gid: 1, groups: ['g'] } },
  },
  {
    type: 'windows-registry-key',
    id: id('windows-registry-key'),
    key: 'HKEY_LOCAL_MACHINE\\x',
    values: [{ name: 'n', data: 'd', data_type: 'REG_SZ' }],
    modified_time: T,
    number_of_subkeys: 1,
  },
  {
    type: 'x509-certificate',
    id: id('x509-certificate'),
    is_self_signed: true,
    hashes: { 'SHA-256': sha256 },
    version: '3',
    serial_number: '1',
    issuer: 'i',
    validity_not_before: T,
    subject_public_key_exponent: 3,
    x509_v3_extensions: { key_usage: 'k' },
  },
]

/** Every single change to a property: gone, or another value. */
function* changes(object: Json): Generator<{ label: string; value: Json }> {
  for (const key of Object.keys(object)) {
    const { [key]: _, ...without } = object
    yield { label: `without ${key}`, value: without }
    for (const other of [
      5,
      -1,
      0.5,
      'x',
      '',
      true,
      [],
      {},
      [{}],
      ['x'],
      null,
      id('bundle'),
      id('identity'),
      'X--y',
      '2.0',
      T.slice(0, 10),
      T.slice(0, 19) + 'Z',
      '2026-02-30T00:00:00.000Z',
    ]) {
      yield { label: `${key} = ${JSON.stringify(other)}`, value: { ...object, [key]: other } }
    }
  }
}

/** Where our rules and the schemas differ by intention; anything else that differs fails the test by name. */
const STRICTER: readonly { why: string; of: RegExp }[] = [
  { why: 'the calendar has no 30 February (RFC 3339); the schemas check digits only', of: / = "2026-02-30/ },
  { why: 'only 2.1 is the version of this specification; the schemas let 2.0 through', of: / spec_version = "2.0"/ },
  {
    why: 'references of observables are identifiers of the types named in §6; the schemas ask for any text',
    of: /^(?:directory|domain-name|email-addr|email-message|file|ipv4-addr|network-traffic|process|malware) \w+_refs? = /,
  },
  { why: 'a creator is an identity (§3.2); the schemas take any identifier', of: / created_by_ref = "bundle--/ },
  { why: 'an extension definition must have a creator (§7.3)', of: /^extension-definition without created_by_ref/ },
  { why: 'creation times have milliseconds (§3.2), those of markings too', of: /^marking-definition created = / },
  { why: 'a pattern of type stix must be one (§9)', of: /^indicator pattern = / },
  {
    why: 'an end lies after its beginning (§4.7, §5.1)',
    of: /^(?:indicator valid_until|relationship stop_time) = "2026-01-01T/,
  },
  { why: 'format is not asserted in JSON Schema 2020-12', of: /^(?:domain-name|email-addr|url) value = "/ },
  { why: 'language tags have a form (RFC 5646)', of: / lang = "/ },
  {
    why: 'a selector leads to something in the object (§7.2.3.1)',
    of: /^course-of-action without (?:labels|external_references)$/,
  },
  { why: 'counts are not negative (§6.12)', of: /^network-traffic \w+_(?:byte_count|packets) = -1/ },
]
const LOOSER: readonly { why: string; of: RegExp }[] = []

test('our rules and the OASIS schemas agree on every type and every single change', { skip }, () => {
  const schemas = new Schemas()
  const unexplained = new Set<string>()
  const met = new Set<string>()
  let agreed = 0
  for (const object of FULL) {
    const type = String(object['type'])
    const accepts = schemas.for(type)
    assert.ok(accepts, type)
    assert.deepEqual(errors(object), [], type)
    assert.ok(accepts(object), `${type}: the schema refuses our full object`)
    for (const { label, value } of changes(object)) {
      const [ours, theirs] = [errors(value).length === 0, accepts(value)]
      const name = `${type} ${label}`
      if (ours === theirs) {
        agreed++
        continue
      }
      const known = (ours ? LOOSER : STRICTER).find(({ of }) => of.test(name))
      if (known === undefined) unexplained.add(`${ours ? 'looser' : 'stricter'}: ${name}`)
      else met.add(known.why)
    }
  }
  assert.deepEqual([...unexplained], [])
  assert.equal(met.size, STRICTER.length + LOOSER.length)
  assert.ok(agreed > 5000, String(agreed))
})
