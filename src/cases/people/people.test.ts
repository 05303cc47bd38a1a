import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import test from 'node:test'
import { detectionMigrations, openDetection } from '../../detection/index.ts'
import { signingKey } from '../../engine/seal/index.ts'
import { KhienError } from '../../kit/errors.ts'
import { systemEntropy } from '../../kit/ids.ts'
import { recordedActs } from '../../kit/testing.ts'
import type { Mail } from '../../mail/index.ts'
import { migrate } from '../../storage/sql/index.ts'
import { STORES } from '../../storage/sql/testing.ts'
import { keyIdOf, verifyRequest } from '../soc/signature.ts'
import { peopleMigrations, peopleService } from './service.ts'

const NOW = Date.UTC(2026, 10, 22)
const voice = signingKey(new Uint8Array(32).fill(3))

for (const store of STORES)
  test(
    `${store.name}: own people are told once each, from their level on, again only while they were not`,
    { skip: store.skip },
    async () => {
      await using db = await store.open()
      await migrate(db, [...detectionMigrations, ...peopleMigrations])
      const { acts, record } = recordedActs()
      const waiting: { recipient: string; alert: string }[] = []
      const sent: Mail[] = []
      const calls: { body: string; verdict: unknown }[] = []
      const hook = createServer(async (req, res) => {
        const parts: Buffer[] = []
        for await (const part of req) parts.push(part as Buffer)
        const body = Buffer.concat(parts)
        const authority = req.headers.host ?? ''
        const verdict = await verifyRequest(
          { method: 'POST', authority, path: '/hook', body },
          (name) => String(req.headers[name] ?? ''),
          NOW,
          async (id) => (id === keyIdOf(voice.publicKey) ? voice.publicKey : undefined),
        )
        calls.push({ body: String(body), verdict: verdict.ok })
        res.end()
      })
      await new Promise<void>((resolve) => hook.listen(0, '127.0.0.1', resolve))
      let away = true
      const detection = openDetection({ db, clock: () => NOW, entropy: systemEntropy, record, emit: async () => {} })
      const mask = (bytes: Uint8Array): Uint8Array => bytes.map((byte) => byte ^ 0x5a)
      const people = peopleService({
        db,
        clock: () => NOW,
        entropy: systemEntropy,
        record,
        detection,
        voice,
        seal: mask,
        open: mask,
        mailer: {
          async send(mail) {
            if (away) throw new KhienError('mail/away', 'x')
            sent.push(mail)
          },
        },
        controller: 'Chợ Sen',
        consoleOrigin: 'http://localhost:9',
        emit: async (_, __, payload) => void waiting.push(payload as (typeof waiting)[number]),
      })
      await people.add({ kind: 'email', target: 'hoa@example.vn', from: 'medium', language: 'vi' }, 'staff:a')
      await people.add({ kind: 'email', target: 'sep@example.vn', from: 'critical', language: 'vi' }, 'staff:a')
      const { port } = hook.address() as AddressInfo
      await people.add({ kind: 'webhook', target: `http://127.0.0.1:${port}/hook`, from: 'low' }, 'staff:a')
      const [alert] = await detection.alerts.receive([
        {
          rule: 'r',
          title: 'Đoán mật khẩu',
          level: 'high',
          group: { account: 'acc_0000000000000000' },
          from: NOW,
          at: NOW,
          events: [],
          observables: [
            { kind: 'account', value: 'acc_0000000000000000', port: null, role: 'target' },
            { kind: 'address', value: '203.0.113.7', port: 1, role: 'attacker' },
          ],
        },
      ])
      await people.spread(alert!.id)
      await people.spread(alert!.id)
      assert.equal(waiting.length, 2, 'a second spread adds nobody; the critical-only recipient is not asked')
      const outcomes = await Promise.allSettled(waiting.map((w) => people.tell(w.recipient, w.alert)))
      assert.deepEqual(outcomes.map((o) => o.status).toSorted(), ['fulfilled', 'rejected'])
      away = false
      await Promise.all(waiting.map((w) => people.tell(w.recipient, w.alert)))
      assert.equal(sent[0]?.to, 'hoa@example.vn')
      assert.equal(sent[0]?.subject, '[Khiên, cao] Đoán mật khẩu')
      assert.match(sent[0]?.text ?? '', /203\.0\.113\.7, cổng 1/)
      assert.ok(calls.length > 0 && calls.every((call) => call.verdict === true && !call.body.includes('acc_')))
      const { items } = await people.list()
      assert.deepEqual(items.map((i) => [i.target.replace(/:\d+/, ''), i.told, i.failing].join(' ')).toSorted(), [
        'http://127.0.0.1/••• 1 false',
        'h•••@example.vn 1 false',
        's•••@example.vn 0 false',
      ])
      await people.remove(items[0]!.id, 'staff:a')
      await assert.rejects(people.remove(items[0]!.id, 'staff:a'), { code: 'people/no-recipient' })
      assert.doesNotMatch(JSON.stringify(acts), /hoa@|sep@/)
      hook.close()
      hook.closeAllConnections()
    },
  )
