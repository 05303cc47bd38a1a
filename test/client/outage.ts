import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readdirSync, readFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { setTimeout as sleep } from 'node:timers/promises'
import { createKhien } from '../../src/client/index.ts'
import type { ShopAsked, ShopReport, Sold } from './shop-process.ts'
import { KEEPING, vaultProcess } from './vault-process.ts'

export type OutageAsked = {
  readonly awayMs: number
  readonly beforeMs: number
  readonly afterMs: number
  /** Orders a second and shop. */
  readonly rate: number
  readonly shops: number
  /** Killed again so often while it takes what has waited. */
  readonly killsMore?: number
}
export type Outage = {
  readonly sold: number
  readonly soldWhileAway: number
  readonly failed: string[]
  /** Orders whose name and address the vault does not hold as they were given. */
  readonly lost: number
  /** Orders whose address was written more than once, by the evidence log. */
  readonly twice: number
  readonly itemsTaken: number
  readonly delivered: number
  readonly refused: number
  readonly mostPending: number
  readonly drainMs: number
  /** Milliseconds of an order, 99th percentile and most. */
  readonly up: readonly [number, number]
  readonly away: readonly [number, number]
}

/** Shops that share one spool sell while the vault is killed and comes back; then every order is held against the vault. */
export async function outage({ awayMs, beforeMs, afterMs, rate, shops, killsMore = 0 }: OutageAsked): Promise<Outage> {
  await using vault = await vaultProcess()
  const { origin, publicOrigin, key } = vault
  const khien = createKhien({ origin, publicOrigin, key })
  await khien.declare(KEEPING)
  const folder = mkdtempSync(join(tmpdir(), 'khien-outage-'))
  const spool = join(folder, 'spool')
  const running = await Promise.all(
    Array.from({ length: shops }, async (_, i) => {
      const report = join(folder, `shop-${i}.json`)
      const asked: ShopAsked = { origin, publicOrigin, key, spool, rate, report, name: `S${i}` }
      const entry = join(import.meta.dirname, 'shop-process.ts')
      const child = spawn(process.execPath, [entry, JSON.stringify(asked)], { stdio: ['pipe', 'pipe', 'inherit'] })
      await once(child.stdout, 'data')
      return { child, report }
    }),
  )
  await sleep(beforeMs)
  const goneAt = Date.now()
  await vault.kill()
  await sleep(awayMs)
  const pending = (): number =>
    ['waiting', ...takers()].reduce((sum, name) => sum + readdirSync(join(spool, name)).length, 0)
  const takers = (): string[] => readdirSync(join(spool, 'taken')).map((name) => join('taken', name))
  const mostPending = pending()
  await vault.start()
  for (let kill = 0; kill < killsMore; kill++) {
    await sleep(500 + Math.random() * 500)
    await vault.kill()
    await vault.start()
  }
  const backAt = Date.now()
  let drainMs = 0
  const drained = (async () => {
    for (;;) {
      // A folder may go between the two looks.
      const left = ((): number => {
        try {
          return pending()
        } catch {
          return 1
        }
      })()
      if (left === 0) break
      await sleep(50)
    }
    drainMs = Date.now() - backAt
  })()
  await sleep(afterMs)
  const reports = await Promise.all(
    running.map(async ({ child, report }) => {
      child.stdin.end()
      await once(child, 'exit')
      return JSON.parse(readFileSync(report, 'utf8')) as ShopReport
    }),
  )
  await drained
  const sold = reports.flatMap((one) => one.sold)
  const lost = await lostOf(khien, sold)
  const { twice, itemsTaken } = counted(join(vault.folder, 'control.db'))
  await khien.close()
  const isAway = ({ at }: Sold): boolean => at >= goneAt && at < backAt
  const times = (list: readonly Sold[]): [number, number] => {
    const sorted = list.map((one) => one.ms).toSorted((a, b) => a - b)
    return [sorted[Math.floor(sorted.length * 0.99)] ?? 0, sorted.at(-1) ?? 0]
  }
  return {
    sold: sold.length,
    soldWhileAway: sold.filter(isAway).length,
    failed: reports.flatMap((one) => one.failed),
    lost,
    twice,
    itemsTaken,
    delivered: reports.reduce((sum, one) => sum + one.delivered, 0),
    refused: reports[0]!.refused,
    mostPending,
    drainMs,
    up: times(sold.filter((one) => !isAway(one))),
    away: times(sold.filter(isAway)),
  }
}

async function lostOf(khien: ReturnType<typeof createKhien>, sold: readonly Sold[]): Promise<number> {
  let lost = 0
  for (let from = 0; from < sold.length; from += 200) {
    const part = sold.slice(from, from + 200)
    const { items } = await khien.get({
      purpose: 'invoice',
      reason: 'COUNT',
      items: part.flatMap(({ subject, ref }) => [
        { subject, collection: 'person', fields: ['name'] },
        { subject, collection: 'order', record: ref, fields: ['address'] },
      ]),
    })
    for (const [i, { buyer }] of part.entries()) {
      const [person, order] = [items[2 * i]!, items[2 * i + 1]!]
      if (!person.ok || !order.ok || person.fields['name'] !== buyer || !order.fields['address']) lost++
    }
  }
  return lost
}

/** From the node's own store: what was taken, and what the evidence log says of each order's address. */
function counted(path: string): { twice: number; itemsTaken: number } {
  using db = new DatabaseSync(path, { readOnly: true })
  const one = (sql: string): number => Number(Object.values(db.prepare(sql).get()!)[0])
  return {
    itemsTaken: one('select count(*) from vault_inbox_taken'),
    twice: one(`select count(*) from (select subject from audit_record
      where kind = 'vault.put' and record like '%order.address%' group by subject having count(*) > 1)`),
  }
}
