import { existsSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { attack } from './journey/attacks.ts'
import { buy, register } from './journey/buying.ts'
import { listen } from './journey/listening.ts'
import { writeOrdinarily } from './journey/ordinary.ts'
import { plant } from './journey/planted.ts'
import { readAndWithdraw } from './journey/reading.ts'
import { searchDisk } from './journey/searching.ts'
import { travel } from './journey/travels.ts'
import { warn } from './journey/warning.ts'
import { worldAt, type Report, type World } from './journey/world.ts'

type Io = { out(text: string): void; err(text: string): void }
const root = join(import.meta.dirname, '..', '..')

/** `npm run demo`: a day with Khiên on the system that `npm start` runs, each step checked. 1 when any check fails. */
export async function runDemo(io: Io, at: { data?: string; port?: string } = {}): Promise<number> {
  const { LANG, LC_ALL, KHIEN_PORT, KHIEN_DATA } = process.env
  const vi = /^vi/i.test(LC_ALL || LANG || '')
  const say = (vietnamese: string, english: string): string => (vi ? vietnamese : english)
  const data = at.data ?? KHIEN_DATA
  const world = worldAt(Number(at.port ?? KHIEN_PORT ?? 8080), data ? resolve(data) : join(root, 'data'), root)
  const port = new URL(world.gateway).port
  if (!(await answers(world))) {
    io.err(
      say(
        `Ở cổng ${port} chưa có Khiên với chợ mẫu nào chạy. Hãy mở một cửa sổ khác, chạy npm start, rồi chạy lại npm run demo.\n`,
        `No Khiên with its example shop runs at port ${port}. Run npm start in another terminal, then npm run demo again.\n`,
      ),
    )
    return 1
  }
  if (!existsSync(world.data)) {
    io.err(
      say(
        `Không có thư mục dữ liệu ${world.data}. Hãy cho biết thư mục đã dùng khi khởi động: npm run demo -- --data DIR.\n`,
        `There is no data folder ${world.data}. Name the one that start uses: npm run demo -- --data DIR.\n`,
      ),
    )
    return 1
  }
  const began = performance.now()
  let steps = 0
  let passed = 0
  let failed = 0
  const report: Report = {
    step: (a, b) => io.out(`\n${++steps}. ${say(a, b)}\n`),
    check(a, b, ok, found = '') {
      if (ok) passed++
      else failed++
      io.out(`   ${ok ? '✓' : '✗'} ${say(a, b)}${found !== '' && (!ok || found.length < 60) ? ` (${found})` : ''}\n`)
    },
  }
  const refused = await journey(world, report).catch((error: unknown) => {
    const why = error instanceof Error ? error.message : 'unknown'
    report.check(`hành trình dừng giữa chừng: ${why}`, `the journey broke off: ${why}`, false)
    return [] as string[]
  })
  const seconds = ((performance.now() - began) / 1000).toFixed(1)
  io.out(
    `\n${say(`${passed} điều đúng, ${failed} điều sai, ${seconds} giây.`, `${passed} checks passed, ${failed} failed, ${seconds} s.`)}\n`,
  )
  io.out(
    say(
      `Xem tiếp:\n  các lần từ chối    ${world.internal}/protect/refusals${refused[0] ? `  (ví dụ ${refused[0]})` : ''}\n  trang của bạn      ${world.gateway}/dang-ky, rồi Hồ sơ → Dữ liệu của tôi\n`,
      `Look next:\n  refusals          ${world.internal}/protect/refusals${refused[0] ? `  (${refused[0]}, for one)` : ''}\n  your own page     ${world.gateway}/dang-ky?lang=en, then Profile → My data\n`,
    ),
  )
  return failed > 0 ? 1 : 0
}

async function journey(world: World, report: Report): Promise<string[]> {
  const [person, other] = [plant(), plant()]
  const buyer = await buy(world, person, report)
  const agreed = await register(world, other, ['marketing'])
  searchDisk(world, [buyer, agreed], report)
  await readAndWithdraw(world, buyer, agreed, report)
  const refused = await attack(world, report)
  await writeOrdinarily(world, report)
  const travelled = await travel(world, report)
  await warn(world, travelled, report)
  await listen(world, travelled.authority, report)
  return refused
}

async function answers(world: World): Promise<boolean> {
  try {
    const [shop, node] = await Promise.all([fetch(`${world.shop}/_/count`), fetch(`${world.internal}/readyz`)])
    return shop.ok && node.ok && 'requests' in ((await shop.json()) as object)
  } catch {
    return false
  }
}
