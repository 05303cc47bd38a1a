import assert from 'node:assert/strict'
import test from 'node:test'
import { newSubject } from '../../src/client/index.ts'
import { call, newNodeFolder, PROCESSING, startChild } from './child.ts'

// What a node keeps in memory is empty after a start. SQLite has one connection: who fetches such a thing inside a
// transaction, but not through it, waits for itself, and every later request waits behind it.

const subject = newSubject()
const FIRST: readonly { path: string; body: object }[] = [
  {
    path: '/api/vault/get',
    body: { purpose: 'news', reason: 'T-1', items: [{ subject, collection: 'person', fields: ['phone'] }] },
  },
  {
    path: '/api/vault/search',
    body: { purpose: 'news', reason: 'T-2', collection: 'person', field: 'phone', value: '0912345678' },
  },
  { path: '/api/consents/withdraw', body: { subject, purpose: 'news' } },
]

test('whatever is asked first after a start is answered', async () => {
  const folder = newNodeFolder()
  const before = await startChild(folder)
  const decisions = [{ purpose: 'news', version: 1, given: true }]
  await call(before, 'PUT', '/api/processing', PROCESSING)
  await call(before, 'POST', '/api/vault/put', {
    items: [{ subject, collection: 'person', fields: { phone: '0912345678' } }],
  })
  await call(before, 'POST', '/api/consents', { subject, notice: 1, language: 'vi', method: 'app', decisions })
  await before.stop()
  for (const { path, body } of FIRST) {
    const child = await startChild(folder)
    try {
      const { status, text } = await call(child, 'POST', path, body)
      assert.equal(status, 200, `${path}: ${text}`)
    } finally {
      await child.stop()
    }
  }
})
