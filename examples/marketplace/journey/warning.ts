import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { INFECTED, NEIGHBOUR, portLog, SCANNED, SUBSCRIBERS } from '../../telecom/subscribers.ts'
import { batches, eveningEvents } from '../../telecom/traffic.ts'
import type { ShownMail } from '../../telecom/viewer.ts'
import { until, type Travelled } from './travels.ts'
import { Visitor, type Report, type World } from './world.ts'

type Infection = {
  id: string
  contacted: string
  subscriber: string | null
  attribution: { result: string }
  state: string
  sightings: number
}
const mailOf = (subscriber: string): string => SUBSCRIBERS.find((one) => one.subscriber === subscriber)!.email

/** The telecom finds the device that called the host, whose it is, and warns that person alone, once. */
export async function warn(
  world: World,
  { callback, telecom, authority, indicator }: Travelled,
  report: Report,
): Promise<void> {
  report.step('Nhà mạng tìm thiết bị nhiễm', 'The telecom finds the infected device')
  const { key } = JSON.parse(readFileSync(join(world.data, 'telecom-network', 'service-key.json'), 'utf8')) as {
    key: string
  }
  const send = async (path: string, type: string, body: string, once?: string): Promise<Record<string, number>> => {
    const response = await fetch(`${world.telecom.internal}${path}`, {
      method: 'POST',
      headers: {
        authorization: `Bearer ${key}`,
        'content-type': type,
        ...(once === undefined ? {} : { 'idempotency-key': once }),
      },
      body,
    })
    if (!response.ok) throw new Error(`${path}: ${response.status} ${await response.text()}`)
    return (await response.json()) as Record<string, number>
  }
  const at = Date.now()
  // In the mail its dots are written [.], so that nothing can be clicked.
  const [name = ''] = callback.split('.')
  await send('/api/subscribers/contacts', 'application/json', JSON.stringify({ items: SUBSCRIBERS }))
  const log = await send('/api/subscribers/port-logs', 'text/csv', portLog(at))
  report.check(
    'nhật ký khối cổng được nhập, khoảng trống được nêu',
    'the port-block log is imported, its gap is shown',
    log['refused'] === 0 && (log['gaps'] as unknown as unknown[]).length > 0,
    `${log['rows']}`,
  )
  const evening = [...batches(eveningEvents({ at, host: callback }))]
  const began = performance.now()
  for (const [n, lines] of evening.entries())
    await send('/api/events', 'application/x-ndjson', lines, `evening-${at}-${n}`)
  const found = await until(async () => {
    const { items } = await telecom.get<{ items: Infection[] }>(
      `/api/subscribers/infections?indicator=${indicator}&limit=200`,
    )
    return items.find(({ attribution }) => attribution.result === 'attributed') ? items : undefined
  })
  const seconds = (performance.now() - began) / 1000
  const mine = found?.filter(({ attribution }) => attribution.result === 'attributed') ?? []
  report.check(
    'tìm thấy đúng một thuê bao trong hàng trăm, qua địa chỉ, cổng và giờ',
    'exactly one subscriber is found, by address, port and time',
    mine.length === 1,
    `${seconds.toFixed(1)} s`,
  )
  const unclear = await until(async () => {
    const { items } = await telecom.get<{ items: Infection[] }>(
      `/api/subscribers/infections?indicator=${indicator}&limit=200`,
    )
    return items.some(({ attribution }) => attribution.result !== 'attributed') ? items : undefined
  })
  report.check(
    'nơi nhật ký không đủ thì nói là không xác định được, không đoán',
    'where the logs do not suffice it says so and does not guess',
    unclear !== undefined,
  )

  report.step('Cảnh báo đúng người', 'Warning the right person')
  const sent = await until(async () => {
    const all = await mails(world)
    return all.find(({ to, text }) => to === mailOf(INFECTED.subscriber) && text.includes(name))
  })
  report.check(
    'thư tiếng Việt tới đúng thuê bao, có chữ ký DKIM đúng, không có đường dẫn',
    'the mail reached the right subscriber, its DKIM signature holds, no link in it',
    sent !== undefined && sent.dkim.result === 'pass' && !/https?:|www\./.test(sent.text),
    sent?.dkim.result ?? '',
  )
  const fresh = (await mails(world)).filter((mail) => mail.text.includes(name))
  const others = new Set([NEIGHBOUR, ...SCANNED].map(({ subscriber }) => mailOf(subscriber)))
  report.check(
    'người chung địa chỉ và người chỉ bị quét không nhận gì',
    'who shares the address and who was only scanned get nothing',
    fresh.length === 1 && !fresh.some(({ to }) => others.has(to)),
    `${fresh.length}`,
  )
  const code = /[0-9A-HJKMNP-TV-Z]{4}-[0-9A-HJKMNP-TV-Z]{4}/.exec(sent?.text ?? '')?.[0] ?? ''
  const person = new Visitor()
  const { public: origin } = world.telecom
  const yes = await (await person.post(`${origin}/warning`, { code })).text()
  const no = await (await person.post(`${origin}/warning`, { code: '0000-0000' })).text()
  report.check(
    'trang của nhà mạng xác nhận mã trong thư, và không xác nhận mã bịa',
    'the telecom’s page confirms the code in the mail, and no made-up one',
    yes.includes('do chúng tôi gửi') && !no.includes('Đúng, thư này do chúng tôi gửi'),
  )
  const back = await until(async () => {
    const { items } = await authority.get<{ items: { value: string; sightings: number }[] }>(
      `/api/exchange/indicators?q=${callback}`,
    )
    return items.find(({ sightings }) => sightings > 0)
  })
  report.check(
    'trung tâm quốc gia nhận lượt thấy, không có danh tính thuê bao',
    'the authority has the sighting, without any subscriber',
    back !== undefined && !JSON.stringify(back).includes(INFECTED.subscriber),
    `${back?.sightings ?? 0}`,
  )
}

const mails = async (world: World): Promise<ShownMail[]> =>
  (await (await fetch(`${world.mailbox}/mails.json`)).json()) as ShownMail[]
