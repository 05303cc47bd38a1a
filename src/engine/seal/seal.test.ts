import assert from 'node:assert/strict'
import { createCipheriv, randomBytes } from 'node:crypto'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { blindIndex, fieldIndexKey } from './blind-index.ts'
import { signatureCheck, signingKey } from './ed25519.ts'
import { gcmDecrypt } from './gcm.ts'
import { newKeyBundle, openBundle, rotateBundle, sealBundle } from './key-bundle.ts'
import { sealer, type SealContext, secretKey } from './sealer.ts'

const entropy = (bytes: number): Uint8Array => Uint8Array.from(randomBytes(bytes))
const seals = sealer({ entropy })
const key = seals.newSubjectKey()
const context: SealContext = { node: 'n', subject: 's', collection: 'c', record: 'r', field: 'f', version: 1 }

test('what is sealed opens in its own place only', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 2000 }), (plain) => {
      const sealed = seals.seal(key, plain, context)
      assert.equal(sealed.length, plain.length + 30)
      assert.deepEqual(Uint8Array.from(seals.open(key, sealed, context)), plain)
    }),
    { numRuns: 50 },
  )
  const sealed = seals.seal(key, Buffer.from('0912'), context)
  const elsewhere: readonly Partial<SealContext>[] = [
    { node: 'm' },
    { subject: 'sc', collection: '' },
    { subject: '', collection: 'sc' },
    { record: 'f', field: 'r' },
    { field: '' },
    { version: 2 },
  ]
  for (const change of elsewhere) {
    assert.throws(() => seals.open(key, sealed, { ...context, ...change }), { code: 'seal/refused' })
  }
  assert.throws(() => seals.open(seals.newSubjectKey(), sealed, context), { code: 'seal/refused' })
})

test('every flipped bit and every cut is refused', () => {
  const sealed = seals.seal(key, Buffer.from('secret'), context)
  for (let i = 0; i < sealed.length * 8; i++) {
    const bent = Uint8Array.from(sealed)
    bent[i >> 3]! ^= 1 << (i & 7)
    assert.throws(() => seals.open(key, bent, context), { name: 'SealError' })
  }
  for (let length = 0; length < sealed.length; length++) {
    assert.throws(() => seals.open(key, sealed.subarray(0, length), context), { name: 'SealError' })
  }
  assert.throws(() => seals.open(key, Uint8Array.of(2, ...sealed.subarray(1)), context), { code: 'seal/newer-format' })
})

test('a tag of 4, 8 or 12 bytes is refused, though it would be a right one', () => {
  for (const authTagLength of [4, 8, 12]) {
    const iv = entropy(12)
    const cipher = createCipheriv('aes-256-gcm', key, iv, { authTagLength })
    const text = Buffer.concat([cipher.update('a plaintext of thirty-two bytes.'), cipher.final(), cipher.getAuthTag()])
    assert.equal(gcmDecrypt(key, iv, text, new Uint8Array(0)), undefined)
  }
  assert.equal(gcmDecrypt(key, entropy(12), new Uint8Array(15), new Uint8Array(0)), undefined)
})

test('a long context and one of the longest signs bind as well', () => {
  for (const subject of ['x'.repeat(5_000), '語'.repeat(500), '😀'.repeat(300)]) {
    const sealed = seals.seal(key, Buffer.from('x'), { ...context, subject })
    assert.equal(seals.open(key, sealed, { ...context, subject }).length, 1)
    assert.throws(() => seals.open(key, sealed, { ...context, subject: `${subject}y` }), { code: 'seal/refused' })
    assert.throws(() => seals.open(key, sealed, { ...context, subject: subject.slice(2) }), { code: 'seal/refused' })
  }
})

test('a sealed value of format 1 stays readable', () => {
  // Made once with the published format: 01 00 | IV | ciphertext | tag, associated data as written in sealer.ts.
  const fixed = secretKey(Buffer.alloc(32, 7))
  const known = sealer({ entropy: (bytes) => new Uint8Array(bytes).fill(9) }).seal(fixed, Buffer.from('abc'), context)
  const texts = ['khien/seal', 'n', 's', 'c', 'r', 'f']
  const prefixed = texts.map((text) => Buffer.concat([Buffer.from([0, 0, 0, text.length]), Buffer.from(text)]))
  const aad = Buffer.concat([Buffer.from([1, 0]), ...prefixed, Buffer.from([0, 0, 0, 1])])
  const cipher = createCipheriv('aes-256-gcm', fixed, Buffer.alloc(12, 9), { authTagLength: 16 }).setAAD(aad)
  const text = Buffer.concat([cipher.update('abc'), cipher.final(), cipher.getAuthTag()])
  assert.deepEqual(Buffer.from(known), Buffer.concat([Buffer.from([1, 0]), Buffer.alloc(12, 9), text]))
})

test('no IV comes twice', () => {
  const seen = new Set<string>()
  for (let i = 0; i < 2000; i++) {
    seen.add(Buffer.from(seals.seal(key, new Uint8Array(0), context).subarray(2, 14)).toString('hex'))
  }
  assert.equal(seen.size, 2000)
})

test('wrapped keys open under their own key and subject only, and are no sealed values', () => {
  const kek = seals.newSubjectKey()
  const place = { node: 'n', subject: 's', version: 1 }
  const wrapped = seals.wrap(kek, key, place)
  const sealed = seals.seal(key, Buffer.from('x'), context)
  assert.deepEqual(Buffer.from(seals.open(seals.unwrap(kek, wrapped, place), sealed, context)), Buffer.from('x'))
  assert.throws(() => seals.unwrap(kek, wrapped, { ...place, subject: 't' }), { code: 'seal/refused' })
  assert.throws(() => seals.unwrap(key, wrapped, place), { code: 'seal/refused' })
  assert.throws(() => seals.open(kek, wrapped, context), { code: 'seal/refused' })
})

test('blind indexes: equal values meet, fields do not, the cut is exact', () => {
  const index = secretKey(entropy(32))
  const phone = fieldIndexKey(index, 'account', 'phone')
  assert.equal(blindIndex(phone, '0912', 64), blindIndex(phone, '0912', 64))
  assert.notEqual(blindIndex(phone, '0912', 64), blindIndex(phone, '0913', 64))
  assert.notEqual(blindIndex(phone, '0912', 64), blindIndex(fieldIndexKey(index, 'accountp', 'hone'), '0912', 64))
  const short = Buffer.from(blindIndex(phone, '0912', 12), 'base64url')
  const long = Buffer.from(blindIndex(phone, '0912', 256), 'base64url')
  assert.deepEqual([...short], [long[0], long[1]! & 0xf0])
  for (const bits of [0, 7, 257, 8.5]) assert.throws(() => blindIndex(phone, 'x', bits), RangeError)
})

test('Ed25519: RFC 8032 §7.1 test 2, and malformed input is false', () => {
  const pair = signingKey(Buffer.from('4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb', 'hex'))
  const publicKey = '3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c'
  assert.equal(Buffer.from(pair.publicKey).toString('hex'), publicKey)
  const signature = pair.sign(Uint8Array.of(0x72))
  assert.equal(Buffer.from(signature).toString('hex').slice(0, 16), '92a009a9f0d4cab8')
  const check = signatureCheck(pair.publicKey)
  assert.ok(check(Uint8Array.of(0x72), signature))
  assert.ok(!check(Uint8Array.of(0x73), signature))
  assert.ok(!check(Uint8Array.of(0x72), signature.subarray(1)))
  assert.ok(!signatureCheck(new Uint8Array(3))(Uint8Array.of(0x72), signature))
})

test('the key file: opens, and says what is wrong', async () => {
  const bundle = newKeyBundle({ entropy, now: 1_795_000_000_000 })
  const cost = { memory: 64, passes: 1, parallelism: 1 }
  const text = await sealBundle(bundle, 'mật khẩu dài', { entropy, cost })
  assert.deepEqual(await openBundle(text, 'mật khẩu dài'), bundle)
  assert.deepEqual(await openBundle(text, 'mật khẩu dài'.normalize('NFD')), bundle)
  await assert.rejects(openBundle(text, 'mat khau dai'), { code: 'seal/wrong-passphrase' })
  const cases: readonly (readonly [string, string])[] = [
    ['', 'seal/corrupt'],
    ['null', 'seal/corrupt'],
    ['{}', 'seal/corrupt'],
    [text.slice(0, -10), 'seal/corrupt'],
    [text.replace('"memory": 64', '"memory": 65'), 'seal/corrupt'],
    [text.replace('"memory": 64', '"memory": 9e9'), 'seal/corrupt'],
    [text.replace(/"sealed": "..../, '"sealed": "AAAA'), 'seal/corrupt'],
    [text.replace('"format": 1', '"format": 3'), 'seal/newer-format'],
  ]
  for (const [bad, code] of cases) await assert.rejects(openBundle(bad, 'mật khẩu dài'), { code })
  for (const secret of [bundle.kek, bundle.signingSeed, bundle.pepper, bundle.indexKey]) {
    assert.ok(!text.includes(Buffer.from(secret).toString('base64')))
  }
})

test('a rotated key file keeps every key, and programs that know none of it refuse it', async () => {
  const first = newKeyBundle({ entropy, now: 1 })
  const twice = rotateBundle(rotateBundle(first, { entropy, now: 2 }), { entropy, now: 3 })
  const text = await sealBundle(twice, 'một câu dài để mở cửa', {
    entropy,
    cost: { memory: 64, passes: 1, parallelism: 1 },
  })
  assert.equal((JSON.parse(text) as { format: number }).format, 2)
  assert.deepEqual(await openBundle(text, 'một câu dài để mở cửa'), twice)
  assert.equal(new Set([first.kekId, ...twice.rotated!.map((one) => one.id)]).size, 3)
  assert.deepEqual(twice.rotated!.map((one) => one.created), [2, 3]) // prettier-ignore
  await assert.rejects(openBundle(text.replace('"format": 2', '"format": 1'), 'một câu dài để mở cửa'), {
    code: 'seal/corrupt',
  })
})
