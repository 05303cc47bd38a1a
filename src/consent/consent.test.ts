import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import test from 'node:test'
import { manualClock } from '../kit/clock.ts'
import { newSubject, systemEntropy } from '../kit/ids.ts'
import { recordedActs } from '../kit/testing.ts'
import { migrate, onceMigrations, type Database } from '../storage/sql/index.ts'
import { STORES } from '../storage/sql/testing.ts'
import { consentMigrations, openConsent, type Purpose } from './index.ts'

const both = (text: string) => ({ vi: text, en: text })
const MARKETING: Purpose = {
  id: 'marketing',
  title: both('Thư'),
  what: both('Gửi thư'),
  ground: 'consent',
  fields: ['person.email'],
  recipients: [],
  ifWithdrawn: both('Không còn thư'),
}
const DELIVERY: Purpose = {
  id: 'order-delivery',
  title: both('Giao hàng'),
  what: both('Giao'),
  ground: 'agreement',
  agreement: 'order',
  fields: ['person.phone'],
  recipients: [],
}
const INVOICE: Purpose = {
  id: 'invoice',
  title: both('Hóa đơn'),
  what: both('Giữ'),
  ground: 'law',
  duty: both('luật kế toán'),
  fields: ['person.name'],
  recipients: [],
}

async function setup(db: Database) {
  await migrate(db, [...onceMigrations, ...consentMigrations])
  const clock = manualClock(Date.parse('2026-11-21T03:00:00Z'))
  const { acts, record } = recordedActs()
  const events: [string, Readonly<Record<string, string>>][] = []
  const consent = openConsent({
    db,
    clock,
    entropy: systemEntropy,
    record,
    controller: 'Chợ Sen',
    signNote: (text) => `${text}\nsigned\n`,
    emit: async (_trx, topic, payload) => void events.push([topic, payload]),
  })
  await consent.purposes.declare(both('Thông báo'), [MARKETING, DELIVERY, INVOICE], 'service:test')
  const subject = newSubject(systemEntropy)
  const rule = async (purpose: string, fields: string[], agreement?: string, record = '-') =>
    (await db.transaction((trx) => consent.rule(trx, purpose, [{ subject, fields, agreement, record }])))[0]!
  const decide = (given: boolean, version = 1) =>
    consent.decisions.decide(
      { subject, notice: 1, language: 'vi', method: 'web-form', decisions: [{ purpose: 'marketing', version, given }] },
      'service:test',
      undefined,
    )
  return { consent, clock, acts, events, subject, rule, decide }
}

for (const store of STORES) {
  test(`${store.name}: consent carries a read from its giving to its withdrawal`, { skip: store.skip }, async () => {
    await using db = await store.open()
    const { consent, subject, rule, decide, acts } = await setup(db)
    const refused = { lawful: false, code: 'vault/no-consent' }
    assert.partialDeepStrictEqual(await rule('marketing', ['person.email']), refused)
    await decide(false)
    assert.partialDeepStrictEqual(await rule('marketing', ['person.email']), refused, 'refusing is not agreeing')
    const receipt = await decide(true)
    assert.match(receipt.receipt, new RegExp(`subject: ${subject}\n.*purpose: marketing version 1: given`, 's'))
    assert.partialDeepStrictEqual(await rule('marketing', ['person.email']), {
      lawful: true,
      ground: 'consent',
      article: 'Điều 9 Luật 91/2025',
    })
    assert.partialDeepStrictEqual(await rule('marketing', ['person.phone']), {
      lawful: false,
      code: 'vault/field-outside-purpose',
    })
    await consent.decisions.withdraw(subject, 'marketing', 'person')
    assert.partialDeepStrictEqual(await rule('marketing', ['person.email']), refused)
    await assert.rejects(consent.decisions.withdraw(subject, 'marketing', 'person'), { code: 'consent/none' })
    assert.deepEqual(
      acts.filter((act) => act.subject === subject).map((act) => act.kind),
      ['notice.shown', 'consent.refused', 'notice.shown', 'consent.given', 'consent.withdrawn'],
    )
  })

  test(`${store.name}: a consent counts in the version that was given`, { skip: store.skip }, async () => {
    await using db = await store.open()
    const { consent, rule, decide } = await setup(db)
    await decide(true)
    const wider: Purpose = { ...MARKETING, fields: ['person.email', 'person.phone'] }
    const declared = await consent.purposes.declare(both('Thông báo'), [wider, DELIVERY, INVOICE], 'service:test')
    assert.deepEqual(
      declared.purposes.map((p) => [p.purpose.id, p.version]),
      [
        ['invoice', 1],
        ['marketing', 2],
        ['order-delivery', 1],
      ],
    )
    assert.partialDeepStrictEqual(await rule('marketing', ['person.phone']), {
      lawful: false,
      code: 'vault/field-outside-purpose',
    })
    await assert.rejects(decide(true, 1), { code: 'consent/old-text', field: 'body.decisions.0.version' })
    await decide(true, 2)
    assert.partialDeepStrictEqual(await rule('marketing', ['person.phone']), { lawful: true, version: 2 })
  })

  test(
    `${store.name}: an agreement carries a read while it runs, and cannot be reopened`,
    { skip: store.skip },
    async () => {
      await using db = await store.open()
      const { consent, subject, rule } = await setup(db)
      const order = { subject, kind: 'order', ref: 'DH-1' }
      assert.partialDeepStrictEqual(await rule('order-delivery', ['person.phone']), {
        lawful: false,
        code: 'vault/no-agreement',
      })
      await consent.agreements.open(order, 'service:test', undefined)
      assert.partialDeepStrictEqual(await rule('order-delivery', ['person.phone'], 'DH-1'), {
        lawful: true,
        article: 'Điều 19 Luật 91/2025',
      })
      assert.partialDeepStrictEqual(await rule('order-delivery', ['person.phone'], 'DH-2'), { lawful: false })
      await consent.agreements.open({ ...order, ref: 'DH-9' }, 'service:test', undefined)
      await consent.agreements.close(order, 'service:test', undefined)
      const over = { lawful: false, code: 'vault/no-agreement' }
      assert.partialDeepStrictEqual(
        await rule('order-delivery', ['person.phone'], undefined, 'DH-1'),
        over,
        'a record of a closed order',
      )
      assert.partialDeepStrictEqual(
        await rule('order-delivery', ['person.phone'], 'DH-9', 'DH-1'),
        over,
        'another order does not open it',
      )
      assert.partialDeepStrictEqual(await rule('order-delivery', ['person.phone'], undefined, 'DH-9'), { lawful: true })
      assert.partialDeepStrictEqual(await rule('order-delivery', ['person.phone'], 'DH-1'), { lawful: false })
      await assert.rejects(consent.agreements.open(order, 'service:test', undefined), {
        code: 'consent/agreement-closed',
      })
      assert.partialDeepStrictEqual(await rule('invoice', ['person.name']), { lawful: true, ground: 'law' })
    },
  )

  test(
    `${store.name}: a repeated key answers what the first answered; another body under it is refused`,
    { skip: store.skip },
    async () => {
      await using db = await store.open()
      const { consent, subject } = await setup(db)
      const shown = {
        subject,
        notice: 1,
        language: 'vi' as const,
        method: 'web-form',
        decisions: [{ purpose: 'marketing', version: 1, given: true }],
      }
      const once = { key: 'abcdefgh-1', caller: 'service:test', fingerprint: 'f1' }
      const [first, second] = await Promise.all([
        consent.decisions.decide(shown, 'service:test', once),
        consent.decisions.decide(shown, 'service:test', once),
      ])
      assert.deepEqual(second, first)
      assert.equal((await consent.decisions.of(subject)).length, 1)
      await assert.rejects(consent.decisions.decide(shown, 'service:test', { ...once, fingerprint: 'f2' }), {
        code: 'http/key-reused',
      })
    },
  )

  test(
    `${store.name}: at the same moment one consent and one withdrawal come about`,
    { skip: store.skip },
    async () => {
      await using db = await store.open()
      const { consent, subject, decide, acts } = await setup(db)
      await Promise.all([decide(true), decide(true), decide(true), decide(true)])
      const live = (await consent.decisions.of(subject)).filter((row) => row.withdrawn_at === null)
      assert.equal(live.length, 1)
      const withdrawals = await Promise.allSettled(
        [1, 2, 3].map(() => consent.decisions.withdraw(subject, 'marketing', 'person')),
      )
      assert.equal(withdrawals.filter((one) => one.status === 'fulfilled').length, 1)
      assert.equal(acts.filter((act) => act.kind === 'consent.withdrawn').length, 1)
    },
  )

  test(
    `${store.name}: a purpose cannot turn from consent to law under the same name`,
    { skip: store.skip },
    async () => {
      await using db = await store.open()
      const { consent } = await setup(db)
      const turned: Purpose = { ...MARKETING, ground: 'law', duty: both('x') }
      await assert.rejects(consent.purposes.declare(both('Thông báo'), [turned], 'service:test'), {
        code: 'consent/ground-changed',
      })
    },
  )

  test(`${store.name}: recipients are told of a withdrawal until they confirm`, { skip: store.skip }, async () => {
    await using db = await store.open()
    const heard: string[] = []
    let status = 500
    const recipient = createServer(async (request, response) => {
      heard.push(Buffer.concat(await request.toArray()).toString())
      response.writeHead(status).end()
    })
    await new Promise<void>((resolve) => recipient.listen(0, '127.0.0.1', resolve))
    const { consent, subject, decide, events } = await setup(db)
    const notify = `http://127.0.0.1:${(recipient.address() as AddressInfo).port}/hook`
    await consent.purposes.declare(
      both('Thông báo'),
      [{ ...MARKETING, recipients: [{ id: 'mail', name: 'Thư Nhanh', notify }] }],
      'service:test',
    )
    await decide(true, 2)
    const { code } = await consent.decisions.withdraw(subject, 'marketing', 'person')
    assert.deepEqual(events, [['consent.withdrawn', { receipt: code, recipient: 'mail' }]])
    await assert.rejects(consent.notices.deliver(code, 'mail'), { code: 'consent/recipient-silent' })
    assert.equal((await consent.notices.of([code]))[0]!.acked_at, null)
    status = 200
    await consent.notices.deliver(code, 'mail')
    await consent.notices.deliver(code, 'mail')
    assert.equal(heard.length, 2, 'nothing is sent after the confirmation')
    assert.match(heard[1]!, /^khien\/withdrawal-receipt\/v1\n/)
    assert.notEqual((await consent.notices.of([code]))[0]!.acked_at, null)
    recipient.close()
  })
}
