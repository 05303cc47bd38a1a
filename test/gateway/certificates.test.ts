import assert from 'node:assert/strict'
import { once } from 'node:events'
import { copyFile, mkdtemp, rm } from 'node:fs/promises'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test from 'node:test'
import { connect, createServer } from 'node:tls'
import { silentLog } from '../../src/kit/log.ts'
import { certificates } from '../../src/gateway/worker/certificates.ts'
import { makeCertificate } from './certificate.ts'
import { settingsWith } from './sites.ts'

/** Whose certificate a client is shown that asks for a name, or for none. */
function shown(port: number, servername?: string): Promise<string> {
  return new Promise((resolve) => {
    const socket = connect(
      { port, host: '127.0.0.1', rejectUnauthorized: false, ...(servername && { servername }) },
      () => {
        resolve(String(socket.getPeerCertificate().subject.CN))
        socket.destroy()
      },
    )
    socket.on('error', () => resolve('none'))
  })
}

test('a client that asks for no name is shown the certificate of the site for any', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'khien-tls-'))
  const [any, shop, next] = ['any.vn', 'shop.vn', 'next.vn'].map((name) => makeCertificate(folder, name))
  const sitesOf = (hosts: string) =>
    settingsWith('http://127.0.0.1:9', [
      { name: 'any', hosts: [hosts], tls: any },
      { name: 'shop', hosts: ['shop.vn'], tls: shop },
    ]).sites
  using kept = certificates(undefined, silentLog)
  await kept.use(sitesOf('*'))
  const server = createServer({ SNICallback: (name, done) => done(null, kept.contextFor(name)) })
  kept.whenUnnamed((pair) => server.setSecureContext({ ...pair, minVersion: 'TLSv1.2' }))
  server.on('tlsClientError', (_, socket) => socket.destroy())
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  assert.deepEqual(
    [await shown(port), await shown(port, 'shop.vn'), await shown(port, 'x.vn')],
    ['any.vn', 'shop.vn', 'any.vn'],
  )
  await copyFile(next!.key, any!.key)
  await copyFile(next!.certificate, any!.certificate)
  await kept.look()
  assert.equal(await shown(port), 'next.vn')
  await kept.use(sitesOf('any.vn'))
  assert.deepEqual(
    [await shown(port), await shown(port, 'shop.vn'), await shown(port, 'x.vn')],
    ['none', 'shop.vn', 'none'],
  )
  server.close()
  await rm(folder, { recursive: true })
})
