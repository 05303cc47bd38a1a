import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { root } from '../bin/runtime.js'

/**
 * Measured on 2026-11-22, linux-x64, npm 11.19, empty cache: the bytes of npm's cache after `npm ci`, and `du` of
 * node_modules. Most of it is the event store's engine and the pinned Node. Measure again when package-lock.json changes by more than a few packages.
 */
const DOWNLOAD_MB = 353
const UNPACKED_MB = 943

const modules = join(root, 'node_modules')
const stamp = join(modules, '.khien-lock')
const read = (path) => {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return undefined
  }
}
const lockHash = () =>
  createHash('sha256')
    .update(readFileSync(join(root, 'package-lock.json')))
    .digest('hex')

/** True when node_modules is what package-lock.json asks for, whoever installed it. */
export function installed() {
  const hash = lockHash()
  if (read(stamp) === hash) return true
  const list = read(join(modules, '.package-lock.json'))
  if (list === undefined) return false
  const present = JSON.parse(list).packages
  const wanted = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8')).packages
  for (const [path, entry] of Object.entries(wanted)) {
    if (path === '') continue
    const have = present[path]
    if (have === undefined ? !(entry.optional || entry.peer) : have.version !== entry.version) return false
  }
  mark(hash)
  return true
}

/** `npm ci` without any package's own scripts, with progress that a person or a build log can follow. */
export function install() {
  say(
    `First run: downloading about ${DOWNLOAD_MB} MB of packages (mostly the event store and Node 24) into ${modules}.`,
  )
  const began = Date.now()
  const flags = ['ci', '--ignore-scripts', '--no-audit', '--no-fund', '--progress=false', '--loglevel=error']
  const npm = process.env.npm_execpath
  const [command, args] = npm === undefined ? ['npm', flags] : [process.execPath, [npm, ...flags]]
  const child = spawn(command, args, { cwd: root, stdio: ['ignore', 'ignore', 'inherit'] })
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP']
  const pass = (signal) => child.kill(signal)
  for (const signal of signals) process.on(signal, pass)
  const progress = setInterval(report(began), 1000)
  return new Promise((resolve) => {
    const end = (code) => {
      clearInterval(progress)
      for (const signal of signals) process.off(signal, pass)
      if (code === 0) mark(lockHash())
      if (code === 0) say(`Installed in ${Math.round((Date.now() - began) / 1000)} s.`, true)
      resolve(code)
    }
    child.on('error', (error) => {
      say(error.code === 'ENOENT' ? 'npm was not found: install it beside Node.' : `npm: ${error.code}`)
      end(1)
    })
    child.on('exit', (code, signal) => end(signal === null ? code : 130))
  })
}

const mark = (hash) => {
  try {
    writeFileSync(stamp, hash)
  } catch {
    // A read-only node_modules works as well; it is only compared in full at every start.
  }
}

/** A terminal gets one line that moves; a log gets a line at every quarter. */
const report = (began) => {
  let said = 0
  return () => {
    const done = Math.min(UNPACKED_MB, Math.round(size(modules) / 1e6))
    const seconds = Math.round((Date.now() - began) / 1000)
    const line = `  ${done} of ${UNPACKED_MB} MB unpacked, ${seconds} s`
    if (process.stderr.isTTY) process.stderr.write(`\r${line}  `)
    else if (Math.floor((done / UNPACKED_MB) * 4) > said) {
      said = Math.floor((done / UNPACKED_MB) * 4)
      process.stderr.write(`${line}\n`)
    }
  }
}

const say = (sentence, after = false) =>
  process.stderr.write(`${after && process.stderr.isTTY ? '\r' : ''}khien: ${sentence}\n`)

function size(folder) {
  let bytes = 0
  let entries = []
  try {
    entries = readdirSync(folder, { withFileTypes: true })
  } catch {
    return 0
  }
  for (const entry of entries) {
    const path = join(folder, entry.name)
    if (entry.isDirectory()) bytes += size(path)
    else if (entry.isFile()) bytes += statSync(path, { throwIfNoEntry: false })?.size ?? 0
  }
  return bytes
}
