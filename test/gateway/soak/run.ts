import { fork } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import type { Fault, FromLoad, LoadConfig, Tally } from './load.ts'
import { numbers } from './shots.ts'
import { clientsOf, descriptorsOf, listenersOn, listening, residentOf } from './sockets.ts'
import { startPlatform, type Platform } from './system.ts'

export type SoakPlan = {
  readonly seconds: number
  /** Worker kills are so far apart, ms, half as much more or less. */
  readonly everyMs: number
  /** The node is killed so often, evenly, in the first half. */
  readonly nodeKills: number
  /** Folder of SecLang; undefined: our own pack. */
  readonly rules: string | undefined
  readonly seed: number
  readonly say?: (line: string) => void
}

export type Kill = {
  readonly what: 'worker' | 'node'
  readonly pid: number
  /** From when it no longer ran, and when it was gone, epoch ms. */
  readonly stopped: number
  readonly killed: number
  /** When its listening sockets were: until then the kernel still gave it connections. */
  gone: number
  readonly clients: ReadonlySet<number>
  /** Other workers that listened then. */
  readonly others: number
  /** Until as many listened as before, ms; undefined for the node, or when the next kill came first. */
  backMs: number | undefined
}
export type Sample = {
  readonly at: number
  readonly pid: number
  readonly who: 'worker' | 'node'
  readonly mib: number
  readonly descriptors: number
}

export type Soaked = {
  readonly seconds: number
  readonly right: Tally['right']
  readonly slowestMs: number
  readonly wrong: readonly Fault[]
  readonly hangs: readonly Fault[]
  /** Broken with the worker that held them; unexplained: all other broken ones. */
  readonly broken: number
  readonly unexplained: readonly Fault[]
  /** How long no worker listened at all. */
  readonly outageMs: number
  readonly kills: readonly Kill[]
  readonly samples: readonly Sample[]
  /** The worker that was let live from the middle on. */
  readonly steady: number
  /** Its descriptors once nobody asks any more. */
  readonly idleDescriptors: number
}

/** When no worker listened, epoch ms. */
type Outage = { readonly from: number; to: number }

const LISTENS_AGAIN_MS = 60_000
/** A connection that was opened so near to the kill may have waited in the queue of the one that died. */
const NEAR_MS = 150
/** Who listens is looked at so often, on a machine that is busy. */
const LOOKED_MS = 500
/** A client may notice so much later, on a machine that is busy. */
const NOTICED_MS = 10_000

/** Runs a whole platform under full load, kills its processes at random, and books every answer. */
export async function soak(plan: SoakPlan): Promise<Soaked> {
  const application = fork(join(import.meta.dirname, 'application.ts'), {
    execArgv: [],
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  })
  try {
    const [port] = (await once(application, 'message')) as [number]
    await using platform = await startPlatform(`http://127.0.0.1:${port}`, plan.rules)
    return await underLoad(platform, plan)
  } finally {
    application.disconnect()
  }
}

async function underLoad(platform: Platform, plan: SoakPlan): Promise<Soaked> {
  const config: LoadConfig = { port: platform.port, tls: platform.tls, seed: plan.seed }
  const clients = fork(join(import.meta.dirname, 'load.ts'), ['load', JSON.stringify(config)], {
    execArgv: [],
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  })
  const faults: Fault[] = []
  const over = new Promise<Tally>((resolve, reject) => {
    clients.on('message', (message: FromLoad) => {
      if (message.type === 'faults') faults.push(...message.faults)
      else resolve(message)
    })
    clients.once('exit', () => reject(new Error('the clients ended by themselves')))
  })
  over.catch(() => undefined)
  const began = Date.now()
  const until = began + plan.seconds * 1_000
  const kills: Kill[] = []
  const samples: Sample[] = []
  const outages: Outage[] = []
  let sampling = true
  const sampler = (async () => {
    for (let n = 0; sampling; n++, await wait(100)) {
      if (n % 10 === 0) samples.push(...sample(platform))
      if (listenersOn(platform.port) > 0) continue
      if (Date.now() - (outages.at(-1)?.to ?? 0) > 500) outages.push({ from: Date.now(), to: Date.now() })
      outages.at(-1)!.to = Date.now()
    }
  })()
  let steady = 0
  try {
    await killing(platform, plan, { began, until }, kills, (pid) => (steady = pid))
    clients.send('stop')
    const { right, slowestMs } = await over
    const seconds = (Date.now() - began) / 1_000
    await wait(Math.min(25_000, plan.seconds * 50))
    const idleDescriptors = platform.workers().includes(steady) ? descriptorsOf(steady) : 0
    const isExplained = (fault: Fault): boolean =>
      kills.some((kill) => explains(kill, fault)) || nobodyListened(outages, fault)
    const broken = faults.filter(({ what }) => what === 'broken')
    return {
      seconds,
      right,
      slowestMs,
      wrong: faults.filter(({ what }) => what === 'wrong'),
      hangs: faults.filter(({ what }) => what === 'hang'),
      broken: broken.filter(isExplained).length,
      unexplained: broken.filter((fault) => !isExplained(fault)),
      outageMs: outages.reduce((sum, { from, to }) => sum + to - from, 0),
      kills,
      samples,
      steady,
      idleDescriptors,
    }
  } finally {
    sampling = false
    await sampler
    if (clients.connected) clients.disconnect()
  }
}

/** A worker's own clients, and who waited to be accepted by it. The node holds no client. */
function explains(kill: Kill, { client, opened, began, ended, found }: Fault): boolean {
  if (kill.what === 'node' || ended < kill.stopped || began > kill.killed + NOTICED_MS) return false
  // A client that is busy notices late that its new connection stands; it asked for it when the request began.
  const earliest = Math.min(opened, began)
  if (kill.clients.has(client) && earliest <= kill.killed && ended <= kill.killed + NOTICED_MS) return true
  if (found === 'ECONNREFUSED') return kill.others === 0 && began <= kill.gone + LOOKED_MS
  return opened >= kill.stopped - NEAR_MS && earliest <= kill.gone + NEAR_MS
}

/** Refused by the kernel while no worker was up. */
const nobodyListened = (outages: readonly Outage[], { found, began, ended }: Fault): boolean =>
  found === 'ECONNREFUSED' && outages.some(({ from, to }) => ended >= from - LOOKED_MS && began <= to + LOOKED_MS)

async function killing(
  platform: Platform,
  { seconds, everyMs, nodeKills, seed, say = () => undefined }: SoakPlan,
  { began, until }: { began: number; until: number },
  kills: Kill[],
  settled: (steady: number) => void,
): Promise<void> {
  const random = numbers(seed)
  const middle = began + seconds * 500
  const nodeAt = Array.from({ length: nodeKills }, (_, i) => began + ((i + 0.7) * seconds * 500) / nodeKills)
  let steady: number | undefined
  const restarts: Promise<void>[] = []
  for (;;) {
    await wait(Math.min(everyMs * (0.5 + random()), Math.max(0, until - Date.now())))
    if (Date.now() >= until) break
    if (steady === undefined && Date.now() >= middle) {
      await full(platform)
      steady = platform.workers()[Math.floor(random() * 2)]!
      settled(steady)
    }
    if (nodeAt.length > 0 && Date.now() >= nodeAt[0]!) {
      nodeAt.shift()
      const pid = platform.node()
      if (pid !== undefined) kills.push(end('node', pid, platform))
      say(`node ${pid} killed`)
      continue
    }
    const up = listening(platform.workers(), platform.port)
    // One that only starts has nothing to lose; the last one is taken now and then.
    if (up.length === 0 || (up.length === 1 && random() < 0.75)) continue
    const victims = up.filter((pid) => pid !== steady)
    const pid = victims[Math.floor(random() * victims.length)]
    if (pid === undefined) continue
    const kill = end('worker', pid, platform)
    kills.push(kill)
    say(`worker ${pid} killed, ${kill.clients.size} connections, ${kill.others} others listen`)
    restarts.push(
      again(platform, kill).then(
        () => void (kill.backMs = Date.now() - kill.killed),
        () => undefined,
      ),
    )
  }
  await Promise.all(restarts)
}

/** Its listening sockets go when the last of its threads has ended, which may be a moment after it is dead. */
async function again(platform: Platform, kill: Kill): Promise<void> {
  for (let tries = 0; tries < 200 && listenersOn(platform.port) > kill.others; tries++) await wait(20)
  kill.gone = Date.now()
  await full(platform)
}

async function full({ port, tls }: Platform): Promise<void> {
  for (const end = Date.now() + LISTENS_AGAIN_MS; Date.now() < end; await wait(50))
    if (listenersOn(port) === 2 && listenersOn(tls) === 2) return
  throw new Error('a worker did not come back')
}

/** Halted first, so that what it holds can be looked at while it takes nothing more. */
function end(what: Kill['what'], pid: number, { port, tls, workers }: Platform): Kill {
  process.kill(pid, 'SIGSTOP')
  const stopped = Date.now()
  const clients = what === 'worker' ? clientsOf(pid, [port, tls]) : new Set<number>()
  const others = listening(workers(), port).filter((one) => one !== pid).length
  process.kill(pid, 'SIGKILL')
  const killed = Date.now()
  return { what, pid, stopped, killed, gone: killed, clients, others, backMs: undefined }
}

function sample(platform: Platform): Sample[] {
  const at = Date.now()
  const node = platform.node()
  const all = [
    ...platform.workers().map((pid) => ({ pid, who: 'worker' as const })),
    ...(node === undefined ? [] : [{ pid: node, who: 'node' as const }]),
  ]
  return all.flatMap(({ pid, who }) => {
    try {
      return [{ at, pid, who, mib: residentOf(pid), descriptors: descriptorsOf(pid) }]
    } catch {
      // It was killed while we looked.
      return []
    }
  })
}

/** Faults with their times from the last kill before their end, ms, for who looks for a cause. */
export const describe = (faults: readonly Fault[], kills: readonly Kill[]): string[] =>
  faults.map(({ what, kind, found, client, opened, began, ended }) => {
    const kill = kills.findLast(({ killed }) => killed <= ended)
    const from = (at: number): number => at - (kill?.killed ?? 0)
    return `${what}, ${kind}: ${found}, port ${client}, opened ${from(opened)}, began ${from(began)}, ended ${from(ended)} after ${kill?.what} ${kill?.pid} was killed${kill?.clients.has(client) ? ', which held it' : ''}`
  })

/** How often which fault met which kind of request. */
export function kindsOf(faults: readonly Fault[]): Record<string, number> {
  const counts: Record<string, number> = {}
  for (const { what, kind, found } of faults) {
    const name = `${what}, ${kind}: ${found}`
    counts[name] = (counts[name] ?? 0) + 1
  }
  return counts
}
