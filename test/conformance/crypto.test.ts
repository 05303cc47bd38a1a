import assert from 'node:assert/strict'
import { createHmac, createSecretKey, hash as digest, hkdfSync } from 'node:crypto'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { signatureCheck, signingKey } from '../../src/engine/seal/ed25519.ts'
import { gcmDecrypt, gcmEncrypt } from '../../src/engine/seal/gcm.ts'
import { treeHash, verifyConsistency, verifyInclusion } from '../../src/engine/tlog/index.ts'

const vectors = process.env['KHIEN_VECTORS'] ?? join(import.meta.dirname, '../../../shared/vectors')
const merkle = join(vectors, 'crypto/merkle/testdata')
const wycheproof = join(vectors, 'crypto/wycheproof/testvectors_v1')
const absent = (folder: string): string | false =>
  existsSync(folder) ? false : 'The public test vectors are not here; set KHIEN_VECTORS to their folder.'

const tree = treeHash((data) => digest('sha256', data, 'buffer'))

type MerkleCase = { proof: readonly string[] | null; wantErr: boolean; desc: string } & Record<string, unknown>

/** Every case of a folder; whole numbers become bigints, since some pass 2^53. */
function merkleCases(kind: string): MerkleCase[] {
  const files = readdirSync(join(merkle, kind), { recursive: true, encoding: 'utf8' })
  return files
    .filter((file) => file.endsWith('.json'))
    .map((file) => {
      const text = readFileSync(join(merkle, kind, file), 'utf8').replaceAll(/: (-?\d+)(,?)$/gm, ': "$1"$2')
      return JSON.parse(text) as MerkleCase
    })
}
const bytes = (value: unknown): Uint8Array => Uint8Array.from(Buffer.from(String(value), 'base64'))
const size = (value: unknown): bigint => BigInt(String(value))

test('RFC 6962 inclusion and consistency: 196 cases, 12 accepted, 184 refused', { skip: absent(merkle) }, () => {
  const seen = { accepted: 0, refused: 0 }
  const judge = (item: MerkleCase, verdict: boolean): void => {
    assert.equal(verdict, !item.wantErr, item.desc)
    seen[verdict ? 'accepted' : 'refused']++
  }
  for (const item of merkleCases('inclusion')) {
    const claim = {
      index: size(item['leafIdx']),
      size: size(item['treeSize']),
      leaf: bytes(item['leafHash']),
      root: bytes(item['root']),
    }
    judge(item, verifyInclusion(tree, claim, (item.proof ?? []).map(bytes)))
  }
  for (const item of merkleCases('consistency')) {
    const claim = {
      oldSize: size(item['size1']),
      newSize: size(item['size2']),
      oldRoot: bytes(item['root1']),
      newRoot: bytes(item['root2']),
    }
    judge(item, verifyConsistency(tree, claim, (item.proof ?? []).map(bytes)))
  }
  assert.deepEqual(seen, { accepted: 12, refused: 184 })
})

type Wycheproof = Record<string, string | number>
type Group = { tests: (Wycheproof & { result: string })[]; publicKey?: { pk: string } } & Record<string, unknown>

const groups = (file: string): Group[] =>
  (JSON.parse(readFileSync(join(wycheproof, file), 'utf8')) as { testGroups: Group[] }).testGroups
const hex = (value: unknown): Buffer => Buffer.from(String(value), 'hex')

test('Wycheproof AES-256-GCM with 96-bit IV and 128-bit tag: 66 cases', { skip: absent(wycheproof) }, () => {
  let count = 0
  for (const group of groups('aes_gcm_test.json')) {
    if (group['keySize'] !== 256 || group['ivSize'] !== 96 || group['tagSize'] !== 128) continue
    for (const item of group.tests) {
      count++
      const key = createSecretKey(hex(item['key']))
      const [iv, aad, msg] = [hex(item['iv']), hex(item['aad']), hex(item['msg'])]
      const sealed = Buffer.concat([hex(item['ct']), hex(item['tag'])])
      const opened = gcmDecrypt(key, iv, sealed, aad)
      const label = `tcId ${item['tcId']}`
      if (item.result === 'valid') {
        assert.deepEqual(opened, msg, label)
        assert.deepEqual(gcmEncrypt(key, iv, msg, aad), sealed, label)
      } else assert.equal(opened, undefined, label)
    }
  }
  assert.equal(count, 66)
})

test('Wycheproof HMAC-SHA256: 174 cases', { skip: absent(wycheproof) }, () => {
  let count = 0
  for (const group of groups('hmac_sha256_test.json')) {
    for (const item of group.tests) {
      count++
      const mac = createHmac('sha256', createSecretKey(hex(item['key'])))
        .update(hex(item['msg']))
        .digest()
      const cut = mac.subarray(0, Number(group['tagSize']) / 8)
      assert.equal(cut.equals(hex(item['tag'])), item.result === 'valid', `tcId ${item['tcId']}`)
    }
  }
  assert.equal(count, 174)
})

test('Wycheproof HKDF-SHA256: 86 cases', { skip: absent(wycheproof) }, () => {
  let count = 0
  for (const group of groups('hkdf_sha256_test.json')) {
    for (const item of group.tests) {
      count++
      const run = (): Buffer =>
        Buffer.from(hkdfSync('sha256', hex(item['ikm']), hex(item['salt']), hex(item['info']), Number(item['size'])))
      if (item.result === 'valid') assert.deepEqual(run(), hex(item['okm']), `tcId ${item['tcId']}`)
      else assert.throws(run, `tcId ${item['tcId']}`)
    }
  }
  assert.equal(count, 86)
})

test('Wycheproof Ed25519: 151 cases', { skip: absent(wycheproof) }, () => {
  let count = 0
  for (const group of groups('ed25519_test.json')) {
    const check = signatureCheck(hex(group.publicKey?.pk))
    for (const item of group.tests) {
      count++
      assert.equal(check(hex(item['msg']), hex(item['sig'])), item.result === 'valid', `tcId ${item['tcId']}`)
    }
  }
  assert.equal(count, 151)
  assert.equal(signingKey(new Uint8Array(32)).publicKey.length, 32)
})
