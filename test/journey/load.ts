import { setTimeout as wait } from 'node:timers/promises'
import { placeOrder, register, signIn } from '../../examples/marketplace/journey/buying.ts'
import { plant, type Planted } from '../../examples/marketplace/journey/planted.ts'
import { enterStock } from '../../examples/marketplace/journey/reading.ts'
import { unescape, type Seen, type Visitor, type World } from '../../examples/marketplace/journey/world.ts'

/** Everything that somebody was told had worked. */
export type Acknowledged = { readonly person: Planted; readonly token: string; readonly orders: string[] }
export type Load = { readonly acknowledged: Acknowledged[]; failures: number; stop(): Promise<void> }

const AT_ONCE = 2
/** The stock room shows a hundred outcomes of a letter run. */
const MOST = 90
const PAUSE_MS = 150

/** Buyers who register, order and come back while processes die under them; bounded, and counting what was promised. */
export function startLoad(world: World, seen: Seen): Load {
  let running = true
  const load: Load = { acknowledged: [], failures: 0, stop: () => Promise.resolve() }
  const buyer = async (): Promise<void> => {
    while (running && load.acknowledged.length < MOST) {
      try {
        const person = plant()
        const { visitor, token } = await register(world, person, ['marketing'], seen)
        const entry: Acknowledged = { person, token, orders: [] }
        load.acknowledged.push(entry)
        entry.orders.push(await placeOrder(world, { visitor, person }))
        await wait(PAUSE_MS)
      } catch {
        // Not acknowledged, so nothing was promised; the next buyer tries.
        load.failures++
        await wait(100)
      }
    }
  }
  const buyers = Array.from({ length: AT_ONCE }, buyer)
  load.stop = async () => {
    running = false
    await Promise.all(buyers)
  }
  return load
}

/** What was promised and is not there: an account, an order, its address, a consent. */
export async function missing(world: World, { acknowledged }: Load): Promise<string[]> {
  const lost: string[] = []
  const staff = await enterStock(world)
  const letters = await (await staff.post(`${world.gateway}/kho/thu-quang-cao`)).text()
  for (const { person, token, orders } of acknowledged) {
    if ((await signIn(world, person)) === undefined) lost.push('account')
    if (!consented(letters, token)) lost.push('consent')
    for (const order of orders) if (!(await holds(world, staff, order, person))) lost.push('order')
  }
  return lost
}

const consented = (letters: string, token: string): boolean => {
  const row = new RegExp(`<li id="${token}">([\\s\\S]*?)</li>`).exec(letters)?.[1]
  return row !== undefined && !row.includes('vault/')
}

async function holds(world: World, staff: Visitor, order: string, person: Planted): Promise<boolean> {
  const page = unescape(await staff.text(`${world.gateway}/kho/${order}`))
  return [person.name, person.phone, person.address, person.note].every((value) => page.includes(value))
}
