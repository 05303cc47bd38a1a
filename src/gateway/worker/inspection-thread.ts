import { parentPort } from 'node:worker_threads'
import type { Plan } from '../../engine/waf/index.ts'
import { compileSchema, type FitsSchema } from './json-schema.ts'
import { judge } from './judgement.ts'
import type { FromThread, ToThread } from './inspection-pool.ts'
import { countIn } from './outgoing.ts'
import { compilePlanAtOnce } from './plans.ts'

// Inspects what would hold the loop too long, with plans of its own compiled from the same texts.

const port = parentPort!
const plans = new Map<string, Plan>()
const schemas = new Map<string, FitsSchema>()

function load(message: Extract<ToThread, { type: 'load' }>): FromThread {
  try {
    for (const { key, texts, tuning } of message.plans)
      if (!plans.has(key)) plans.set(key, compilePlanAtOnce(texts, tuning))
    for (const { key, schema } of message.schemas) if (!schemas.has(key)) schemas.set(key, compileSchema(schema))
    return { type: 'loaded' }
  } catch (error) {
    return { type: 'refused', detail: error instanceof Error ? error.message : 'unknown' }
  }
}

function keep(keys: ReadonlySet<string>): void {
  for (const kept of [plans, schemas]) for (const key of kept.keys()) if (!keys.has(key)) kept.delete(key)
}

port.on('message', (message: ToThread) => {
  if (message.type === 'load') port.postMessage(load(message))
  else if (message.type === 'keep') keep(message.keys)
  else if (message.type === 'count')
    port.postMessage({ type: 'counted', counts: countIn(message.body, message.year) } satisfies FromThread)
  else {
    const plan = message.plan === undefined ? undefined : plans.get(message.plan)
    const schema = message.schema === undefined ? undefined : schemas.get(message.schema)
    const known = (plan !== undefined || message.plan === undefined) && (schema !== undefined || !message.schema)
    port.postMessage(
      known
        ? { type: 'judged', judgement: judge(plan, schema, message.told) }
        : { type: 'refused', detail: 'unknown plan' },
    )
  }
})
