import assert from 'node:assert/strict'
import { cpSync, existsSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import test from 'node:test'
import { findBackups } from '../../src/backup/index.ts'
import { signNote } from '../../src/engine/tlog/index.ts'
import { runningNode } from '../running-node.ts'
import { fileIn, harmed } from './harm.ts'
import { anApp, drilledOf, folder, keyOf, madeBy, restored, twoPlaces } from './places.ts'

type Places = ReturnType<typeof twoPlaces>
let source!: Places & { node: string }

/** One backup, made when it is first asked for; every test harms a copy. */
async function copyOf(): Promise<Places> {
  if (!source) await make()
  const copy = twoPlaces()
  cpSync(source.to, copy.to, { recursive: true })
  cpSync(source.keysTo, copy.keysTo, { recursive: true })
  return copy
}
async function make(): Promise<void> {
  await using node = await runningNode()
  const app = await anApp(node)
  for (let n = 0; n < 5; n++) await app.person(n)
  source = { ...twoPlaces(), node: node.config.folder }
  assert.equal((await madeBy(node, source)).state, 'made')
}
const inKeys = ({ keysTo }: Places, pattern: RegExp): string =>
  join(
    keysTo,
    readdirSync(keysTo).find((name) => pattern.test(name))!,
  )

/** The manifest as the node itself would sign it, changed. */
async function resigned(places: Places, change: (text: string) => string): Promise<void> {
  const { secrets } = await keyOf(source.node)
  const path = fileIn(places.to, 'backup.note')
  const text = readFileSync(path, 'utf8')
  writeFileSync(path, signNote(change(text.slice(0, text.lastIndexOf('\n\n') + 1)), [secrets.backupSigner]))
}

const cases: Record<string, { code: string; says?: RegExp; harm(places: Places): unknown }> = {
  'a bit of the data turned': { code: 'backup/altered', harm: (p) => harmed(p.to, 'control.sealed') },
  'a bit of the log turned': { code: 'backup/altered', harm: (p) => harmed(p.to, 'log.sealed') },
  'a bit of the keys turned': {
    code: 'backup/altered',
    harm(p) {
      const path = inKeys(p, /^keys-.*\.sealed$/)
      const bytes = readFileSync(path)
      bytes[bytes.length >> 1]! ^= 1
      writeFileSync(path, bytes)
    },
  },
  'a part missing': { code: 'backup/altered', harm: (p) => rmSync(fileIn(p.to, 'files.sealed')) },
  'two parts changed for each other': {
    code: 'backup/altered',
    harm(p) {
      const [a, b] = [fileIn(p.to, 'log.sealed'), fileIn(p.to, 'files.sealed')]
      renameSync(a, `${a}.x`)
      renameSync(b, a)
      renameSync(`${a}.x`, b)
    },
  },
  'the manifest changed': {
    code: 'backup/altered',
    harm(p) {
      const path = fileIn(p.to, 'backup.note')
      writeFileSync(path, readFileSync(path, 'utf8').replace(/"shredded": 0/, '"shredded": 1'))
    },
  },
  'the manifest gone': { code: 'backup/altered', harm: (p) => rmSync(fileIn(p.to, 'backup.note')) },
  'a count that is another': {
    code: 'backup/altered',
    harm: (p) => resigned(p, (text) => text.replace(/"vault_value": \d+/, '"vault_value": 6')),
  },
  'another root of the log': {
    code: 'backup/altered',
    harm: (p) => resigned(p, (text) => text.replace(/"root": "[^"]{3}/, '"root": "AAA')),
  },
  'a newer format of backups': {
    code: 'backup/newer-format',
    says: /has format 2, this Khiên knows up to 1/,
    harm: (p) => resigned(p, (text) => text.replace('"format": 1', '"format": 2')),
  },
  'a newer format of the data': {
    code: 'data/newer-format',
    says: /made by a newer Khiên \(it knows "20991231/,
    harm: (p) =>
      resigned(p, (text) => text.replace('"migrations": [', '"migrations": [\n    "20991231T000000-from-the-future",')),
  },
  'no ring': { code: 'backup/ring', harm: (p) => rmSync(inKeys(p, /^ring-/)) },
  'a damaged ring': { code: 'backup/ring', harm: (p) => writeFileSync(inKeys(p, /^ring-/), '{') },
  'another key in the ring': {
    code: 'backup/other-key',
    harm(p) {
      const path = inKeys(p, /^ring-/)
      const ring = JSON.parse(readFileSync(path, 'utf8')) as { keys: { sealed: string }[] }
      ring.keys[0]!.sealed = Buffer.alloc(62, 1).toString('base64')
      writeFileSync(path, JSON.stringify(ring))
    },
  },
  'no list of people who were erased': {
    code: 'backup/shred-list',
    harm: (p) => rmSync(inKeys(p, /^shredded-.*note$/)),
  },
  'a list that somebody made shorter': {
    code: 'backup/shred-list',
    harm: (p) => writeFileSync(inKeys(p, /^shredded-.*list$/), 'x\n'),
  },
  'no key backup': { code: 'restore/no-keys', harm: (p) => rmSync(inKeys(p, /^keys-.*note$/)) },
  'no backup at all': {
    code: 'restore/no-backup',
    harm: (p) => rmSync(join(p.to, readdirSync(p.to)[0]!), { recursive: true }),
  },
}
for (const [what, { code, says, harm }] of Object.entries(cases))
  test(`${what}: refused in one sentence, nothing is left`, async () => {
    const places = await copyOf()
    await harm(places)
    const data = folder('into')
    const failing = restored(source.node, places, { folder: join(data, 'platform') })
    await assert.rejects(failing, (error: Error & { code?: string }) => {
      assert.equal(error.code, code, error.message)
      assert.match(error.message, says ?? /\.$/)
      assert.doesNotMatch(error.message, /\n/)
      return true
    })
    assert.deepEqual(readdirSync(data), [])
  })

test('a drill of a damaged backup says why, and leaves nothing', async () => {
  const places = await copyOf()
  harmed(places.to, 'control.sealed')
  const drilled = await drilledOf(source.node, places)
  assert.partialDeepStrictEqual(drilled, { good: false, failure: 'backup/altered', opened: 0 })
  assert.match(drilled.detail!, /control\.sealed of the backup is damaged/)
})

test("another node's key opens nothing", async () => {
  let other: string
  {
    await using node = await runningNode()
    other = node.config.folder
  }
  const places = await copyOf()
  await assert.rejects(restored(other, places), { code: 'backup/other-node' })
  const { secrets } = await keyOf(other)
  await assert.rejects(findBackups(places.to, 'platform', secrets.backupSigner), { code: 'backup/other-node' })
})

test("a folder with another node's ring takes no backup, and no promise hangs on it", async () => {
  const places = await copyOf()
  await using node = await runningNode()
  await assert.rejects(madeBy(node, { to: twoPlaces().to, keysTo: places.keysTo }), { code: 'backup/other-node' })
  const ready = (await (await fetch(`${node.internal}/readyz`)).json()) as { checks: Record<string, string> }
  assert.equal(ready.checks['backups'], 'ok')
  assert.equal((await madeBy(node, twoPlaces())).state, 'made')
})

test('a folder that is not empty is left as it is', async () => {
  const into = join(folder('into'), 'platform')
  cpSync(source.node, into, { recursive: true, filter: (path) => !path.endsWith('.sock') })
  const before = readdirSync(into)
  await assert.rejects(restored(source.node, await copyOf(), { folder: into }), { code: 'restore/not-empty' })
  assert.deepEqual(readdirSync(into), before)
  assert.equal(existsSync(join(into, '..', '.restoring-platform')), false)
})

for (const { what, at } of [
  { what: 'keys inside the data', at: (p: Places) => ({ to: p.to, keysTo: join(p.to, 'keys') }) },
  { what: 'data inside the keys', at: (p: Places) => ({ to: join(p.keysTo, 'x'), keysTo: p.keysTo }) },
  { what: 'one place for both', at: (p: Places) => ({ to: p.to, keysTo: p.to }) },
])
  test(`${what}: refused`, async () => {
    await using node = await runningNode({ role: 'authority' })
    await assert.rejects(madeBy(node, at(twoPlaces())), { code: 'backup/folders' })
    await assert.rejects(madeBy(node, { to: join(node.config.folder, 'x'), keysTo: twoPlaces().keysTo }), {
      code: 'backup/folders',
    })
  })
