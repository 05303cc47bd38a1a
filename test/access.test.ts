import assert from 'node:assert/strict'
import test from 'node:test'
import { ROLES } from '../src/app/config.ts'
import { routesOf } from '../src/app/openapi.ts'
import { createKhien, newSubject } from '../src/client/index.ts'
import { SCOPES, STAFF_ROLES, type Route } from '../src/kit/contract.ts'
import { cookieOf, enrol, form, runningNode, type RunningNode } from './running-node.ts'

/** Somebody who calls, on the listener they call from. */
type Somebody = { readonly name: string; readonly headers: Record<string, string>; may(route: Route): boolean }

const SUBJECT = newSubject()
const FILLED: Record<string, string> = { subject: SUBJECT, code: 'KB-0000-0000', name: 'tokens.css' }
const ID = '0'.repeat(26)
/** What stands for `:id`, by what the route is about. */
const IDS: readonly (readonly [RegExp, string])[] = [
  [/^identity\.revoke-key/, `khk_${ID}`],
  [/^gateway/, 'R-0000-0000'],
  [/^detection/, `alr_${ID}`],
  [/^cases/, 'VV-2026-0001'],
  [/^people/, `rcp_${ID}`],
  [/^leakwatch/, `rep_${ID}`],
  [/^subscribers/, `inf_${ID}`],
  [/^exchange\..*peer/, `peer_${ID}`],
  [/^exchange/, `ind_${ID}`],
]
const pathOf = (route: Route): string =>
  route.path
    .replace(
      /:([a-z]+)/g,
      (_, name: string) => FILLED[name] ?? IDS.find(([about]) => about.test(route.id))?.[1] ?? `aud_${ID}`,
    )
    .replace('*', '0/000')

async function everybody(node: RunningNode): Promise<Somebody[]> {
  const admin = await enrol(node.internal, node.setupToken, 'quan-tri')
  const secretOn = async (path: string, fields: [string, string][]): Promise<string> => {
    const page = await (await fetch(`${node.internal}${path}`, form(node.internal, admin, fields))).text()
    return /id="secret"[^>]*>([^<]+)</.exec(page)![1]!
  }
  const people: Somebody[] = [{ name: 'nobody', headers: {}, may: (route) => route.access.open === true }]
  for (const role of STAFF_ROLES) {
    const link = await secretOn('/settings/invitations', [['roles[]', role]])
    const cookie = await enrol(node.internal, new URL(link).searchParams.get('token')!, `nguoi-${role}`)
    people.push({
      name: role,
      headers: { cookie, origin: node.internal },
      may: (route) => route.access.open === true || route.access.roles?.includes(role) === true,
    })
  }
  for (const scope of SCOPES) {
    const key = await secretOn('/settings/keys', [
      ['name', `app ${scope.replace(':', ' ')}`],
      ['scopes[]', scope],
    ])
    people.push({
      name: scope,
      headers: { authorization: `Bearer ${key}` },
      may: (route) => route.access.open === true || route.access.scope === scope,
    })
  }
  if (node.config.role !== 'platform') return people
  const link = await createKhien({
    origin: node.internal,
    key: node.serviceKey().key,
    publicOrigin: node.public,
  }).handoverLink(SUBJECT)
  const cookie = cookieOf(await fetch(link, { redirect: 'manual' }))
  people.push({
    name: 'person',
    headers: { cookie, origin: node.public },
    may: (route) => route.access.open === true || route.access.person === true,
  })
  return people
}

for (const role of ROLES)
  test(`${role}: every route lets in whom its contract names, and nobody else`, async () => {
    await using node = await runningNode({ role })
    const people = await everybody(node)
    let tried = 0
    // The routes that end a session come last, so that nobody loses theirs half-way.
    const routes = routesOf[role]
      .filter((route) => route.id !== 'node.public-home')
      .toSorted((a, b) => Number(/sign-out|leave/.test(a.id)) - Number(/sign-out|leave/.test(b.id)))
    for (const route of routes) {
      const base = route.listener === 'internal' ? node.internal : node.public
      for (const who of people) {
        // A person's or a staff member's cookie never reaches the other listener with its own origin.
        const headers = who.headers['origin'] === undefined ? who.headers : { ...who.headers, origin: base }
        const stop = new AbortController()
        const response = await fetch(`${base}${pathOf(route)}`, {
          method: route.method,
          headers,
          redirect: 'manual',
          signal: stop.signal,
        })
        stop.abort()
        const elsewhere =
          (who.name === 'person' && route.listener === 'internal') ||
          (who.headers['cookie'] !== undefined && who.name !== 'person' && route.listener === 'public')
        const may = route.access.open === true || (who.may(route) && !elsewhere)
        const refused = response.status === 401 || response.status === 403
        assert.equal(!refused, may, `${route.method} ${route.path} as ${who.name}: ${response.status}`)
        if (refused)
          assert.equal(
            response.status,
            who.name === 'nobody' || elsewhere || (route.listener === 'public' && who.name !== 'person') ? 401 : 403,
            `${route.path} as ${who.name}`,
          )
        tried++
      }
    }
    assert.ok(tried > 500, `${tried} tried`)
  })

test('a key of another node is nobody here', async () => {
  await using node = await runningNode()
  await using other = await runningNode()
  const key = node.serviceKey().key
  const foreign = await fetch(`${other.internal}/api/processing`, { headers: { authorization: `Bearer ${key}` } })
  assert.equal(foreign.status, 401, 'a key of another node')
})
