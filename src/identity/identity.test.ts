import assert from 'node:assert/strict'
import test from 'node:test'
import { handover } from '../client/handover.ts'
import { manualClock } from '../kit/clock.ts'
import { newSubject, systemEntropy } from '../kit/ids.ts'
import { recordedActs } from '../kit/testing.ts'
import { migrate, type Database } from '../storage/sql/index.ts'
import { STORES } from '../storage/sql/testing.ts'
import { identityMigrations, openIdentity } from './index.ts'
import { totp } from './totp.ts'

const PASSWORD = 'một câu dễ nhớ và dài'

async function setup(db: Database) {
  await migrate(db, identityMigrations)
  const clock = manualClock(Date.parse('2026-11-21T03:00:00Z'))
  const { acts, record } = recordedActs()
  const same = (bytes: Uint8Array): Uint8Array => bytes
  const identity = openIdentity({
    db,
    clock,
    entropy: systemEntropy,
    record,
    pepper: new Uint8Array(32),
    sealSmall: same,
    openSmall: same,
    controller: 'Chợ Sen',
    role: 'platform',
    secure: { staff: false, person: false },
  })
  const code = (secret: string, drift = 0): string => totp(unbase32(secret), Math.floor(clock() / 30_000) + drift)
  return { identity, clock, acts, code }
}

function unbase32(text: string): Uint8Array {
  const bits = [...text]
    .map((sign) => 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'.indexOf(sign).toString(2).padStart(5, '0'))
    .join('')
  return Uint8Array.from((bits.match(/.{8}/g) ?? []).map((eight) => Number.parseInt(eight, 2)))
}

test('one-time codes follow RFC 6238, appendix B', () => {
  const secret = Buffer.from('12345678901234567890')
  for (const [seconds, code] of [
    [59, '287082'],
    [1_111_111_109, '081804'],
    [1_111_111_111, '050471'],
    [1_234_567_890, '005924'],
    [2_000_000_000, '279037'],
    [20_000_000_000, '353130'],
  ] as const) {
    assert.equal(totp(secret, Math.floor(seconds / 30)), code)
  }
})

for (const store of STORES) {
  test(`${store.name}: a one-time link makes the first administrator, once`, { skip: store.skip }, async () => {
    await using db = await store.open()
    const { identity, clock, code } = await setup(db)
    const token = await identity.staff.invite(['administrator'], 'host')
    const { secret } = await identity.staff.enrolment(token)
    assert.equal(
      (await identity.staff.enrolment(token)).secret,
      secret,
      'the same secret when the page is opened twice',
    )
    await assert.rejects(identity.staff.enrol(token, 'hoa', PASSWORD, '000000'), {
      code: 'identity/wrong-code',
      field: 'form.code',
    })
    await assert.rejects(identity.staff.enrol(token, '', PASSWORD, code(secret)), { code: 'identity/name-missing' })
    await identity.staff.enrol(token, 'hoa', PASSWORD, code(secret))
    await assert.rejects(identity.staff.enrol(token, 'lan', PASSWORD, code(secret)), { code: 'identity/link-spent' })
    const older = await identity.staff.invite(['administrator'], 'host')
    await assert.rejects(
      identity.staff.enrolment(older).then(({ secret }) => identity.staff.enrol(older, 'lan', PASSWORD, code(secret))),
      { code: 'identity/link-spent' },
      'there is an administrator already',
    )
    const late = await identity.staff.invite(['auditor'], 'host')
    clock.advance(31 * 60_000)
    await assert.rejects(identity.staff.enrolment(late), { code: 'identity/link-spent' })
  })

  test(
    `${store.name}: a code opens one session; ten failures lock; every failure answers alike`,
    { skip: store.skip },
    async () => {
      await using db = await store.open()
      const { identity, clock, code, acts } = await setup(db)
      const token = await identity.staff.invite(['administrator'], 'host')
      const { secret } = await identity.staff.enrolment(token)
      await identity.staff.enrol(token, 'hoa', PASSWORD, code(secret))
      await assert.rejects(
        identity.staff.signIn('hoa', PASSWORD, code(secret)),
        { code: 'identity/wrong' },
        'the code of the enrolment is spent',
      )
      clock.advance(30_000)
      const { id } = await identity.staff.signIn('hoa', PASSWORD, code(secret))
      await assert.rejects(identity.staff.signIn('hoa', PASSWORD, code(secret)), { code: 'identity/wrong' })
      await assert.rejects(identity.staff.signIn('nobody', PASSWORD, code(secret)), { code: 'identity/wrong' })
      for (let tries = 0; tries < 10; tries++)
        await assert.rejects(identity.staff.signIn('hoa', 'sai mật khẩu', code(secret, 1)), { code: 'identity/wrong' })
      clock.advance(60_000)
      await assert.rejects(identity.staff.signIn('hoa', PASSWORD, code(secret)), { code: 'identity/wrong' }, 'locked')
      clock.advance(15 * 60_000)
      assert.equal((await identity.staff.signIn('hoa', PASSWORD, code(secret))).id, id)
      assert.ok(acts.some((act) => act.kind === 'session.refused' && act.facts?.['why'] === 'locked'))
      const again = await identity.staff.recover()
      const fresh = await identity.staff.enrolment(again)
      assert.equal(fresh.staff, id, 'break-glass gives the same administrator a new password and authenticator')
      clock.advance(30_000)
      assert.equal(await identity.staff.enrol(again, '', 'mật khẩu mới rất dài', code(fresh.secret)), id)
    },
  )

  test(`${store.name}: only the newest link of the host is good`, { skip: store.skip }, async () => {
    await using db = await store.open()
    const { identity, code } = await setup(db)
    const first = await identity.staff.invite(['administrator'], 'host')
    const second = await identity.staff.invite(['administrator'], 'host')
    await assert.rejects(identity.staff.enrolment(first), { code: 'identity/link-spent' })
    const { secret } = await identity.staff.enrolment(second)
    await identity.staff.enrol(second, 'hoa', PASSWORD, code(secret))
  })

  test(
    `${store.name}: sixty wrong tries at once are ten tries, and then the right one is locked out too`,
    { skip: store.skip },
    async () => {
      await using db = await store.open()
      const { identity, clock, code, acts } = await setup(db)
      const token = await identity.staff.invite(['administrator'], 'host')
      const { secret } = await identity.staff.enrolment(token)
      await identity.staff.enrol(token, 'hoa', PASSWORD, code(secret))
      clock.advance(60_000)
      const tries = await Promise.allSettled(
        Array.from({ length: 60 }, () => identity.staff.signIn('hoa', 'sai', code(secret))),
      )
      assert.ok(tries.every((one) => one.status === 'rejected'))
      assert.equal(acts.filter((act) => act.facts?.['why'] === 'wrong-password').length, 10)
      await assert.rejects(identity.staff.signIn('hoa', PASSWORD, code(secret)), { code: 'identity/wrong' })
      clock.advance(15 * 60_000 + 1)
      await identity.staff.signIn('hoa', PASSWORD, code(secret))
    },
  )

  test(`${store.name}: sessions idle out, foreign tokens are nobody`, { skip: store.skip }, async () => {
    await using db = await store.open()
    const { identity, clock } = await setup(db)
    const subject = newSubject(systemEntropy)
    const token = await identity.sessions.open('person', subject)
    const found = await identity.sessions.find(token, 'person')
    assert.ok(found?.kind === 'person' && found.subject === subject)
    assert.equal(await identity.sessions.find(token, 'staff'), undefined, 'a person is not staff')
    assert.equal(await identity.sessions.find('x'.repeat(43), 'person'), undefined)
    clock.advance(15 * 60_000 + 1)
    assert.equal(await identity.sessions.find(token, 'person'), undefined)
  })

  test(`${store.name}: a handover link opens once, soon, for this node only`, { skip: store.skip }, async () => {
    await using db = await store.open()
    const { identity, clock } = await setup(db)
    clock.set(Date.now())
    const { id, key } = await identity.keys.create('Chợ Sen', ['vault:read'], 'host')
    const audience = 'http://localhost:8091'
    const link = handover(key, audience)
    const subject = newSubject(systemEntropy)
    const tokenOf = async (): Promise<string> => new URL(await link(subject)).searchParams.get('t')!
    const token = await tokenOf()
    assert.equal(await identity.keys.redeem(token, audience), subject)
    const refused = { code: 'identity/link-spent' }
    await assert.rejects(identity.keys.redeem(token, audience), refused, 'twice')
    await assert.rejects(identity.keys.redeem(await tokenOf(), 'http://localhost:9999'), refused, 'another node')
    const [body, signature] = (await tokenOf()).split('.') as [string, string]
    const forged = Buffer.from(
      Buffer.from(body, 'base64url').toString().replace(subject, newSubject(systemEntropy)),
    ).toString('base64url')
    await assert.rejects(identity.keys.redeem(`${forged}.${signature}`, audience), refused, 'another person')
    for (const bad of ['', '.', 'a.b', 'a.b.c', `${body}.`, `${body}.${'A'.repeat(86)}`])
      await assert.rejects(identity.keys.redeem(bad, audience), refused, bad)
    const old = await tokenOf()
    clock.advance(61_000)
    await assert.rejects(identity.keys.redeem(old, audience), refused, 'too late')
    clock.set(Date.now())
    const last = await tokenOf()
    await identity.keys.revoke(id, 'host')
    await assert.rejects(identity.keys.redeem(last, audience), refused, 'revoked key')
    assert.equal(await identity.keys.find(key), undefined)
  })
}
