import { createHash } from 'node:crypto'
import type { Operator } from './operator.ts'
import { textOf, unescape, Visitor, type Report, type World } from './world.ts'

type Head = { id: string; about: string; state: string; clocks: { due: string }[] }

/** A citizen tells the authority about a leak, without account and script, and follows it with a code. */
export async function listen(world: World, authority: Operator, report: Report): Promise<void> {
  report.step('Người dân phản ánh lộ dữ liệu', 'A citizen reports a leak')
  const citizen = new Visitor()
  const { public: origin } = world.authority
  const page = await citizen.text(`${origin}/report`)
  const ticket = unescape(/name="ticket" value="([^"]+)"/.exec(page)?.[1] ?? '')
  const about = `Chợ lậu ${Date.now().toString(36)}`
  const fields = {
    what: 'trading',
    about,
    when: 'hôm qua',
    story: 'Một nhóm chat rao bán danh sách khách hàng.',
    ticket,
  }
  const hurried = await citizen.post(`${origin}/report`, { ...fields, answer: '' })
  report.check('gửi dồn dập thì phải chờ', 'a flood has to wait', hurried.status === 429, String(hurried.status))
  const sent = await citizen.post(`${origin}/report`, { ...fields, answer: puzzle(ticket) })
  const code = textOf(await sent.text(), 'code') ?? ''
  report.check(
    'phản ánh được nhận, có mã 80 bit',
    'the report is taken, with a code of 80 bits',
    sent.status === 200 && /^(?:[0-9A-Z]{4}-){3}[0-9A-Z]{4}$/.test(code),
  )
  const again = await citizen.post(`${origin}/report`, { ...fields, answer: puzzle(ticket) })
  report.check('gửi lại cùng một phiếu bị từ chối', 'the same ticket again is refused', again.status === 409)
  const { items } = await authority.get<{ items: Head[] }>('/api/reports?state=received&limit=200')
  const mine = items.find((item) => item.about === about)
  if (!mine) throw new Error('the report is not in the list')
  await authority.send('POST', `/api/reports/${mine.id}/questions`, { text: 'Nhóm chat tên gì?' })
  const asked = await (await citizen.post(`${origin}/report/follow`, { code: code.toLowerCase() })).text()
  report.check(
    'người dân đọc câu hỏi bằng mã',
    'the citizen reads the question with the code',
    asked.includes('Nhóm chat tên gì?'),
  )
  await citizen.post(`${origin}/report/reply`, { code, text: 'Hội mua bán data' })
  await authority.send('POST', `/api/reports/${mine.id}/close`, {
    outcome: 'passed-on',
    text: 'Đã chuyển cơ quan điều tra.',
  })
  const end = await (await citizen.post(`${origin}/report/follow`, { code })).text()
  report.check('và đọc kết quả', 'and the outcome', end.includes('Đã chuyển cơ quan điều tra.'))
}

/** The work the form's script does: SHA-256 of ticket and number begins with so many zero bits. */
function puzzle(ticket: string): string {
  const bits = Number(ticket.split('.')[1])
  for (let n = 0; ; n++) {
    const head = createHash('sha256').update(`${ticket}:${n}`).digest().readUInt32BE(0)
    if (head >>> (32 - bits) === 0) return String(n)
  }
}
