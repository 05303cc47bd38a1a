import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { type Finding, type Kind, recognise } from '../../src/engine/pii/index.ts'
import { recognisePlainly } from '../../src/engine/pii/plain.ts'

// hmtrii/vipii: Vietnamese sentences with labels; microsoft/presidio-research: English texts without any Vietnamese identifier.
const vectors = process.env['KHIEN_VECTORS'] ?? join(import.meta.dirname, '../../../shared/vectors')
const folder = join(vectors, 'pii')
const skip = existsSync(folder) ? false : 'The public texts are not here; set KHIEN_VECTORS to their folder.'
const read = (file: string): string => readFileSync(join(folder, file), 'utf8')
const YEAR = 2026

const VIPII: Readonly<Record<string, Kind>> = {
  PHONE_NUMBER: 'phone',
  CCCD: 'personal-id',
  MST: 'tax-code',
  PASSPORT: 'passport',
  VEHICLE_PLATE: 'plate',
  CMND: 'old-id',
  BANK_CARD: 'payment-card',
  BANK_ACCOUNT: 'bank-account',
  DEVICE_ID: 'device-id',
  EMAIL_ADDRESS: 'email',
  DATE_OF_BIRTH: 'date-of-birth',
  SOCIAL_INSURANCE_NUMBER: 'social-insurance',
  HEALTH_INSURANCE_NUMBER: 'health-insurance',
  DRIVER_LICENSE: 'driver-licence',
  IP_ADDRESS: 'ip-address',
}

test('vipii: each of 71 labels, nothing beside them, in both normal forms', { skip }, () => {
  const items = read('vipii/synthetic_vietnamese_pii.jsonl')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as { text: string; labels: string[] })
  for (const { text, labels } of items)
    for (const form of ['NFC', 'NFD'] as const) {
      // Its numbers are made up: check digits seldom fit, so what only the word tells is asked for too.
      const kinds = recognise(text.normalize(form), { year: YEAR, least: 'low' }).map(({ kind }) => kind)
      assert.deepEqual(kinds.toSorted(), labels.map((label) => VIPII[label]!).toSorted(), text)
    }
  assert.equal(items.flatMap(({ labels }) => labels).length, 71)
})

type Span = { readonly entity_type: string; readonly entity_value: string }
test('presidio-research: e-mail, network addresses and cards found; no Vietnamese identifier seen', { skip }, () => {
  const items = JSON.parse(read('presidio-research/synth_dataset_v2.json')) as { full_text: string; spans: Span[] }[]
  const found = { EMAIL_ADDRESS: 0, IP_ADDRESS: 0, CREDIT_CARD: 0 }
  const kinds = new Map<Kind, number>()
  for (const { full_text: text, spans } of items) {
    const findings = recognise(text, { year: YEAR })
    assert.deepEqual(recognisePlainly(text, { year: YEAR }), findings, text)
    for (const { kind } of findings) kinds.set(kind, (kinds.get(kind) ?? 0) + 1)
    const written = (of: Finding): string => text.slice(of.start, of.end)
    for (const { entity_type: type, entity_value: value } of spans)
      if (type in found && findings.some((of) => written(of).includes(value))) found[type as keyof typeof found]++
  }
  assert.equal(items.length, 1_500)
  assert.deepEqual(
    { ...found, CREDIT_CARD: found.CREDIT_CARD >= 135 },
    { EMAIL_ADDRESS: 49, IP_ADDRESS: 14, CREDIT_CARD: true },
  )
  const none: readonly Kind[] = [
    'personal-id',
    'old-id',
    'tax-code',
    'bank-account',
    'social-insurance',
    'health-insurance',
    'passport',
    'plate',
    'driver-licence',
    'secret',
  ]
  assert.deepEqual(
    none.filter((kind) => kinds.has(kind)),
    [],
  )
})
