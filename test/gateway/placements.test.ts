import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { connect, createServer, type AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test from 'node:test'
import { setTimeout as wait } from 'node:timers/promises'
import { raw, startRig, startUpstream } from './servers.ts'
import { settingsWith } from './sites.ts'

const NGINX = ['/usr/sbin/nginx', '/usr/bin/nginx'].find(existsSync)
const PHP = ['/usr/bin/php-cgi'].find(existsSync)
const skip = NGINX === undefined ? 'nginx is not installed' : false
const EXAMPLES = join(import.meta.dirname, '../../examples/nginx')
const ATTACK = '/?q=%27%20or%20%271%27%3D%271'

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}
async function isOpen(port: number): Promise<boolean> {
  const socket = connect(port, '127.0.0.1')
  const open = await once(socket, 'connect').then(
    () => true,
    () => false,
  )
  socket.destroy()
  return open
}

/** The example file as it is delivered, with this test's ports and folders in the place of the usual ones. */
async function startNginx(
  example: string,
  ports: Readonly<Record<string, number>>,
  root = '',
): Promise<AsyncDisposable & { port: number }> {
  const folder = await mkdtemp(join(tmpdir(), 'khien-nginx-'))
  const port = ports['8088'] ?? (await freePort())
  let text = await readFile(join(EXAMPLES, example), 'utf8')
  text = text.replaceAll('listen 80;', `listen 127.0.0.1:${port};`)
  for (const [from, to] of Object.entries(ports)) text = text.replaceAll(`127.0.0.1:${from}`, `127.0.0.1:${to}`)
  text = text
    .replaceAll('/var/log/nginx', folder)
    .replaceAll('/var/www/html', root)
    .replaceAll('include fastcgi_params;', 'include /etc/nginx/fastcgi_params;')
  const temp = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(
    (name) => `${name}_temp_path ${folder}/${name};`,
  )
  await writeFile(
    join(folder, 'nginx.conf'),
    `daemon off;master_process off;pid ${folder}/pid;error_log ${folder}/error.log;events{}http{${temp.join('')}access_log off;\n${text}\n}`,
  )
  const child = spawn(NGINX!, ['-p', folder, '-e', `${folder}/error.log`, '-c', join(folder, 'nginx.conf')], {
    stdio: 'ignore',
  })
  for (let i = 0; i < 100 && !(await isOpen(port)); i++) await wait(50)
  return {
    port,
    async [Symbol.asyncDispose]() {
      const ended = once(child, 'exit')
      child.kill('SIGTERM')
      await ended
      await rm(folder, { recursive: true })
    },
  }
}
const get = (port: number, target = '/', more = ''): Promise<string> =>
  raw(port, `GET ${target} HTTP/1.1\r\nHost: shop.vn\r\n${more}Connection: close\r\n\r\n`, 4_000)
const status = (answer: string): number => Number(answer.slice(9, 12))
const header = (flat: readonly string[], name: string): string | undefined =>
  flat[flat.findIndex((one, i) => i % 2 === 0 && one.toLowerCase() === name) + 1]

for (const { example, whenGone } of [
  { example: 'front.conf', whenGone: 502 },
  { example: 'front-fail-open.conf', whenGone: 200 },
])
  test(
    `nginx in front of us, ${example}: judged, the client known with its port, and ${whenGone} with the gateway gone`,
    { skip },
    async () => {
      await using rig = await startRig({ trustedProxies: ['127.0.0.1'] })
      const application = Number(new URL(rig.origin).port)
      await using front = await startNginx(example, { 8080: rig.port, 3000: application })
      const lies = ['X-Forwarded-For', 'X-Real-IP', 'Client-IP', 'True-Client-IP', 'CF-Connecting-IP']
        .map((name) => `${name}: 6.6.6.6\r\n`)
        .join('')
      const answer = await get(
        front.port,
        '/a',
        `${lies}X-Real-Port: 66\r\nForwarded: for="127.0.0.1:66"\r\nX-Forwarded-Host: evil.example\r\n`,
      )
      assert.equal(status(answer), 200)
      assert.doesNotMatch(rig.received[0]!.headers.join('\n'), /6\.6\.6|evil/)
      assert.notEqual(rig.events[0]!['clientPort'], 66)
      assert.equal(header(rig.received[0]!.headers, 'host'), 'shop.vn')
      assert.equal(header(rig.received[0]!.headers, 'x-forwarded-for'), '127.0.0.1, 127.0.0.1')
      assert.equal(status(await get(front.port, ATTACK)), 403)
      assert.equal(rig.received.length, 1)
      await rig.gateway[Symbol.asyncDispose]()
      assert.equal(status(await get(front.port, '/b')), whenGone)
      assert.equal(rig.received.length, whenGone === 200 ? 2 : 1)
      await get(front.port, '/c', lies)
      if (whenGone === 200) assert.doesNotMatch(rig.received[2]!.headers.join('\n'), /6\.6\.6|evil/)
    },
  )

test('the address and port that a trusted proxy tells are the client’s', async () => {
  await using rig = await startRig({ trustedProxies: ['127.0.0.1'] })
  const told = await get(rig.port, ATTACK, 'X-Forwarded-For: 203.0.113.9\r\nX-Real-Port: 51398\r\n')
  assert.equal(status(told), 403)
  assert.deepEqual([rig.refusals[0]!.clientAddress, rig.refusals[0]!.clientPort], ['203.0.113.9', 51_398])
})

test(
  'beside nginx: copies are judged and recorded, nothing changes for anyone, with the gateway gone neither',
  { skip },
  async () => {
    await using application = await startUpstream()
    await using rig = await startRig()
    await rig.gateway.use(settingsWith(rig.origin, [{ placement: 'mirror', trustedProxies: ['127.0.0.1'] }]))
    await using nginx = await startNginx('mirror.conf', {
      8080: rig.port,
      3000: Number(new URL(application.origin).port),
    })
    assert.equal(status(await get(nginx.port)), 200)
    assert.equal(status(await get(nginx.port, ATTACK)), 200)
    const body = "a=' or '1'='1"
    const posted = await raw(
      nginx.port,
      `POST /f HTTP/1.1\r\nHost: a\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: ${body.length}\r\nConnection: close\r\n\r\n${body}`,
    )
    assert.equal(status(posted), 200)
    for (let i = 0; i < 40 && rig.refusals.length < 2; i++) await wait(25)
    assert.deepEqual(
      rig.refusals.map(({ mode, path }) => [mode, path]),
      [
        ['detect', '/'],
        ['detect', '/f'],
      ],
    )
    assert.deepEqual([application.received.length, rig.received.length], [3, 0])
    const { mirrored, observed, refused } = rig.gateway.stats()
    assert.deepEqual({ mirrored, observed, refused }, { mirrored: 3, observed: 2, refused: 0 })
    await rig.gateway[Symbol.asyncDispose]()
    assert.equal(status(await get(nginx.port, '/after')), 200)
  },
)

test(
  'in front of nginx with PHP: the application sees the client and needs no change',
  { skip: skip || (PHP === undefined && 'php-cgi is not installed') },
  async () => {
    const root = await mkdtemp(join(tmpdir(), 'khien-php-'))
    await writeFile(
      join(root, 'index.php'),
      '<?php header("Content-Type: text/plain"); echo $_SERVER["REMOTE_ADDR"], "|", $_SERVER["REQUEST_URI"], "|", $_POST["ten"] ?? "", "|", $_SERVER["HTTPS"] ?? "-";',
    )
    const [fast, behind] = [await freePort(), await freePort()]
    const php = spawn(PHP!, ['-b', `127.0.0.1:${fast}`], {
      stdio: 'ignore',
      env: { PATH: process.env['PATH'], PHP_FCGI_CHILDREN: '0' },
    })
    for (let i = 0; i < 100 && !(await isOpen(fast)); i++) await wait(50)
    try {
      await using nginx = await startNginx('behind.conf', { 8088: behind, 9000: fast }, root)
      await using rig = await startRig({
        upstream: `http://127.0.0.1:${nginx.port}`,
        trustedProxies: ['127.0.0.1'],
        proxyListen: { host: '127.0.0.1', port: 0 },
      })
      const body = 'ten=Nguy%E1%BB%85n'
      const request = `POST /dang-ky?a=1 HTTP/1.1\r\nHost: a\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: ${body.length}\r\nConnection: close\r\n\r\n${body}`
      // A balancer says who the client is.
      const answer = await raw(rig.gateway.proxyPort!, `PROXY TCP4 203.0.113.9 127.0.0.1 51398 80\r\n${request}`, 4_000)
      assert.match(answer, /^HTTP\/1\.1 200 [^]*203\.0\.113\.9\|\/dang-ky\?a=1\|Nguy\xe1\xbb\x85n\|-/)
      assert.equal(rig.events.at(-1)?.['clientPort'], 51_398)
      assert.equal(status(await get(rig.port, ATTACK)), 403)
    } finally {
      php.kill('SIGTERM')
      await once(php, 'exit')
      await rm(root, { recursive: true })
    }
  },
)
