import assert from 'node:assert/strict'
import test from 'node:test'
import { manualClock } from '../kit/clock.ts'
import { systemEntropy } from '../kit/ids.ts'
import { silentLog } from '../kit/log.ts'
import { migrate } from '../storage/sql/index.ts'
import { STORES } from '../storage/sql/testing.ts'
import { openOutbox, outboxMigrations, type Payload } from './index.ts'

for (const store of STORES) {
  test(
    `${store.name}: an event lives and dies with its transaction, and is tried until it is handled`,
    { skip: store.skip },
    async () => {
      await using db = await store.open()
      await migrate(db, outboxMigrations)
      const clock = manualClock(1_795_000_000_000)
      await using outbox = openOutbox({ db, clock, entropy: systemEntropy, log: silentLog })
      const seen: Payload[] = []
      let failing = true
      outbox.handle('told', async (payload) => {
        if (failing) throw new Error('not now')
        seen.push(payload)
      })
      await assert.rejects(
        db.transaction(async (trx) => {
          await outbox.emit(trx, 'told', { n: 0 })
          throw new Error('rolled back')
        }),
      )
      assert.equal(await outbox.pending(), 0)

      await db.transaction((trx) => outbox.emit(trx, 'told', { n: 1 }))
      assert.equal(await outbox.drain(), 0, 'the handler fails')
      assert.equal(await outbox.drain(), 0, 'and is not tried again at once')
      failing = false
      clock.advance(1_500)
      assert.equal(await outbox.drain(), 1)
      assert.deepEqual(seen, [{ n: 1 }])
      assert.equal(await outbox.pending(), 0)
    },
  )

  test(`${store.name}: two processes take an event once`, { skip: store.skip }, async () => {
    await using db = await store.open()
    await migrate(db, outboxMigrations)
    const clock = manualClock(1_795_000_000_000)
    let runs = 0
    const boxes = [0, 1].map(() => {
      const box = openOutbox({ db, clock, entropy: systemEntropy, log: silentLog })
      box.handle('once', async () => void runs++)
      return box
    })
    await db.transaction(async (trx) => {
      for (let n = 0; n < 20; n++) await boxes[0]!.emit(trx, 'once', { n })
    })
    await Promise.all(boxes.map((box) => box.drain()))
    assert.equal(runs, 20)
  })

  test(`${store.name}: a topic that hangs holds up no other`, { skip: store.skip }, async () => {
    await using db = await store.open()
    await migrate(db, outboxMigrations)
    const clock = manualClock(1_795_000_000_000)
    const { promise, resolve: letGo } = Promise.withResolvers<void>()
    const order: string[] = []
    const box = openOutbox({ db, clock, entropy: systemEntropy, log: silentLog })
    box.handle('slow', async () => {
      await promise
      order.push('slow')
    })
    box.handle('quick', async () => void order.push('quick'))
    await db.transaction(async (trx) => {
      for (let n = 0; n < 6; n++) await box.emit(trx, 'slow', { n })
      await box.emit(trx, 'quick', {})
    })
    const first = box.drain()
    while (!order.includes('quick')) await new Promise((r) => setTimeout(r, 5))
    await db.transaction((trx) => box.emit(trx, 'quick', {}))
    assert.equal(await box.drain(), 1, 'and goes on while the other hangs')
    letGo()
    assert.equal(await first, 7)
    await box[Symbol.asyncDispose]()
  })
}
