import assert from 'node:assert/strict'
import { test } from 'node:test'
import { BUILT_IN, fieldRule, ruleIn } from '../vault/collections.ts'
import type { Rules } from '../vault/index.ts'
import { fieldWords } from './field-words.ts'
import { rightsMessages } from './messages.ts'

const NOW = Date.parse('2026-11-21T03:00:00Z')
const collections = {
  ...BUILT_IN,
  courier: { phone: fieldRule({ kind: 'phone' }), blood: fieldRule({ kind: 'health' }) },
}
const titles = new Map([
  ['courier.blood', { vi: 'nhóm máu người giao', en: 'courier’s blood group' }],
  ['person.email', { vi: 'thư', en: 'mail' }],
])
const rules: Rules = {
  version: 1,
  collections,
  of: (collection, field) => ruleIn(collections, collection, field),
  titleOf: (place) => titles.get(place),
}

for (const { language, told } of [
  {
    language: 'vi',
    told: 'họ tên, thư, số tài khoản ngân hàng (nhạy cảm), nhóm máu người giao (nhạy cảm), courier.phone, gone.field',
  },
  {
    language: 'en',
    told: 'name, mail, bank account number (sensitive), courier’s blood group (sensitive), courier.phone, gone.field',
  },
] as const)
  test(`${language}: a notice says titles, then our words, then names; and what is sensitive`, () => {
    const words = fieldWords(rules, rightsMessages[language] as never, language, NOW)
    const places = ['person.name', 'person.email', 'bank.number', 'courier.blood', 'courier.phone', 'gone.field']
    assert.equal(words.list(places), told)
  })
