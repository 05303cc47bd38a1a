import assert from 'node:assert/strict'
import { createHash, createVerify } from 'node:crypto'
import { createServer, type AddressInfo } from 'node:net'
import test from 'node:test'
import { SMTPServer, type SMTPServerOptions } from 'smtp-server'
import { dkimRecord, newDkimKey, openMailer } from './index.ts'

type Got = { to: string; text: string }
async function mailServer(options: SMTPServerOptions = {}): Promise<AsyncDisposable & { port: number; got: Got[] }> {
  const got: Got[] = []
  const server = new SMTPServer({
    authOptional: true,
    disabledCommands: ['STARTTLS'],
    onData(stream, session, done) {
      const parts: Buffer[] = []
      stream.on('data', (part: Buffer) => parts.push(part))
      stream.on('end', () => {
        got.push({ to: session.envelope.rcptTo[0]!.address, text: Buffer.concat(parts).toString('latin1') })
        done()
      })
    },
    ...options,
  })
  server.on('error', () => undefined)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    port: (server.server.address() as AddressInfo).port,
    got,
    [Symbol.asyncDispose]: () => new Promise((resolve) => server.close(() => resolve())),
  }
}
const MAIL = {
  to: 'hoa@example.vn',
  subject: 'Thiết bị của bạn',
  text: 'Chào bạn,\nmáy của bạn đã nối tới một máy chủ điều khiển.\n',
  messageId: 'ntc_1@song-hong.example',
}

/** RFC 6376 §3.4.2, §3.4.4, relaxed/relaxed: enough of a verifier for what nodemailer signs. */
function dkimHolds(text: string, publicKey: string): boolean {
  const at = text.indexOf('\r\n\r\n')
  const body = text.slice(at + 4)
  const headers = text
    .slice(0, at)
    .replace(/\r\n[ \t]+/g, ' ')
    .split('\r\n')
    .map((line): [string, string] => [
      line.slice(0, line.indexOf(':')).toLowerCase(),
      line.slice(line.indexOf(':') + 1),
    ])
  const signature = headers.find(([name]) => name === 'dkim-signature')![1]
  const tag = (name: string): string =>
    new RegExp(`(?:^|;)\\s*${name}=([^;]*)`).exec(signature)![1]!.replace(/\s+/g, '')
  const canonBody = `${body
    .replace(/[ \t]+/g, ' ')
    .replace(/ \r\n/g, '\r\n')
    .replace(/(?:\r\n)*$/, '')}\r\n`
  const hash = createHash('sha256').update(Buffer.from(canonBody, 'latin1')).digest('base64')
  if (hash !== tag('bh')) return false
  const relaxed = ([name, value]: [string, string]): string => `${name}:${value.replace(/[ \t]+/g, ' ').trim()}`
  const signed = tag('h')
    .split(':')
    .flatMap((name) => headers.filter(([own]) => own === name.toLowerCase()).map(relaxed))
  const own = relaxed(['dkim-signature', signature.replace(/(^|;)(\s*b=)[^;]*/, '$1$2')])
  return createVerify('sha256')
    .update(Buffer.from(`${signed.join('\r\n')}\r\n${own}`, 'latin1'))
    .verify(`-----BEGIN PUBLIC KEY-----\n${publicKey}\n-----END PUBLIC KEY-----`, tag('b'), 'base64')
}

test('mail arrives whole, signed, under its own id; a changed one fails the check', async () => {
  await using server = await mailServer()
  const dkim = { domain: 'song-hong.example', selector: 'khien', privateKey: await newDkimKey() }
  const mailer = openMailer({
    host: '127.0.0.1',
    port: server.port,
    from: 'Viễn thông <canh-bao@song-hong.example>',
    dkim,
  })
  await mailer.send(MAIL)
  const [{ to, text } = { to: '', text: '' }] = server.got
  assert.equal(to, 'hoa@example.vn')
  assert.match(text, /^Message-ID: <ntc_1@song-hong\.example>\r$/im)
  assert.match(text, /^Auto-Submitted: auto-generated\r$/im)
  const { name, value } = dkimRecord(dkim)
  assert.equal(name, 'khien._domainkey.song-hong.example')
  const key = /p=(.*)$/.exec(value)![1]!
  assert.ok(dkimHolds(text, key))
  assert.ok(!dkimHolds(text.replace('canh-bao', 'lua-dao'), key))
})

for (const [name, options, code] of [
  [
    'refused for good',
    { onRcptTo: (_, __, done) => done(Object.assign(new Error('hoa@example.vn: no'), { responseCode: 550 })) },
    'mail/refused',
  ],
  [
    'come back later',
    { onRcptTo: (_, __, done) => done(Object.assign(new Error('hoa@example.vn: busy'), { responseCode: 451 })) },
    'mail/away',
  ],
] as const satisfies readonly (readonly [string, SMTPServerOptions, string])[])
  test(`mail: ${name}; the error names no address`, async () => {
    await using server = await mailServer(options)
    const mailer = openMailer({ host: '127.0.0.1', port: server.port, from: 'a@example.vn' })
    await assert.rejects(mailer.send(MAIL), (error: Error & { code: string }) => {
      assert.equal(error.code, code)
      assert.doesNotMatch(error.message, /hoa@/)
      return true
    })
  })

test('mail: the line breaks after the text was sent', async () => {
  const server = createServer((socket) => {
    socket.write('220 x\r\n')
    let data = false
    socket.on('error', () => undefined)
    socket.on('data', (chunk) => {
      const text = String(chunk)
      if (data && text.endsWith('\r\n.\r\n')) socket.destroy()
      else if (/^EHLO/i.test(text)) socket.write('250 x\r\n')
      else if (/^DATA/i.test(text)) {
        data = true
        socket.write('354 go on\r\n')
      } else if (!data) socket.write('250 ok\r\n')
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  const mailer = openMailer({ host: '127.0.0.1', port, from: 'a@example.vn' })
  await assert.rejects(mailer.send(MAIL), { code: 'mail/in-doubt' })
  server.close()
})

test('mail: nobody listens', async () => {
  const mailer = openMailer({ host: '127.0.0.1', port: 1, from: 'a@example.vn' })
  await assert.rejects(mailer.send(MAIL), { code: 'mail/away' })
})
