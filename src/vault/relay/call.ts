import { Agent, request } from 'undici'
import type { Json, Recipient } from './contract.ts'

const LONGEST_ANSWER = 1024 * 1024

export type Called =
  | { readonly sent: true; readonly status: number; readonly answer: Json | undefined }
  /** `sent` is null when nobody can know whether it arrived. */
  | { readonly sent: false | null; readonly code: string; readonly detail: string }

/** Calls a recipient once. No redirect is followed: the address was registered, another was not. */
export function caller(): AsyncDisposable & {
  call(recipient: Recipient, id: string, body: { readonly [name: string]: Json }): Promise<Called>
} {
  const agent = new Agent({ connections: 64, keepAliveTimeout: 10_000 })
  return {
    async call({ url, form, headers, timeoutMs }, id, body) {
      let connected = false
      try {
        const answer = await request(url, {
          method: 'POST',
          dispatcher: agent,
          headers: {
            ...headers,
            'content-type': form ? 'application/x-www-form-urlencoded' : 'application/json',
            'idempotency-key': id,
            accept: 'application/json',
          },
          body: form ? new URLSearchParams(flat(body)).toString() : JSON.stringify(body),
          signal: AbortSignal.timeout(timeoutMs),
        })
        connected = true
        return { sent: true, status: answer.statusCode, answer: await read(answer.body) }
      } catch (error) {
        const code = (error as { code?: string }).code ?? ''
        // Nothing had left for it: safe to try again. After that nobody knows.
        const away = !connected && ['ECONNREFUSED', 'ENOTFOUND', 'EAI_AGAIN', 'UND_ERR_CONNECT_TIMEOUT'].includes(code)
        return away
          ? { sent: false, code: 'vault/recipient-away', detail: 'The recipient cannot be reached; nothing was sent.' }
          : {
              sent: null,
              code: 'vault/relay-unknown',
              detail: 'The recipient gave no whole answer; it may have taken it.',
            }
      }
    },
    [Symbol.asyncDispose]: () => agent.close(),
  }
}

const flat = (body: { readonly [name: string]: Json }): [string, string][] =>
  Object.entries(body).map(([name, value]) => [name, typeof value === 'object' ? JSON.stringify(value) : String(value)])

async function read(body: AsyncIterable<Buffer>): Promise<Json | undefined> {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of body) {
    size += chunk.length
    if (size > LONGEST_ANSWER) throw new Error('the answer is too long')
    chunks.push(chunk)
  }
  try {
    return JSON.parse(Buffer.concat(chunks).toString('utf8')) as Json
  } catch {
    return undefined
  }
}
