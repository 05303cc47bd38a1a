import assert from 'node:assert/strict'
import { createSecretKey, randomBytes, type KeyObject } from 'node:crypto'
import { createServer } from 'node:http'
import { mkdtempSync } from 'node:fs'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test from 'node:test'
import * as fc from 'fast-check'
import { auditMigrations, type AuditRecord, type AuditTables } from '../audit/index.ts'
import { testAudit } from '../audit/testing.ts'
import type { Purpose } from '../consent/index.ts'
import { newSubject, systemEntropy } from '../kit/ids.ts'
import { openSqlite, type Database } from '../storage/sql/index.ts'
import { STORES } from '../storage/sql/testing.ts'
import type { GetResult } from './get.ts'
import { Recipient } from './relay/contract.ts'
import { vaultOver } from './testing.ts'

// Random histories of a vault against a model of thirty lines: what it allows the model allows, and the log tells all of it.

const both = (text: string) => ({ vi: text, en: text })
const base = { title: both('x'), what: both('x'), recipients: [{ id: 'carrier', name: 'x', notify: undefined }] }
const PURPOSES: readonly Purpose[] = [
  { ...base, id: 'deliver', ground: 'agreement', agreement: 'order', fields: ['person.name', 'person.phone'] },
  { ...base, id: 'news', ground: 'consent', ifWithdrawn: both('x'), fields: ['person.email', 'person.name'] },
  { ...base, id: 'duty', ground: 'law', duty: both('x'), fields: ['person.phone'] },
]
const FIELDS = ['name', 'phone', 'email'] as const
type Field = (typeof FIELDS)[number]
const PEOPLE = 3
const APP = 'service:app'

type Person = { orders: Set<string>; all: Set<string>; news: boolean; held: Map<Field, string>; gone: boolean }
type Model = { people: Person[]; observed: Set<string>; reads: number; relays: number }

/** What the law of the model says of a read; what goes to others is never only watched. */
function allows(
  model: Model,
  who: number,
  purpose: string,
  fields: readonly Field[],
  to: 'app' | 'others' = 'app',
): boolean {
  const person = model.people[who]!
  const named = PURPOSES.find((one) => one.id === purpose)!.fields
  const ground = purpose === 'duty' || (purpose === 'deliver' ? person.orders.size > 0 : person.news)
  return (
    (to === 'app' && model.observed.has(purpose)) ||
    (ground && fields.every((field) => named.includes(`person.${field}`)))
  )
}

const who = fc.nat(PEOPLE - 1)
const purpose = fc.constantFrom('deliver', 'news', 'duty')
const fields = fc.subarray([...FIELDS], { minLength: 1 })
const order = fc.constantFrom('DH-1', 'DH-2')
const step = fc.oneof(
  { weight: 6, arbitrary: fc.record({ do: fc.constant('get' as const), who, purpose, fields }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('put' as const), who, fields, n: fc.nat(99) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('relay' as const), who, purpose, fields }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('order' as const), who, order }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('close' as const), who, order }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('agree' as const), who }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('withdraw' as const), who }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('erase' as const), who, fields }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('shred' as const), who }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('observe' as const), purpose }) },
  { weight: 1, arbitrary: fc.constant({ do: 'rotate' as const }) },
  { weight: 1, arbitrary: fc.constant({ do: 'restart' as const }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('broken log' as const), who, purpose, fields }) },
)
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never

const valueOf = (field: Field, n: number): string =>
  field === 'phone' ? `09123456${String(n).padStart(2, '0')}` : field === 'email' ? `n${n}@thu.example` : `Người ${n}`

/** Opens the same stores again and again, as a node does that was killed. */
async function world(open: () => Promise<{ db: Database; keysDb: Database }>, recipientUrl: string) {
  const keks = new Map<string, KeyObject>([['kek_0', createSecretKey(randomBytes(32))]])
  let stores = await open()
  let failing = false
  const folder = mkdtempSync(join(tmpdir(), 'khien-history-'))
  const constant = { pepper: randomBytes(32), kek: createSecretKey(randomBytes(32)) }
  const start = async () => {
    const log = testAudit(stores.db, folder)
    const record: typeof log.record = async (trx, acts) => {
      const ids = await log.record(trx, acts)
      // At the last moment: all that was done in the transaction is undone with it.
      if (failing) throw new Error('the log cannot be written')
      return ids
    }
    const wrapping = {
      current: () => ({ id: [...keks.keys()].at(-1)!, key: [...keks.values()].at(-1)! }),
      of: (id: string) => keks.get(id),
    }
    return vaultOver(stores.db, stores.keysDb, { ...constant, record, wrapping }, auditMigrations)
  }
  let over = await start()
  await over.consent.purposes.declare(both('x'), [...PURPOSES], APP)
  await over.vault.relay.recipients.set('carrier', Recipient.parse({ name: 'x', url: recipientUrl }), 'staff:dpo')
  return {
    get over() {
      return over
    },
    get stores() {
      return stores
    },
    keks,
    async restart() {
      await over.vault.close()
      stores = await open()
      over = await start()
    },
    async failing<T>(work: () => Promise<T>): Promise<T> {
      failing = true
      try {
        return await work()
      } finally {
        failing = false
      }
    },
  }
}

async function play(
  steps: readonly Step[],
  open: () => Promise<{ db: Database; keysDb: Database }>,
  url: string,
  sent: string[],
) {
  const w = await world(open, url)
  const subjects = Array.from({ length: PEOPLE }, () => newSubject(systemEntropy))
  const model: Model = {
    people: subjects.map(() => ({ orders: new Set(), all: new Set(), news: false, held: new Map(), gone: false })),
    observed: new Set(),
    reads: 0,
    relays: 0,
  }
  let relayed = 0
  for (const one of steps) {
    const { vault, consent } = w.over
    const subject = 'who' in one ? subjects[one.who]! : ''
    const person = 'who' in one ? model.people[one.who]! : undefined
    const read = (purposeId: string, wanted: readonly Field[]): Promise<GetResult[]> =>
      vault.get(purposeId, 'T', [{ subject, collection: 'person', record: '-', fields: wanted }], APP)
    if (one.do === 'get') {
      const [result] = await read(one.purpose, one.fields)
      model.reads++
      assert.equal(result!.ok, allows(model, one.who, one.purpose, one.fields), JSON.stringify(one))
      if (result!.ok)
        assert.deepEqual(result!.fields, Object.fromEntries(one.fields.map((f) => [f, person!.held.get(f) ?? null])))
    } else if (one.do === 'put') {
      const values = Object.fromEntries(one.fields.map((field) => [field, valueOf(field, one.n)]))
      const [result] = await vault.put([{ subject, collection: 'person', record: '-', fields: values }], APP, undefined)
      assert.equal(result!.ok, !person!.gone)
      if (result!.ok) for (const field of one.fields) person!.held.set(field, valueOf(field, one.n))
    } else if (one.do === 'relay') {
      const body = { all: one.fields.map((field) => `{{person.${field}}}`).join('|') }
      const item = { id: `R-${++relayed}`, subject, record: '-', body }
      const before = sent.length
      const [result] = await vault.relay.relay(
        { recipient: 'carrier', purpose: one.purpose, reason: 'T', actor: APP },
        [item],
      )
      model.reads++
      const may =
        allows(model, one.who, one.purpose, one.fields, 'others') && one.fields.every((f) => person!.held.has(f))
      assert.equal(result!.ok, may, JSON.stringify([one, result]))
      assert.equal(sent.length - before, may ? 1 : 0, 'nothing leaves that may not')
      if (may) {
        model.relays++
        assert.equal(sent.at(-1), one.fields.map((field) => person!.held.get(field)).join('|'))
      }
    } else if (one.do === 'order') {
      if (person!.all.has(one.order)) continue
      await consent.agreements.open({ subject, kind: 'order', ref: one.order }, APP, undefined)
      person!.orders.add(one.order)
      person!.all.add(one.order)
    } else if (one.do === 'close') {
      if (!person!.orders.has(one.order)) continue
      await consent.agreements.close({ subject, kind: 'order', ref: one.order }, APP, undefined)
      person!.orders.delete(one.order)
    } else if (one.do === 'agree') {
      if (person!.news) continue
      const decisions = [{ purpose: 'news', version: 1, given: true }]
      await consent.decisions.decide({ subject, notice: 1, language: 'vi', method: 'app', decisions }, APP, undefined)
      person!.news = true
    } else if (one.do === 'withdraw') {
      if (!person!.news) continue
      await consent.decisions.withdraw(subject, 'news', APP, undefined)
      person!.news = false
    } else if (one.do === 'erase') {
      await vault.erase([{ subject, collection: 'person', record: '-', fields: one.fields }], 'T', APP, undefined)
      for (const field of one.fields) person!.held.delete(field)
    } else if (one.do === 'shred') {
      const known = person!.held.size > 0 || person!.gone
      await vault.shred(subject, 'T', 'staff:dpo', undefined).catch((error: unknown) => {
        // Nothing was ever put: there is nobody to erase.
        assert.equal((error as { code: string }).code, 'vault/unknown-person')
        assert.equal(known, false)
      })
      if (known) person!.gone = true
      // Erased fields leave a person with a key and no values: the model does not tell them apart.
      const gone = await vault.put(
        [{ subject, collection: 'person', record: '-', fields: { name: 'a' } }],
        APP,
        undefined,
      )
      person!.gone = !gone[0]!.ok
      person!.held = new Map(person!.gone ? [] : [['name', 'a']])
    } else if (one.do === 'observe') {
      const observe = !model.observed.has(one.purpose)
      await vault.enforcement.set({ purpose: one.purpose, caller: '*' }, observe, 'staff:dpo')
      if (observe) model.observed.add(one.purpose)
      else model.observed.delete(one.purpose)
    } else if (one.do === 'rotate') {
      w.keks.set(`kek_${w.keks.size}`, createSecretKey(randomBytes(32)))
      await vault.rewrap.run()
    } else if (one.do === 'restart') {
      await w.restart()
    } else {
      await assert.rejects(
        w.failing(() => read(one.purpose, one.fields)),
        'without its record nothing leaves',
      )
    }
  }
  const rows = await w.stores.db.tables<AuditTables>().selectFrom('audit_record').select(['kind', 'record']).execute()
  const reads = rows.filter((row) => row.kind === 'vault.read')
  assert.equal(reads.length, model.reads, 'every read is in the log, and none that did not happen')
  assert.equal(rows.filter((row) => row.kind === 'vault.relayed').length, model.relays)
  for (const row of reads) assert.equal((JSON.parse(row.record) as AuditRecord).actor, APP)
  await w.over.vault.close()
}

async function carrier() {
  const sent: string[] = []
  const server = createServer((req, res) => {
    let body = ''
    req.setEncoding('utf8').on('data', (part: string) => (body += part))
    req.on('end', () => {
      sent.push((JSON.parse(body) as { all: string }).all)
      res.end('{}')
    })
  }).listen(0, '127.0.0.1')
  await new Promise((resolve) => server.once('listening', resolve))
  return {
    sent,
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

for (const { name, skip, open } of STORES)
  test(
    `${name}: whatever happens, no read is allowed that the model refuses, and none is missing from the log`,
    { skip },
    async () => {
      await using there = await carrier()
      await fc.assert(
        fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 60 }), async (steps) => {
          await using stack = new AsyncDisposableStack()
          let openAgain: () => Promise<{ db: Database; keysDb: Database }>
          if (name === 'sqlite') {
            const folder = mkdtempSync(join(tmpdir(), 'khien-history-'))
            let last: { db: Database; keysDb: Database } | undefined
            openAgain = async () => {
              await last?.db[Symbol.asyncDispose]()
              await last?.keysDb[Symbol.asyncDispose]()
              last = {
                db: openSqlite(join(folder, 'a.db')),
                keysDb: openSqlite(join(folder, 'k.db')),
              }
              return last
            }
            stack.defer(async () => {
              await last?.db[Symbol.asyncDispose]()
              await last?.keysDb[Symbol.asyncDispose]()
            })
          } else {
            const kept = { db: stack.use(await open()), keysDb: stack.use(await open()) }
            openAgain = async () => kept
          }
          await play(steps, openAgain, there.url, there.sent)
        }),
        { numRuns: name === 'sqlite' ? 60 : 8 },
      )
    },
  )
