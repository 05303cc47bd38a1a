import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { existsSync, openSync, readFileSync, renameSync, utimesSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import test from 'node:test'
import { openTransit } from '../../src/app/key-transit.ts'
import { openBundle } from '../../src/engine/seal/index.ts'
import { root, temporary } from './processes.ts'

// Two who change key.json at once: a key that is lost takes everything under it along.

const WORD = 'một câu dài để mở cửa kho'

function khien(args: string, words: readonly string[] = []): Promise<{ code: number; out: string; err: string }> {
  const fds = words.map((path) => openSync(path, 'r'))
  const child = spawn(process.execPath, [join(root, 'bin/khien.js'), ...args.split(' ')], {
    stdio: ['ignore', 'pipe', 'pipe', ...fds],
  })
  let [out, err] = ['', '']
  child.stdout!.on('data', (part: Buffer) => (out += part.toString()))
  child.stderr!.on('data', (part: Buffer) => (err += part.toString()))
  return new Promise((resolve) => child.on('close', (code) => resolve({ code: code ?? 1, out, err })))
}

test('rotations at once lose no key that was announced; a share given twice counts once', async () => {
  using data = temporary()
  using shares = temporary()
  const word = join(data.path, 'a.txt')
  writeFileSync(word, WORD)
  const at = `--role platform --data ${data.path}`
  assert.equal((await khien(`key init ${at} --key-fd 3`, [word])).code, 0)
  const path = join(data.path, 'platform', 'key.json')

  // Two at once: whoever is refused says so, and every key that was announced is in the file.
  const both = await Promise.all([1, 2, 3].map(() => khien(`key rotate ${at} --key-fd 3`, [word])))
  const said = both.filter(({ code }) => code === 0).map(({ out }) => /kek_[\w-]+/.exec(out)![0])
  for (const { code, err } of both) if (code !== 0) assert.match(err, /changed by somebody else/)
  const bundle = await openBundle(readFileSync(path, 'utf8'), WORD)
  assert.deepEqual(new Set(bundle.rotated!.map(({ id }) => id)), new Set(said))
  assert.ok(said.length >= 1 && !existsSync(`${path}.new`))

  // A crash left its file beside: it does not bar the next one for ever.
  writeFileSync(`${path}.new`, 'half')
  assert.match((await khien(`key rotate ${at} --key-fd 3`, [word])).err, /changed by somebody else/)
  utimesSync(`${path}.new`, 0, 0)
  assert.equal((await khien(`key rotate ${at} --key-fd 3`, [word])).code, 0)

  const made = await khien(`key escrow ${at} --out ${shares.path} --key-fd 3`, [word])
  const files = made.out.split('\n').filter((line) => line.endsWith('.json'))
  renameSync(path, `${path}.lost`)
  const back = await khien(`key recover ${files[0]} ${files[0]} ${files[2]} ${at} --new-key-fd 3`, [word])
  assert.equal(back.code, 0, back.err)
})

test('an engine that answers something else is said so', async () => {
  const answers = ['{}', 'null', '{"data":null}', '[]', '<html>']
  const server = createServer((_, res) => void res.end(answers.shift()))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const engine = openTransit({ address, key: 'khien', token: 'hvs.dung' })
  try {
    while (answers.length > 0)
      await assert.rejects(engine.encrypt(new Uint8Array(32)), { code: 'key/transit' }, answers[0]!)
  } finally {
    server.closeAllConnections()
    server.close()
  }
})
