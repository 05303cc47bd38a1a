import { statfs } from 'node:fs/promises'
import { z } from 'zod'
import { answer, type Bound } from '../http/index.ts'
import { KhienError } from '../kit/errors.ts'
import { route } from '../kit/contract.ts'
import type { Metrics } from './metrics.ts'

const none = z.strictObject({})
const open = {
  listener: 'internal',
  access: { open: true },
  kind: 'file',
  method: 'GET',
  query: none,
  whileSealed: true,
} as const

export const healthRoutes = {
  healthz: route({ ...open, id: 'node.healthz', path: '/healthz', summary: 'The process is alive' }),
  readyz: route({
    ...open,
    id: 'node.readyz',
    path: '/readyz',
    summary: 'The node can do its duty; 503 names what it cannot',
  }),
  metrics: route({ ...open, id: 'node.metrics', path: '/metrics', summary: 'Figures in the text exposition format' }),
}

/** Name of a check → why it fails, or undefined when it is well. */
export type Checks = Readonly<Record<string, () => Promise<string | undefined>>>

const LEAST_FREE = 64 * 1024 * 1024

export const diskCheck = (folder: string) => async (): Promise<string | undefined> => {
  const { bavail, bsize } = await statfs(folder)
  return bavail * bsize < LEAST_FREE ? 'less than 64 MiB are free on the data folder’s disk' : undefined
}

/** `parts` are what the node can live without for a while (events, detection): said, without making it unready. */
export function health(checks: Checks, metrics: Metrics, parts: () => Checks = () => ({})): readonly Bound[] {
  return [
    answer(healthRoutes.healthz, async () => new Response('ok\n', { headers: { 'content-type': 'text/plain' } })),
    answer(healthRoutes.readyz, async () => {
      const [found, living] = await Promise.all([run(checks), run(parts())])
      const ready = Object.values(found).every((state) => state === 'ok')
      const degraded = Object.keys(living).filter((name) => living[name] !== 'ok')
      return Response.json(
        {
          ready,
          ...(found['sealed'] === 'ok' ? {} : { code: 'sealed' }),
          ...(degraded.length > 0 ? { degraded } : {}),
          checks: { ...found, ...living },
        },
        { status: ready ? 200 : 503 },
      )
    }),
    answer(
      healthRoutes.metrics,
      async () => new Response(await metrics.text(), { headers: { 'content-type': 'text/plain; version=0.0.4' } }),
    ),
  ]
}

async function run(checks: Checks): Promise<Record<string, string>> {
  const found: Record<string, string> = {}
  for (const [name, check] of Object.entries(checks)) {
    const fault = await check().catch((error: unknown) => (error instanceof KhienError ? error.code : 'failed'))
    found[name] = fault ?? 'ok'
  }
  return found
}
