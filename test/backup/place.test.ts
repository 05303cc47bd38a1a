import assert from 'node:assert/strict'
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { before, test } from 'node:test'
import { main } from '../../src/main.ts'
import type { Io } from '../../src/cli/verb.ts'
import { runningNode } from '../running-node.ts'
import { harmed } from './harm.ts'
import { anApp, folder, madeBy, twoPlaces } from './places.ts'

const root = join(import.meta.dirname, '..', '..')
let source!: ReturnType<typeof twoPlaces> & { readonly key: string }

before(async () => {
  await using node = await runningNode()
  await (await anApp(node)).person(1)
  source = { ...twoPlaces(), key: join(node.config.folder, 'key.json') }
  assert.equal((await madeBy(node, source)).state, 'made')
})

/** Every file below, with what is in it. */
const found = (path: string): Record<string, string> =>
  Object.fromEntries(
    readdirSync(path, { recursive: true, withFileTypes: true })
      .map((entry) => join(entry.parentPath, entry.name))
      .map((each) => [each, existsSync(join(each, '.')) ? 'folder' : readFileSync(each, 'base64')]),
  )

async function restore(given: { from: string; keysFrom: string; data: string; key?: string }): Promise<{ code: number; said: string }> {
  let said = ''
  const say = (text: string): void => void (said += text)
  const io: Io = { out: say, err: say, stdin: process.stdin, env: {}, language: 'en', root }
  const { from, keysFrom, data, key } = given
  const args = ['restore', '--role', 'platform', '--from', from, '--keys-from', keysFrom, '--data', data]
  return { code: await main(key === undefined ? args : [...args, '--key', key], io), said }
} // prettier-ignore

type Refusal = { readonly why: string; readonly says: RegExp; harm(places: { to: string; keysTo: string }): void }
const REFUSALS: readonly Refusal[] = [
  { why: 'no backup there', says: /no whole backup/, harm: ({ to }) => readdirSync(to).forEach((name) => rmSync(join(to, name), { recursive: true })) },
  { why: 'no ring', says: /no ring file/, harm: ({ keysTo }) => rmSync(join(keysTo, 'ring-platform.json')) },
  { why: 'a bit turned in what comes last', says: /altered|damaged/, harm: ({ to }) => harmed(to, 'files.sealed') },
] // prettier-ignore

type Place = { readonly name: string; make(): { root: string; data: string; key?: string } }
const PLACES: readonly Place[] = [
  {
    name: 'a folder that is not there yet',
    make() {
      const root = folder('cho')
      return { root, data: join(root, 'a', 'b'), key: source.key }
    },
  },
  {
    name: 'a folder with the key alone',
    make() {
      const root = folder('cho')
      mkdirSync(join(root, 'platform'))
      cpSync(source.key, join(root, 'platform', 'key.json'))
      return { root, data: root }
    },
  },
  {
    name: 'a data folder with another role in it',
    make() {
      const root = folder('cho')
      mkdirSync(join(root, 'telecom'))
      writeFileSync(join(root, 'telecom', 'control.db'), 'somebody else’s')
      for (const name of ['format', 'lock.db']) writeFileSync(join(root, name), name === 'format' ? '1\n' : '')
      return { root, data: root, key: source.key }
    },
  },
]

for (const { why, says, harm } of REFUSALS)
  for (const { name, make } of PLACES)
    test(`a refused restore (${why}) into ${name} leaves it as it was`, async () => {
      const copy = twoPlaces()
      cpSync(source.to, copy.to, { recursive: true })
      cpSync(source.keysTo, copy.keysTo, { recursive: true })
      harm(copy)
      const { root, ...into } = make()
      const was = found(root)
      const { code, said } = await restore({ from: copy.to, keysFrom: copy.keysTo, ...into })
      assert.equal(code, 1, said)
      assert.match(said, says)
      assert.deepEqual(found(root), was)
    })

test('what was restored stays, with the lock and the format beside it', async () => {
  const root = folder('cho')
  const data = join(root, 'a', 'b')
  const { code, said } = await restore({ from: source.to, keysFrom: source.keysTo, data, key: source.key })
  assert.equal(code, 0, said)
  assert.deepEqual(readdirSync(data).toSorted(), ['format', 'lock.db', 'platform'])
  const twice = await restore({ from: source.to, keysFrom: source.keysTo, data, key: source.key })
  assert.match(twice.said, /is not empty/)
  assert.ok(existsSync(join(data, 'platform', 'key.json')), 'and a second one that is refused takes nothing away')
})
