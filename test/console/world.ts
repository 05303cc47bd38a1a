import { join } from 'node:path'
import { Agent } from 'undici'
import type { BrowserContext, Page } from 'playwright-core'
import type { Role } from '../../src/app/config.ts'
import { SupervisedProcess } from '../../src/app/supervised-process.ts'
import { buildConsole } from '../../src/cli/console.ts'
import { STAFF_ROLES } from '../../src/kit/contract.ts'
import { root } from '../commands/processes.ts'
import { enrol, form, runningNode, type RunningNode } from '../running-node.ts'
import { CALLED, mailSink, OWN_RANGES, seedBuyer, seedSubscribers } from './people.ts'
import { seedGateway, type Much } from './gateway-seeds.ts'
import { events, refusals, workerFigures } from './seeds.ts'

const CONTROLLERS: Readonly<Record<Role, string>> = {
  platform: 'Chợ Sen',
  telecom: 'Viễn thông Sông Hàn',
  authority: 'Trung tâm An ninh mạng',
}
/** Seeds end a little before now, so that nothing lies in the future of a page that is already open. */
const NEWEST_MS = 300
const LATEST_MS = 20_000
const REFUSALS = 420
const BEAT_MS = 2_000

/** The console as its sources say, whoever runs the tests. */
export const built = (): Promise<boolean> => buildConsole({ root, err: () => {}, language: 'vi' })

/** A node with everything that runs beside it, and somebody who holds every role. */
export type World = AsyncDisposable & {
  readonly role: Role
  readonly node: RunningNode
  readonly cookie: string
  /** Asks the API as that person. */
  api(method: string, path: string, body?: unknown): Promise<Record<string, unknown>>
}

export async function startWorld(role: Role, much: Much = { many: false }): Promise<World> {
  await using stack = new AsyncDisposableStack()
  const post = role === 'telecom' ? stack.use(await mailSink()) : undefined
  const node = stack.use(
    await runningNode({
      role,
      config: { controller: CONTROLLERS[role], ...(post ? { mail: post.mail, ownRanges: OWN_RANGES } : {}) },
    }),
  )
  const first = await enrol(node.internal, node.setupToken, 'quan-tri')
  const shown = async (path: string, fields: [string, string][], cookie: string): Promise<string> => {
    const page = await (await fetch(`${node.internal}${path}`, form(node.internal, cookie, fields))).text()
    return /id="secret"[^>]*>([^<]+)</.exec(page)![1]!
  }
  const roles = STAFF_ROLES.map((one): [string, string] => ['roles[]', one])
  const link = await shown('/settings/invitations', roles, first)
  const cookie = await enrol(node.internal, new URL(link).searchParams.get('token')!, 'hoa')
  const api = async (method: string, path: string, body?: unknown): Promise<Record<string, unknown>> => {
    const response = await fetch(`${node.internal}${path}`, {
      method,
      headers: {
        cookie,
        origin: node.internal,
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    })
    const answer = (await response.json()) as Record<string, unknown>
    if (!response.ok) throw new Error(`${method} ${path} answered ${response.status} ${String(answer['code'])}`)
    return answer
  }
  if (role !== 'authority') {
    for (const process of await eventProcesses(node, role)) stack.defer(() => process.stop())
    const key = await shown(
      '/settings/keys',
      [
        ['name', 'cong'],
        ['scopes[]', 'events:write'],
        ['scopes[]', 'subscribers:write'],
      ],
      cookie,
    )
    await partners(role, api)
    await seedEvents(node, key)
    if (role === 'telecom') await seedSubscribers(node, key, api)
  }
  if (role === 'platform') {
    await seedRefusals(node, much.many ? 10 * REFUSALS : REFUSALS)
    await seedGateway(node, api, much)
    stack.use(beat(node))
  }
  const owned = stack.move()
  return { role, node, cookie, api, [Symbol.asyncDispose]: () => owned.disposeAsync() }
}

/** Intake and store of the node's folder, as the supervisor runs them. */
async function eventProcesses(node: RunningNode, role: Role): Promise<readonly SupervisedProcess[]> {
  const { folder } = node.config
  const configs = {
    store: { folder },
    intake: { folder, nodeSocket: node.socket, sigma: join(root, 'rules', 'sigma'), matching: role === 'telecom' },
  }
  const processes = Object.entries(configs).map(
    ([name, config]) =>
      new SupervisedProcess(
        { name, module: join(root, 'src', 'app', 'processes', `${name}.ts`), config, restart: false },
        { root, compileCache: undefined },
        true,
      ),
  )
  await Promise.all(processes.map((process) => process.ready()))
  return processes
}

/** Ordinary requests and two attacks, through the front door; resolves when the rules have told of them. */
async function seedEvents(node: RunningNode, key: string): Promise<void> {
  const lines = events(Date.now() - NEWEST_MS)
  const response = await fetch(`${node.internal}/api/events`, {
    method: 'POST',
    headers: { authorization: `Bearer ${key}`, 'content-type': 'application/x-ndjson', 'idempotency-key': 'seed-0001' },
    body: lines.join('\n'),
  })
  const { rejectedTotal } = (await response.json()) as { rejectedTotal?: number }
  if (!response.ok || rejectedTotal !== 0) throw new Error(`events: ${response.status}, ${rejectedTotal} rejected`)
}

/** Asks until it is so. */
export async function until(what: string, holds: () => Promise<boolean>): Promise<void> {
  for (const end = Date.now() + LATEST_MS; Date.now() < end; await new Promise((go) => setTimeout(go, 150)))
    if (await holds()) return
  throw new Error(`${what} did not come`)
}

/** What a worker of the gateway says to its node. */
function workerOf(node: RunningNode) {
  const agent = new Agent({ connect: { socketPath: node.socket } })
  let taken = 0
  const post = async (path: string, body: string): Promise<void> => {
    const { statusCode, body: answer } = await agent.request({ origin: 'http://localhost', path, method: 'POST', body })
    const said = await answer.text()
    if (statusCode >= 300) throw new Error(`${path} answered ${statusCode}`)
    // The version of the settings that the node has: taken as a worker would, and told the next time.
    const { settingsVersion } = (said === '' ? {} : JSON.parse(said)) as { settingsVersion?: number }
    if (settingsVersion !== undefined) taken = settingsVersion
  }
  return {
    refusals: (lines: readonly string[]) => post('/gateway/refusals', lines.join('\n')),
    figures: (count: number) =>
      post('/gateway/stats', JSON.stringify({ ...workerFigures(count * 220, count), settingsVersion: taken })),
    close: () => agent.close(),
  }
}

/** Tells the node what a worker of the gateway would. */
export async function seedRefusals(node: RunningNode, count: number): Promise<void> {
  const worker = workerOf(node)
  const lines = refusals(count, Date.now() - NEWEST_MS)
  for (let from = 0; from < lines.length; from += 200) await worker.refusals(lines.slice(from, from + 200))
  await worker.figures(count)
  await worker.close()
}

/** A worker that goes on telling its figures: one that falls silent counts as gone. */
function beat(node: RunningNode): AsyncDisposable {
  const worker = workerOf(node)
  const timer = setInterval(() => void worker.figures(REFUSALS).catch(() => undefined), BEAT_MS)
  return {
    async [Symbol.asyncDispose]() {
      clearInterval(timer)
      await worker.close()
    },
  }
}

/** Ids of things to open. */
export type Found = {
  readonly case?: string
  readonly alert?: string
  readonly indicator?: string
  readonly refusal?: string
  readonly act?: string
  readonly report?: string
  readonly person?: string
  readonly infection?: string
  readonly dryRun?: string
}

/** A serious case from the first alert of the rules, with everything a case can hold; answers its number. */
export async function workCase(world: World): Promise<Found> {
  let alert = ''
  await until('an alert', async () => {
    const { items } = (await world.api('GET', '/api/detection/alerts?state=new')) as { items: { id: string }[] }
    alert = items[0]?.id ?? ''
    return alert !== ''
  })
  const { id } = (await world.api('POST', '/api/cases', { alert })) as { id: string }
  const at = `/api/cases/${id}`
  await world.api('POST', `${at}/serious`, {})
  await world.api('POST', `${at}/observables`, { kind: 'domain', value: 'may-chu-anh.test', role: 'seen' })
  await world.api('POST', `${at}/tasks`, { title: 'Khoanh phạm vi trong nhật ký 14 ngày' })
  const made = (await world.api('POST', `${at}/tasks`, { title: 'Chặn nguồn ở biên' })) as { tasks: { id: string }[] }
  await fetch(`${world.node.internal}${at}/tasks/${made.tasks[0]!.id}/done`, {
    method: 'POST',
    headers: { cookie: world.cookie, origin: world.node.internal },
  })
  await world.api('POST', `${at}/notes`, { text: 'Nguồn quét từ sáng, chưa lượt nào qua cổng.' })
  return {
    case: id,
    alert,
    indicator: await shareSome(world, id),
    ...(world.role === 'platform' ? { person: await seedBuyer(world.node) } : { infection: await infected(world) }),
  }
}

/** The infection whose owner was warned; the others could not be told apart. */
async function infected(world: World): Promise<string> {
  let found = ''
  await until('a warning', async () => {
    const { items } = (await world.api('GET', '/api/subscribers/infections')) as {
      items: { id: string; state: string }[]
    }
    found = items.find(({ state }) => state === 'warned')?.id ?? ''
    return found !== '' && items.length >= 3
  })
  return found
}

const HOURS_MS = 3_600_000
/** A peer, an indicator shared with it, and one that is still a draft; answers the id of the shared one. */
async function shareSome(world: World, caseId: string): Promise<string> {
  await world.api('POST', '/api/exchange/peers', { name: 'Trung tâm An ninh mạng', role: 'authority', maxTlp: 'amber' })
  const propose = async (value: string, confidence: number): Promise<string> => {
    const made = await world.api('POST', '/api/exchange/indicators', {
      value,
      kind: 'domain',
      role: 'c2',
      confidence,
      validUntil: new Date(Date.now() + 200 * HOURS_MS).toISOString(),
      caseId,
    })
    return String(made['id'])
  }
  // The telecom has listed it already; its own people found another.
  const id = await propose(world.role === 'telecom' ? 'tai-nhanh.test' : CALLED, 90)
  await propose('may-chu-anh.test', 60)
  await propose('dropbox.com', 80)
  await world.api('POST', `/api/exchange/indicators/${id}/share`, {})
  return id
}

/** Who watches for us or for whom we watch, and who of our own is told. Nobody listens there: what is sent stays to be seen. */
async function partners(role: Role, api: World['api']): Promise<void> {
  const { key } = (await api('GET', '/api/soc')) as { key: string }
  if (role === 'platform')
    await api('PUT', '/api/soc/contract', { name: 'SOC Sông Hàn', url: 'http://127.0.0.1:9/soc/alerts' })
  else await api('POST', '/api/soc/clients', { name: 'Chợ Sen', key })
  const target = 'http://127.0.0.1:9/bao-dong/7b1e'
  await api('POST', '/api/detection/recipients', { kind: 'webhook', target, from: 'high' })
}

/** Citizens write on the public page; its own script answers the puzzle. Answers the id of the newest report. */
export async function writeReports(world: World, page: Page): Promise<string> {
  const stories = [
    ['Shop Mẹ và Bé', 'Vừa mua hàng xong thì có ba số lạ gọi, đọc đúng đơn của tôi.'],
    ['Nhóm chat “Data sạch 2026”', 'Có người rao bán danh sách khách hàng của một ngân hàng, có mẫu kèm theo.'],
  ] as const
  for (const [about, story] of stories) {
    await page.goto(`${world.node.public}/report?lang=vi`)
    await page.fill('[name="about"]', about)
    await page.fill('[name="story"]', story)
    await page.click('main form .btn.go')
    await page.waitForSelector('.slip')
  }
  const { items } = (await world.api('GET', '/api/reports')) as { items: { id: string }[] }
  return items[0]!.id
}

export async function signedIn(context: BrowserContext, world: World, language = 'vi'): Promise<void> {
  const { node, cookie } = world
  const [name, value] = cookie.split('=') as [string, string]
  await context.addCookies([
    { name, value, url: node.internal },
    { name: 'lang', value: language, url: node.internal },
  ])
}

/** Every address of the console that a role has something at. */
export function placesOf(role: Role, found: Found = {}): string[] {
  const one = (path: string, id: string | undefined): string[] => (id === undefined ? [] : [`${path}/${id}`])
  const detect = [
    '/detect',
    '/detect/alerts',
    ...one('/detect/alerts', found.alert),
    '/detect/cases',
    ...one('/detect/cases', found.case),
    '/detect/rules',
    '/detect/recipients',
  ]
  const share = [
    '/share',
    '/share/indicators',
    ...one('/share/indicators', found.indicator),
    '/share/transfers',
    '/share/peers',
    '/share/blocks',
    ...(role === 'authority' ? [] : ['/share/centre']),
  ]
  const evidence = ['/evidence', ...one('/evidence', found.act)]
  if (role === 'platform')
    return [
      '/protect',
      '/protect/refusals',
      ...one('/protect/refusals', found.refusal),
      '/protect/sites',
      '/protect/sites/cho-sen',
      '/protect/history',
      '/protect/history/2',
      '/protect/rules',
      '/protect/dry-runs',
      ...one('/protect/dry-runs', found.dryRun),
      '/protect/rates',
      '/protect/outgoing',
      ...one('/protect/refusals', found.refusal === undefined ? undefined : `${found.refusal}?state=legit`),
      '/protect/events',
      '/people',
      '/people/find',
      ...one('/people', found.person),
      '/people/reads',
      '/people/vault',
      '/people/backups',
      ...detect,
      ...share,
      ...evidence,
    ]
  if (role === 'telecom')
    return [
      ...detect,
      '/detect/events',
      ...share,
      '/warn',
      '/warn/infections',
      ...one('/warn/infections', found.infection),
      '/warn/notices',
      '/warn/attribution',
      ...evidence,
    ]
  return [...share, '/reports', ...one('/reports', found.report), ...evidence]
}

/** The newest act of the log, and the newest refusal. */
export async function newestOf(world: World): Promise<Found> {
  const first = async (path: string): Promise<string | undefined> => {
    const { items } = (await world.api('GET', path)) as { items: { id: string; index?: number | null }[] }
    return items.find(({ index }) => index !== null)?.id
  }
  // One with many facts, where there is one: a long act shows whether its page holds it.
  const act = (await first('/api/log?kind=vault.put')) ?? (await first('/api/log'))
  const refusal = world.role === 'platform' ? await first('/api/refusals') : undefined
  const dryRun = world.role === 'platform' ? await first('/api/gateway/dry-runs') : undefined
  return {
    ...(act === undefined ? {} : { act }),
    ...(refusal === undefined ? {} : { refusal }),
    ...(dryRun === undefined ? {} : { dryRun }),
  }
}
