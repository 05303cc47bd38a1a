import assert from 'node:assert/strict'
import test from 'node:test'
import { outage } from './outage.ts'

test(
  'the vault is killed for twenty seconds under orders, and twice more while it takes them: none is lost, none is there twice',
  { timeout: 120_000 },
  async (t) => {
    const said = await outage({ awayMs: 20_000, beforeMs: 1_500, afterMs: 1_500, rate: 40, shops: 2, killsMore: 2 })
    t.diagnostic(JSON.stringify(said))
    assert.deepEqual(said.failed, [])
    assert.ok(said.soldWhileAway > 1_000, `only ${said.soldWhileAway} orders came while it was away`)
    assert.deepEqual({ lost: said.lost, twice: said.twice, refused: said.refused }, { lost: 0, twice: 0, refused: 0 })
    // Two items an order: the person, and the order's address.
    assert.equal(said.itemsTaken, 2 * said.sold)
    assert.ok(said.mostPending > 1_500 && said.delivered >= said.mostPending)
  },
)
