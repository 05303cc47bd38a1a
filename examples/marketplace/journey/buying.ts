import { readNote } from './note.ts'
import type { Planted } from './planted.ts'
import { textOf, Visitor, type Report, type Seen, type World } from './world.ts'

export type Buyer = {
  readonly visitor: Visitor
  readonly person: Planted
  readonly token: string
  readonly receipt: string
}

/** The form as a person fills it in; which boxes they tick is theirs. Answers the visitor once the shop has said yes. */
export async function register(world: World, person: Planted, ticks: readonly string[], seen?: Seen): Promise<Buyer> {
  const visitor = new Visitor(seen)
  const form = await visitor.text(`${world.gateway}/dang-ky`)
  const consent = [...form.matchAll(/name="consent"\s+value="(([a-z-]+):\d+)"/g)]
    .filter(([, , id]) => ticks.includes(id!))
    .map(([, value]) => value!)
  // A page of excuses has no boxes; whoever posts after it has agreed to nothing.
  if (consent.length !== ticks.length) throw new Error('the registration form was not shown')
  const { name, phone, email, password, personalId } = person
  const answer = await visitor.post(`${world.gateway}/dang-ky`, {
    name,
    phone,
    email,
    password,
    personal_id: personalId,
    consent,
  })
  if (answer.status !== 303) throw new Error(`registration was answered ${answer.status}`)
  const receipt = /bien-nhan=(KB-[0-9A-Z-]+)/.exec(answer.headers.get('location') ?? '')?.[1] ?? ''
  const token = textOf(await visitor.text(`${world.gateway}/ho-so`), 'token') ?? ''
  if (token === '') throw new Error('the profile was not shown')
  return { visitor, person, token, receipt }
}

/** Answers the number of the order. */
export async function placeOrder(
  world: World,
  { visitor, person }: Pick<Buyer, 'visitor' | 'person'>,
): Promise<string> {
  const { address, note, bank, holder } = person
  const fields = { product: 'non-la', address, note, number: bank, holder }
  const answer = await visitor.post(`${world.gateway}/dat-hang`, fields)
  const id = /moi=(DH-[0-9A-Z]{8})/.exec(answer.headers.get('location') ?? '')?.[1]
  if (id === undefined) throw new Error(`the order was answered ${answer.status}`)
  return id
}

export async function signIn(world: World, person: Planted, seen?: Seen): Promise<Visitor | undefined> {
  const visitor = new Visitor(seen)
  const answer = await visitor.post(`${world.gateway}/dang-nhap`, { email: person.email, password: person.password })
  if (answer.status >= 500) throw new Error(`signing in was answered ${answer.status}`)
  return answer.status === 303 ? visitor : undefined
}

/** Into the person's own pages by the shop's link; answers the link, spent. */
export async function enterOwnPages(world: World, visitor: Visitor): Promise<string> {
  const link = (await visitor.post(`${world.gateway}/ho-so/du-lieu`)).headers.get('location') ?? ''
  const entered = await visitor.get(link)
  if (entered.status !== 303) throw new Error(`the handover link was answered ${entered.status}`)
  return link
}

/** Step 1: notice, consents, receipt, order, account, message. */
export async function buy(
  world: World,
  person: Planted,
  report: Report,
  seen?: Seen,
): Promise<Buyer & { order: string }> {
  report.step('Đăng ký và đặt hàng', 'Registering and ordering')
  const form = await new Visitor(seen).text(`${world.gateway}/dang-ky`)
  report.check(
    'thông báo xử lý dữ liệu hiện trước ô nhập đầu tiên',
    'the processing notice stands before the first field',
    form.includes('id="notice"') && form.indexOf('id="notice"') < form.indexOf('id="name"'),
  )
  const boxes = form.match(/<input\s+type="checkbox"[^>]*>/g) ?? []
  report.check(
    'mỗi việc cần đồng ý là một ô riêng, chưa chọn sẵn',
    'each consent is its own box, unticked',
    boxes.length === 2 && boxes.every((box) => !/\schecked/.test(box)),
  )
  const faulty = await new Visitor(seen).post(`${world.gateway}/dang-ky`, {
    ...person,
    phone: '12',
    email: 'khong-phai-thu',
    personal_id: '',
  })
  const told = await faulty.text()
  report.check(
    'ô sai được chỉ ra ngay bên cạnh, bằng lời',
    'a wrong field is told beside it, in words',
    faulty.status === 422 &&
      told.includes('id="phone-wrong"') &&
      told.includes('id="email-wrong"') &&
      !told.includes('id="name-wrong"'),
    `${faulty.status}`,
  )

  const buyer = await register(world, person, ['suggestions'], seen)
  report.check('đăng ký xong, có mã biên nhận', 'registered, with a receipt code', buyer.receipt !== '', buyer.receipt)
  await enterOwnPages(world, buyer.visitor)
  const key = await (await fetch(`${world.public}/receipt.vkey`)).text()
  const note = await buyer.visitor.text(`${world.public}/me/receipts/${buyer.receipt}`)
  const text = readNote(note, key)
  report.check(
    'chữ ký trên biên nhận đúng (kiểm ngoại tuyến)',
    'the receipt’s signature holds (checked offline)',
    text !== undefined,
  )
  report.check(
    'biên nhận ghi đúng điều đã chọn',
    'the receipt says what was chosen',
    /suggestions version \d+: given/.test(text ?? '') && /marketing version \d+: refused/.test(text ?? ''),
  )
  report.check(
    'biên nhận bị sửa thì chữ ký không còn đúng',
    'an altered receipt does not verify',
    readNote(note.replace(': refused', ': given'), key) === undefined,
  )

  const order = await placeOrder(world, buyer)
  report.check(
    'đặt hàng, có địa chỉ và tài khoản trả tiền',
    'ordered, with an address and a bank account',
    order !== '',
    order,
  )
  const sent = await buyer.visitor.post(`${world.gateway}/tin-nhan`, { body: person.message })
  report.check('nhắn cho người bán', 'wrote to the seller', sent.status === 303)
  report.check(
    'đăng nhập lại bằng mật khẩu',
    'signed in again by password',
    (await signIn(world, person, seen)) !== undefined,
  )
  report.check(
    'mật khẩu sai bị từ chối',
    'a wrong password is refused',
    (await signIn(world, { ...person, password: 'không phải' }, seen)) === undefined,
  )
  return { ...buyer, order }
}
