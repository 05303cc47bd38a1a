import { cpus } from 'node:os'
import { outage } from '../test/client/outage.ts'

// Two shops that share one spool folder take orders while the vault is killed (SIGKILL) for five minutes and comes back;
// then every order is read from the vault and counted in its evidence log. `npm run bench -- offline [SECONDS] [ORDERS/S]`.

const [seconds = 300, rate = 100] = process.argv.slice(2).map(Number)
const say = (name: string, value: number, unit: string, goal = '-', verdict = '-'): void =>
  console.log([name, Number.isInteger(value) ? value : value.toFixed(1), unit, goal, verdict].join('\t'))
const exactly = (name: string, value: number, unit: string, goal: number): void =>
  say(name, value, unit, String(goal), value === goal ? 'met' : 'short')

console.log(
  `# offline\t${new Date().toISOString().slice(0, 10)}\t${cpus()[0]!.model.trim()}, ${cpus().length} cores\tNode ${process.version}`,
)
const found = await outage({ awayMs: seconds * 1_000, beforeMs: 10_000, afterMs: 10_000, rate: rate / 2, shops: 2 })
say('the vault was away', seconds, 's')
say('orders', found.sold, 'orders')
say('orders while it was away', found.soldWhileAway, 'orders')
exactly('orders that failed at the till', found.failed.length, 'orders', 0)
exactly('orders the vault does not hold', found.lost, 'orders', 0)
exactly('orders written twice', found.twice, 'orders', 0)
exactly('items taken, two an order', found.itemsTaken, 'items', 2 * found.sold)
exactly('items refused', found.refused, 'items', 0)
say('most items waiting', found.mostPending, 'items')
say('from the vault’s first answer to an empty spool', found.drainMs / 1_000, 's')
say('items drained a second', found.mostPending / (found.drainMs / 1_000), 'items/s')
say('an order while the vault is there, p99', found.up[0], 'ms')
say('an order while it is away, p99', found.away[0], 'ms')
say('an order while it is away, longest', found.away[1], 'ms')
for (const code of new Set(found.failed))
  say(`failed: ${code}`, found.failed.filter((one) => one === code).length, 'orders')
