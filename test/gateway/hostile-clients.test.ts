import assert from 'node:assert/strict'
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { createServer } from 'node:http'
import { connect, type AddressInfo } from 'node:net'
import test, { type TestContext } from 'node:test'
import { setTimeout as wait } from 'node:timers/promises'
import { Client } from 'undici'
import { raw, startRig } from './servers.ts'
import { settingsWith } from './sites.ts'

const CLIENTS = 1_000
/** What another client may be kept waiting once nothing moves any more; while buffers fill it is measured, not demanded: the machine is shared. */
const MOST_MS = 500

/** An application whose downloads never end, and the clients that do not read them, in a process of their own. */
function hostileProcess(): void {
  const downloads = { begun: 0, open: 0 }
  const endless = createServer((req, res) => {
    if (req.url !== '/endless') return void res.end('ok')
    downloads.begun++
    downloads.open++
    res.on('close', () => downloads.open--)
    res.writeHead(200, { 'content-type': 'application/octet-stream' })
    const chunk = Buffer.alloc(65_536, 7)
    const more = (): void => {
      while (!res.destroyed && res.write(chunk)) continue
    }
    res.on('drain', more)
    more()
  }).listen(0, '127.0.0.1', () => process.send!((endless.address() as AddressInfo).port))
  process.on('message', async (port: number | 'downloads') => {
    if (port === 'downloads') return process.send!(downloads)
    for (let i = 0; i < CLIENTS; i++) {
      const socket = connect(port, '127.0.0.1').on('error', () => undefined)
      socket.pause()
      socket.write('GET /endless HTTP/1.1\r\nHost: a\r\n\r\n')
      if (i % 25 === 24) await wait(5)
    }
    process.send!('open')
  })
  process.on('disconnect', () => process.exit(0))
}

async function stalledDownloads(t: TestContext): Promise<void> {
  const hostile = fork(import.meta.filename, ['hostile'], { execArgv: [] })
  // Also when the test fails, or the run would wait for it for ever.
  t.after(() => hostile.connected && hostile.disconnect())
  const [application] = (await once(hostile, 'message')) as [number]
  const upstream = `http://127.0.0.1:${application}`
  await using rig = await startRig({ upstream }, { stallMs: 9_000, upstreamConnections: 2 * CLIENTS + 50 })
  const other = new Client(`http://127.0.0.1:${rig.port}`)
  const get = async (): Promise<number> => {
    const began = performance.now()
    const { body } = await other.request({ path: '/', method: 'GET' })
    await body.dump()
    return performance.now() - began
  }
  for (let i = 0; i < 50; i++) await get()
  const before = process.memoryUsage()
  hostile.send(rig.port)
  await once(hostile, 'message')
  // First the kernel's buffers fill, gigabytes of them; then nothing moves any more.
  const filling: number[] = []
  let quick = 0
  for (const until = Date.now() + 60_000; quick < 40 && Date.now() < until; await wait(5)) {
    const took = await get()
    quick = took <= MOST_MS ? quick + 1 : 0
    filling.push(took)
  }
  filling.sort((a, b) => a - b)
  const { external } = process.memoryUsage()
  t.diagnostic(
    `others: median ${filling[filling.length >> 1]!.toFixed(1)} ms, slowest while buffers filled ${filling.at(-1)!.toFixed(0)} ms; ${((external - before.external) / CLIENTS / 1024).toFixed(0)} KiB held a client`,
  )
  assert.equal(quick, 40)
  assert.ok(external - before.external < CLIENTS * 400_000)
  // Where all of the kernel's memory for TCP is full of them, some get their last bytes only when others are gone.
  let downloads = { begun: 0, open: CLIENTS }
  for (let i = 0; i < 120 && downloads.open > 0; i++) {
    await wait(500)
    hostile.send('downloads')
    ;[downloads] = (await once(hostile, 'message')) as [typeof downloads]
  }
  const { stalled, upstreamErrors } = rig.gateway.stats()
  t.diagnostic(
    `${downloads.begun} begun, ${stalled} closed as stalled, ${upstreamErrors} never reached the application`,
  )
  assert.equal(downloads.open, 0)
  // A kernel short of memory lets some never begin and may reset a few by itself; the others were closed by us.
  assert.ok(downloads.begun > CLIENTS / 2, `${downloads.begun} begun`)
  assert.ok(stalled > 0.9 * downloads.begun && stalled <= downloads.begun, `${stalled} of ${downloads.begun}`)
  await other.close()
  hostile.disconnect()
  await once(hostile, 'exit')
}

const form = (size: number, end: string): string =>
  `a=${'xin+ch%C3%A0o+'.repeat(Math.ceil(size / 14))}`.slice(0, size - end.length) + end

if (process.argv[2] === 'hostile') hostileProcess()
else {
  test(
    `${CLIENTS} clients that open downloads and read nothing hold little, delay nobody, and are closed`,
    stalledDownloads,
  )

  test('one connection has so many requests under way and no more, whoever still waits for them', async () => {
    await using rig = await startRig({}, { requestsAtOnce: 10, upstreamHeadMs: 1_000 })
    const answer = await raw(rig.port, 'GET /never HTTP/1.1\r\nHost: a\r\n\r\n'.repeat(40), 3_000)
    assert.ok(rig.received.length <= 10, String(rig.received.length))
    assert.equal(rig.gateway.stats().turned.limit, 30)
    assert.match(answer, /^HTTP\/1\.1 504 /)
  })

  test('large bodies are judged by a thread: the same verdict, the loop free, bounded, and one that breaks is begun anew', async (t) => {
    await using rig = await startRig({}, { threadQueue: 4 })
    const post = (body: string): Promise<string> =>
      raw(
        rig.port,
        `POST / HTTP/1.1\r\nHost: a\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: ${body.length}\r\nConnection: close\r\n\r\n${body}`,
        10_000,
      )
    const status = (answer: string): number => Number(answer.slice(9, 12))
    await t.test('the same verdict on the loop and off it', async () => {
      for (const size of [15_000, 17_000, 60_000])
        for (const [end, expected] of [
          ['', 200],
          ["&b=' or '1'='1", 403],
        ] as const)
          assert.equal(status(await post(form(size, end))), expected, `${size} ${end}`)
      assert.equal(rig.gateway.stats().offLoop.jobs, 4)
      const [small, large] = [rig.refusals[0]!, rig.refusals[1]!]
      assert.deepEqual(large.matches, small.matches)
    })
    await t.test('too many at once are told to come again', async () => {
      const answers = (await Promise.all(Array.from({ length: 24 }, () => post(form(120_000, ''))))).map(status)
      assert.ok(answers.every((one) => one === 200 || one === 503))
      const { full } = rig.gateway.stats().offLoop
      assert.equal(answers.filter((one) => one === 503).length, full)
      assert.equal(rig.gateway.stats().turned.queue, full)
    })
    await t.test(
      'a thread that takes too long: refused or let pass, as the site says, and the next is fine',
      async () => {
        for (const [failOpen, expected] of [
          [false, 503],
          [true, 200],
        ] as const) {
          await using slow = await startRig({}, { threadMs: 1 })
          await slow.gateway.use(settingsWith(slow.origin, [{ failOpen }]))
          const body = form(200_000, "&b=' or '1'='1")
          const answer = await raw(
            slow.port,
            `POST / HTTP/1.1\r\nHost: a\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: ${body.length}\r\nConnection: close\r\n\r\n${body}`,
            10_000,
          )
          assert.equal(status(answer), expected)
          const { offLoop, uninspected } = slow.gateway.stats()
          assert.deepEqual([offLoop.failed, uninspected], [1, failOpen ? 1 : 0])
        }
      },
    )
  })
}
