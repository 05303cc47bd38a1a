import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test from 'node:test'
import { setTimeout as wait } from 'node:timers/promises'
import { accountMark } from '../../src/gateway/worker/index.ts'
import { accountOf, accountsOf } from '../../src/gateway/worker/account.ts'
import { liveBans } from '../../src/gateway/worker/bans.ts'
import { limitExchange } from '../../src/gateway/worker/limit-exchange.ts'
import { limiter } from '../../src/gateway/worker/limiter.ts'
import { Buckets, keyFor, type LiveLimit } from '../../src/gateway/worker/rate-limits.ts'
import { raw, startRig } from './servers.ts'
import { settingsWith } from './sites.ts'

const limit = (requests: number, seconds: number, burst = requests, per: LiveLimit['per'] = 'client'): LiveLimit => ({
  id: 'a',
  per,
  step: (seconds * 1_000) / requests,
  tolerance: ((seconds * 1_000) / requests) * burst,
})

/** Takes one when there is room: 0, or the ms to wait. */
function taken(buckets: Buckets, key: string, bucket: LiveLimit, now: number): number {
  const early = buckets.early(key, bucket, now)
  if (early === 0) buckets.add(key, bucket.step, now)
  return early
}

for (const [name, requests, seconds, burst, at, passes] of [
  ['a burst, then one a step', 10, 10, 3, [0, 0, 0, 0, 999, 1_000, 1_000, 2_000], [1, 1, 1, 0, 0, 1, 0, 1]],
  ['no burst', 2, 1, 1, [0, 100, 500, 600, 1_000], [1, 0, 1, 0, 1]],
  ['rest gives all back', 5, 5, 5, [0, 0, 0, 0, 0, 0, 60_000, 60_000], [1, 1, 1, 1, 1, 0, 1, 1]],
] as const)
  test(`a bucket: ${name}`, () => {
    const buckets = new Buckets(10)
    assert.deepEqual(
      at.map((now) => Number(taken(buckets, 'k', limit(requests, seconds, burst), now + 1) === 0)),
      passes,
    )
  })

test('keys are bounded; the one not seen for longest goes, and is counted', () => {
  const buckets = new Buckets(100)
  for (let i = 0; i < 1_000; i++) taken(buckets, `k${i}`, limit(1, 1_000), 1)
  assert.deepEqual([buckets.size, buckets.evicted], [100, 900])
  assert.ok(taken(buckets, 'k999', limit(1, 1_000), 2) > 0)
})

test('a client that is turned away uses up nothing of what all have together', () => {
  const one = limiter()
  const limits = [
    { ...limit(2, 600), id: 'c' },
    { ...limit(20, 600, 20, 'route'), id: 'r' },
  ]
  const sender = (address: string) => ({ address, account: undefined, headers: [] })
  const attacker = Array.from({ length: 100 }, () => one.turn(limits, sender('203.0.113.77'), 1))
  assert.equal(attacker.filter((wait) => wait === 0).length, 2)
  const others = Array.from({ length: 19 }, (_, i) => one.turn(limits, sender(`198.51.100.${i}`), 1))
  assert.deepEqual([others.filter((wait) => wait === 0).length, others.at(-1)! > 0], [18, true])
})

for (const key of ['check shop/otp solved x', 'check shop/otp seen x', 'shop/otp/r', 'check shop/otp line 192.0.2.1'])
  test(`browsers and accounts that a client invents push nothing else out: ${key}`, () => {
    const buckets = new Buckets(50)
    buckets.add(key, 1_000, 1)
    for (let i = 0; i < 500; i++) {
      const sender = { address: '192.0.2.1', account: undefined, headers: [['User-Agent', `${i}`]] as const }
      buckets.add(keyFor(limit(1, 1_000), sender)!, 1, 1)
      buckets.add(keyFor(limit(1, 1_000, 1, 'account'), { ...sender, account: `${i}` })!, 1, 1)
      buckets.add(`~check shop/otp kind 192.0.2.1 ${i}`, 1, 1)
    }
    assert.deepEqual([buckets.level(key, 1), buckets.size], [1_000, 51])
  })

test('what workers give away at the same moment beyond a limit is a debt', () => {
  const [one, other] = [limiter(), limiter()]
  const told: number[] = []
  one.whenTaken(() => told.push(other.level('~a 192.0.2.1 x', 1)))
  const sender = { address: '192.0.2.1', account: 'x', headers: [] }
  const limits = [limit(10, 10)]
  for (let i = 0; i < 10; i++) assert.deepEqual([one.turn(limits, sender, 1), other.turn(limits, sender, 1)], [0, 0])
  assert.equal(told.length, 1, 'told once, at the first taking')
  other.hear(one.untold(), 1)
  assert.equal(other.turn(limits, sender, 10_002), 1, 'ten seconds for its own ten, ten more for the others')
  assert.equal(other.turn(limits, sender, 20_001), 0)
  one.turn(limits, sender, 30_000)
  assert.equal(told.length, 2)
})

const bans = liveBans([{ account: accountMark('abc'), until: '2030-01-01T00:00:00.000Z' }])
for (const [cookie, kept] of [
  ['sid=abc', true],
  ['sid=%61bc', true],
  ['sid="abc"', true],
  ['sid="%61bc"', true],
  ['sid="\\141bc"', true],
  ['s%69d=abc', true],
  ['sid=x; sid=abc', true],
  ['sid=abc; sid=x', true],
  [`${Array.from({ length: 500 }, (_, i) => `sid=${i}`).join('; ')}; sid=abc`, true],
  ['$Version=1; sid=abc', true],
  ['sid=%zz', false],
  ['sid=abcd', false],
  ['SID=abc', false],
  ['sid=', false],
  ['sid', false],
] as const)
  test(`the ban of an account and ${cookie.slice(0, 30)}: ${kept ? 'kept out' : 'another'}`, () => {
    const accounts = accountsOf({ cookie: 'sid' }, [['Cookie', cookie]])
    assert.ok(accounts.length <= 64)
    assert.equal(bans('192.0.2.1', 1, accounts, 1) > 0, kept)
  })

test('an account of a header, however its scheme is written', () => {
  const account = { header: 'Authorization' }
  const mark = accountOf(account, [['authorization', 'Bearer a.b.c']])
  assert.equal(mark, accountOf(account, [['AUTHORIZATION', 'bearer  a.b.c']]))
  assert.notEqual(mark, accountOf(account, [['authorization', 'Bearer a.b.C']]))
  assert.ok(
    accountsOf({ header: 'X-User' }, [
      ['x-user', '1'],
      ['X-User', '2'],
    ] as const).includes(accountMark('2')),
  )
})

test('people behind one IPv4 address are told apart, a line of IPv6 is one', () => {
  const of = (address: string, account?: string, agent = 'a'): string | undefined =>
    keyFor(limit(1, 1), { address, account, headers: [['User-Agent', agent]] })
  assert.notEqual(of('192.0.2.1', 'x'), of('192.0.2.1', 'y'))
  assert.notEqual(of('192.0.2.1', undefined, 'a'), of('192.0.2.1', undefined, 'b'))
  assert.equal(of('192.0.2.1'), of('192.0.2.1'))
  assert.equal(of('2001:db8:0:1::1', undefined, 'a'), of('2001:DB8::1:ffff:0:0:2', undefined, 'b'))
  assert.notEqual(of('2001:db8:0:1::1'), of('2001:db8:0:2::1'))
})

test('workers share what was taken within 100 ms, and go on when peers are gone', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'khien-limits-'))
  const other = limiter()
  const one = limiter()
  const mine = await limitExchange(folder, one, Date.now)
  // A second worker of this process: under another name, as another process would have.
  const pid = Object.getOwnPropertyDescriptor(process, 'pid')!
  Object.defineProperty(process, 'pid', { ...pid, value: 999_999 })
  const theirs = await limitExchange(folder, other, Date.now)
  Object.defineProperty(process, 'pid', pid)
  for (let i = 0; i < 40 && mine.counts().peers + theirs.counts().peers < 2; i++) await wait(50)
  assert.equal(mine.counts().peers + theirs.counts().peers, 2)
  const limits = [limit(10, 60)]
  const sender = { address: '192.0.2.1', account: 'x', headers: [] }
  for (let i = 0; i < 10; i++) assert.equal(one.turn(limits, sender, Date.now()), 0)
  await wait(100)
  assert.ok(other.turn(limits, sender, Date.now()) > 0)
  await theirs[Symbol.asyncDispose]()
  await wait(50)
  assert.equal(one.turn(limits, { ...sender, account: 'y' }, Date.now()), 0)
  assert.equal(mine.counts().peers, 0)
  await mine[Symbol.asyncDispose]()
  await rm(folder, { recursive: true })
})

test('an account over its limit is told when to come again; others at the same address go on; a ban ends', async () => {
  await using rig = await startRig()
  const ask = async (cookie: string, path = '/'): Promise<string> =>
    raw(rig.port, `GET ${path} HTTP/1.1\r\nHost: a\r\nCookie: sid=${cookie}\r\nConnection: close\r\n\r\n`)
  await rig.gateway.use(
    settingsWith(
      rig.origin,
      [
        {
          account: { cookie: 'sid' },
          rateLimits: [{ name: 'each', per: 'client', requests: 5, seconds: 600 }],
          routes: [{ path: '/otp', rateLimits: [{ name: 'otp', per: 'account', requests: 1, seconds: 600 }] }],
        },
      ],
      {
        bans: [
          { account: accountMark('bad'), until: '2030-01-01T00:00:00Z' },
          { account: accountMark('was-bad'), until: '1960-01-01T00:00:00Z' },
        ],
      },
    ),
  )
  const attacker: string[] = []
  for (let i = 0; i < 40; i++) attacker.push((await ask('attacker')).slice(9, 12))
  assert.deepEqual([attacker.filter((s) => s === '200').length, attacker.at(-1)], [5, '429'])
  assert.match(await ask('attacker'), /\r\nRetry-After: \d+\r\n/)
  for (let i = 0; i < 30; i++) assert.match(await ask(`honest${i}`), /^HTTP\/1\.1 200 /)
  assert.match(await ask('one', '/otp'), /^HTTP\/1\.1 200 /)
  assert.match(await ask('one', '/otp'), /^HTTP\/1\.1 429 /)
  assert.match(await ask('bad'), /^HTTP\/1\.1 403 /)
  assert.match(await ask('was-bad'), /^HTTP\/1\.1 200 /)
  const { turned, limits } = rig.gateway.stats()
  assert.deepEqual([turned.limit, turned.ban, limits.storms], [37, 1, 1])
})
