import assert from 'node:assert/strict'
import test from 'node:test'
import { STORES } from '../storage/sql/testing.ts'
import { openVault } from './index.ts'
import type { VaultTables } from './store.ts'
import { vaultOver } from './testing.ts'
import { TOKEN_BUDGET } from './tokens.ts'

const phones = (from: number, count: number) => Array.from({ length: count }, (_, i) => `09${String(from + i).padStart(8, '0')}`) // prettier-ignore

for (const store of STORES) {
  test(
    `${store.name}: tokens of values are bounded by key and hour, over all processes`,
    { skip: store.skip },
    async () => {
      await using db = await store.open()
      await using keysDb = await store.open()
      const { vault, ctx, clock, acts } = await vaultOver(db, keysDb, { tokenBudget: 10 })
      const other = openVault(ctx)
      clock.set(Date.parse('2026-11-21T03:15:00Z'))
      const ask = (by: typeof vault, from: number, count: number, actor = 'service:a') =>
        by.tokens('person', 'phone', phones(from, count), actor)
      const refused = { code: 'vault/token-budget', status: 429, retryAfter: 45 * 60 }
      assert.equal((await ask(vault, 0, 6)).length, 6)
      await assert.rejects(ask(other, 6, 5), refused)
      await assert.rejects(ask(vault, 6, 5), refused)
      assert.equal((await ask(other, 6, 4)).length, 4, 'what was refused counts for nothing')
      await assert.rejects(ask(other, 10, 1), refused)
      assert.equal((await ask(vault, 0, 10, 'service:b')).length, 10, 'each key has its own')
      await assert.rejects(vault.tokens('person', 'phone', ['không phải số'], 'service:a'), {
        code: 'vault/not-a-phone',
      })
      assert.deepEqual(
        acts.filter((act) => act.kind === 'vault.tokens').map((act) => [act.actor, act.result, act.facts!['count']]),
        [
          ['service:a', 'done', 6],
          ['service:a', 'refused', 5],
          ['service:a', 'done', 4],
          ['service:b', 'done', 10],
        ],
        'a refusal is recorded once an hour',
      )
      const moving = await vault.tokens('person', 'phone', phones(0, 50), 'service:a', { unbounded: true })
      assert.equal(moving.length, 50, 'a key that moves a database in is recorded, and not bounded')
      assert.equal(acts.at(-1)!.facts!['count'], 50)
      clock.advance(45 * 60_000)
      assert.equal((await ask(vault, 10, 10)).length, 10, 'the next hour')
      clock.advance(60 * 3_600_000)
      const many = await Promise.allSettled(Array.from({ length: 12 }, (_, i) => ask(i % 2 ? vault : other, i, 2)))
      assert.equal(many.filter((one) => one.status === 'fulfilled').length, 5, 'at once too')
      const rows = await db.tables<VaultTables>().selectFrom('vault_token_budget').selectAll().execute()
      assert.deepEqual(rows.map(({ caller, asked }) => [caller, Number(asked)]), [['service:a', 10]]) // prettier-ignore
      await other.close()
      await vault.close()
    },
  )
}

test('without a word of the operator a shop’s log-ins pass', async () => {
  await using db = await STORES[0]!.open()
  await using keysDb = await STORES[0]!.open()
  const { vault } = await vaultOver(db, keysDb)
  assert.equal(TOKEN_BUDGET, 100_000)
  assert.equal((await vault.tokens('person', 'phone', phones(0, 500), 'service:a')).length, 500)
})
