import { spawn } from 'node:child_process'
import { existsSync, fstatSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** Plain JavaScript that any Node ≥ 20 runs: which Node carries Khiên, and how it is started without leaving orphans. */

/** The folder of the clone or of the installed package. */
export const root = dirname(dirname(fileURLToPath(import.meta.url)))

/** `--disable-sigusr1`: nobody opens a debugger in a process that holds a key. `node:sqlite` still calls itself experimental. */
export const NODE_FLAGS = ['--disable-sigusr1', '--disable-warning=ExperimentalWarning']

/** Compiled code is kept beside the packages, never in a shared temporary folder where others could plant some. */
export const compileCache = join(root, 'node_modules', '.cache', 'khien')

const NEEDED = 24
const parts = (version) => version.replace(/^v/, '').split('.').map(Number)
const newer = (a, b) => {
  for (let i = 0; i < 3; i++) if (a[i] !== b[i]) return a[i] > b[i]
  return false
}

/**
 * The pinned Node, or the one already running when that is newer.
 * @returns {{ node: string } | { problem: string }}
 */
export function chooseNode(folder = root, running = process) {
  if (running.platform === 'win32')
    return { problem: 'On Windows, Khiên runs inside WSL: open a WSL terminal there and try again.' }
  const name = `node-${running.platform}-${running.arch}`
  const home = join(folder, 'node_modules', name)
  const binary = join(home, 'bin', 'node')
  const own = parts(running.version)
  if (existsSync(binary)) {
    const pinned = parts(JSON.parse(readFileSync(join(home, 'package.json'), 'utf8')).version)
    if (own[0] < NEEDED || !newer(own, pinned)) return { node: binary }
  }
  if (own[0] >= NEEDED) return { node: running.execPath }
  return {
    problem:
      `Khiên needs Node ${NEEDED} or newer, this is ${running.version}, ` +
      `and there is no packaged Node for ${running.platform}-${running.arch}: install Node ${NEEDED} and try again.`,
  }
}

/**
 * Runs a program to its end: signals go on to it, its exit becomes ours. The IPC channel is a lifeline: when this process
 * dies in any way, even by kill -9, the other side sees the channel close and ends too.
 */
export function runToEnd(command, args, options = {}) {
  const child = spawn(command, args, { stdio: inherited(args), ...options })
  const pass = (signal) => child.kill(signal)
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, pass)
  if (process.connected) {
    process.on('disconnect', () => child.kill('SIGTERM'))
    process.channel.unref()
  }
  child.on('error', (error) => fail(`Could not start ${command}: ${error.code ?? error.name}.`))
  child.on('exit', (code, signal) => {
    for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.off(name, pass)
    if (signal === null) process.exit(code)
    process.kill(process.pid, signal)
  })
  return child
}

/** The usual three, every descriptor that an argument like `--key-fd 3` names, in its own place, and the lifeline. */
export function inherited(args) {
  const stdio = ['inherit', 'inherit', 'inherit']
  args.forEach((word, i) => {
    const [, inline] = /^--(?:(?:new-)?key|password)-fd(?:=(\d{1,4}))?$/.exec(word) ?? []
    const fd = Number(inline ?? (/^--(?:(?:new-)?key|password)-fd$/.test(word) ? args[i + 1] : NaN))
    if (Number.isInteger(fd) && fd > 2 && fd < 1024 && isOpen(fd)) stdio[fd] = fd
  })
  const all = Array.from(stdio, (entry) => entry ?? 'ignore')
  return [...all, 'ipc']
}

const isOpen = (fd) => {
  try {
    fstatSync(fd)
    return true
  } catch {
    return false
  }
}

/** One sentence on stderr, then out. */
export function fail(sentence, code = 1) {
  process.stderr.write(`khien: ${sentence}\n`)
  process.exit(code)
}
