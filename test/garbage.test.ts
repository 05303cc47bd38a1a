import assert from 'node:assert/strict'
import test from 'node:test'
import { ROLES } from '../src/app/config.ts'
import { routesOf } from '../src/app/openapi.ts'
import { SCOPES, STAFF_ROLES, type Route } from '../src/kit/contract.ts'
import { enrol, form, runningNode, type RunningNode } from './running-node.ts'

/** Stands in every piece of garbage; an answer that repeats it has leaked what somebody typed. */
const PLANTED = '0912345678'
const deep = (open: string, close: string): string => open.repeat(10_000) + close.repeat(10_000)
const BODIES: readonly (readonly [string, string | Uint8Array<ArrayBuffer>])[] = [
  ['nothing', ''],
  ['half a text', `{"text":"${PLANTED}`],
  ['lists in lists', deep('[', ']')],
  ['maps in maps', `${'{"a":'.repeat(10_000)}1${'}'.repeat(10_000)}`],
  ['a list', `["${PLANTED}"]`],
  ['a text', `"${PLANTED}"`],
  ['null', 'null'],
  ['a number past all numbers', '1e999999'],
  ['fields nobody knows', JSON.stringify({ [PLANTED]: PLANTED, extra: PLANTED })],
  ['a prototype', `{"__proto__":{"items":[]},"constructor":{"prototype":{}},"text":"${PLANTED}"}`],
  ['bytes that are no text', Uint8Array.from([0xff, 0xfe, 0, 0x7b, 0xc3, 0x28])],
  ['a long field', JSON.stringify({ value: PLANTED.repeat(5_000), text: PLANTED.repeat(1_000) })],
  ['a NUL', JSON.stringify({ text: `a\0${PLANTED}`, title: '\0', reason: '\u202e' })],
]
const QUERIES = [
  `?cursor=${PLANTED}`,
  '?limit=-1',
  '?limit=1e9',
  '?limit=5&limit=6',
  '?from=x',
  `?q=${PLANTED}:`,
  '?%ff=%00',
]

const filled = (path: string): string => path.replace(/:[a-z]+/gi, '..%2f').replace('*', '0/000')
/** Takes what it can and answers per item or line. */
const LENIENT = new Set(['intake.post', 'subscribers.import-port-log', 'vault.check'])

async function everybody(node: RunningNode): Promise<{ staff: string; key: string }> {
  const admin = await enrol(node.internal, node.setupToken, 'quan-tri')
  const secretOn = async (path: string, fields: [string, string][]): Promise<string> => {
    const page = await (await fetch(`${node.internal}${path}`, form(node.internal, admin, fields))).text()
    return /id="secret"[^>]*>([^<]+)</.exec(page)![1]!
  }
  const link = await secretOn(
    '/settings/invitations',
    STAFF_ROLES.map((role) => ['roles[]', role]),
  )
  const staff = await enrol(node.internal, new URL(link).searchParams.get('token')!, 'moi-vai')
  const key = await secretOn('/settings/keys', [
    ['name', 'app'],
    ...SCOPES.map((s): [string, string] => ['scopes[]', s]),
  ])
  return { staff, key }
}

for (const role of ROLES)
  test(`${role}: no garbage at any route breaks the node, is taken, or comes back in the answer`, async () => {
    await using node = await runningNode({ role })
    const { staff, key } = await everybody(node)
    const wrong: string[] = []
    let tried = 0
    const look = async (route: Route, what: string, url: string, init: RequestInit): Promise<void> => {
      const began = performance.now()
      const response = await fetch(url, { redirect: 'manual', signal: AbortSignal.timeout(5_000), ...init })
      const text = route.kind === 'stream' ? '' : await response.text()
      const ms = performance.now() - began
      await response.body?.cancel().catch(() => undefined)
      tried++
      const fine = (response.status >= 400 && response.status < 500) || response.status === 503
      const taken = LENIENT.has(route.id) && response.status === 200
      if (!fine && !taken) wrong.push(`${route.id} ${what}: ${response.status}`)
      if (text.includes(PLANTED)) wrong.push(`${route.id} ${what}: repeats what was sent`)
      if (ms > 2_000) wrong.push(`${route.id} ${what}: ${Math.round(ms)} ms`)
    }
    for (const route of routesOf[role]) {
      if (/sign-out|leave/.test(route.id)) continue
      const base = route.listener === 'internal' ? node.internal : node.public
      const caller: Record<string, string> =
        route.access.scope && !route.access.roles ? { authorization: `Bearer ${key}` } : { cookie: staff, origin: base }
      if (route.method === 'GET') {
        if (!route.query || route.kind === 'page' || route.kind === 'file' || route.kind === 'stream') continue
        for (const query of QUERIES) {
          const url = `${base}${filled(route.path)}${query}`
          const response = await fetch(url, { headers: caller, redirect: 'manual', signal: AbortSignal.timeout(5_000) })
          const text = await response.text()
          tried++
          if (response.status >= 500 && response.status !== 503) wrong.push(`${route.id} ${query}: ${response.status}`)
          if (text.includes(PLANTED)) wrong.push(`${route.id} ${query}: repeats what was sent`)
        }
        continue
      }
      const type = route.kind === 'page' ? 'application/x-www-form-urlencoded' : 'application/json'
      for (const [what, body] of BODIES) {
        // A route without a body refuses any; a page without fields does its one thing.
        if (body === '' && !route.body && !route.bytes) continue
        const url = `${base}${filled(route.path)}`
        await look(route, what, url, { method: route.method, headers: { ...caller, 'content-type': type }, body })
      }
    }
    assert.deepEqual(wrong, [])
    assert.ok(tried > 100, `${tried} tried`)
    assert.equal((await fetch(`${node.internal}/healthz`)).status, 200)
    assert.doesNotMatch(node.logged(), new RegExp(PLANTED))
  })
