import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { checkPorts, claimFolder } from './preflight.ts'

const home = mkdtempSync(join(tmpdir(), 'khien-preflight-'))
after(() => rmSync(home, { recursive: true }))

test('a taken port is named with its listener, also when it is shared', async () => {
  for (const reusePort of [false, true]) {
    const server = createServer()
    await new Promise<void>((resolve) => server.listen({ host: '127.0.0.1', port: 0, reusePort }, resolve))
    const { port } = server.address() as AddressInfo
    await assert.rejects(checkPorts([{ name: 'gateway', address: { host: '127.0.0.1', port } }]), {
      code: 'port-busy',
      message: new RegExp(`^Port ${port} \\(gateway\\) is already in use`),
    })
    await new Promise((resolve) => server.close(resolve))
    await checkPorts([{ name: 'gateway', address: { host: '127.0.0.1', port } }])
  }
})

test('an address that is not ours is named', async () => {
  await assert.rejects(checkPorts([{ name: 'gateway', address: { host: '203.0.113.77', port: 1024 } }]), {
    code: 'address',
  })
})

test('one Khiên per data folder', () => {
  const data = join(home, 'one')
  const first = claimFolder(data)
  assert.throws(() => claimFolder(data), { code: 'data-in-use' })
  first[Symbol.dispose]()
  claimFolder(data)[Symbol.dispose]()
})

for (const { format, code } of [
  { format: '1\n', code: undefined },
  { format: '2\n', code: 'data-format' },
  { format: 'x', code: 'data-format' },
])
  test(`data folder of format ${JSON.stringify(format)}`, () => {
    const data = mkdtempSync(join(home, 'format-'))
    writeFileSync(join(data, 'format'), format)
    if (code === undefined) claimFolder(data)[Symbol.dispose]()
    else assert.throws(() => claimFolder(data), { code })
  })

test('a file where the folder should be', () => {
  const path = join(home, 'file')
  writeFileSync(path, '')
  assert.throws(() => claimFolder(path), { code: 'data-folder', message: /cannot be written \(EEXIST\)\.$/ })
})
