import { accountsOf } from './account.ts'
import type { Asked, Req, Res } from './asked.ts'
import type { TurnedBy } from './counts.ts'
import { endWith } from './end.ts'
import { SCRIPT_PATH, sendScript } from './challenge/index.ts'
import { checked } from './checks.ts'
import { clientOf } from './forwarding.ts'
import { shapeStatus } from './limits.ts'
import { modelStatus } from './positive-model.ts'
import type { Shared } from './shared.ts'
import { routeOf } from './sites.ts'

/** Answers without a rule having spoken, and counts why. */
export function turnAway(
  shared: Shared,
  req: Req,
  res: Res,
  asked: Asked,
  status: number,
  by: TurnedBy,
  headers: Readonly<Record<string, string>> = {},
): void {
  shared.counts.turned[by]++
  shared.tallies.add('turned', asked.site?.site.name ?? '', undefined, by)
  endWith(req, res, asked, status, { close: shared.closing, headers })
}

/** Everything that is decided by the head without rules. True: it goes on, and site, route and client are known. */
export async function admit(shared: Shared, req: Req, res: Res, asked: Asked): Promise<boolean> {
  const { method, target, version, headers } = asked
  const shape = shapeStatus(method, target, version, headers, shared.limits)
  const away = (status: number, by: TurnedBy, more?: Readonly<Record<string, string>>): false => {
    turnAway(shared, req, res, asked, status, by, more)
    return false
  }
  if (shape !== 0) return away(shape, 'shape')
  const challenge = /^\/\.well-known\/acme-challenge\/([A-Za-z0-9_-]{1,128})$/.exec(target)
  const proof = challenge === null ? undefined : await shared.acmeProof(challenge[1]!)
  if (proof !== undefined) {
    res.setHeader('Content-Type', 'application/octet-stream')
    res.end(proof)
    return false
  }
  const live = shared.live()
  const found = live.siteOf(asked.host)
  if (found === undefined) return away(421, 'host')
  asked.site = found
  asked.client = clientOf(asked.peer, asked.port, headers, found.trust)
  const mark = target.indexOf('?')
  const path = mark < 0 ? target : target.slice(0, mark)
  const route = routeOf(found, path)
  if (route === undefined) return away(400, 'shape')
  asked.route = route
  const { site } = found
  if (site.httpsRedirect && !asked.secure && site.placement === 'front') {
    const port = shared.tlsPort()
    const place = `https://${asked.host.replace(/:\d+$/, '')}${port === undefined || port === 443 ? '' : `:${port}`}`
    endWith(req, res, asked, 308, { headers: { Location: `${place}${target}` } })
    return false
  }
  if (path === SCRIPT_PATH && found.challenges && method === 'GET') {
    sendScript(res)
    return false
  }
  if (site.maintenance) return away(503, 'maintenance')
  const accounts = accountsOf(site.account, headers)
  asked.account = accounts[0]
  const now = shared.deps.clock()
  const banned = live.bans(asked.client.address, asked.client.port, accounts, now)
  if (banned > 0) return away(403, 'ban')
  if (route.limits.length > 0) {
    const wait = shared.limiter.turn(
      route.limits,
      { address: asked.client.address, account: asked.account, headers },
      now,
    )
    if (wait > 0) return away(429, 'limit', { 'Retry-After': String(wait) })
  }
  if (route.challenge !== undefined && !(await checked(shared, req, res, asked, now))) return false
  const contentType = headers.find(([name]) => name.toLowerCase() === 'content-type')?.[1]
  const model = modelStatus(route, method, contentType, asked.hasBody)
  if (model !== 0) return away(model, 'model')
  if (route.body.beyond === 'reject' && (asked.length ?? 0) > route.body.limit) return away(413, 'size')
  return true
}
