import type { TaxiiAnswer } from './media.ts'
import type { TaxiiRequest } from './server.ts'

/** A TAXII server as a function of Fetch requests. */
export function taxiiFetch(
  handle: (request: TaxiiRequest) => Promise<TaxiiAnswer>,
): (request: Request) => Promise<Response> {
  return async (request) => {
    const { pathname, search } = new URL(request.url)
    const { status, headers, body } = await handle({
      method: request.method,
      url: pathname + search,
      header: (name) => request.headers.get(name) ?? undefined,
      body: (limit) => readBody(request, limit),
    })
    return new Response(body, { status, headers })
  }
}

async function readBody(request: Request, limit: number): Promise<Uint8Array | undefined> {
  const declared = request.headers.get('content-length')
  if (Number(declared ?? 0) > limit) return undefined
  if (request.body === null) return new Uint8Array()
  // A body of declared length is never longer (node:http sees to it).
  if (declared !== null) return new Uint8Array(await request.arrayBuffer())
  const parts: Uint8Array[] = []
  let size = 0
  for await (const part of request.body) {
    size += part.length
    if (size > limit) return undefined
    parts.push(part)
  }
  return Buffer.concat(parts)
}
