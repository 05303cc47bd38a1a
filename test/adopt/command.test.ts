import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { openDoor } from '../../src/adopt/index.ts'
import { adopt } from '../../src/cli/adopt.ts'
import { UsageError } from '../../src/cli/verb.ts'
import { SOURCES } from '../../src/source/testing.ts'
import { readyToMove } from './moving.ts'

const PERSONAL = /0\d{9}|@example\.vn|phường|Nguyễn|Trần |Phạm|khi giao|NGUYỄN|00[1][01]\d{8}/u

async function run(
  args: readonly string[],
  env: Record<string, string> = {},
): Promise<{ code: number; out: string; err: string }> {
  let [out, err] = ['', '']
  const io = {
    out: (text: string) => void (out += text),
    err: (text: string) => void (err += text),
    stdin: process.stdin,
    env,
    language: 'en' as const,
    root: '',
  }
  return { code: await adopt.run(args, io), out, err }
}

for (const args of [
  [],
  ['move'],
  ['plan', 'now'],
  ['plan'],
  ['plan', '--once', '--source', 'postgres://h/d'],
  ['copy', '--rewrite', '--source', 'postgres://h/d'],
  ['plan', '--sauce', 'x'],
])
  test(`khien adopt ${args.join(' ')} is asked wrongly`, async () => {
    await assert.rejects(run(args), UsageError)
  })

test('an address with a password is never repeated', async () => {
  for (const url of ['mysql://shop:geheim@127.0.0.1:1/shop', 'http://shop:geheim@h/shop'])
    await assert.rejects(run(['plan', '--source', url]), (error: Error) => !/geheim/.test(error.message))
})

test('what answers there is no vault: one sentence with the address, and it never saw the key', async () => {
  const seen: string[] = []
  for (const [status, type, body] of [
    [200, 'text/html', 'hello'],
    [200, 'application/json', '{"fields":[]}'],
    [404, 'application/problem+json', '{"type":"urn:khien:error:http/not-found"}'],
  ] as const) {
    const server = createServer((req, res) => {
      seen.push(JSON.stringify(req.headers))
      res.writeHead(status, { 'content-type': type }).end(body)
    }).listen(0, '127.0.0.1')
    try {
      await once(server, 'listening')
      const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
      const door = openDoor({ origin, key: `khk_${'A'.repeat(26)}_${'b'.repeat(43)}` })
      const known = { code: 'adopt/vault', field: 'vault', message: new RegExp(`^What answers at ${origin} is not`) }
      await assert.rejects(door.greet(), known, body)
      assert.ok(seen.every((headers) => !headers.includes('khk_')))
      // Were it to turn into something else meanwhile.
      if (body === 'hello') await assert.rejects(door.fields(), known)
      seen.length = 0
    } finally {
      server.close()
    }
  }
})

for (const server of SOURCES)
  test(
    `${server.name}: plan, copy, status, switch and back as a person types them`,
    { skip: server.skip },
    async () => {
      await using moving = await readyToMove(await server.open(), 30)
      const folder = mkdtempSync(join(tmpdir(), 'khien-adopt-'))
      const [plan, key] = [join(folder, 'plan.json'), join(folder, 'key')]
      writeFileSync(key, `${moving.key}\n`)
      const env = { KHIEN_SOURCE: moving.url }
      const at = ['--vault', moving.node.internal, '--key-file', key]
      let said = ''
      const step = async (...args: string[]): Promise<string> => {
        const { code, out, err } = await run(args, env)
        assert.equal(code, 0, out + err)
        said += out + err
        return out
      }
      await step('plan', '--out', plan)
      assert.equal(statSync(plan).mode & 0o777, 0o600)
      assert.match(said, /payments .*person by order_id → orders, user_id → users/)
      assert.match(said, /users .*a row is a person[^]*phone → person\.phone -\n.*30 of 30 look like phone: ##########/)
      said += readFileSync(plan, 'utf8')
      await assert.rejects(run(['plan', '--out', plan], env), { code: 'adopt/plan' })
      await assert.rejects(run(['copy', ...at], env), { code: 'adopt/not-begun' })
      await assert.rejects(run(['copy', ...at, '--plan', plan, '--rate', 'fast'], env), UsageError)
      await assert.rejects(run(['status', '--vault', moving.node.internal], env), UsageError)
      await assert.rejects(run(['status', '--vault', moving.node.internal, '--key-file', plan], env), {
        code: 'adopt/key',
      })

      assert.match(await step('copy', ...at, '--plan', plan), /^105 rows copied/)
      assert.match(await step('follow', ...at, '--once'), /^\d+ changes followed/)
      assert.match(await step('compare', ...at), /^270 cells compared, 0 differ\.$/m)
      await assert.rejects(run(['switch', ...at, '--column', 'users.fone'], env), { code: 'adopt/column' })
      assert.match(await step('switch', ...at, '--column', 'users.phone'), /^30 cells hold tokens now; 0 hold/)
      assert.match(await step('status', ...at), /users\.phone → person\.phone: switched, 30 tokens, 0 values/)
      await assert.rejects(run(['purge', ...at], env), { code: 'adopt/not-switched' })
      assert.match(await step('back', ...at, '--column', 'users.phone'), /^30 values are back; 0 cells/)
      writeFileSync(plan, readFileSync(plan, 'utf8').replace('"MOVE-1"', '"MOVE-2"'))
      await assert.rejects(run(['copy', ...at, '--plan', plan], env), { code: 'adopt/other-plan' })
      await step('switch', ...at, '--column', 'users.phone,users.email')
      await assert.rejects(run(['abandon', ...at], env), { code: 'adopt/tokens' })
      for (const column of ['users.phone', 'users.email']) await step('back', ...at, '--column', column)
      await step('abandon', ...at)
      assert.deepEqual((await moving.source.tables()).flatMap((table) => table.triggers), []) // prettier-ignore
      await step('copy', ...at, '--plan', plan)
      assert.match(await step('compare', ...at), /, 0 differ\.$/m)
      assert.doesNotMatch(said, PERSONAL)
      assert.ok(!said.includes(moving.key))
    },
  )
