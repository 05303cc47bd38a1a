import assert from 'node:assert/strict'
import { execFileSync, spawn } from 'node:child_process'
import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto'
import { createRequire } from 'node:module'
import { existsSync, mkdirSync, openSync, readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { basename, join } from 'node:path'
import test from 'node:test'
import { obtainKey } from '../../src/app/node-key.ts'
import { demoConfig } from '../running-node.ts'
import { root, temporary } from './processes.ts'

const MODULE = '/usr/lib/softhsm/libsofthsm2.so'
const noToken = ((): string | false => {
  if (!existsSync(MODULE)) return 'softhsm2 is not installed (Debian: apt install softhsm2)'
  try {
    createRequire(import.meta.url)('pkcs11js')
    return false
  } catch {
    return 'pkcs11js is not here: npm install pkcs11js with its install script, or name a folder that has it with NODE_PATH'
  }
})()

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

/** What Vault's and OpenBao's Transit engine does with one key, over HTTP: really encrypts, knows one token. */
async function transitEngine() {
  const key = randomBytes(32)
  const state = { token: 'hvs.dung', away: false }
  const server = createServer((req, res) => {
    let text = ''
    req.setEncoding('utf8').on('data', (part: string) => (text += part))
    req.on('end', () => {
      const say = (status: number, data: object): void => void res.writeHead(status).end(JSON.stringify({ data }))
      if (state.away) return void req.socket.destroy()
      if (req.headers['x-vault-token'] !== state.token) return say(403, {})
      const body = JSON.parse(text) as { plaintext?: string; ciphertext?: string }
      if (req.url === '/v1/transit/encrypt/khien' && body.plaintext !== undefined) {
        const iv = randomBytes(12)
        const cipher = createCipheriv('aes-256-gcm', key, iv)
        const sealed = Buffer.concat([iv, cipher.update(body.plaintext, 'base64'), cipher.final(), cipher.getAuthTag()])
        return say(200, { ciphertext: `vault:v1:${sealed.toString('base64')}` })
      }
      if (req.url === '/v1/transit/decrypt/khien' && body.ciphertext !== undefined) {
        const sealed = Buffer.from(body.ciphertext.replace('vault:v1:', ''), 'base64')
        const decipher = createDecipheriv('aes-256-gcm', key, sealed.subarray(0, 12))
        decipher.setAuthTag(sealed.subarray(-16))
        return say(200, { plaintext: Buffer.concat([decipher.update(sealed.subarray(12, -16)), decipher.final()]).toString('base64') }) // prettier-ignore
      }
      return say(404, {})
    })
  }).listen(0, '127.0.0.1')
  await new Promise((resolve) => server.once('listening', resolve))
  return {
    state,
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

test('the key in escrow: two of three bring it back, one does not', async () => {
  using data = temporary()
  using shares = temporary()
  const [word, other] = ['a', 'b'].map((name) => join(shares.path, `${name}.txt`)) as [string, string]
  writeFileSync(word, WORD)
  writeFileSync(other, `${WORD} khác`)
  const at = `--role platform --data ${data.path}`
  const first = await khien(`key init ${at} --key-fd 3`, [word])
  const id = /kek_[\w-]+/.exec(first.out)![0]
  for (const bad of ['--shares 1', '--shares 3 --need 1', '--shares 2 --need 3', '--shares x'])
    assert.equal((await khien(`key escrow ${at} --out ${shares.path} ${bad} --key-fd 3`, [word])).code, 2, bad)
  assert.match(
    (await khien(`key escrow ${at} --out ${shares.path} --key-fd 3`, [other])).err,
    /passphrase does not open/,
  )
  const made = await khien(`key escrow ${at} --out ${shares.path} --key-fd 3`, [word])
  assert.equal(made.code, 0, made.err)
  const files = readdirSync(shares.path).filter((name) => name.endsWith('.json')).toSorted().map((name) => join(shares.path, name)) // prettier-ignore
  assert.equal(files.length, 3)
  const [end] = /[0-9a-f]{6}(?=\.json$)/.exec(files[0]!)!
  assert.deepEqual(
    files.map((path) => basename(path)),
    [1, 2, 3].map((place) => `khien-platform-share-${place}-of-3-${end}.json`),
  )
  const again = await khien(`key escrow ${at} --out ${shares.path} --key-fd 3`, [word])
  const strangers = again.out.split('\n').filter((line) => line.endsWith('.json'))
  assert.match((await khien(`key recover ${files[0]} ${files[1]} ${at} --new-key-fd 3`, [other])).err, /already there/)
  const own = join(data.path, 'platform', 'key.json')
  renameSync(own, `${own}.lost`)
  for (const [given, says] of [
    [[files[0]], /2 different shares are needed, 1 were given/],
    [[files[0], files[0]], /2 different shares are needed/],
    [[files[0], strangers[1]], /were not made together/],
    [[files[0], word], /is not a share of a key/],
  ] as const)
    assert.match((await khien(`key recover ${given.join(' ')} ${at} --new-key-fd 3`, [other])).err, says)
  const torn = join(shares.path, 'torn.json')
  const share = JSON.parse(readFileSync(files[1]!, 'utf8')) as { share: string }
  writeFileSync(torn, JSON.stringify({ ...share, share: randomBytes(32).toString('base64') }))
  assert.match(
    (await khien(`key recover ${files[0]} ${torn} ${at} --new-key-fd 3`, [other])).err,
    /does not open this copy/,
  )
  const back = await khien(`key recover ${files[2]} ${files[0]} ${at} --new-key-fd 3`, [other])
  assert.equal(back.code, 0, back.err)
  assert.ok(back.out.includes(id), 'the same key')
  const config = demoConfig('platform', join(data.path, 'platform'), 0, 0)
  const bundle = await obtainKey({ ...config, key: { from: 'credential', path: other } })
  assert.equal(bundle!.kekId, id)
})

test('a Transit engine opens the node without a person, and its copy follows a rotation', async () => {
  using data = temporary()
  await using engine = await transitEngine()
  const [word, token, wrong] = ['a', 'b', 'c'].map((name) => join(data.path, `${name}.txt`)) as [string, string, string]
  writeFileSync(word, WORD)
  writeFileSync(token, 'hvs.dung\n')
  writeFileSync(wrong, 'hvs.sai')
  const at = `--role platform --data ${data.path}`
  await khien(`key init ${at} --key-fd 3`, [word])
  const config = demoConfig('platform', join(data.path, 'platform'), 0, 0)
  const open = (path: string) => obtainKey({ ...config, key: { from: 'transit', path } })
  await assert.rejects(open(token), { code: 'no-key' })
  const transit = (address: string, file: string) =>
    khien(`key transit ${at} --transit ${address} --transit-key khien --token-file ${file} --key-fd 3`, [word])
  assert.match((await transit(engine.url, wrong)).err, /refuses this token/)
  assert.match((await transit('http://vault.example:8200', token)).err, /must begin with https/)
  assert.match((await transit('http://127.0.0.1:1', token)).err, /does not answer/)
  assert.equal((await transit(engine.url, token)).code, 0)
  assert.doesNotMatch(readFileSync(join(config.folder, 'key.transit.json'), 'utf8'), /hvs\./)
  assert.match((await open(token))!.kekId, /^kek_/)
  await assert.rejects(open(wrong), { code: 'key/transit' })
  assert.match((await khien(`key rotate ${at} --key-fd 3`, [word])).err, /give --token-file too/)
  const rotated = await khien(`key rotate ${at} --token-file ${token} --key-fd 3`, [word])
  assert.equal(rotated.code, 0, rotated.err)
  assert.equal((await open(token))!.rotated!.length, 1)
  engine.state.away = true
  await assert.rejects(open(token), { code: 'key/transit' })
})

test('a PKCS#11 token opens the node, and its key does not leave it', { skip: noToken }, async () => {
  using data = temporary()
  const [word, pin, wrong, conf] = ['a', 'b', 'c', 'softhsm2.conf'].map((name) => join(data.path, name)) as [string, string, string, string] // prettier-ignore
  writeFileSync(word, WORD)
  writeFileSync(pin, '4711')
  writeFileSync(wrong, '0000')
  mkdirSync(join(data.path, 'tokens'))
  writeFileSync(conf, `directories.tokendir = ${join(data.path, 'tokens')}\nobjectstore.backend = file\n`)
  process.env['SOFTHSM2_CONF'] = conf
  execFileSync('softhsm2-util', [
    '--init-token',
    '--free',
    '--label',
    'khien-test',
    '--so-pin',
    '1234',
    '--pin',
    '4711',
  ])
  const at = `--role platform --data ${data.path}`
  await khien(`key init ${at} --key-fd 3`, [word])
  const config = demoConfig('platform', join(data.path, 'platform'), 0, 0)
  const open = (path: string) => obtainKey({ ...config, key: { from: 'pkcs11', path } })
  await assert.rejects(open(pin), { code: 'no-key' })
  const make = (label: string, file: string, module = MODULE) =>
    khien(`key pkcs11 ${at} --module ${module} --token ${label} --pin-file ${file} --key-fd 3`, [word])
  assert.match((await make('nowhere', pin)).err, /there is none with the label nowhere/)
  assert.match((await make('khien-test', wrong)).err, /it refuses this PIN/)
  assert.match((await make('khien-test', pin, '/nowhere.so')).err, /cannot be loaded/)
  const made = await make('khien-test', pin)
  assert.equal(made.code, 0, made.err)
  assert.match((await open(pin))!.kekId, /^kek_/)
  await assert.rejects(open(wrong), { code: 'key/pkcs11' })
  assert.match((await khien(`key rotate ${at} --key-fd 3`, [word])).err, /give --pin-file too/)
  assert.equal((await khien(`key rotate ${at} --pin-file ${pin} --key-fd 3`, [word])).code, 0)
  assert.equal((await open(pin))!.rotated!.length, 1)
})
