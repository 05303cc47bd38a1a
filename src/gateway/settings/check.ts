import { Worker } from 'node:worker_threads'
import { badRequest, KhienError } from '../../kit/errors.ts'
import { compileRules, SecLangError } from '../../engine/waf/index.ts'
import type { GatewaySettings, Site } from '../contract.ts'
import { secLangOf } from '../tuning/sec-lang.ts'
import type { Body } from './current.ts'

export type Checked = {
  /** `field`: `sites.0.hosts` of what was looked at. */
  readonly wrong: { readonly code: string; readonly detail: string; readonly field: string | undefined } | undefined
}
/** Throws for settings that no worker could take. */
export type Check = (body: Body, before: Body | undefined) => Promise<void>

const MODULE = new URL('./check-thread.ts', import.meta.url)
/** A full Core Rule Set compiles in about a second; fifty of them in less than this. */
const CHECK_MS = 60_000
/** One after the other: each has a thread and a heap of its own. */
let last: Promise<unknown> = Promise.resolve()

/**
 * Compiles what changed, in a thread: a rule set with every site that uses it, a site with its routes. Throws what the worker would say, naming
 * site, file and line.
 */
export const checkSettings: Check = async (body, before) => {
  wantsOnce(body)
  wantsExclusions(body, before)
  const settings = narrowed(body, before)
  if (settings === undefined) return
  const next = last.then(() => compiled(settings))
  last = next.catch(() => undefined)
  return next
}

/** A site without what no rule's compilation depends on, so that tuning is in force at once. */
const compiledOf = (site: Site): string => {
  const {
    ruleExclusions: _1,
    watched: _2,
    watchSudden: _3,
    keep: _4,
    maintenance: _5,
    failOpen: _6,
    ...compiled
  } = site
  return JSON.stringify(compiled)
}

/** New exclusions are a few rules of our own writing: read here, without the rules they are about. */
function wantsExclusions(body: Body, before: Body | undefined): void {
  const known = new Set(before?.sites.flatMap(({ ruleExclusions }) => ruleExclusions.map((one) => JSON.stringify(one))))
  for (const { name, ruleExclusions } of body.sites) {
    const numbers = new Set(ruleExclusions.map(({ number }) => number))
    if (numbers.size !== ruleExclusions.length)
      throw badRequest('gateway/exclusion', `Site ${name}: two exclusions have one number.`, 'body.site.ruleExclusions')
    for (const one of ruleExclusions) {
      if (known.has(JSON.stringify(one))) continue
      try {
        compileRules([{ name: 'exclusion', text: secLangOf(one) }])
      } catch (error) {
        const detail = error instanceof SecLangError ? error.message : 'cannot be written as a rule'
        throw badRequest('gateway/exclusion', `Site ${name}, rule ${one.rule}: ${detail}`, 'body.site.ruleExclusions')
      }
    }
  }
}

function narrowed(body: Body, before: Body | undefined): GatewaySettings | undefined {
  const was = new Map<string, string>()
  for (const set of before?.ruleSets ?? []) was.set(`set ${set.name}`, JSON.stringify(set))
  for (const site of before?.sites ?? []) was.set(`site ${site.name}`, compiledOf(site))
  const turned = new Set(
    body.ruleSets.filter((set) => was.get(`set ${set.name}`) !== JSON.stringify(set)).map(({ name }) => name),
  )
  const sites = body.sites.filter(
    (site) => turned.has(site.ruleSet) || was.get(`site ${site.name}`) !== compiledOf(site),
  )
  if (sites.length === 0 && turned.size === 0) return undefined
  const used = new Set([...turned, ...sites.map(({ ruleSet }) => ruleSet)])
  return { version: 0, sites, ruleSets: body.ruleSets.filter(({ name }) => used.has(name)), bans: [] }
}

/** What one site cannot tell by itself. */
function wantsOnce(body: Body): void {
  const [names, sets, hosts] = [new Set<string>(), new Set<string>(), new Map<string, string>()]
  for (const { name } of body.ruleSets) {
    if (sets.has(name)) throw badRequest('gateway/rule-set', `There are two rule sets ${name}.`, 'body.ruleSets')
    sets.add(name)
  }
  for (const site of body.sites) {
    if (names.has(site.name)) throw badRequest('gateway/site', `There are two sites ${site.name}.`, 'body.sites')
    names.add(site.name)
    if (!sets.has(site.ruleSet))
      throw badRequest(
        'gateway/rule-set',
        `Site ${site.name}: there is no rule set ${site.ruleSet}.`,
        'body.site.ruleSet',
      )
    for (const host of site.hosts) {
      const other = hosts.get(host)
      if (other !== undefined)
        throw badRequest('gateway/host', `Sites ${other} and ${site.name} both want ${host}.`, 'body.site.hosts')
      hosts.set(host, site.name)
    }
  }
}

async function compiled(settings: GatewaySettings): Promise<void> {
  const worker = new Worker(MODULE, { workerData: settings, resourceLimits: { maxOldGenerationSizeMb: 512 } })
  let timer: NodeJS.Timeout | undefined
  try {
    const { wrong } = await new Promise<Checked>((resolve, reject) => {
      const failed = (): void =>
        reject(
          new KhienError('gateway/check', 'The rules could not be compiled: too large, or too slow.', { status: 422 }),
        )
      timer = setTimeout(failed, CHECK_MS)
      worker.once('message', resolve).once('error', failed).once('exit', failed)
    })
    // One site was looked at: it is the one in the request.
    const inside = settings.sites.length === 1 ? wrong?.field?.replace(/^sites\.0\./, '') : undefined
    if (wrong)
      throw new KhienError(wrong.code, wrong.detail, {
        status: 422,
        field: inside === undefined ? 'body' : `body.site.${inside}`,
      })
  } finally {
    clearTimeout(timer)
    await worker.terminate()
  }
}
