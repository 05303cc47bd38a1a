import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { connect, type AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { GatewaySettings } from '../gateway/contract.ts'
import { startGateway, type Refusal } from '../gateway/worker/index.ts'
import { systemClock } from '../kit/clock.ts'
import { systemEntropy } from '../kit/ids.ts'
import { silentLog } from '../kit/log.ts'
import { SUITE_SETTINGS } from './waf-judge.ts'
import { reflect } from './waf-reflect.ts'
import { faultOf, readSuite, type Outcome } from './waf-suite.ts'
import type { Io } from './verb.ts'

export type SuiteAsked = {
  readonly rules: readonly string[]
  readonly setup: string | undefined
  readonly suite: string
  readonly overrides: string | undefined
}

/** How long an answer may take: a thread of the gateway reads all rules before its first. */
const WAIT_MS = 15_000
/** Refusals kept while waiting for the late ones. */
const MOST_HELD = 256
/** Requests under way together. */
const AT_ONCE = 8

/**
 * All rules only detect until the very end; then one refusal, which the gateway in detection mode records and lets pass, carries what
 * matched to the recorder: the same way by which the console learns of it.
 */
const TELL = `SecAction "id:1900020,phase:4,pass,nolog,ctl:ruleEngine=On"
SecAction "id:1900021,phase:4,deny,nolog"
`

/** Runs a suite through a gateway worker of its own on loopback; 1 when a test fails. */
export async function testSuite(asked: SuiteAsked, io: Io): Promise<number> {
  const { stages, overridden } = readSuite(asked.suite, asked.overrides)
  const refusals: Refusal[] = []
  await using gateway = await startSuiteGateway(asked, io.root, refusals)
  const faults = new Map<number, string>()
  let next = 0
  const work = async (): Promise<void> => {
    for (let at = next++; at < stages.length; at = next++) {
      const { raw, expected } = stages[at]!
      const { status, port } = await send(gateway.port, raw)
      // By the port it came from: the word on a request that broke off may come late.
      const told = refusals.filter(({ clientPort }) => clientPort === port)
      const fault = faultOf(expected, outcomeOf(status, told))
      if (fault !== undefined) faults.set(at, fault)
      if (refusals.length > MOST_HELD) refusals.splice(0, MOST_HELD / 2)
    }
  }
  await Promise.all(Array.from({ length: AT_ONCE }, work))
  for (const [at, { name }] of stages.entries()) if (faults.has(at)) io.out(`${name}: ${faults.get(at)}\n`)
  const passed = stages.length - faults.size
  io.out(`${passed} passed, ${faults.size} failed${overridden > 0 ? ` (${overridden} overridden)` : ''}\n`)
  return faults.size === 0 ? 0 : 1
}

function outcomeOf(status: number, refusals: readonly Refusal[]): Outcome {
  const matches = refusals.flatMap((refusal) => refusal.matches)
  return {
    status,
    ids: matches.map(({ ruleId }) => ruleId),
    log: matches
      .map(({ ruleId, message, place }) => `[id "${ruleId}"] [msg "${message}"] found within ${place}:`)
      .join('\n'),
  }
}

async function startSuiteGateway(
  { rules, setup }: SuiteAsked,
  root: string,
  refusals: Refusal[],
): Promise<AsyncDisposable & { readonly port: number }> {
  const folder = mkdtempSync(join(tmpdir(), 'khien-suite-'))
  const between = join(folder, 'suite-settings.conf')
  const tell = join(folder, 'tell.conf')
  writeFileSync(between, SUITE_SETTINGS.text)
  writeFileSync(tell, TELL)
  const backend = await startBackend()
  const gateway = await startGateway(
    {
      listen: { host: '127.0.0.1', port: 0 },
      upstream: backend.origin,
      rules: folder,
      workers: 1,
      nodeSocket: '',
      intakeSocket: '',
      trustedProxies: [],
      bodyLimit: 1_048_576,
      mode: 'detect',
    },
    {
      recorder: {
        record: (refusal) => Promise.resolve(void refusals.push(refusal)),
        report: () => undefined,
        counts: () => ({ queued: 0, dropped: 0 }),
      },
      events: { send: () => true },
      log: silentLog,
      clock: systemClock,
      entropy: systemEntropy,
    },
  )
  const settings = GatewaySettings.parse({
    version: 1,
    ruleSets: [
      {
        name: 'suite',
        setup: [join(root, 'rules/crs/base.conf'), ...(setup === undefined ? [] : [resolve(setup)]), between],
        rules: [...rules.map((path) => resolve(path)), tell],
      },
    ],
    sites: [{ name: 'suite', hosts: ['*'], upstreams: [{ url: backend.origin }], mode: 'detect', ruleSet: 'suite' }],
  })
  await gateway.use(settings)
  return {
    port: gateway.address.port,
    async [Symbol.asyncDispose]() {
      await gateway[Symbol.asyncDispose]()
      await backend[Symbol.asyncDispose]()
      rmSync(folder, { recursive: true })
    },
  }
}

async function startBackend(): Promise<AsyncDisposable & { readonly origin: string }> {
  const server = createServer((req, res) => {
    const parts: Buffer[] = []
    req.on('data', (part: Buffer) => parts.push(part))
    req.on('end', () => {
      const { status, headers, body } = reflect(req.url ?? '/', Buffer.concat(parts))
      res.writeHead(status, headers.flat())
      res.end(Buffer.from(body, 'latin1'))
    })
  })
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
  return {
    origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      await new Promise((done) => server.close(done))
    },
  }
}

/** Sends the bytes as they are; the status of the first answer, 0 when there was none, and the port they were sent from. */
function send(port: number, raw: Uint8Array): Promise<{ readonly status: number; readonly port: number }> {
  return new Promise((done) => {
    let text = ''
    let from = 0
    const socket = connect(port, '127.0.0.1')
    const timer = setTimeout(() => socket.destroy(), WAIT_MS)
    socket.on('data', (part) => {
      text += part.toString('latin1')
      // A connection that stays open has nothing more to say once the head is here and the answer is whole enough to judge.
      if (isWhole(text)) socket.destroy()
    })
    socket.on('error', () => undefined)
    socket.on('close', () => {
      clearTimeout(timer)
      done({ status: Number(/^HTTP\/1\.[01] (\d{3})/.exec(text)?.[1] ?? 0), port: from })
    })
    socket.once('connect', () => {
      from = socket.localPort ?? 0
      socket.write(raw)
    })
  })
}

function isWhole(text: string): boolean {
  const end = text.indexOf('\r\n\r\n')
  if (end < 0) return false
  const length = /\r\ncontent-length: *(\d+)/i.exec(text.slice(0, end))?.[1]
  return length === undefined ? text.endsWith('0\r\n\r\n') : text.length >= end + 4 + Number(length)
}
