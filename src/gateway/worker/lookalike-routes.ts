import type { Route } from '../contract.ts'
import { compileGlob } from './glob.ts'
import { decoded, looseReading } from './path-readings.ts'
import type { LiveRoute, LiveSite } from './sites.ts'

type Guarded = { readonly route: LiveRoute; readonly fits: (loose: string) => boolean }
const guarded = new WeakMap<LiveSite, readonly Guarded[]>()

/** The routes that ask for something of their own, with their patterns in the loose reading. */
function guardedOf(live: LiveSite): readonly Guarded[] {
  let known = guarded.get(live)
  if (known === undefined) {
    known = live.site.routes.flatMap((route, i) =>
      asksOfItsOwn(route) ? [{ route: live.routes[i]!, fits: compileGlob(looseReading(decoded(route.path))) }] : [],
    )
    guarded.set(live, known)
  }
  return known
}

const asksOfItsOwn = ({ challenge, rateLimits = [], mode, schema, virtualPatches }: Route): boolean =>
  rateLimits.length > 0 || [challenge, mode, schema, virtualPatches].some((own) => own !== undefined)

/**
 * Express, ASP.NET and IIS serve `/Login`, `/login/` and `/login%20` as `/login`. So a path that differs only so from a route with a check,
 * limits, a mode, a schema or patches of its own is held to what that route asks, beside what the route it is written for asks. A route that
 * spells the path out, without `*`, is meant as it stands. `path`: with dots followed, and the like.
 */
export function withLookalike(live: LiveSite, written: LiveRoute, path: string): LiveRoute {
  if (written.path !== undefined && !written.path.includes('*')) return written
  const routes = guardedOf(live)
  if (routes.length === 0) return written
  const loose = looseReading(path)
  // One that fits as it stands and was not chosen stands behind another in the settings, and is meant to.
  const found = routes.find(({ route, fits }) => fits(loose) && !route.fits(path))?.route
  return found === undefined ? written : stricter(written, found)
}

const STRICTNESS = { off: 0, detect: 1, block: 2 } as const

/** What both ask; where only one can be heard, the lookalike, except that its mode never lets by what the other stops. */
function stricter(written: LiveRoute, alike: LiveRoute): LiveRoute {
  const laxer = STRICTNESS[alike.mode] < STRICTNESS[written.mode]
  const rules = laxer ? written : alike
  const own = [written, alike].find(({ challenge }) => challenge !== undefined) ?? rules
  const known = new Set(alike.limits.map(({ id }) => id))
  const asks = {
    path: own.path,
    fits: alike.fits,
    methods: alike.methods ?? written.methods,
    takesType: alike.takesType ?? written.takesType,
    schemaKey: alike.schemaKey ?? written.schemaKey,
    body: alike.body.limit < written.body.limit ? alike.body : written.body,
    limits: [...alike.limits, ...written.limits.filter(({ id }) => !known.has(id))],
    challenge: own.challenge,
    breachedPasswords: alike.breachedPasswords ?? written.breachedPasswords,
  }
  return { ...rules, ...asks, others: rules.others && { ...rules.others, ...asks } }
}
