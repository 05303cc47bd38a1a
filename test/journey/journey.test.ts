import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test } from 'node:test'
import { setTimeout as wait } from 'node:timers/promises'
import { attack } from '../../examples/marketplace/journey/attacks.ts'
import { buy, register, signIn } from '../../examples/marketplace/journey/buying.ts'
import { writeOrdinarily } from '../../examples/marketplace/journey/ordinary.ts'
import { listen } from '../../examples/marketplace/journey/listening.ts'
import { plant, searchFolder } from '../../examples/marketplace/journey/planted.ts'
import { khien, readAndWithdraw } from '../../examples/marketplace/journey/reading.ts'
import { searchDisk } from '../../examples/marketplace/journey/searching.ts'
import { travel } from '../../examples/marketplace/journey/travels.ts'
import { warn } from '../../examples/marketplace/journey/warning.ts'
import { newSeen, Visitor, type Report, type World } from '../../examples/marketplace/journey/world.ts'
import { until } from '../commands/processes.ts'
import { leaksIn } from './leaks.ts'
import { missing, startLoad } from './load.ts'
import { isSame, startSystem, temporaryData, type Child, type System } from './system.ts'

const strict: Report = {
  step: () => {},
  check: (vi, _, ok, found = '') => assert.ok(ok, `${vi}${found === '' ? '' : ` (${found})`}`),
}
const ROLES = ['platform', 'telecom', 'authority'] as const
const seen = newSeen()

test('một ngày với Khiên', async (t) => {
  using data = temporaryData()
  const people = [plant(), plant()]
  const outputs: string[] = []
  {
    await using system = await startSystem(data.path)
    const { world } = system

    await t.test('mua, đọc, rút lại, tấn công, viết bình thường', async () => {
      const buyer = await buy(world, people[0]!, strict, seen)
      const agreed = await register(world, people[1]!, ['marketing'], seen)
      searchDisk(world, [buyer, agreed], strict)
      await readAndWithdraw(world, buyer, agreed, strict, seen)
      await attack(world, strict, seen)
      await writeOrdinarily(world, strict, seen)
    })

    await t.test('tấn công đi qua các nút; người dân phản ánh', async () => {
      const travelled = await travel(world, strict)
      await warn(world, travelled, strict)
      await listen(world, travelled.authority, strict)
    })

    await t.test('npm run demo nói điều ấy cho người xem, và nói rõ khi chưa có gì chạy', async () => {
      const env = { KHIEN_PORT: new URL(world.gateway).port, KHIEN_DATA: data.path, LANG: 'en_GB.UTF-8', LC_ALL: '' }
      const told = await khien(world, ['demo'], env)
      assert.equal(told.code, 0, told.out)
      assert.match(told.out, /\d+ checks passed, 0 failed/)
      assert.deepEqual(leaksIn(told.out, people), [])
      const nobody = await khien(world, ['demo'], { ...env, KHIEN_PORT: '1' })
      assert.equal(nobody.code, 1)
      assert.match(nobody.out, /^No Khiên .*npm start/)
    })

    await t.test('kill -9 từng tiến trình khi đang có người mua', async (t) => {
      const running = startLoad(world, seen)
      // The supervisor has its own test below: with it everything ends.
      const victims = system.processes().filter(({ name }) => name !== 'khien.js')
      try {
        assert.deepEqual(victims.map(({ name }) => name).toSorted(), [
          'gateway.ts',
          'intake.ts',
          'intake.ts',
          'node.ts',
          'node.ts',
          'node.ts',
          'server.ts',
          'server.ts',
          'store.ts',
          'store.ts',
        ])
        for (const victim of victims) {
          const before = running.acknowledged.length
          await until('buyers at work', () => running.acknowledged.length > before)
          await killAndWait(system, victim)
        }
      } finally {
        await running.stop()
      }
      assert.deepEqual(await missing(world, running), [])
      people.push(...running.acknowledged.map(({ person }) => person))
      const orders = running.acknowledged.flatMap(({ orders }) => orders).length
      t.diagnostic(
        `${running.acknowledged.length} accounts, ${orders} orders acknowledged, none lost; ${running.failures} tries failed`,
      )
    })

    await t.test('sau khi chết: không có dữ liệu rõ, WAL cũng không; nhật ký nguyên vẹn', async () => {
      assert.deepEqual(searchFolder(data.path, people).found, [])
      for (const role of ROLES) {
        const checked = await khien(world, ['log', 'verify', join(data.path, role, 'log')])
        assert.equal(checked.code, 0, checked.out)
      }
    })

    await t.test('số đo không mang dữ liệu của ai', async () => {
      for (const port of [1, 2, 3]) {
        const figures = await (
          await fetch(`http://localhost:${Number(new URL(world.gateway).port) + port}/metrics`)
        ).text()
        assert.match(figures, /^# HELP/m)
        assert.deepEqual(leaksIn(figures, people), [])
      }
    })

    await t.test('SIGTERM dừng tất cả, không để lại tiến trình mồ côi', async () => {
      const children = system.processes()
      assert.equal(await system.stop(), 0)
      assert.deepEqual(children.filter(isSame), [])
    })
    outputs.push(system.printed())
  }

  await t.test('bật lại: dữ liệu vẫn còn', async (t) => {
    await using system = await startSystem(data.path)
    await serving(system.world)
    for (const person of [people[0]!, people.at(-1)!]) assert.ok(await signIn(system.world, person, seen))
    t.diagnostic(`warm start ${system.seconds.toFixed(1)} s`)
    assert.ok(system.seconds < 30, `warm start took ${system.seconds.toFixed(1)} s`)
    const children = system.processes()
    // The program itself dies without a word: its children must notice by themselves.
    process.kill(system.pid, 'SIGKILL')
    await until('no orphan', () => !children.some(isSame))
    outputs.push(system.printed())
  })

  await t.test('nhật ký máy, đường dẫn, trang lỗi không mang dữ liệu của ai', () => {
    assert.ok(seen.urls.length > 10 && seen.errors.length > 100 && outputs.join('').length > 500)
    for (const text of [...outputs, ...seen.urls, ...seen.urls.map(decodeURIComponent)])
      assert.deepEqual(leaksIn(text, people), [], text.slice(0, 200))
    // A form that comes back with a mistake shows what its sender typed, to its sender; every other error body is bare.
    const bodies = seen.errors.filter((body) => !body.includes('aria-invalid') && !body.includes('action="/dang-nhap"'))
    assert.ok(bodies.length > 100)
    for (const body of bodies) assert.deepEqual(leaksIn(body, people), [], body.slice(0, 200))
    // The control: the same search does find what was planted.
    assert.ok(leaksIn(`x ${people[0]!.email} ${people[0]!.phone}`, people).length >= 2)
  })
})

/** kill -9; then a successor of the same name, and the shop serves again. */
async function killAndWait(system: System, victim: Child): Promise<void> {
  const before = new Set(system.processes().map(({ pid }) => pid))
  process.kill(victim.pid, 'SIGKILL')
  await until(`${victim.name} to be back`, () =>
    system.processes().some(({ pid, name }) => name === victim.name && !before.has(pid)),
  )
  await serving(system.world)
}

async function serving(world: World): Promise<void> {
  for (const end = Date.now() + 60_000; Date.now() < end; await wait(50)) {
    const ok = await new Visitor().get(`${world.gateway}/dang-ky`).then(
      ({ status }) => status === 200,
      () => false,
    )
    const ready = await fetch(`${world.internal}/readyz`).then(
      (answer) => answer.ok,
      () => false,
    )
    if (ok && ready) return
  }
  throw new Error('the shop does not serve')
}
