import assert from 'node:assert/strict'
import test from 'node:test'
import { manualClock } from '../kit/clock.ts'
import { newSubject, systemEntropy } from '../kit/ids.ts'
import { recordedActs } from '../kit/testing.ts'
import { migrate, onceMigrations, type Database } from '../storage/sql/index.ts'
import { STORES } from '../storage/sql/testing.ts'
import { consentMigrations, openConsent, type Purpose } from './index.ts'

const both = (text: string) => ({ vi: text, en: text })
const base = { title: both('T'), what: both('W'), recipients: [] }
const PURPOSES: Purpose[] = [
  { ...base, id: 'news', ground: 'consent', fields: ['person.email'], ifWithdrawn: both('Thôi') },
  { ...base, id: 'delivery', ground: 'agreement', agreement: 'membership', fields: ['person.phone'] },
]
const NOW = '2026-11-22T03:00:00Z'
const EVIDENCE = { given: '2024-03-01', method: 'web-form', text: 'privacy-2024-03', kept: 'crm.consents' } as const

async function setup(db: Database) {
  await migrate(db, [...onceMigrations, ...consentMigrations])
  const clock = manualClock(Date.parse(NOW))
  const { acts, record } = recordedActs()
  const consent = openConsent({
    db,
    clock,
    entropy: systemEntropy,
    record,
    controller: 'Chợ Sen',
    signNote: (text) => `${text}\nsigned\n`,
    emit: async () => {},
  })
  await consent.purposes.declare(both('Thông báo'), PURPOSES, 'service:test')
  return { consent, acts, clock, person: () => personOf(consent, db) }
}

function personOf(consent: ReturnType<typeof openConsent>, db: Database) {
  const subject = newSubject(systemEntropy)
  const rule = async (purpose: string, field: string) =>
    (await db.transaction((trx) => consent.rule(trx, purpose, [{ subject, fields: [field], record: '-' }])))[0]!
  type Item = Parameters<typeof consent.takenOver.consents>[0][number]
  const take = async (evidence: Partial<Item['evidence']> = {}, more: Partial<Item> = {}) => {
    const item: Item = { subject, purpose: 'news', version: 1, evidence: { ...EVIDENCE, ...evidence }, ...more }
    return (await consent.takenOver.consents([item], 'DPO-17', 'service:app', undefined)).items[0]!
  }
  type Old = Parameters<typeof consent.takenOver.agreements>[0][number]
  const takeAgreement = async (evidence: Partial<Old['evidence']> = {}, more: Partial<Old> = {}) => {
    const item: Old = { subject, kind: 'membership', ref: 'HD-7', evidence: { ...EVIDENCE, ...evidence }, ...more }
    return (await consent.takenOver.agreements([item], 'DPO-17', 'service:app', undefined)).items[0]!
  }
  const decide = (given: boolean) =>
    consent.decisions.decide(
      { subject, notice: 1, language: 'vi', method: 'web-form', decisions: [{ purpose: 'news', version: 1, given }] },
      'service:app',
      undefined,
    )
  return { subject, rule, take, takeAgreement, decide }
}

const OLD = [
  { evidence: {}, state: 'live', why: null, article: 'Điều 39 Luật 91/2025' },
  { evidence: { given: '2025-12-31T23:59:59+07:00' }, state: 'live', why: null, article: 'Điều 39 Luật 91/2025' },
  { evidence: { given: '2026-01-01' }, state: 'live', why: null, article: 'Điều 9 Luật 91/2025' },
  { evidence: { method: 'paper' }, state: 'live', why: null, article: 'Điều 39 Luật 91/2025' },
  { evidence: { given: '2023-06-30' }, state: 'kept', why: 'consent/before-the-decree', article: null },
  { evidence: { given: 'not-known' }, state: 'kept', why: 'consent/no-time', article: null },
  { evidence: { method: 'not-known' }, state: 'kept', why: 'consent/no-method', article: null },
  { evidence: { text: 'not-known' }, state: 'kept', why: 'consent/no-text', article: null },
  { evidence: { kept: 'not-known' }, state: 'kept', why: 'consent/no-evidence', article: null },
] as const
const UNFIT = [
  { more: { purpose: 'other' }, code: 'consent/unknown-purpose', field: 'body.items.0.purpose' },
  { more: { version: 2 }, code: 'consent/unknown-purpose', field: 'body.items.0.purpose' },
  { more: { purpose: 'delivery' }, code: 'consent/not-by-consent', field: 'body.items.0.purpose' },
  { more: { version: 5_000_000_000 }, code: 'consent/unknown-purpose', field: 'body.items.0.purpose' },
  { evidence: { given: '2026-11-23' }, code: 'consent/in-future', field: 'body.items.0.evidence.given' },
  { more: { withdrawn: '9999-12-31' }, code: 'consent/end-in-future', field: 'body.items.0.withdrawn' },
  { more: { withdrawn: '2026-11-22T03:00:01Z' }, code: 'consent/end-in-future', field: 'body.items.0.withdrawn' },
  { more: { withdrawn: '2024-02-29' }, code: 'consent/end-before-given', field: 'body.items.0.withdrawn' },
]
const UNFIT_AGREEMENTS = [
  { ended: '2027-12-31', code: 'consent/end-in-future' },
  { ended: '2020-01-01', code: 'consent/end-before-given' },
]

/** Rows of one person, and whether reads are lawful in the end, in whatever order and in however many calls they come. */
const HISTORIES = [
  { rows: [['2024-03-01'], ['2024-03-01', '2024-06-01']], lawful: false },
  { rows: [['2024-03-01'], ['not-known', '2024-06-01']], lawful: false },
  { rows: [['2024-03-01'], ['2024-03-01', '2024-03-01']], lawful: false },
  { rows: [['2024-03-01T08:00:00+07:00'], ['2024-03-01T08:00:00+07:00', '2024-03-01T09:00:00+07:00']], lawful: false },
  { rows: [['2024-01-01'], ['2023-08-01', '2023-09-01']], lawful: true },
  { rows: [['2024-01-01'], ['2024-01-01', '2024-06-01'], ['2025-01-01']], lawful: true },
  { rows: [['2024-01-01'], ['2024-01-01', '2024-06-01'], ['2024-05-01']], lawful: false },
  { rows: [['2024-01-01'], ['2024-01-01', '2024-06-01'], ['2025-01-01'], ['2025-01-01', '2025-02-01']], lawful: false },
] as const

function* ordersOf<T>(rows: readonly T[]): Generator<T[]> {
  if (rows.length === 0) yield []
  for (const [i, row] of rows.entries()) for (const rest of ordersOf(rows.toSpliced(i, 1))) yield [row, ...rest]
}

const DECIDED = Date.parse(NOW)
/** Ends told an hour after the person decided here, or as many as are said. */
const ENDS_HERE = [
  { end: '2026-11-22', overruled: false },
  { end: '2026-11-21', overruled: false },
  { end: '2026-11-22T02:59:59Z', overruled: false },
  { end: '2026-11-22T03:00:00Z', overruled: false },
  { end: '2026-11-22T03:30:00Z', overruled: true },
  { end: '2026-11-23', overruled: true, hours: 72 },
]

for (const store of STORES) {
  const options = { skip: store.skip }
  test(`${store.name}: what is known of an old consent decides whether it carries reads`, options, async (t) => {
    await using db = await store.open()
    const { consent, person, acts } = await setup(db)
    for (const { evidence, state, why, article } of OLD)
      await t.test(`${JSON.stringify(evidence)}: ${why ?? article}`, async () => {
        const { subject, rule, take } = person()
        assert.deepEqual(await take(evidence), { ok: true, state, why })
        const ruling = await rule('news', 'person.email')
        assert.partialDeepStrictEqual(ruling, article ? { lawful: true, article } : { code: 'vault/no-consent' })
        const [one] = await consent.takenOver.of(subject)
        const live = state === 'live'
        assert.partialDeepStrictEqual(one!.taken, { ...EVIDENCE, ...evidence, live, why, statedBy: 'DPO-17' })
        const facts = { ...evidence, by: 'DPO-17', live }
        assert.partialDeepStrictEqual(acts.at(-1), { kind: 'consent.taken-over', subject, purpose: 'news', facts })
        assert.deepEqual(await consent.decisions.receiptsOf(subject), [], 'no receipt of ours for what we did not see')
        assert.deepEqual(await take(evidence), { ok: true, state: 'known', why: 'consent/taken-over-already' })
      })
  })

  test(`${store.name}: what a person decided here is not overruled by what is said of before`, options, async () => {
    await using db = await store.open()
    const { consent, person } = await setup(db)
    const { rule, take, decide, subject } = person()
    await decide(false)
    assert.partialDeepStrictEqual(await take(), { state: 'known', why: 'consent/decided-here' })
    assert.partialDeepStrictEqual(await rule('news', 'person.email'), { lawful: false })
    assert.deepEqual(await consent.takenOver.of(subject), [])
  })

  test(
    `${store.name}: evidence that was found later makes it live; a withdrawal ends it with a receipt`,
    options,
    async () => {
      await using db = await store.open()
      const { consent, person } = await setup(db)
      const { rule, take, subject } = person()
      assert.partialDeepStrictEqual(await take({ text: 'not-known' }), { state: 'kept' })
      assert.partialDeepStrictEqual(await take(), { state: 'live' })
      assert.partialDeepStrictEqual(await take({ kept: 'archive.2' }), { state: 'known', why: 'consent/runs-already' })
      await consent.decisions.withdraw(subject, 'news', 'person')
      assert.partialDeepStrictEqual(await rule('news', 'person.email'), { lawful: false })
      assert.partialDeepStrictEqual(await take({ kept: 'archive.3' }), { state: 'known', why: 'consent/decided-here' })
      assert.equal((await consent.decisions.receiptsOf(subject)).length, 1)
    },
  )

  test(`${store.name}: one that was withdrawn there is never live, and ends what runs here`, options, async () => {
    await using db = await store.open()
    const { person } = await setup(db)
    const { rule, take } = person()
    const withdrawn = { withdrawn: '2026-05-01' }
    assert.partialDeepStrictEqual(await take(), { state: 'live' })
    assert.partialDeepStrictEqual(await take({ given: '2023-08-01' }, { withdrawn: '2024-02-01' }), { state: 'ended' })
    assert.partialDeepStrictEqual(await rule('news', 'person.email'), { lawful: true }, 'given again after that')
    assert.partialDeepStrictEqual(await take({}, withdrawn), { state: 'ended', why: 'consent/withdrawn-before' })
    assert.partialDeepStrictEqual(await rule('news', 'person.email'), { lawful: false })
    assert.partialDeepStrictEqual(await take({}, withdrawn), { state: 'known' })
    assert.partialDeepStrictEqual(await take(), { state: 'known' }, 'and is not revived by saying it again')
    assert.partialDeepStrictEqual(await rule('news', 'person.email'), { lawful: false })
  })

  test(`${store.name}: agreements of before`, options, async () => {
    await using db = await store.open()
    const { consent, acts, person } = await setup(db)
    const { rule, takeAgreement, subject } = person()
    assert.partialDeepStrictEqual(await takeAgreement({ kept: 'not-known' }, { ref: 'HD-1' }), { state: 'kept', why: 'consent/no-evidence' }) // prettier-ignore
    assert.partialDeepStrictEqual(await takeAgreement({ given: 'not-known' }, { ref: 'HD-2' }), { state: 'kept', why: 'consent/no-time' }) // prettier-ignore
    assert.partialDeepStrictEqual(await rule('delivery', 'person.phone'), { lawful: false })
    const old = { given: '2019-05-01', method: 'not-known', text: 'not-known' } as const
    assert.partialDeepStrictEqual(await takeAgreement(old), { state: 'live', why: null })
    assert.partialDeepStrictEqual(await rule('delivery', 'person.phone'), { lawful: true })
    assert.partialDeepStrictEqual(acts.at(-1), { kind: 'agreement.taken-over', facts: { ref: 'HD-7', kept: 'crm.consents' } }) // prettier-ignore
    assert.partialDeepStrictEqual(await takeAgreement(old), { state: 'known' })
    assert.partialDeepStrictEqual(await takeAgreement(old, { ended: '2026-10-01' }), { state: 'ended' })
    assert.partialDeepStrictEqual(await rule('delivery', 'person.phone'), { lawful: false })
    assert.partialDeepStrictEqual(await takeAgreement({ kept: 'x' }), {
      state: 'ended',
      why: 'consent/ended-before',
    })
    assert.equal((await consent.agreements.runningOf(subject)).length, 0)
  })

  test(`${store.name}: in whatever order they are told, what has ended never runs`, options, async (t) => {
    await using db = await store.open()
    const { consent, person, clock } = await setup(db)
    const by = ['DPO-17', 'service:app', undefined] as const
    for (const { rows, lawful } of HISTORIES)
      for (const order of ordersOf<readonly [string, string?]>(rows))
        for (const size of [rows.length, 1])
          await t.test(`${JSON.stringify(order)}, ${size} a call`, async () => {
            const { subject, rule } = person()
            for (let at = 0; at < order.length; at += size) {
              const part = order.slice(at, at + size)
              const old = part.map(([given, end]) => ({ subject, evidence: { ...EVIDENCE, given }, end }))
              await consent.takenOver.consents(
                old.map(({ end, ...one }) => ({ ...one, purpose: 'news', version: 1, withdrawn: end })),
                ...by,
              )
              await consent.takenOver.agreements(
                old.map(({ end, ...one }) => ({ ...one, kind: 'membership', ref: 'HD-7', ended: end })),
                ...by,
              )
              clock.advance(1_000)
            }
            assert.equal((await rule('news', 'person.email')).lawful, lawful, 'the consent')
            assert.equal((await rule('delivery', 'person.phone')).lawful, lawful, 'the agreement')
          })
  })

  test(`${store.name}: only an end that surely came after overrules what was decided here`, options, async (t) => {
    await using db = await store.open()
    const { consent, person, clock } = await setup(db)
    for (const { end, overruled, hours = 1 } of ENDS_HERE)
      await t.test(end, async () => {
        const { subject, rule, take, takeAgreement, decide } = person()
        clock.set(DECIDED)
        await decide(true)
        await consent.agreements.open({ subject, kind: 'membership', ref: 'HD-7' }, 'service:app', undefined)
        clock.advance(hours * 3_600_000)
        const state = overruled ? 'ended' : 'known'
        assert.partialDeepStrictEqual(await take({}, { withdrawn: end }), { state })
        assert.partialDeepStrictEqual(await takeAgreement({}, { ended: end }), { state })
        assert.partialDeepStrictEqual(await rule('news', 'person.email'), { lawful: !overruled })
        assert.partialDeepStrictEqual(await rule('delivery', 'person.phone'), { lawful: !overruled })
        assert.partialDeepStrictEqual(await take(), { state: 'known', why: 'consent/decided-here' })
        await decide(true)
        assert.partialDeepStrictEqual(await take({}, { withdrawn: end }), { state: 'known' })
        assert.partialDeepStrictEqual(await rule('news', 'person.email'), { lawful: true }, 'given again after the end')
      })
  })

  test(`${store.name}: what a person withdrew here stays so after an end of before`, options, async () => {
    await using db = await store.open()
    const { consent, person, clock } = await setup(db)
    const { subject, rule, take } = person()
    await take()
    await consent.decisions.withdraw(subject, 'news', 'person')
    assert.partialDeepStrictEqual(await take({}, { withdrawn: '2024-06-01' }), { why: 'consent/decided-here' })
    clock.advance(1_000)
    assert.partialDeepStrictEqual(await take({ given: '2025-01-01' }), { state: 'known', why: 'consent/decided-here' })
    assert.partialDeepStrictEqual(await rule('news', 'person.email'), { lawful: false })
  })

  test(`${store.name}: a request that is refused for its key has withdrawn nothing`, options, async () => {
    await using db = await store.open()
    const { consent, person } = await setup(db)
    const { subject, rule } = person()
    const once = { key: 'k1234567', caller: 'service:app' }
    const item = { subject, purpose: 'news', version: 1, evidence: EVIDENCE }
    const over = { ...item, withdrawn: '2026-01-01' }
    await consent.takenOver.consents([item], 'DPO-17', 'service:app', { ...once, fingerprint: 'one' })
    await assert.rejects(consent.takenOver.consents([over], 'DPO-17', 'service:app', { ...once, fingerprint: 'two' }), {
      code: 'http/key-reused',
    })
    assert.partialDeepStrictEqual(await rule('news', 'person.email'), { lawful: true })
    assert.deepEqual(await consent.decisions.receiptsOf(subject), [])
  })

  test(`${store.name}: what cannot be one is refused by itself`, options, async (t) => {
    await using db = await store.open()
    const { consent, person } = await setup(db)
    for (const { more, evidence, code, field } of UNFIT)
      await t.test(`${code} ${field}`, async () => {
        const { subject, take } = person()
        assert.partialDeepStrictEqual(await take(evidence, more), { ok: false, code, field })
        assert.deepEqual(await consent.takenOver.of(subject), [])
      })
    for (const { ended, code } of UNFIT_AGREEMENTS)
      await t.test(`an agreement: ${code}`, async () => {
        const { subject, rule, takeAgreement } = person()
        await consent.agreements.open({ subject, kind: 'membership', ref: 'HD-7' }, 'service:app', undefined)
        const refusal = { ok: false, code, field: 'body.items.0.ended' }
        assert.partialDeepStrictEqual(await takeAgreement({}, { ended }), refusal)
        assert.partialDeepStrictEqual(await rule('delivery', 'person.phone'), { lawful: true })
      })
  })
}
