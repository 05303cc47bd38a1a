import { request } from 'node:http'
import { join } from 'node:path'
import { StartError } from '../kit/errors.ts'
import { codeOf } from '../app/config-file.ts'

/** Asks a running node over the socket that only its own user can open. */
export async function askNode(folder: string, path: string, body: unknown): Promise<Record<string, unknown>> {
  const socketPath = join(folder, 'run', 'node.sock')
  const text = JSON.stringify(body)
  const answer = await new Promise<{ status: number; body: string }>((resolve, reject) => {
    const headers = { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) }
    const asking = request({ socketPath, path, method: 'POST', headers, timeout: 60_000 }, (response) => {
      let got = ''
      response.setEncoding('utf8')
      response.on('data', (chunk: string) => (got += chunk))
      response.on('end', () => resolve({ status: response.statusCode ?? 0, body: got }))
      response.on('error', reject)
    })
    asking.on('timeout', () => asking.destroy(new Error('timeout')))
    asking.on('error', reject)
    asking.end(text)
  }).catch((error: unknown) => {
    const code = codeOf(error)
    const absent = code === 'ENOENT' || code === 'ECONNREFUSED'
    throw new StartError(
      'node-absent',
      absent ? `No node is running on ${folder}; start it first.` : `The node on ${folder} did not answer (${code}).`,
    )
  })
  const json = parse(answer.body)
  if (answer.status >= 200 && answer.status < 300) return json
  const detail = typeof json['detail'] === 'string' ? json['detail'] : `The node refused with status ${answer.status}.`
  throw new StartError(typeof json['code'] === 'string' ? json['code'] : 'refused', detail)
}

function parse(text: string): Record<string, unknown> {
  try {
    const json: unknown = JSON.parse(text)
    return typeof json === 'object' && json !== null ? (json as Record<string, unknown>) : {}
  } catch {
    return {}
  }
}
