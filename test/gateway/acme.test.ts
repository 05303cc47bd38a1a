import assert from 'node:assert/strict'
import { X509Certificate } from 'node:crypto'
import { mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test from 'node:test'
import { setTimeout as wait } from 'node:timers/promises'
import { connect } from 'node:tls'
import { manualClock } from '../../src/kit/clock.ts'
import type { Log } from '../../src/kit/log.ts'
import { startAuthority } from './acme-authority.ts'
import { startRig } from './servers.ts'
import { settingsWith } from './sites.ts'

const served = (port: number, servername: string): Promise<string> =>
  new Promise((resolve) => {
    const socket = connect({ host: '127.0.0.1', port, servername, rejectUnauthorized: false }, () => {
      resolve(socket.getPeerCertificate().serialNumber)
      socket.destroy()
    }).on('error', () => resolve(''))
  })

test(
  'chứng chỉ tự xin, tự dùng, tự gia hạn; cơ quan cấp từ chối thì nói rõ và để yên một giờ',
  { timeout: 90_000 },
  async (t) => {
    const folder = await mkdtemp(join(tmpdir(), 'khien-acme-'))
    t.after(() => rm(folder, { recursive: true }))
    const clock = manualClock(Date.now())
    const said: [string, Record<string, unknown>][] = []
    const keep = (event: string, more: Record<string, unknown> = {}): void => void said.push([event, more])
    const log: Log = { info: keep, warn: keep, error: keep, with: () => log }
    let port = 0
    let days = 90
    await using authority = await startAuthority(
      folder,
      () => port,
      () => days,
    )
    await using rig = await startRig(
      {
        tlsListen: { host: '127.0.0.1', port: 0 },
        folder: join(folder, 'gateway'),
        acme: { directory: authority.directory, email: 'quan-tri@example.vn' },
      },
      {},
      { clock, log },
    )
    port = rig.port
    const place = join(folder, 'gateway', 'acme')
    const hosts = ['shop.example.vn', 'www.shop.example.vn', '*.shop.example.vn']
    const use = (version: number) =>
      rig.gateway.use({
        ...settingsWith(rig.origin, [{ name: 'shop', hosts, tls: { acme: true }, threshold: 5 + version }]),
        version,
      })
    const happened = async (event: string, times = 1): Promise<void> => {
      for (let i = 0; said.filter(([one]) => one === event).length < times; i++) {
        assert.ok(i < 400, `${event} ${JSON.stringify(said)}`)
        await wait(50)
      }
    }
    await t.test('một trang mới có chứng chỉ ngay', async () => {
      await use(1)
      await happened('certificate-renewed')
      const certificate = new X509Certificate(await readFile(join(place, 'shop.crt')))
      assert.equal(certificate.subjectAltName, 'DNS:shop.example.vn, DNS:www.shop.example.vn')
      for (const name of ['shop.key', 'account.key'])
        assert.equal((await stat(join(place, name))).mode & 0o777, 0o600, name)
      assert.deepEqual(await readdir(join(place, 'challenges')), [])
      await happened('certificate-loaded')
      assert.equal(await served(rig.gateway.tlsPort!, 'www.shop.example.vn'), certificate.serialNumber)
      assert.equal(authority.accounts.size, 1)
    })
    await t.test('còn một phần ba thời hạn thì gia hạn, cùng tài khoản, không ngắt ai', async () => {
      await use(2)
      await wait(200)
      assert.equal(authority.orders.length, 1, 'not before its time')
      const before = await served(rig.gateway.tlsPort!, 'shop.example.vn')
      clock.advance(61 * 86_400_000)
      days = 200
      await use(3)
      await happened('certificate-renewed', 2)
      await happened('certificate-loaded', 2)
      assert.notEqual(await served(rig.gateway.tlsPort!, 'shop.example.vn'), before)
      assert.deepEqual([authority.orders.length, authority.accounts.size], [2, 1])
    })
    await t.test('bị từ chối', async () => {
      authority.refuse(true)
      clock.advance(150 * 86_400_000)
      await use(4)
      await happened('certificate-not-renewed')
      const [, told] = said.find(([event]) => event === 'certificate-not-renewed')!
      assert.match(String(told['detail']), /key authorization is not there/i)
      await use(5)
      await wait(300)
      assert.equal(authority.orders.length, 3, 'left in peace')
      assert.notEqual(await served(rig.gateway.tlsPort!, 'shop.example.vn'), '')
    })
    const wild = settingsWith(rig.origin, [{ hosts: ['*.example.vn'], tls: { acme: true } }])
    await assert.rejects(rig.gateway.use(wild), { code: 'gateway/acme-host' })
  },
)
