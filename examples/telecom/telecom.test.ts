import assert from 'node:assert/strict'
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { get, type IncomingMessage } from 'node:http'
import { mkdtempSync, mkdirSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { EVENT_KINDS, type EventKind } from '../../src/intake/index.ts'
import { dkimRecord, newDkimKey, openMailer } from '../../src/mail/index.ts'
import { freePort } from '../../src/storage/sql/testing.ts'
import { plainAttribution, type PortBlock } from '../../src/engine/intel/index.ts'
import { readPortLog } from '../../src/subscribers/port-log-lines.ts'
import { INFECTED, portLog, SUBSCRIBERS } from './subscribers.ts'
import { eveningEvents } from './traffic.ts'
import type { ShownMail } from './viewer.ts'

const AT = Date.parse('2026-11-22T14:00:00Z')

test('the evening is lawful events, and of those who called the host one can be named', () => {
  const events = eveningEvents({ at: AT, host: 'update-cdn.test' })
  for (const event of events) {
    const read = EVENT_KINDS[event['kind'] as EventKind].safeParse(event)
    assert.ok(read.success, JSON.stringify(event))
  }
  assert.equal(new Set(events.map((event) => event['id'])).size, events.length)
  assert.deepEqual(eveningEvents({ at: AT, host: 'update-cdn.test' }), events)
  const names = SUBSCRIBERS.map((one) => one.subscriber)
  const devices = ['cgnat-1', 'cgnat-2', 'bras-1']
  const lines = [...readPortLog(Buffer.from(portLog(AT)))]
  assert.ok(lines.every((line) => 'kind' in line))
  const blocks = lines.flatMap((line): PortBlock[] =>
    'kind' in line && line.kind === 'block'
      ? [{ ...line, subscriber: names.indexOf(line.reference), device: devices.indexOf(line.device) }]
      : [],
  )
  const spans = lines.flatMap((line) =>
    'kind' in line && line.kind !== 'block'
      ? [{ kind: line.kind, device: devices.indexOf(line.device), from: line.from, to: line.to }]
      : [],
  )
  const table = plainAttribution(blocks, spans, ['198.18.0.0/15'])
  const found = events
    .filter((event) => event['query'] === 'update-cdn.test' || event['host'] === 'update-cdn.test')
    .map((event) => {
      const { subscriber, why } = table.attribute(
        String(event['clientAddress']),
        (event['clientPort'] as number | undefined) ?? null,
        event.time,
        2_000,
      )
      return why ?? names[subscriber]
    })
  assert.deepEqual(Map.groupBy(found, (one) => one).size, 3)
  assert.equal(found.filter((one) => one === INFECTED.subscriber).length, 6)
  assert.equal(found.filter((one) => one === 'no-port').length, 1)
  assert.equal(found.filter((one) => one === 'log-gap').length, 2)
})

test('a signed mail is kept and shown with its signature; another domain is refused; a strange host reads nothing', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'khien-telecom-'))
  const [smtp, web] = [await freePort(), await freePort()]
  const dkim = { domain: 'song-hong.test', selector: 'khien', privateKey: await newDkimKey() }
  const record = dkimRecord(dkim)
  const keys = join(folder, 'keys')
  mkdirSync(keys)
  writeFileSync(join(keys, 'telecom.json'), JSON.stringify({ [record.name]: record.value }))
  const child = fork(join(import.meta.dirname, 'server.ts'), { stdio: ['ignore', 'ignore', 'inherit', 'ipc'] })
  try {
    const ready = once(child, 'message')
    child.send({
      type: 'configure',
      config: {
        folder: join(folder, 'mails'),
        smtp: { host: '127.0.0.1', port: smtp },
        web: { host: '127.0.0.1', port: web, keys },
      },
    })
    assert.deepEqual((await ready)[0], { type: 'ready' })
    const mailer = openMailer({ host: '127.0.0.1', port: smtp, from: 'Viễn thông <canh-bao@song-hong.test>', dkim })
    const mail = { subject: 'Lưu ý an toàn', text: 'Chào bạn,\n<b>thử</b>\n', messageId: 'ntc_1@song-hong.test' }
    await mailer.send({ ...mail, to: 'sh-0003@example.vn' })
    await assert.rejects(mailer.send({ ...mail, to: 'someone@elsewhere.vn' }), { code: 'mail/refused' })
    const base = `http://127.0.0.1:${web}`
    const mails = (await (await fetch(`${base}/mails.json`)).json()) as ShownMail[]
    const [one] = mails
    assert.deepEqual(
      [mails.length, one?.to, one?.subject, one?.text, one?.messageId, one?.dkim],
      [1, 'sh-0003@example.vn', mail.subject, mail.text, mail.messageId, { result: 'pass', domain: 'song-hong.test' }],
    )
    writeFileSync(
      join(keys, 'telecom.json'),
      JSON.stringify({ [record.name]: dkimRecord({ ...dkim, privateKey: await newDkimKey() }).value }),
    )
    const other = (await (await fetch(`${base}/mails.json`)).json()) as ShownMail[]
    assert.equal(other[0]?.dkim.result, 'fail')
    const page = await (await fetch(`${base}/mails/${one!.id}`)).text()
    assert.match(page, /&lt;b&gt;thử&lt;\/b&gt;/)
    assert.match(await (await fetch(`${base}/?lang=en`)).text(), /Example mailbox/)
    for (const [path, status] of [
      ['/mails/../../etc/passwd', 404],
      ['/mails/x', 404],
      ['/%00', 404],
      ['/_/shop.css', 200],
    ] as const)
      assert.equal((await fetch(`${base}${path}`)).status, status, path)
    const strange = get(`${base}/mails.json`, { headers: { host: 'evil.test' } })
    const [answer] = (await once(strange, 'response')) as [IncomingMessage]
    answer.resume()
    assert.equal(answer.statusCode, 421)
  } finally {
    child.kill('SIGKILL')
  }
})
