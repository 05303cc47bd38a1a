import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test, { type TestContext } from 'node:test'
import { connect } from 'node:tls'
import { manualClock } from '../../src/kit/clock.ts'
import { makeCertificate } from './certificate.ts'
import { startRig, type Rig } from './servers.ts'
import { settingsWith } from './sites.ts'

type Visit = { readonly isReused: boolean; readonly session: Buffer }

/** One request over a connection of its own, with the session of an earlier one when there is one. */
function visit(port: number, version: 'TLSv1.2' | 'TLSv1.3', session?: Buffer): Promise<Visit> {
  return new Promise((resolve, reject) => {
    let latest: Buffer | undefined
    let isReused = false
    const socket = connect({
      port,
      host: '127.0.0.1',
      servername: 'shop.vn',
      rejectUnauthorized: false,
      minVersion: version,
      maxVersion: version,
      ...(session && { session }),
    })
    socket.on('session', (one: Buffer) => (latest = one))
    socket.on('secureConnect', () => {
      isReused = socket.isSessionReused()
      socket.write('GET / HTTP/1.1\r\nHost: shop.vn\r\nConnection: close\r\n\r\n')
    })
    socket.on('error', reject).resume()
    socket.on('close', () => resolve({ isReused, session: latest ?? Buffer.alloc(0) }))
  })
}

async function workerIn(
  t: TestContext,
  folder: string,
  clock = manualClock(Date.now()),
): Promise<Rig & { tls: number }> {
  const rig = await startRig({ tlsListen: { host: '127.0.0.1', port: 0 }, folder }, {}, { clock })
  t.after(() => rig[Symbol.asyncDispose]())
  await rig.gateway.use(settingsWith(rig.origin, [{ tls: makeCertificate(folder, 'shop.vn') }]))
  return Object.assign(rig, { tls: rig.gateway.tlsPort! })
}

test('a TLS session goes on at another worker of the same folder, at none of another, and not two days later', async (t) => {
  const folders = await Promise.all(['a', 'b'].map((name) => mkdtemp(join(tmpdir(), `khien-tickets-${name}-`))))
  t.after(() => Promise.all(folders.map((folder) => rm(folder, { recursive: true }))))
  const [own, strange] = folders as [string, string]
  const first = await workerIn(t, own)
  const second = await workerIn(t, own)
  const other = await workerIn(t, strange)
  const later = await workerIn(t, own, manualClock(Date.now() + 2 * 86_400_000))
  for (const version of ['TLSv1.2', 'TLSv1.3'] as const) {
    const { session, isReused } = await visit(first.tls, version)
    assert.equal(isReused, false)
    for (const [worker, expected] of [
      [first, true],
      [second, true],
      [other, false],
      [later, false],
    ] as const)
      assert.equal((await visit(worker.tls, version, session)).isReused, expected, version)
  }
})
