import { SMTPServer } from 'smtp-server'
import type { AddressInfo } from 'node:net'
import { PROCESSING } from '../../examples/marketplace/processing.ts'
import { portLog, SUBSCRIBERS } from '../../examples/telecom/subscribers.ts'
import { batches, eveningEvents } from '../../examples/telecom/traffic.ts'
import { createKhien, newSubject } from '../../src/client/index.ts'
import type { RunningNode } from '../running-node.ts'

/** Where the demo's access network lies. */
export const OWN_RANGES = ['198.18.0.0/15']
/** The host that a device of the telecom calls. */
export const CALLED = 'cap-nhat-anh.test'
const HOUR_MS = 3_600_000
const EVENING_MIN = 60

/** A buyer with an order that runs, one consent given and one withdrawn, and reads that were let through and refused. */
export async function seedBuyer(node: RunningNode): Promise<string> {
  const khien = createKhien({ origin: node.internal, publicOrigin: node.public, key: node.serviceKey().key })
  const declared = await khien.declare(PROCESSING)
  const subject = newSubject()
  await khien.openAgreement({ subject, kind: 'membership', ref: 'tv-1' })
  await khien.openAgreement({ subject, kind: 'order', ref: 'DH-2291' })
  const version = (id: string): number => declared.purposes.find(({ purpose }) => purpose.id === id)!.version
  const decisions = ['marketing', 'suggestions'].map((id) => ({ purpose: id, version: version(id), given: true }))
  await khien.decide({ subject, notice: declared.notice.version, language: 'vi', method: 'web-form', decisions })
  const own = { subject, record: '-' } as const
  await khien.put([
    {
      ...own,
      collection: 'person',
      fields: { name: 'Nguyễn Thị Mẫu Hoa', phone: '0912345678', email: 'hoa@example.vn' },
    },
    { ...own, collection: 'account', fields: { password: 'một câu đủ dài để giữ cửa' } },
    {
      ...own,
      record: 'DH-2291',
      collection: 'order',
      fields: { address: '12 Lý Thường Kiệt, Huế', note: 'gọi trước' },
    },
    {
      ...own,
      record: 'DH-2291',
      collection: 'bank',
      fields: { number: '9704 0000 0000 0018', holder: 'NGUYEN THI MAU HOA' },
    },
    { ...own, record: 'tn-1', collection: 'message', fields: { body: 'Nón lá còn không ạ?' } },
  ])
  const read = (purpose: string, fields: string[]) =>
    khien.get({ purpose, reason: 'DH-2291', items: [{ ...own, collection: 'person', fields }] })
  await read('order-delivery', ['name', 'phone'])
  await khien.withdraw({ subject, purpose: 'marketing' })
  await read('marketing', ['email'])
  return subject
}

type Api = (method: string, path: string, body?: unknown) => Promise<Record<string, unknown>>
/** An evening of an access network in which one device calls a listed host: the log, the contacts, the events. */
export async function seedSubscribers(node: RunningNode, key: string, api: Api): Promise<void> {
  const at = Date.now() - 1_000
  const send = async (path: string, type: string, body: string, once: string): Promise<void> => {
    const headers = { authorization: `Bearer ${key}`, 'content-type': type, 'idempotency-key': once }
    const response = await fetch(`${node.internal}${path}`, { method: 'POST', headers, body })
    if (!response.ok) throw new Error(`${path} answered ${response.status} ${await response.text()}`)
  }
  await send('/api/subscribers/contacts', 'application/json', JSON.stringify({ items: SUBSCRIBERS }), 'contacts-1')
  await send('/api/subscribers/port-logs', 'text/csv', portLog(at), 'port-log-1')
  await api('PUT', '/api/subscribers/warning', { mode: 'on', cap: 1_000, cleanAfterDays: 7 })
  const { id } = await api('POST', '/api/exchange/indicators', {
    value: CALLED,
    kind: 'domain',
    role: 'c2',
    confidence: 90,
    validUntil: new Date(Date.now() + 200 * HOUR_MS).toISOString(),
  })
  await api('POST', `/api/exchange/indicators/${String(id)}/share`, {})
  const evening = eveningEvents({ at, host: CALLED, minutes: EVENING_MIN })
  for (const [i, batch] of [...batches(evening)].entries())
    await send('/api/events', 'application/x-ndjson', batch, `evening-${i}-0000`)
}

/** A mail server that takes everything and keeps nothing. */
export async function mailSink(): Promise<AsyncDisposable & { readonly mail: { url: string; from: string } }> {
  const server = new SMTPServer({
    authOptional: true,
    disabledCommands: ['STARTTLS'],
    onData(stream, _, done) {
      stream.on('end', () => done())
      stream.resume()
    },
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.server.address() as AddressInfo
  return {
    mail: { url: `smtp://127.0.0.1:${port}`, from: 'canh-bao@nha-mang.example' },
    [Symbol.asyncDispose]: () => new Promise<void>((resolve) => server.close(() => resolve())),
  }
}
