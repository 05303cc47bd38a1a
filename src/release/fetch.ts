import { KhienError } from '../kit/errors.ts'

export type FetchBounds = {
  readonly bytes: number
  readonly milliseconds: number
}
const MOST_REDIRECTS = 5
const LOOPBACK = /^(?:localhost|127(?:\.\d{1,3}){3}|\[::1\])$/

const failed = (what: string): KhienError => new KhienError('release/download', what)

/** Bytes at an https address (http only on this machine's loopback), followed over redirects to https; undefined when there is nothing (404). */
export async function fetchBounded(address: string, bounds: FetchBounds): Promise<Buffer | undefined> {
  const signal = AbortSignal.timeout(bounds.milliseconds)
  let url = allowed(address)
  for (let redirects = 0; ; redirects++) {
    let response: Response
    try {
      response = await fetch(url, { redirect: 'manual', signal })
    } catch (error) {
      throw failed(signal.aborted ? `${url.host} took too long.` : `${url.host} cannot be reached: ${reasonOf(error)}.`)
    }
    const { status } = response
    if (status >= 300 && status < 400 && status !== 304) {
      await response.body?.cancel()
      if (redirects >= MOST_REDIRECTS) throw failed(`${url.host} sends us around in circles.`)
      url = allowed(new URL(response.headers.get('location') ?? '', url).href, url)
      continue
    }
    if (status === 404 || status === 410) {
      await response.body?.cancel()
      return undefined
    }
    if (status !== 200 || response.body === null) throw failed(`${url.host} answers ${status}.`)
    return await read(response.body, url.host, bounds.bytes)
  }
}

async function read(body: ReadableStream<Uint8Array>, host: string, most: number): Promise<Buffer> {
  const chunks: Uint8Array[] = []
  let size = 0
  try {
    for await (const chunk of body) {
      size += chunk.length
      if (size > most) throw new KhienError('release/too-large', `${host} sends more than ${most >> 20} MiB.`)
      chunks.push(chunk)
    }
  } catch (error) {
    throw error instanceof KhienError ? error : failed(`${host} broke off: ${reasonOf(error)}.`)
  }
  return Buffer.concat(chunks)
}

function allowed(address: string, from?: URL): URL {
  const url = URL.parse(address)
  if (url === null) throw failed('The address is none.')
  // From a safe place one is not led to an unsafe one; loopback may lead to loopback.
  const plain = url.protocol === 'http:' && LOOPBACK.test(url.hostname) && from?.protocol !== 'https:'
  if (url.protocol !== 'https:' && !plain)
    throw failed(`Only https addresses are fetched, not ${url.protocol}//${url.host}.`)
  return url
}

const reasonOf = (error: unknown): string => {
  const { cause, name } = error as { cause?: { code?: unknown }; name?: string }
  return String(cause?.code ?? name ?? 'error')
}
