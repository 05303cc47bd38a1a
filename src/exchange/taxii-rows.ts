import { z } from 'zod'
import { answer, type Bound } from '../http/index.ts'
import { route } from '../kit/contract.ts'
import type { Exchange } from './index.ts'
import { taxiiFetch } from './taxii/fetch.ts'

const row = {
  listener: 'public',
  kind: 'file',
  // The server behind signs peers in by itself (HTTP Basic).
  access: { open: true },
  query: z.record(z.string(), z.string()),
  /** The handler reads the body: TAXII has its own media type, limits and errors. */
  raw: true,
} as const

/** TAXII 2.1 on the public listener. */
export function taxiiRows(exchange: Pick<Exchange, 'taxii'>): readonly Bound[] {
  const serve = taxiiFetch(exchange.taxii)
  return (['GET', 'POST', 'DELETE'] as const).map((method) =>
    answer(
      route({
        ...row,
        id: `exchange.taxii-${method.toLowerCase()}`,
        method,
        path: '/taxii2/*',
        summary: `TAXII 2.1 (OASIS Standard 10 June 2021): ${method}`,
      }),
      (_, asked) => serve(asked.raw),
    ),
  )
}
