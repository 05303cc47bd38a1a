import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { Client } from 'undici'
import { socketRecorder, startGateway } from '../../src/gateway/worker/index.ts'
import { systemClock } from '../../src/kit/clock.ts'
import { systemEntropy } from '../../src/kit/ids.ts'
import { silentLog } from '../../src/kit/log.ts'
import { PACK_FOLDER } from '../gateway/pack.ts'
import { startUpstream } from '../gateway/servers.ts'
import type { RunningNode } from '../running-node.ts'

/** The site that keeps all requests, and its host. */
export const KEEPING = { site: 'nguoi-ban', host: 'ban-hang.cho-sen.example' } as const
const LATEST_MS = 15_000
const BROWSER = {
  'user-agent': 'Mozilla/5.0 (X11; Linux x86_64) Firefox/140.0',
  accept: '*/*',
  'accept-language': 'vi',
}
const TITLES = ['nón lá', 'bánh mì', 'sách học SQL', 'đèn lồng Hội An', 'áo dài', "bộ lọc ' or 1=1 --"]
type Api = (method: string, path: string, body?: unknown) => Promise<Record<string, unknown>>

async function until(what: string, holds: () => Promise<boolean>): Promise<void> {
  for (const end = Date.now() + LATEST_MS; Date.now() < end; await wait(100)) if (await holds()) return
  throw new Error(`${what} did not come`)
}

/** Requests through a real gateway, kept sealed by the node, and a dry run over them; answers the run's id. */
export async function seedKept(node: RunningNode, api: Api, count: number): Promise<string> {
  await using stack = new AsyncDisposableStack()
  const upstream = stack.use(await startUpstream())
  const at = `/api/gateway/sites/${KEEPING.site}`
  const { site, version } = (await api('GET', at)) as { site: object; version: number }
  const reason = 'Ứng dụng đã chuyển máy'
  const made = (await api('PUT', at, {
    site: { ...site, upstreams: [{ url: upstream.origin }] },
    reason,
    version,
  })) as {
    version: number
  }
  const recorder = stack.use(socketRecorder(node.socket, silentLog))
  const gateway = stack.use(
    await startGateway(
      {
        listen: { host: '127.0.0.1', port: 0 },
        upstream: upstream.origin,
        rules: PACK_FOLDER,
        workers: 1,
        nodeSocket: node.socket,
        intakeSocket: '',
        trustedProxies: [],
        bodyLimit: 1_000_000,
        mode: 'block',
        folder: join(node.config.folder, 'gateway'),
      },
      {
        recorder,
        events: { send: () => true },
        log: silentLog,
        clock: systemClock,
        entropy: systemEntropy,
        limits: { drainMs: 200 },
      },
    ),
  )
  await until('the settings', async () => (gateway.stats().settingsVersion ?? 0) >= made.version)
  const client = stack.adopt(new Client(`http://127.0.0.1:${gateway.address.port}`), (one) => one.close())
  for (let i = 0; i < count; i++) {
    const title = TITLES[i % TITLES.length]!
    const { body } = await client.request({
      method: 'POST',
      path: `/san-pham/${i}`,
      headers: { ...BROWSER, host: KEEPING.host, 'content-type': 'application/x-www-form-urlencoded' },
      body: new URLSearchParams({ ten: title, gia: String(20_000 + i) }).toString(),
    })
    await body.dump()
  }
  await until('the kept requests', async () => {
    const { items } = (await api('GET', '/api/gateway/kept')) as { items: { requests: number }[] }
    return (items[0]?.requests ?? 0) >= count
  })
  const candidate = {
    rules: `SecRule ARGS:ten "@contains SQL" "id:7000001,phase:2,deny,status:403,log,msg:'Titles that speak of SQL'"`,
  }
  const begun = await api('POST', '/api/gateway/dry-runs', {
    site: KEEPING.site,
    candidate,
    reason: 'Trước khi chuyển trang người bán sang chặn',
  })
  const id = String(begun['id'])
  await until('the dry run', async () => (await api('GET', `/api/gateway/dry-runs/${id}`))['state'] === 'done')
  return id
}
