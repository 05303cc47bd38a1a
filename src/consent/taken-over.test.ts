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
  return { consent, acts, person: () => personOf(consent, db) }
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
  { evidence: { given: '2026-11-23' }, code: 'consent/in-future', field: 'body.items.0.evidence.given' },
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
    assert.partialDeepStrictEqual(await take({}, { withdrawn: '2024-02-01' }), { state: 'ended' })
    assert.partialDeepStrictEqual(await rule('news', 'person.email'), { lawful: true }, 'withdrawn before it was given')
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
      state: 'known',
      why: 'consent/agreement-known',
    })
    assert.equal((await consent.agreements.runningOf(subject)).length, 0)
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
  })
}
