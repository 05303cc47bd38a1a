import assert from 'node:assert/strict'
import { generateKeyPairSync } from 'node:crypto'
import test from 'node:test'
import { memorySpool } from '../../src/client/index.ts'
import { sealing } from '../../src/client/sealing.ts'
import type { Transport } from '../../src/client/transport.ts'

test('a key that comes while the note is being read stays: the first order of a shop is sealed, and the key asked for once', async () => {
  const publicKey = generateKeyPairSync('x25519').publicKey.export({ format: 'jwk' }).x!
  const now = new Date().toISOString()
  // The note is read to its end a few steps after the answer came, while that is still being noted.
  for (let steps = 0; steps < 12; steps++) {
    const answered = Promise.withResolvers<void>()
    let calls = 0
    const link: Transport = {
      async call<T>() {
        calls++
        answered.resolve()
        return { id: 'ibk_1', publicKey, renewAt: new Date(Date.now() + 86_400_000).toISOString(), now } as T
      },
      state: () => 'up',
      onUp: () => {},
      close: () => {},
    }
    const spool = memorySpool()
    const note = async (): Promise<undefined> => {
      await answered.promise
      for (let step = 0; step < steps; step++) await undefined
    }
    const seals = sealing(link, { ...spool, note }, 'khk_test')
    const sealed = seals.seal([{ subject: 'S' }], Date.now())
    await seals.renew()
    assert.equal((await sealed)[0]!.key, 'ibk_1')
    assert.equal(calls, 1)
  }
})
