import { exchangeMessages } from '../../../../src/exchange/messages.ts'
import { ApiError } from '../api.ts'
import { placedInWords, plainOf, sayCoded } from '../areas/gateway/field-trouble.ts'
import { useSpeech } from '../language.tsx'

/** What the server refuses, in Vietnamese, by its stable code; English is the server's own sentence. */
const VI: Readonly<Record<string, string>> = {
  internal: 'Có lỗi bên trong Khiên. Đưa mã yêu cầu cho người quản trị.',
  sealed: 'Nút đang niêm phong: trên máy chủ, chạy ./bin/khien.js unseal.',
  'audit/bad-cursor': 'Trang tiếp theo không còn đúng; hãy tải lại danh sách.',
  'audit/log-altered': 'Nhật ký bị phát hiện đã đổi: mọi việc phải ghi đều dừng. Báo ngay người bảo vệ dữ liệu.',
  'audit/not-published': 'Lá này đang được ký; thử lại sau một giây.',
  'audit/unknown': 'Không có việc nào mang mã này trong nhật ký.',
  'cases/full': 'Vụ việc đã đủ 500 mục, không thêm được nữa.',
  'cases/future': 'Sự cố không thể được phát hiện trong tương lai.',
  'cases/known': 'Vụ việc đã có quan sát này.',
  'cases/no-case': 'Không có vụ việc mang số này.',
  'cases/no-task': 'Việc này không còn mở trong vụ.',
  'cases/not-serious': 'Tuyên bố sự cố nghiêm trọng trước; khi ấy luật mới đòi báo cáo.',
  'cases/report-missing': 'Chưa nộp đủ báo cáo luật đòi nên chưa đóng được.',
  'cases/reported': 'Báo cáo này đã được ghi là đã nộp.',
  'cases/serious': 'Hạn của vụ này đã chạy rồi.',
  'cases/state': 'Vụ việc đã đóng hoặc đã mở rồi; hãy tải lại trang.',
  'cases/title': 'Vụ việc không từ cảnh báo nào thì phải có tên.',
  'consent/nothing-declared': 'Ứng dụng chưa khai báo thông báo xử lý dữ liệu (PUT /api/processing).',
  'data/unreachable': 'Kho dữ liệu đang không trả lời; thử lại sau giây lát.',
  'detection/decided': 'Cảnh báo này đã có người xử lý; hãy tải lại trang.',
  'detection/no-alert': 'Không có cảnh báo mang mã này.',
  'events/busy': 'Kho sự kiện đang bận; thử lại sau giây lát.',
  'events/query': 'Điều kiện tìm không đúng dạng; mẫu: trường:giá_trị, dấu trừ đứng trước để loại.',
  'events/store-away': 'Kho sự kiện đang không trả lời; sự kiện mới vẫn được giữ. Thử lại sau giây lát.',
  'events/too-much': 'Câu hỏi chạm quá nhiều dữ liệu; hãy thu hẹp khoảng giờ hoặc thêm điều kiện.',
  'exchange/bad-file': 'Tệp và chữ ký không khớp; tệp bị từ chối và được đếm.',
  'exchange/known': 'Giá trị này đã có trong danh sách.',
  'exchange/not-an-address': 'Vai trò “chỉ tấn công” chỉ dành cho địa chỉ IP.',
  'exchange/bad-range': 'Dải địa chỉ không đúng dạng; ví dụ 203.0.113.0/24.',
  'exchange/not-a-bundle': 'Tệp không phải gói STIX 2.1 dạng JSON.',
  'exchange/not-pending': 'Đề nghị này không chờ ai; hãy tải lại trang.',
  'exchange/peer-exists': 'Đã có bên trao đổi mang tên này.',
  'exchange/too-large': 'Tệp quá lớn hoặc có quá nhiều đối tượng.',
  'exchange/too-many-peers': 'Đã đủ số bên trao đổi.',
  'people/full': 'Đã đủ số người nhận.',
  'people/no-mail': 'Nút chưa có máy chủ thư: khởi động với SMTP_URL và --mail-from.',
  'people/no-recipient': 'Người nhận này không còn; hãy tải lại trang.',
  'soc/key': 'Khóa ký không đúng: cần 43 ký tự base64url.',
  'exchange/port-needed': 'Địa chỉ chỉ tấn công cần cổng nguồn: sau CGNAT, địa chỉ không cổng không chỉ ra ai.',
  'exchange/same-person': 'Người đề nghị không thể là người thứ hai; nhờ đồng nghiệp.',
  'exchange/seen-later': 'Giờ thấy phải là giờ đã qua.',
  'exchange/unknown-indicator': 'Không có chỉ dấu mang mã này.',
  'exchange/unknown-peer': 'Không có bên trao đổi đang mở mang mã này.',
  'exchange/valid-until': 'Hiệu lực phải sau bây giờ và không quá 30 ngày.',
  'gateway/bad-cursor': 'Trang tiếp theo không còn đúng; hãy tải lại danh sách.',
  'gateway/ban-over': 'Lệnh cấm phải kết thúc sau bây giờ.',
  'gateway/bans-full': 'Đã đủ 100.000 lệnh cấm.',
  'gateway/changed': 'Có người vừa đổi cấu hình; hãy tải lại trang rồi sửa trên bản mới.',
  'gateway/check': 'Không biên dịch được luật: quá lớn hoặc quá chậm.',
  'gateway/decided': 'Luật này đã có người quyết định; hãy tải lại trang.',
  'gateway/host': 'Hai trang cùng nhận một tên miền; mỗi tên miền chỉ thuộc một trang.',
  'gateway/last-site': 'Trang cuối cùng không bỏ được; hãy sửa nó.',
  'gateway/name': 'Tên không khớp với trang hoặc bộ luật đang sửa.',
  'gateway/no-change': 'Không có gì thay đổi.',
  'gateway/no-settings': 'Cổng chưa đưa cấu hình cho nút; hãy khởi động cổng một lần.',
  'gateway/no-site': 'Trang của lượt này không còn, hoặc lượt được giữ trước khi ghi tên trang.',
  'gateway/nothing-to-exclude': 'Lượt này không giữ lại điều gì đã khớp, nên không đề nghị được ngoại lệ.',
  'gateway/rule-set': 'Không có bộ luật mang tên này, hoặc có hai bộ trùng tên.',
  'gateway/rule-set-used': 'Bộ luật đang được một trang dùng.',
  'gateway/site': 'Có hai trang trùng tên.',
  'gateway/dry-runs-full': 'Mười lần chạy thử đang chờ; chờ một lần xong rồi thử lại.',
  'gateway/exclusion': 'Ngoại lệ này không viết thành luật được.',
  'gateway/not-watched': 'Luật này đã chặn rồi; hãy tải lại trang.',
  'gateway/nothing-kept': 'Trang này chưa giữ mẫu nào để chạy thử.',
  'gateway/signature':
    'Chữ ký không khớp với nội dung tệp: tệp đã bị sửa sau khi ký. Bỏ phần signature để nhập như tệp thường.',
  'gateway/span': 'Khoảng giờ không đúng: đầu phải trước cuối.',
  'gateway/unknown-dry-run': 'Không có lần chạy thử này, hoặc không còn giữ.',
  'gateway/too-large': 'Cấu hình của mọi trang cộng lại vượt 16 MiB.',
  'gateway/unknown-exclusion': 'Ngoại lệ này không còn hiệu lực; hãy tải lại trang.',
  'gateway/unknown-site': 'Không có trang mang tên này.',
  'gateway/unknown-sudden': 'Không có luật nào như vậy đang chờ.',
  'gateway/unknown-version': 'Không có bản này, hoặc không còn giữ.',
  'gateway/too-many-watchers': 'Đã có quá nhiều trang xem trực tiếp.',
  'gateway/unknown-refusal': 'Không có lượt từ chối nào mang mã này.',
  'http/cursor': 'Trang tiếp theo không còn đúng; hãy tải lại danh sách.',
  'http/foreign-origin': 'Yêu cầu không đến từ trang của nút này.',
  'http/key-reused': 'Việc này đã gửi với nội dung khác; hãy thử lại từ đầu.',
  'http/not-found': 'Không có gì ở địa chỉ này.',
  'http/too-large': 'Nội dung gửi lên quá lớn.',
  'http/too-many-watchers': 'Đã có quá nhiều trang xem trực tiếp.',
  'identity/not-allowed': 'Vai trò của bạn không được làm việc này.',
  'identity/sign-in': 'Phiên đã hết; hãy đăng nhập lại.',
  'intake/cursor': 'Trang tiếp theo không còn đúng; hãy tải lại danh sách.',
  'intake/query': 'Điều kiện tìm không đúng dạng; mẫu: trường:giá_trị, dấu trừ đứng trước để loại.',
  'intake/span': 'Khoảng giờ không đúng: đầu phải trước cuối.',
  'mail/away': 'Máy chủ thư không trả lời.',
  'mail/refused': 'Máy chủ thư từ chối.',
  'subscribers/full': 'Nút đã giữ đủ số có thể giữ, không nhận thêm được.',
  'subscribers/no-infection': 'Không có thiết bị nhiễm mang mã này.',
  'vault/altered': 'Giá trị đã bị đổi ngoài kho nên không mở được; báo ngay người quản trị.',
  'vault/busy': 'Kho đang bận; thử lại sau giây lát.',
  'vault/field-outside-purpose': 'Mục đích này không gồm trường đó.',
  'vault/key-missing': 'Giá trị còn nhưng khóa của người này không còn; xem lại kho khóa.',
  'vault/no-agreement': 'Không có thỏa thuận đang chạy với người này cho mục đích ấy.',
  'vault/no-consent': 'Người này chưa đồng ý, hoặc đã rút lại.',
  'vault/no-law': 'Không luật nào còn hiệu lực cho căn cứ này.',
  'vault/nothing-held': 'Kho không giữ trường nào của mục đích này.',
  'vault/other-key': 'Giá trị nằm dưới một chìa khóa mà nút này không có; xem lại key.json.',
  'vault/shredded': 'Người này đã được xóa vĩnh viễn.',
  'vault/unknown-field': 'Kho không có trường này.',
  'vault/unknown-person': 'Kho không giữ gì dưới mã này.',
  'vault/unknown-purpose': 'Không có mục đích này.',
  'vault/unknown-receipt': 'Không có biên nhận xóa nào mang mã này.',
  'vault/unknown-recipient': 'Bên nhận này không còn được đăng ký; hãy tải lại trang.',
  'vault/write-only': 'Trường này chỉ được kiểm, không bao giờ được đưa ra.',
  'report/no-report': 'Không có phản ánh mang mã này.',
  'report/state': 'Phản ánh đã chuyển trạng thái; hãy tải lại trang.',
}

/** Codes of the settings check whose sentence names what is wrong. */
const CHECKED = new Set([
  'gateway/acme-host',
  'data/breached-passwords',
  'gateway/certificate',
  'gateway/schema',
  'gateway/site-exists',
  'waf/no-rules',
  'waf/unsupported',
])
const capital = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1).replace(/\.$/, '')

/** Fields of forms by their last name. */
const FIELDS: Readonly<Record<string, string>> = {
  account: 'dấu tài khoản',
  address: 'địa chỉ',
  days: 'số ngày',
  file: 'tệp',
  format: 'định dạng tệp',
  name: 'tên',
  path: 'đường dẫn',
  port: 'cổng nguồn',
  reason: 'lý do',
  rules: 'tệp luật',
  setup: 'tệp thiết lập',
  site: 'trang',
  threshold: 'ngưỡng điểm',
  title: 'tên',
  until: 'hạn',
  value: 'giá trị',
  virtualPatches: 'bản vá ảo',
}

/** What to tell the person who must act; the language of a sentence that only the server knows is English. */
export function useSentence(): (error: Error) => string {
  const { language } = useSpeech()
  return (error) => {
    if (!(error instanceof ApiError)) return error.message
    const { code, field, message } = error
    // What is wrong, and the field by its last name: the way there through the document is no sentence.
    if (code === 'http/invalid' && field !== undefined) {
      const name = field.split('.').findLast((part) => !/^\d+$/.test(part))!
      const says = plainOf(message.replace(`${field}: `, ''), field, language)
      return language === 'vi' ? `Ô “${FIELDS[name] ?? name}” ${says}.` : `Field “${name}” ${says}.`
    }
    if (code === 'gateway/settings') return placedInWords(message, field, language)
    if (language === 'en') return message
    const guard = /^exchange\/guard-(.+)$/.exec(code)?.[1]
    if (guard !== undefined && guard in exchangeMessages.vi.guard)
      return exchangeMessages.vi.guard[guard as keyof typeof exchangeMessages.vi.guard]
    if (code === 'intake/unknown-field') {
      const [, name = '', near] = /no field (\S+)\.(?: Did you mean (\S+)\?)?/.exec(message) ?? []
      return near === undefined
        ? `Không có trường “${name}”; khoảng giờ chọn trên biểu đồ.`
        : `Không có trường “${name}”; ý bạn là “${near}”?`
    }
    return CHECKED.has(code) ? `${capital(sayCoded(error, language))}.` : (VI[code] ?? message)
  }
}
