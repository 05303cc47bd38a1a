import { readFile } from 'node:fs/promises'
import { safePath } from '../../kit/request-mask.ts'
import { iso } from '../../kit/clock.ts'
import type { Verdict } from '../../engine/waf/index.ts'
import type { GatewaySettings } from '../contract.ts'
import { judge, PASS } from '../worker/judgement.ts'
import { compileSettings, routeOf, type LiveSite } from '../worker/sites.ts'
import type { DryRunResult } from './contract.ts'
import { openFrame, type KeptRequest } from './frame.ts'
import type { KeptFile } from './kept.ts'

export type DryRunJob = {
  readonly site: string
  readonly files: readonly KeptFile[]
  /** The site as it is, and as it would be, each with the rule sets it needs. */
  readonly before: GatewaySettings
  readonly after: GatewaySettings
}
const SAMPLES = 20
const RULES = 50
const TOLD_EVERY = 100

type Rule = { rule: number; message: string; before: number; after: number }

/** Judges every kept request twice. `progress`: how many so far. Throws what the rules' compiler says. */
export async function dryRun(job: DryRunJob, progress: (done: number) => void): Promise<DryRunResult> {
  const siteOf = async (settings: GatewaySettings): Promise<LiveSite> =>
    (await compileSettings(settings, undefined, undefined)).sites[0]!
  const [before, after] = [await siteOf(job.before), await siteOf(job.after)]
  const out = { judged: 0, unread: 0, before: 0, after: 0, more: 0, fewer: 0 }
  const samples: DryRunResult['samples'] = { more: [], fewer: [] }
  const rules = new Map<number, Rule>()
  let [from, until] = [Infinity, -Infinity]

  function look(kept: KeptRequest): void {
    const [was, is] = [verdictOf(before, kept), verdictOf(after, kept)]
    out.judged++
    from = Math.min(from, kept.at)
    until = Math.max(until, kept.at)
    if (was.refused) out.before++
    if (is.refused) out.after++
    count(rules, was, 'before')
    count(rules, is, 'after')
    if (is.refused !== was.refused) {
      const kind = is.refused ? 'more' : 'fewer'
      out[kind]++
      if (samples[kind].length < SAMPLES) samples[kind].push(sampleOf(kept, is.refused ? is : was))
    }
    if (out.judged % TOLD_EVERY === 0) progress(out.judged)
  }

  for (const file of job.files)
    for (const frame of framesOf(await readFile(file.path).catch(() => Buffer.alloc(0)))) {
      const requests = openFrame(frame, { ...file, site: job.site })
      if (requests === undefined) out.unread++
      else for (const kept of requests) look(kept)
    }
  progress(out.judged)
  const changed = [...rules.values()].toSorted(
    (a, b) => Math.abs(b.after - b.before) - Math.abs(a.after - a.before) || b.after - a.after || a.rule - b.rule,
  )
  return {
    ...out,
    from: from === Infinity ? null : iso(from),
    until: until === -Infinity ? null : iso(until),
    rules: changed.slice(0, RULES),
    samples,
  }
}

function* framesOf(bytes: Buffer): Generator<Uint8Array> {
  // The last may have been cut by a stop; it then is no frame.
  for (let at = 0; at + 4 <= bytes.length;) {
    const length = bytes.readUInt32BE(at)
    if (at + 4 + length > bytes.length) return
    yield bytes.subarray(at + 4, at + 4 + length)
    at += 4 + length
  }
}

/** As a worker would judge it: by the route it meets, and not by rules that only watch. */
function verdictOf(site: LiveSite, kept: KeptRequest): Verdict {
  const { target } = kept.head
  const mark = target.indexOf('?')
  const route = routeOf(site, mark < 0 ? target : target.slice(0, mark))
  if (route === undefined) return PASS
  const { verdict } = judge(route.plan, undefined, kept)
  if (!verdict.refused || route.others === undefined) return verdict
  return judge(route.others.plan, undefined, kept).verdict.refused ? verdict : { ...verdict, refused: false }
}

function count(rules: Map<number, Rule>, { matches, ruleIds }: Verdict, when: 'before' | 'after'): void {
  for (const rule of new Set(ruleIds)) {
    const message = matches.find(({ ruleId }) => ruleId === rule)?.message ?? ''
    const known = rules.get(rule) ?? { rule, message, before: 0, after: 0 }
    rules.set(rule, known)
    known[when]++
    if (known.message === '') known.message = message
  }
}

const sampleOf = ({ at, head }: KeptRequest, { score, matches }: Verdict): DryRunResult['samples']['more'][number] => ({
  at: iso(at),
  method: /^[A-Z]{1,20}$/.test(head.method) ? head.method : 'OTHER',
  path: safePath(head.target),
  score,
  hits: matches.slice(0, 10).map(({ ruleId, message, place, masked }) => ({ rule: ruleId, message, place, masked })),
})
