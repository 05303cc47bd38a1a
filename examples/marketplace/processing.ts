import type { Khien } from '../../src/client/index.ts'

/** What the shop says it does with people's data, in the words people are shown before they give any. */
export const PROCESSING: Parameters<Khien['declare']>[0] = {
  notice: {
    vi: 'Chợ Sen giữ họ tên, số điện thoại, thư điện tử và mật khẩu của bạn để bạn đăng nhập và nhận hàng. Khi bạn đặt hàng, chúng tôi giữ thêm địa chỉ và tài khoản trả tiền của đơn đó. Dữ liệu được mã hóa riêng cho từng người. Mỗi lần đọc phải có lý do và được ghi lại; bạn xem được ai đã đọc gì. Việc nào dựa trên sự đồng ý thì bạn rút lại được bất cứ lúc nào, không cần nêu lý do.',
    en: 'Chợ Sen keeps your name, phone number, e-mail and password so that you can sign in and receive what you buy. With an order we also keep its address and the account it is paid from. Data is encrypted for each person apart. Every read needs a reason and is recorded; you can see who read what. What rests on your consent you may withdraw at any time, without a reason.',
  },
  purposes: [
    {
      id: 'sign-in',
      title: { vi: 'Đăng nhập', en: 'Signing in' },
      what: {
        vi: 'Chúng tôi tìm tài khoản theo thư điện tử và đối chiếu mật khẩu.',
        en: 'We find the account by its e-mail address and check the password.',
      },
      ground: 'agreement',
      agreement: 'membership',
      fields: ['account.password', 'person.email'],
      recipients: [],
    },
    {
      id: 'order-delivery',
      title: { vi: 'Giao đơn bạn đã đặt', en: 'Delivering your order' },
      what: {
        vi: 'Người đóng gói và người giao xem tên, số điện thoại, địa chỉ và lời dặn, đến khi bạn nhận hàng.',
        en: 'Those who pack and deliver see name, phone number, address and note, until you have your goods.',
      },
      ground: 'agreement',
      agreement: 'order',
      fields: ['person.name', 'person.phone', 'order.address', 'order.note'],
      recipients: [{ id: 'giao-nhanh', name: 'Giao Nhanh' }],
    },
    {
      id: 'payment',
      title: { vi: 'Thu và hoàn tiền', en: 'Taking and returning money' },
      what: {
        vi: 'Chúng tôi thu tiền từ tài khoản bạn ghi trong đơn, và hoàn về đó khi bạn trả hàng.',
        en: 'We take the money from the account you gave with the order, and return it there.',
      },
      ground: 'agreement',
      agreement: 'order',
      fields: ['bank.number', 'bank.holder'],
      recipients: [],
    },
    {
      id: 'invoice',
      title: { vi: 'Giữ hóa đơn', en: 'Keeping invoices' },
      what: {
        vi: 'Hóa đơn ghi tên người mua và được giữ đủ thời hạn luật định.',
        en: 'An invoice names its buyer and is kept as long as the law says.',
      },
      ground: 'law',
      duty: { vi: 'nghĩa vụ lưu giữ hóa đơn, chứng từ kế toán', en: 'the duty to keep invoices and accounting papers' },
      fields: ['person.name'],
      recipients: [],
    },
    {
      id: 'conversation',
      title: { vi: 'Trả lời tin nhắn của bạn', en: 'Answering your messages' },
      what: { vi: 'Người bán đọc tin nhắn bạn gửi để trả lời.', en: 'The seller reads what you wrote, to answer.' },
      ground: 'agreement',
      agreement: 'membership',
      fields: ['message.body'],
      recipients: [],
    },
    {
      id: 'marketing',
      title: { vi: 'Thư giới thiệu hàng mới', en: 'Letters about new goods' },
      what: {
        vi: 'Chúng tôi gửi thư giới thiệu hàng mới mỗi tuần.',
        en: 'We send a letter about new goods each week.',
      },
      ground: 'consent',
      fields: ['person.email', 'person.name'],
      recipients: [{ id: 'thu-nhanh', name: 'Thư Nhanh (công ty gửi thư)' }],
      ifWithdrawn: { vi: 'Bạn vẫn nhận thư báo về đơn hàng.', en: 'You still get letters about your orders.' },
    },
    {
      id: 'suggestions',
      title: { vi: 'Gợi ý hàng theo nơi ở', en: 'Suggestions for where you live' },
      what: {
        vi: 'Chúng tôi dùng địa chỉ giao hàng để gợi ý hàng gần bạn.',
        en: 'We use delivery addresses to suggest goods from near you.',
      },
      ground: 'consent',
      fields: ['order.address'],
      recipients: [],
      ifWithdrawn: {
        vi: 'Trang đầu hiện hàng giống nhau cho mọi người.',
        en: 'The first page shows everybody the same goods.',
      },
    },
  ],
}
