import { KhienError, badRequest } from '../kit/errors.ts'
import type { Route } from '../kit/contract.ts'

const DEFAULT_LIMIT = 65_536

/**
 * Reads and parses a body of at most `route.maxBody` bytes: JSON for an API, a URL-encoded form for a page.
 * Errors: `http/too-large`, `http/media-type`, `http/encoding`, `http/json`, `http/duplicate`.
 */
export async function readBody(request: Request, route: Route): Promise<{ value: unknown; text: string }> {
  const limit = route.maxBody ?? DEFAULT_LIMIT
  const bytes = await readBytes(request, limit)
  if (route.bytes) return { value: bytes, text: '' }
  const text = decode(bytes)
  const type = (request.headers.get('content-type') ?? '').split(';')[0]!.trim().toLowerCase()
  if (!route.body) {
    if (text !== '') throw badRequest('http/invalid', 'This route takes no body.', 'body')
    return { value: undefined, text }
  }
  const wanted = route.kind === 'page' ? 'application/x-www-form-urlencoded' : 'application/json'
  if (type !== wanted) {
    throw new KhienError('http/media-type', `content-type: expected ${wanted}.`, {
      status: 415,
      field: 'header.content-type',
    })
  }
  return { value: route.kind === 'page' ? form(text) : json(text), text }
}

async function readBytes(request: Request, limit: number): Promise<Uint8Array> {
  const tooLarge = (): KhienError =>
    new KhienError('http/too-large', `The body is larger than ${limit} bytes.`, { status: 413, field: 'body' })
  const declared = request.headers.get('content-length')
  if (Number(declared ?? 0) > limit) throw tooLarge()
  // A body of declared length is never longer (node:http sees to it), so it needs no counting; reading it whole spares
  // a web stream a request. bench/vault.ts: single requests.
  if (declared !== null && request.headers.get('transfer-encoding') === null) {
    try {
      return new Uint8Array(await request.arrayBuffer())
    } catch {
      throw truncated()
    }
  }
  if (!request.body) return new Uint8Array()
  const parts: Uint8Array[] = []
  let size = 0
  try {
    for await (const part of request.body) {
      size += part.length
      if (size > limit) throw tooLarge()
      parts.push(part)
    }
  } catch (error) {
    if (error instanceof KhienError) throw error
    throw truncated()
  }
  return Buffer.concat(parts)
}

const truncated = (): KhienError => badRequest('http/truncated', 'The body ended before it was whole.', 'body')

function decode(bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch {
    throw badRequest('http/encoding', 'The body is not valid UTF-8.', 'body')
  }
}

function json(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    throw badRequest('http/json', 'The body is not valid JSON.', 'body')
  }
}

/** Fields named `x[]` may repeat and become lists; any other repeat is refused, so that no two readers disagree. */
function form(text: string): Record<string, string | string[]> {
  const fields: Record<string, string | string[]> = Object.create(null)
  for (const [name, value] of new URLSearchParams(text)) {
    if (name.endsWith('[]')) {
      const list = (fields[name.slice(0, -2)] ??= [])
      if (Array.isArray(list)) list.push(value)
    } else if (name in fields)
      throw badRequest('http/duplicate', `The form field "${name}" is given more than once.`, `form.${name}`)
    else fields[name] = value
  }
  return { ...fields }
}
