import assert from 'node:assert/strict'
import { mkdtempSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { createKhien, folderSpool, newSubject, type Delivered, type Khien } from '../../src/client/node.ts'
import { KEEPING, vaultProcess } from './vault-process.ts'

const folder = (): string => mkdtempSync(join(tmpdir(), 'khien-spool-'))
const person = (subject: string, fields: Record<string, string>) => ({ subject, collection: 'person', fields })
const nameOf = async (khien: Khien, subject: string) => {
  const { items } = await khien.get({
    purpose: 'invoice',
    reason: 'HD-1',
    items: [{ subject, collection: 'person', fields: ['name'] }],
  })
  return items[0]!.ok ? items[0]!.fields['name'] : items[0]!.code
}
async function until(what: () => boolean | Promise<boolean>, ms = 15_000): Promise<void> {
  for (const end = Date.now() + ms; !(await what()); await sleep(20)) assert.ok(Date.now() < end, 'it never came true')
}
/** Milliseconds, and how it ended. */
async function timed(work: () => Promise<unknown>): Promise<[number, unknown]> {
  const began = performance.now()
  const end = await work().catch((error: unknown) => (error as { code?: string }).code)
  return [performance.now() - began, end]
}

test(
  'the vault goes away and comes back: nothing is lost, nothing waits, masks are shown',
  { timeout: 60_000 },
  async () => {
    await using vault = await vaultProcess()
    const { origin, publicOrigin, key } = vault
    const path = folder()
    const heard: Delivered[] = []
    const khien = createKhien({
      origin,
      publicOrigin,
      key,
      timeoutMs: 800,
      spool: await folderSpool(path),
      onDelivered: (one) => heard.push(one),
    })
    await khien.declare(KEEPING)
    const [a, b, c] = [newSubject(), newSubject(), newSubject()]
    const [direct] = await khien.putSoon([person(a, { name: 'Nguyễn Thị Hoa', phone: '0912345678' })])
    assert.ok(direct!.ok && 'tokens' in direct! && direct!.tokens!['phone']!.startsWith('kh_'))
    const masked = {
      purpose: 'invoice',
      reason: 'HD-1',
      items: [{ subject: a, collection: 'person', fields: ['name', 'phone'] }],
    }
    const [fresh] = await khien.getMasked(masked)
    assert.ok(fresh!.ok && !fresh!.stale)
    assert.doesNotMatch(JSON.stringify(fresh), /Thị Hoa|912345/)

    await vault.kill()
    const [slow, first] = await timed(() => nameOf(khien, a))
    assert.equal(first, 'client/unreachable')
    assert.ok(slow >= 500, 'the first caller waits its time')
    assert.equal(khien.state(), 'down')
    const times = []
    for (let i = 0; i < 200; i++) times.push((await timed(() => nameOf(khien, a)))[0])
    assert.ok(times.toSorted((x, y) => x - y)[190]! < 2, `the others wait for nothing: ${Math.max(...times)} ms`)
    assert.deepEqual(await khien.getMasked(masked), [{ ...fresh, stale: true, at: (fresh as { at: number }).at }])
    assert.partialDeepStrictEqual(
      await khien.getMasked({ ...masked, items: [{ subject: b, collection: 'person', fields: ['name'] }] }),
      [{ ok: false, code: 'client/unreachable' }],
    )

    const kept = await khien.putSoon([
      person(b, { name: 'Trần Văn Ba', phone: '0987654321' }),
      person(c, { name: 'một' }),
    ])
    assert.ok(kept.every((one) => one.ok && 'spooled' in one))
    await khien.putSoon([person(c, { name: 'hai' })])
    await khien.putSoon([person(c, { name: 'ba' })])
    await khien.putSoon([person(c, { phone: 'không phải số' })])
    assert.partialDeepStrictEqual(await khien.spooled(), { pending: 5, delivered: 0, refused: 0, state: 'down' })
    for (const name of readdirSync(join(path, 'waiting')))
      assert.doesNotMatch(readFileSync(join(path, 'waiting', name), 'utf8'), /Trần|một|hai|0987/)
    await assert.rejects(khien.putSoon([person('nobody', { name: 'x' })]), {
      code: 'client/invalid',
      field: 'items.0.subject',
    })
    await assert.rejects(khien.putSoon([{ ...person(c, {}), fields: {} }]), {
      code: 'client/invalid',
      field: 'items.0.fields',
    })
    await assert.rejects(khien.putSoon([person(c, { name: 'x'.repeat(60_000) })]), { code: 'client/too-large' })

    // The app ends as well, and comes back while the vault is still away: its key lies beside the spool.
    await khien.close()
    const again = createKhien({
      origin,
      publicOrigin,
      key,
      timeoutMs: 800,
      spool: await folderSpool(path),
      onDelivered: (one) => heard.push(one),
    })
    await again.putSoon([person(a, { name: 'Nguyễn Thị Hoa Mai' })])
    assert.equal((await again.spooled()).pending, 6)
    await vault.start()
    await until(async () => (await again.spooled()).pending === 0)
    assert.partialDeepStrictEqual(await again.spooled(), { pending: 0, delivered: 5, refused: 1, state: 'up' })
    assert.deepEqual(
      [await nameOf(again, a), await nameOf(again, b), await nameOf(again, c)],
      ['Nguyễn Thị Hoa Mai', 'Trần Văn Ba', 'ba'],
    )
    assert.equal(heard.length, 6)
    const ofB = heard.find((one) => one.id === (kept[0] as { spooled: string }).spooled)!
    assert.ok(ofB.ok && ofB.tokens!['phone']!.startsWith('kh_'))
    assert.partialDeepStrictEqual(
      heard.filter((one) => !one.ok),
      [{ code: 'vault/not-a-phone', field: 'fields.phone' }],
    )
    assert.match(readdirSync(join(path, 'refused'))[0]!, /vault_not-a-phone\.json$/)
    await again.close()
  },
)

test(
  'a vault that hangs: a putSoon waits its second at most, and what it took in the end is not there twice',
  { timeout: 60_000 },
  async () => {
    await using vault = await vaultProcess()
    const { origin, publicOrigin, key } = vault
    const khien = createKhien({
      origin,
      publicOrigin,
      key,
      timeoutMs: 1_500,
      soonMs: 300,
      spool: await folderSpool(folder()),
    })
    await khien.declare(KEEPING)
    await until(async () => (await khien.spooled()).lastError === undefined && khien.state() === 'up')
    await khien.putSoon([person(newSubject(), { name: 'trước' })])
    vault.freeze()
    const subject = newSubject()
    const [ms, said] = await timed(() => khien.putSoon([person(subject, { name: 'Hoa' })]))
    assert.ok(ms < 800 && Array.isArray(said), `${ms} ms`)
    for (let i = 0; i < 20; i++)
      assert.ok((await timed(() => khien.putSoon([person(subject, { name: `Hoa ${i}` })])))[0] < 200)
    assert.equal((await khien.spooled()).pending, 21)
    vault.thaw()
    await until(async () => (await khien.spooled()).pending === 0)
    assert.equal(await nameOf(khien, subject), 'Hoa 19')
    assert.equal((await khien.spooled()).delivered, 21)
    await khien.close()
  },
)

test('a node that is up and sealed is away too', { timeout: 60_000 }, async () => {
  await using vault = await vaultProcess()
  const { origin, publicOrigin, key } = vault
  const khien = createKhien({ origin, publicOrigin, key, timeoutMs: 400, spool: await folderSpool(folder()) })
  await khien.declare(KEEPING)
  await khien.putSoon([person(newSubject(), { name: 'trước' })])
  await vault.kill()
  await vault.start({ sealed: true })
  const subject = newSubject()
  const [ms, said] = await timed(() => khien.putSoon([person(subject, { name: 'Hoa' })]))
  assert.partialDeepStrictEqual(said, [{ ok: true }])
  assert.ok(ms < 300 && 'spooled' in (said as object[])[0]!, `${ms} ms`)
  await assert.rejects(khien.processing(), { status: 503, code: 'sealed' })
  await assert.rejects(khien.processing(), { status: 0, code: 'client/unreachable' })
  await vault.kill()
  await vault.start()
  await until(async () => (await khien.spooled()).pending === 0)
  assert.equal(await nameOf(khien, subject), 'Hoa')
  await khien.close()
})

test(
  'a key that somebody slipped into the folder is not sealed to; without any there is a clear error',
  { timeout: 30_000 },
  async () => {
    const [origin, publicOrigin] = ['http://127.0.0.1:9', 'http://127.0.0.1:9']
    const key = `khk_${'0'.repeat(26)}_${'a'.repeat(43)}`
    const path = folder()
    const spool = await folderSpool(path)
    writeFileSync(
      join(path, 'inbox-key.json'),
      JSON.stringify({ id: `ibk_${'0'.repeat(26)}`, publicKey: 'a'.repeat(43), ahead: 0, renewAt: 9e15, mac: 'x' }),
    )
    const khien = createKhien({ origin, publicOrigin, key, timeoutMs: 100, spool })
    await assert.rejects(khien.putSoon([person(newSubject(), { name: 'Hoa' })]), {
      name: 'KhienRefusal',
      code: 'client/no-inbox-key',
    })
    assert.equal((await khien.spooled()).pending, 0)
    await khien.close()
  },
)
