import { writeFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { createKhien, folderSpool, newSubject } from '../../src/client/node.ts'

// A shop under orders, in a process of its own: `node shop-process.ts ASKED`. Takes `rate` orders a second until its
// standard input ends, waits until nothing is left to deliver, writes what it sold and how long each order took.

export type ShopAsked = {
  readonly origin: string
  readonly publicOrigin: string
  readonly key: string
  readonly spool: string
  readonly rate: number
  readonly report: string
  readonly name: string
}
/** `at` and `ms`: when the customer came, and how long the order took. */
export type Sold = {
  readonly subject: string
  readonly ref: string
  readonly buyer: string
  readonly at: number
  readonly ms: number
}
export type ShopReport = {
  readonly sold: Sold[]
  readonly failed: string[]
  readonly delivered: number
  readonly refused: number
  readonly drainedAt: number
}

if (process.argv[2] !== undefined) await run(JSON.parse(process.argv[2]) as ShopAsked)

async function run({ origin, publicOrigin, key, spool, rate, report, name }: ShopAsked): Promise<void> {
  const khien = createKhien({ origin, publicOrigin, key, spool: await folderSpool(spool) })
  const sold: Sold[] = []
  const failed: string[] = []
  let open = true
  process.stdin.resume().on('end', () => (open = false))

  async function order(n: number): Promise<void> {
    const [subject, ref, buyer, at, began] = [
      newSubject(),
      `DH-${name}-${n}`,
      `Khách ${name} ${n}`,
      Date.now(),
      performance.now(),
    ]
    try {
      const results = await khien.putSoon([
        { subject, collection: 'person', fields: { name: buyer, phone: `09${String(n).padStart(8, '0')}` } },
        { subject, collection: 'order', record: ref, fields: { address: `${n} Lê Lợi, Quận 1` } },
      ])
      const wrong = results.find((one) => !one.ok)
      if (wrong) failed.push((wrong as { code: string }).code)
      else sold.push({ subject, ref, buyer, at, ms: performance.now() - began })
    } catch (error) {
      failed.push(String((error as { code?: string }).code ?? error))
    }
  }

  process.stdout.write('open\n')
  const running = new Set<Promise<void>>()
  const began = performance.now()
  for (let n = 0; open; n++) {
    const wait = began + (n * 1_000) / rate - performance.now()
    if (wait > 1) await sleep(wait)
    const one = order(n).finally(() => running.delete(one))
    running.add(one)
  }
  await Promise.all(running)
  for (let tries = 0; (await khien.spooled()).pending > 0 && tries < 1_200; tries++) await sleep(100)
  const { delivered, refused } = await khien.spooled()
  await khien.close()
  const said: ShopReport = { sold, failed, delivered, refused, drainedAt: Date.now() }
  writeFileSync(report, JSON.stringify(said))
  process.exit(0)
}
