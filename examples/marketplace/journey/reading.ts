import { spawn } from 'node:child_process'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { enterOwnPages, type Buyer } from './buying.ts'
import { readNote } from './note.ts'
import { textOf, unescape, Visitor, type Report, type Seen, type World } from './world.ts'

/** A member of staff, by the code that only the shop's folder holds. */
export async function enterStock(world: World, seen?: Seen): Promise<Visitor> {
  const visitor = new Visitor(seen)
  const code = (await readFile(join(world.data, 'marketplace', 'staff-code'), 'utf8')).trim()
  const answer = await visitor.post(`${world.gateway}/kho/dang-nhap`, { code })
  if (answer.status !== 303) throw new Error(`the stock room answered ${answer.status}`)
  return visitor
}

/** What the letter run was told about one member: '' when it could read, else the code of the refusal. */
export async function letterOutcome(world: World, staff: Visitor, token: string): Promise<string | undefined> {
  const page = await (await staff.post(`${world.gateway}/kho/thu-quang-cao`)).text()
  const row = new RegExp(`<li id="${token}">([\\s\\S]*?)</li>`).exec(page)?.[1]
  return row === undefined ? undefined : (/vault\/[a-z-]+/.exec(row)?.[0] ?? '')
}

/** Step 3: who may read what, and when no longer. */
export async function readAndWithdraw(
  world: World,
  buyer: Buyer & { order: string },
  agreed: Buyer,
  report: Report,
  seen?: Seen,
): Promise<void> {
  const { gateway } = world
  report.step('Đọc có lý do, và khi hết lý do', 'Reading with a ground, and without one')
  const staff = await enterStock(world, seen)
  const slip = unescape(await staff.text(`${gateway}/kho/${buyer.order}`))
  report.check(
    'đơn đang giao: kho đọc được số điện thoại và địa chỉ',
    'order open: the stock room reads phone and address',
    slip.includes(buyer.person.phone) && slip.includes(buyer.person.address),
  )
  await buyer.visitor.post(`${gateway}/don-hang/${buyer.order}/nhan`)
  const closed = await staff.get(`${gateway}/kho/${buyer.order}`)
  const refusal = await closed.text()
  const code = textOf(refusal, 'refusal') ?? ''
  report.check(
    'đã nhận hàng: bị từ chối, có lời giải thích',
    'goods received: refused, and told why',
    closed.status === 403 && code === 'vault/no-agreement' && !refusal.includes(buyer.person.phone),
    code,
  )
  const before = await letterOutcome(world, staff, buyer.token)
  report.check(
    'chưa đồng ý: không đọc được thư để quảng cáo',
    'without consent: no e-mail for letters',
    before === 'vault/no-consent',
    before,
  )
  const allowed = await letterOutcome(world, staff, agreed.token)
  report.check('đã đồng ý: đọc được', 'with consent: readable', allowed === '', allowed)

  report.step('Trang của người dân, không cần script', 'The person’s own pages, without script')
  const link = await enterOwnPages(world, agreed.visitor)
  const again = await new Visitor(seen).get(link)
  report.check(
    'liên kết chuyển trang dùng lần thứ hai: 410',
    'the handover link a second time: 410',
    again.status === 410,
    `${again.status}`,
  )
  const me = await agreed.visitor.text(`${world.public}/me`)
  report.check('không có script trong trang', 'no script in the page', !/<script/i.test(me))
  const goesOn = part(me, 'goes-on', 'who-read')
  report.check(
    'nói việc nào vẫn tiếp tục và theo điều luật nào',
    'says what goes on, and by which article',
    /Giao đơn|Delivering/.test(goesOn) && /(Điều|Article) \d+/.test(goesOn),
  )
  const reads = part(me, 'who-read', '</ul>')
  report.check(
    'liệt kê ai đã đọc gì để làm gì',
    'lists who read what for what',
    /Chợ Sen/.test(reads) && /(thư điện tử|e-mail)/.test(reads) && /(Thư giới thiệu|Letters about)/.test(reads),
  )

  const withdrawn = await agreed.visitor.post(`${world.public}/me/withdraw`, { purpose: 'marketing' })
  const after = await letterOutcome(world, staff, agreed.token)
  report.check(
    'rút lại: từ lúc được trả lời, mọi lần đọc bị từ chối',
    'withdrawn: from the answer on, every read is refused',
    withdrawn.status === 303 && after === 'vault/no-consent',
    after,
  )
  const receipt = /receipt=(KB-[0-9A-Z-]+)/.exec(withdrawn.headers.get('location') ?? '')?.[1] ?? ''
  const note = await agreed.visitor.text(`${world.public}/me/receipts/${receipt}`)
  const text = readNote(note, await (await fetch(`${world.public}/receipt.vkey`)).text())
  report.check(
    'biên nhận rút lại có chữ ký đúng',
    'the receipt of the withdrawal verifies',
    /marketing version \d+: withdrawn/.test(text ?? ''),
    receipt,
  )
  await checkPapers(world, agreed, note, report)
}

const part = (page: string, from: string, to: string): string => {
  const start = page.indexOf(`id="${from}"`)
  const end = page.indexOf(to.startsWith('<') ? to : `id="${to}"`, start)
  return start < 0 ? '' : unescape(page.slice(start, end < 0 ? undefined : end))
}

/** Proof and receipt as the person downloads them, checked by the commands that need no network. */
async function checkPapers(world: World, { visitor }: Buyer, receipt: string, report: Report): Promise<void> {
  const proof = await downloadProof(world, visitor)
  const folder = await mkdtemp(join(tmpdir(), 'khien-proof-'))
  try {
    const file = join(folder, 'read.tlog-proof')
    await writeFile(file, proof)
    await writeFile(join(folder, 'log.vkey'), await (await fetch(`${world.public}/log.vkey`)).text())
    const checked = await khien(world, ['log', 'verify', '--proof', file])
    report.check(
      'tải bằng chứng về, khien log verify --proof nói đúng',
      'a downloaded proof, khien log verify --proof says true',
      checked.code === 0,
      checked.out.split('\n')[0],
    )
    const text = await readFile(file, 'utf8')
    await writeFile(
      file,
      text.replace(/vault\.(\w)/, 'vbult.$1').replace(/(?<=\n)[A-Za-z0-9+/]{43}=/, `${'A'.repeat(43)}=`),
    )
    report.check(
      'bằng chứng bị sửa thì không qua',
      'an altered proof fails',
      (await khien(world, ['log', 'verify', '--proof', file])).code !== 0,
    )
    const slip = join(folder, 'receipt.txt')
    const key = join(folder, 'receipt.vkey')
    await writeFile(slip, receipt)
    await writeFile(key, await (await fetch(`${world.public}/receipt.vkey`)).text())
    const said = await khien(world, ['receipt', 'verify', slip, '--vkey', key])
    report.check(
      'khien receipt verify nói biên nhận đúng',
      'khien receipt verify says the receipt is true',
      said.code === 0,
      said.out,
    )
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

/** The newest read stands in the published log within a second or so; until then the node says to ask again. */
async function downloadProof(world: World, visitor: Visitor): Promise<string> {
  for (const end = Date.now() + 10_000; Date.now() < end; await wait(200)) {
    const path = /href="(\/me\/proofs\/[^"]+)"/.exec(await visitor.text(`${world.public}/me`))?.[1]
    const answer = path === undefined ? undefined : await visitor.get(`${world.public}${path}`)
    if (answer?.ok) return await answer.text()
  }
  return ''
}

/** Runs one command of the clone, as a person would. */
export function khien(
  world: World,
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<{ code: number; out: string }> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [join(world.root, 'bin', 'khien.js'), ...args], {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, ...env },
    })
    let out = ''
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (out += chunk.toString()))
    child.once('error', reject)
    child.once('close', (code) => resolve({ code: code ?? 1, out }))
  })
}
