import type { Asked, Req, Res } from './asked.ts'
import { type Counted, type Demand, demandCheck, type Permit } from './challenge/index.ts'
import { readingsOf } from './form-fields.ts'
import type { Shared } from './shared.ts'

/** A route that asks for checks: true when there is room, or a check was solved, or the wait is over. A mirror never asks. */
export async function checked(shared: Shared, req: Req, res: Res, asked: Asked, now: number): Promise<boolean> {
  const counted = countedOf(asked)
  return counted === undefined || carryOut(shared, req, res, asked, counted, shared.challenges.ask(counted, now))
}

/**
 * The same by the account that the request names, where the route's check counts by account. `body`: undefined where it was not read
 * whole, so that nobody can tell what it names.
 */
export async function accountChecked(
  shared: Shared,
  req: Req,
  res: Res,
  asked: Asked,
  body: Uint8Array | undefined,
  contentType: string,
): Promise<boolean> {
  if (asked.route!.challenge?.account === undefined) return true
  const counted = countedOf(asked)
  if (counted?.challenge.account === undefined) return true
  const mark = asked.target.indexOf('?')
  const query = mark < 0 ? '' : asked.target.slice(mark + 1)
  const names = body === undefined ? [] : readingsOf(query, body, contentType, counted.challenge.account.field)
  // The page with the form, where GET counts too.
  if (names.length === 0 && body?.length === 0) return true
  if (names.length === 0) shared.tallies.add('turned', counted.site, asked.route!.path, 'nameless')
  const decided = shared.challenges.askAccount({ ...counted, names }, shared.deps.clock())
  return carryOut(shared, req, res, asked, counted, decided, body ?? 'partly')
}

function countedOf(asked: Asked): Counted | undefined {
  const { challenge, path } = asked.route!
  const { site } = asked.site!
  if (challenge === undefined || site.placement === 'mirror' || !challenge.methods.includes(asked.method))
    return undefined
  const { address, trusted } = asked.client
  const told = asked.headers.find(([name]) => name.toLowerCase() === 'x-forwarded-proto')?.[1]
  const secure = asked.secure || (trusted && told === 'https')
  return { site: site.name, route: path ?? '', challenge, address, headers: asked.headers, secure }
}

async function carryOut(
  shared: Shared,
  req: Req,
  res: Res,
  asked: Asked,
  { site, secure }: Counted,
  decided: Permit | Demand,
  read?: Uint8Array | 'partly',
): Promise<boolean> {
  const { path, mode } = asked.route!
  if (decided.by === 'demand') {
    if (mode === 'detect') {
      shared.tallies.add('turned', site, path, 'checkWatched')
      return true
    }
    shared.counts.turned.check++
    shared.tallies.add('turned', site, path, 'check')
    // What was taken before for a try that does not reach the application is given back.
    asked.answered?.(503)
    await demandCheck(shared, req, res, asked, decided, secure, read)
    return false
  }
  if (decided.by === 'check') shared.counts.solved++
  if (decided.by === 'wait') shared.counts.waited++
  const before = asked.answered
  asked.answered = (status) => [...(before?.(status) ?? []), ...decided.answered(status)]
  return true
}
