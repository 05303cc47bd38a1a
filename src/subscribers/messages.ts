import { catalogue } from '../kit/i18n.ts'

const STEPS_VI = [
  'Nhớ lại: lúc đó trong nhà có máy tính, điện thoại, camera, đầu thu hay cục phát wifi nào đang bật? Một trong số đó có thể đã bị cài phần mềm lạ.',
  'Cập nhật hệ điều hành và ứng dụng của các thiết bị đó, rồi quét toàn bộ bằng phần mềm diệt virus có sẵn trên máy.',
  'Với cục phát wifi và camera: cập nhật phần mềm, đổi mật khẩu quản trị, tắt rồi bật lại.',
  'Từ một thiết bị khác mà bạn tin là sạch, đổi mật khẩu thư điện tử và ngân hàng trước, rồi đến các tài khoản khác.',
  'Vẫn chưa yên tâm: ngắt thiết bị khỏi mạng, sao lưu dữ liệu, cài lại từ đầu hoặc nhờ thợ bạn quen biết.',
] as const
const STEPS_EN = [
  'Think back: which computers, phones, cameras, set-top boxes or wifi routers were on at home at that time? One of them may have unwanted software on it.',
  'Update the system and apps of those devices, then run a full scan with the virus protection that came with them.',
  'For wifi routers and cameras: update their software, change the administrator password, switch them off and on.',
  'From another device that you believe is clean, change the passwords of your e-mail and bank first, then the others.',
  'Still unsure: take the device off the network, back up your data, and reinstall it or ask a technician you know.',
] as const

export const subscriberMessages = catalogue(
  {
    letter: {
      subject: 'Lưu ý an toàn về một thiết bị đang dùng đường truyền của bạn',
      greeting: (name: string) => `Chào ${name},`,
      what: (controller: string) =>
        `${controller} thấy một thiết bị dùng đường truyền Internet của bạn đã tự kết nối tới một máy chủ nằm trong danh sách máy chủ điều khiển mã độc:`,
      once: (at: string) => `lúc ${at} (giờ Việt Nam)`,
      between: (first: string, last: string) => `từ ${first} đến ${last} (giờ Việt Nam)`,
      meaning:
        'Điều này thường có nghĩa là trên thiết bị đó có phần mềm độc hại, và người khác có thể điều khiển nó từ xa. Bạn không làm gì sai, và bạn không phải trả khoản tiền nào.',
      notHistory:
        'Chúng tôi chỉ đối chiếu các kết nối với danh sách đó; chúng tôi không xem bạn truy cập trang nào. Tên máy chủ ở trên được viết với [.] thay cho dấu chấm để không ai mở nhầm.',
      todo: 'Việc nên làm, lần lượt:',
      steps: STEPS_VI as readonly string[],
      check:
        'Muốn chắc thư này là của chúng tôi: tự gõ địa chỉ sau vào trình duyệt, thay (chấm) bằng dấu chấm, và nhập mã. Đừng tin địa chỉ nào khác với tên trang của chúng tôi mà bạn đã biết từ hợp đồng hay hóa đơn.',
      dot: 'chấm',
      code: 'Mã',
      never:
        'Thư này không có đường dẫn và không có tệp đính kèm. Chúng tôi không bao giờ hỏi mật khẩu hay mã OTP, không yêu cầu chuyển tiền, không bảo bạn cài phần mềm qua thư hay điện thoại.',
      notYours:
        'Nếu thiết bị đó không phải của bạn, hãy nói với chúng tôi ở cùng trang đó, bằng cùng mã. Chúng tôi sẽ ngừng nhắc và xem lại.',
      contact: (contact: string) => `Liên hệ: ${contact}`,
      law: 'Thư này được gửi theo trách nhiệm cảnh báo người dùng tại Điều 41 Luật An ninh mạng số 116/2025/QH15. Mỗi trường hợp chúng tôi chỉ gửi một thư.',
    },
    preview: { name: '(tên khách hàng)' },
    pages: {
      title: 'Kiểm tra thư cảnh báo',
      question: 'Thư cảnh báo này có phải của chúng tôi không?',
      lead: 'Nhập mã trong thư. Chúng tôi trả lời ngay, không hỏi thêm điều gì về bạn.',
      code: 'Mã trong thư',
      codeHint: 'Tám ký tự, ví dụ 7Q4K-2MXB.',
      look: 'Kiểm tra',
      yes: 'Đúng, thư này do chúng tôi gửi.',
      sentAt: (at: string) => `Chúng tôi gửi lúc ${at}.`,
      about: (host: string, at: string) =>
        `Một thiết bị dùng đường truyền của bạn đã kết nối tới máy chủ ${host}, lần gần nhất lúc ${at}.`,
      cleanNow: 'Từ đó đến nay đã nhiều ngày chúng tôi không còn thấy kết nối nào như vậy.',
      now: 'Việc nên làm bây giờ',
      steps: STEPS_VI as readonly string[],
      notMineTitle: 'Thiết bị đó không phải của bạn?',
      notMine: 'Đây không phải thiết bị của tôi',
      notMineMore: 'Bấm nút này thì chúng tôi ngừng nhắc bạn, và một người của chúng tôi xem lại vì sao thư tới bạn.',
      stopped: 'Đã ghi nhận. Chúng tôi ngừng nhắc bạn về việc này.',
      stoppedMore: 'Một người của chúng tôi sẽ xem lại cách xác định thuê bao. Bạn không phải làm gì thêm.',
      no: 'Chúng tôi không gửi thư nào có mã này.',
      noMore: 'Hãy xem lại từng ký tự. Nếu vẫn như vậy, đừng tin thư đó.',
      doNot: [
        'Đừng bấm vào gì trong thư, đừng mở tệp đính kèm, đừng gọi số trong thư.',
        'Đừng cho ai mật khẩu hay mã OTP.',
        'Gọi cho chúng tôi theo số in trên hợp đồng hay hóa đơn của bạn.',
      ] as readonly string[],
      again: 'Nhập lại mã',
    },
    purpose: {
      title: 'Cảnh báo thiết bị nhiễm mã độc',
      what: 'Gửi thư báo cho bạn khi một thiết bị dùng đường truyền của bạn tự kết nối tới máy chủ điều khiển mã độc.',
      duty: 'Cảnh báo và khuyến nghị thuê bao có thiết bị nhiễm, phát tán mã độc (Điều 41 Luật 116/2025/QH15).',
      notice:
        'Chúng tôi giữ họ tên và thư điện tử của thuê bao để cảnh báo khi thiết bị của họ nhiễm mã độc. Mỗi lần đọc đều được ghi lại.',
    },
  },
  {
    letter: {
      subject: 'A safety note about a device on your Internet connection',
      greeting: (name: string) => `Dear ${name},`,
      what: (controller: string) =>
        `${controller} saw that a device on your Internet connection itself contacted a server that is on the list of servers controlling malicious software:`,
      once: (at: string) => `at ${at} (Vietnam time)`,
      between: (first: string, last: string) => `from ${first} to ${last} (Vietnam time)`,
      meaning:
        'This usually means that there is malicious software on that device, and that somebody else may control it from afar. You have done nothing wrong, and there is nothing to pay.',
      notHistory:
        'We only compare connections with that list; we do not look at which sites you visit. The name of the server is written with [.] for each dot so that nobody opens it by accident.',
      todo: 'What to do, one after the other:',
      steps: STEPS_EN as readonly string[],
      check:
        'To be sure this mail is ours: type the following address into your browser yourself, with a dot for each (dot), and enter the code. Do not trust any address other than the name of our site that you know from your contract or bill.',
      dot: 'dot',
      code: 'Code',
      never:
        'This mail has no link and no attachment. We never ask for passwords or one-time codes, never ask for money, never tell you to install software by mail or phone.',
      notYours:
        'If that device is not yours, tell us on the same page with the same code. We will stop reminding you and look again.',
      contact: (contact: string) => `Contact: ${contact}`,
      law: 'This mail is sent under the duty to warn users in Article 41 of the Law on Cybersecurity 116/2025/QH15. We send one mail for each case.',
    },
    preview: { name: '(name of the customer)' },
    pages: {
      title: 'Check a warning',
      question: 'Is this warning really from us?',
      lead: 'Enter the code in the mail. We answer at once and ask nothing else about you.',
      code: 'Code in the mail',
      codeHint: 'Eight signs, such as 7Q4K-2MXB.',
      look: 'Check',
      yes: 'Yes, we sent this warning.',
      sentAt: (at: string) => `We sent it at ${at}.`,
      about: (host: string, at: string) =>
        `A device on your connection contacted the server ${host}, the last time at ${at}.`,
      cleanNow: 'For many days now we have not seen such a connection any more.',
      now: 'What to do now',
      steps: STEPS_EN as readonly string[],
      notMineTitle: 'Is that device not yours?',
      notMine: 'This is not my device',
      notMineMore:
        'Press this button and we stop reminding you, and one of our people looks at why the mail came to you.',
      stopped: 'Noted. We will not remind you of this again.',
      stoppedMore: 'One of our people will look at how the subscriber was found. There is nothing more you need to do.',
      no: 'We sent no warning with this code.',
      noMore: 'Check each sign. If it stays like this, do not trust that mail.',
      doNot: [
        'Do not press anything in the mail, do not open attachments, do not call a number in it.',
        'Give nobody a password or one-time code.',
        'Call us at the number printed on your contract or bill.',
      ] as readonly string[],
      again: 'Enter the code again',
    },
    purpose: {
      title: 'Warning of infected devices',
      what: 'To write to you when a device on your connection itself contacts a server that controls malicious software.',
      duty: 'To warn and advise subscribers whose devices are infected or spread malicious software (Article 41, Law 116/2025/QH15).',
      notice:
        'We keep the name and e-mail of subscribers to warn them when their device is infected. Every read is recorded.',
    },
  },
)
