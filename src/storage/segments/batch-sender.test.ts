import assert from 'node:assert/strict'
import { mkdtempSync } from 'node:fs'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test, { type TestContext } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { silentLog } from '../../kit/log.ts'
import { batchSender } from './index.ts'

type Post = { batch: string; source: string; lines: string[] }

/** A unix socket that answers each post in turn as told; the last answer stays. `reset` breaks the connection after reading. */
async function listener(t: TestContext, answers: readonly ('take' | 'reset' | 503 | 400)[]) {
  const folder = mkdtempSync(join(tmpdir(), 'khb-'))
  const posts: Post[] = []
  const handle = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    let body = ''
    for await (const chunk of request) body += String(chunk)
    const query = new URL(request.url!, 'http://x').searchParams
    const answer = answers[Math.min(posts.length, answers.length - 1)]!
    const lines = body.split('\n')
    posts.push({ batch: query.get('batch')!, source: query.get('source')!, lines })
    if (answer === 'reset') return void request.socket.destroy()
    response.writeHead(answer === 'take' ? 200 : answer)
    response.end(JSON.stringify({ accepted: lines.length, rejectedTotal: 0 }))
  }
  const server = createServer((request, response) => void handle(request, response))
  const socketPath = join(folder, 's.sock')
  await new Promise<void>((resolve) => server.listen(socketPath, resolve))
  t.after(async () => {
    server.closeAllConnections()
    await new Promise((resolve) => server.close(resolve))
    await rm(folder, { recursive: true, force: true })
  })
  return { socketPath, posts }
}

async function settled(sender: { counts(): { queued: number } }): Promise<void> {
  for (let i = 0; i < 400 && sender.counts().queued > 0; i++) await sleep(10)
}

for (const { name, answers, wanted } of [
  { name: 'taken', answers: ['take'], wanted: { queued: 0, sent: 1_200, dropped: 0, rejected: 0 } },
  { name: 'answer lost', answers: ['reset', 'take'], wanted: { queued: 0, sent: 1_200, dropped: 0, rejected: 0 } },
  { name: 'busy twice', answers: [503, 503, 'take'], wanted: { queued: 0, sent: 1_200, dropped: 0, rejected: 0 } },
  { name: 'refused for good', answers: [400, 'take'], wanted: { queued: 0, sent: 700, dropped: 0, rejected: 500 } },
] as const)
  test(`events ${name}: in order, the same batch under the same id`, async (t) => {
    const { socketPath, posts } = await listener(t, answers)
    await using sender = batchSender({ socketPath, source: 'gateway', log: silentLog })
    for (let i = 0; i < 1_200; i++) assert.equal(sender.send({ i }), true)
    await settled(sender)
    assert.deepEqual(sender.counts(), wanted)
    assert.ok(posts.every(({ lines, source }) => lines.length <= 500 && source === 'gateway'))
    const byBatch = new Map<string, string[]>()
    for (const { batch, lines } of posts) {
      if (byBatch.has(batch)) assert.deepEqual(lines, byBatch.get(batch))
      byBatch.set(batch, lines)
    }
    assert.deepEqual(
      [...byBatch.values()].flat(),
      Array.from({ length: 1_200 }, (_, i) => `{"i":${i}}`),
    )
  })

test('what the queue cannot hold is dropped and counted, also at the end', async (t) => {
  const { socketPath } = await listener(t, [503])
  const sender = batchSender({ socketPath, source: 'gateway', log: silentLog })
  let taken = 0
  for (let i = 0; i < 20_100; i++) if (sender.send({ i })) taken++
  assert.deepEqual([taken, sender.counts().dropped], [20_000, 100])
  await sleep(100)
  await sender[Symbol.asyncDispose]()
  assert.equal(sender.counts().dropped, 20_100)
})
