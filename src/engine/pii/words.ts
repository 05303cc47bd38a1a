import { foldUnit } from './fold.ts'
import type { Kind } from './kinds.ts'

/** What a word beside a value says: a kind; that the number is something else; or what helps to tell names and addresses. */
export type Concept = Kind | 'other-number' | 'other-date' | 'version' | 'title' | 'unit' | 'place'

// Lower case, with marks. Texts without marks match too; a word with other marks is another word (`phường`, not `Phương`).
const TABLE: Readonly<Partial<Record<Concept, string>>> = {
  'personal-id':
    'cccd|căn cước|căn cước công dân|thẻ căn cước|định danh|mã định danh|số định danh|định danh cá nhân|mã định danh cá nhân|số định danh cá nhân|số id|citizen|citizen id|national id|id card|id number|id no|identity|identity number|identity card|socccd|vneid',
  'old-id': 'cmnd|cmt|cmtnd|chứng minh|chứng minh thư|chứng minh nhân dân|giấy chứng minh|socmnd',
  'tax-code': 'mst|mã số thuế|mã thuế|masothue|tax|tax code|tax id|taxcode|tin number|vat number',
  phone:
    'điện thoại|số điện thoại|sodienthoai|đt|đtdđ|sđt|sdt|số đt|dđ|di động|số di động|số máy|phone|phone number|mobile|cell|tel|telephone|hotline|zalo|viber|liên hệ|liên lạc|gọi|call|contact|fax|sms|msisdn',
  'payment-card':
    'thẻ|số thẻ|thẻ tín dụng|thẻ ghi nợ|thẻ visa|cc|card|card number|credit card|debit card|visa|mastercard|napas|jcb|amex|pan',
  'bank-account':
    'stk|số tk|tk|tài khoản|số tài khoản|tài khoản ngân hàng|sotaikhoan|account|account number|account no|bank account|iban|ngân hàng|bank',
  'social-insurance': 'bhxh|số bhxh|mã số bhxh|bảo hiểm xã hội|số sổ bảo hiểm|sổ bảo hiểm|social insurance|số bảo hiểm',
  'health-insurance': 'bhyt|thẻ bhyt|bảo hiểm y tế|thẻ bảo hiểm y tế|health insurance',
  passport: 'hộ chiếu|số hộ chiếu|passport|passport no|passport number',
  plate: 'biển số|biển số xe|biển kiểm soát|bks|biển xe|plate|license plate|licence plate|xe|xe máy|ô tô',
  'date-of-birth':
    'ngày sinh|sinh ngày|sinh năm|năm sinh|ngày tháng năm sinh|dob|date of birth|birth date|birth|birthday|birthdate|sn|born|sinh nhật',
  'driver-licence':
    'gplx|số gplx|giấy phép lái xe|bằng lái|bằng lái xe|driver license|driver licence|driving licence|driving license',
  'ip-address': 'ip|địa chỉ ip|ip address|client ip|remote addr',
  'device-id': 'imei|thiết bị|mã thiết bị|device|device id|địa chỉ mac|mac address|serial thiết bị',
  name: 'họ tên|họ và tên|tên|hoten|tên khách hàng|tên khách|tên người nhận|người nhận|người gửi|người mua|chủ tài khoản|chủ thẻ|chủ hộ|khách hàng|bệnh nhân|bệnh nhân tên|học sinh|nhân viên|full name|fullname|customer name|customer|recipient|holder|ctk',
  title:
    'ông|bà|anh|chị|cô|chú|bác|em|cháu|thầy|bạn|khách|mr|mrs|ms|dr|bs|bác sĩ|luật sư|giáo sư|đồng chí|ông bà|anh chị|gửi|chào|dear',
  address:
    'địa chỉ|đ c|dia chi|diachi|address|thường trú|tạm trú|hộ khẩu|nơi ở|chỗ ở|nơi cư trú|cư trú|giao đến|giao tới|giao hàng đến|ship đến|giao về|trú tại|ở tại|quê quán|nguyên quán|nhà ở|shipping address|billing address',
  unit: 'phường|xã|quận|huyện|thị trấn|thị xã|tỉnh|thành phố|tp|đường|phố|ngõ|ngách|hẻm|thôn|ấp|khu phố|tổ dân phố|tổ|đặc khu|đại lộ|số nhà|khu đô thị|chung cư|kdc|kđt|tdp|kp',
  place:
    'đường|phố|phường|xã|quận|huyện|tỉnh|trường|thpt|thcs|tiểu học|công ty|cty|tnhh|chợ|cầu|công viên|bệnh viện|quảng trường|giải thưởng|cúp|tượng đài|thời|triều|nhà|vua|chúa|ngã tư|ga|sân bay|đền|chùa|tập đoàn|quán|nhà hàng|khách sạn|tiệm',
  'other-number':
    'đơn|mã đơn|đơn hàng|mã đơn hàng|số đơn hàng|order|order id|order no|order number|orderid|hóa đơn|hoá đơn|mã hóa đơn|mã hoá đơn|số hóa đơn|số hoá đơn|invoice|invoice no|vận đơn|mã vận đơn|số vận đơn|tracking|tracking number|waybill|mã giao dịch|giao dịch|transaction|transaction id|txn|timestamp|epoch|unix|sku|mã sp|mã sản phẩm|mã hàng|mã vạch|barcode|ean|isbn|serial|số seri|số lô|batch|ref|reference|mã tham chiếu|tham chiếu|phiếu|mã phiếu|số phiếu|biên lai|số biên lai|số tiền|tổng|tổng tiền|tổng cộng|doanh thu|amount|total|price|subtotal|số lượng|quantity|hash|sha|checksum|commit|build|mã đặt chỗ|booking|ticket|mã vé|hợp đồng|số hợp đồng|mã lô|kiện|mã kiện|mã bưu gửi|bưu gửi|mã khách hàng|mã kh|session|request id|trace|trace id|mã hồ sơ|số hồ sơ|công văn|quyết định|lượt xem|views',
  'other-date':
    'ngày|ngày cấp|ngày giao|ngày đặt|ngày lập|ngày ký|ngày hết hạn|hết hạn|có giá trị đến|date|issued|expiry|expires|ngày cập nhật|ngày tạo|ngày mua|lúc|hạn|cấp ngày|created|updated|ngày phát hành|ngày thanh toán|giao ngày|đặt ngày|từ ngày|đến ngày',
  version: 'phiên bản|version|v|ver|release|firmware|bản',
  secret:
    'password|passwd|pwd|passphrase|mật khẩu|matkhau|mk|secret|secret key|client secret|api key|apikey|api secret|access key|secret access key|access token|auth token|bearer token|refresh token|token|private key|encryption key|credentials|db password|otp|mã otp|mã pin|pin',
}

/** Surnames of nearly everyone, without marks; the second without marks are words of other languages too. */
export const CLEAR_SURNAMES: readonly string[] =
  'nguyen tran pham hoang huynh phan dang bui ngo duong truong dinh trinh luong doan dao quach vuong trieu khuc nghiem thai'.split(
    ' ',
  )
export const UNCLEAR_SURNAMES: readonly string[] =
  'le vu vo do ho ly mai lam ha cao to ta la kieu luu tang chau diep vi phung tong mac luc khong thach chu co lai au ton quan lo dam giang nong phi ma be sam'.split(
    ' ',
  )

/** At most this many letters in a word that means something: a longer one would not fit a double. */
export const LONGEST_WORD = 11
/** A word as a number: its letters in base 27, 0 for one that is too long or not all Latin. */
export function packWord(word: string): number {
  if (word.length > LONGEST_WORD) return 0
  let code = 0
  for (let i = 0; i < word.length; i++) {
    const letter = (word.charCodeAt(i) | 32) - 96
    if (letter < 1 || letter > 26) return 0
    code = code * 27 + letter
  }
  return code
}

const fold = (text: string): string => Array.from(text, (sign) => foldUnit(sign.charCodeAt(0))).join('')

/** A set of concepts, a bit for each. */
const CONCEPTS = Object.keys(TABLE) as Concept[]
export const setOf = (...concepts: readonly Concept[]): number =>
  concepts.reduce((set, concept) => set | (1 << CONCEPTS.indexOf(concept)), 0)

/** A word or several, without marks, with all that it may mean. */
export type Entry = {
  readonly words: readonly string[]
  readonly meanings: readonly { readonly set: number; readonly marked: string }[]
  /** All of these together. */
  readonly set: number
}
export const ENTRIES: readonly Entry[] = entries()

function entries(): Entry[] {
  const by = new Map<string, { set: number; marked: string }[]>()
  for (const [concept, texts] of Object.entries(TABLE) as [Concept, string][])
    for (const marked of texts.split('|')) {
      const folded = fold(marked)
      const of = by.get(folded) ?? []
      of.push({ set: setOf(concept), marked })
      by.set(folded, of)
    }
  return [...by].map(([folded, meanings]) => ({
    words: folded.split(' '),
    meanings,
    set: meanings.reduce((all, { set }) => all | set, 0),
  }))
}

/** Words of the entries and surnames, by `packWord`, numbered from 1; 0 is any other word. */
export const VOCABULARY: ReadonlyMap<number, number> = new Map(
  [...new Set([...ENTRIES.flatMap(({ words }) => words), ...CLEAR_SURNAMES, ...UNCLEAR_SURNAMES])].map((word, i) => [
    packWord(word),
    i + 1,
  ]),
)
export const wordNumber = (word: string): number => VOCABULARY.get(packWord(word)) ?? 0

/** The next word of an entry: reached through the number of the one before. */
export type Step = { entry: Entry | undefined; readonly next: Map<number, Step> }
/** By the number of an entry's first word. */
export const FIRST_STEPS: readonly (Step | undefined)[] = steps()

function steps(): (Step | undefined)[] {
  const root = new Map<number, Step>()
  for (const entry of ENTRIES) {
    let next = root
    let step: Step | undefined
    for (const word of entry.words) {
      step = next.get(wordNumber(word)) ?? { entry: undefined, next: new Map<number, Step>() }
      next.set(wordNumber(word), step)
      next = step.next
    }
    step!.entry = entry
  }
  return Array.from({ length: VOCABULARY.size + 1 }, (_, word) => root.get(word))
}

/** Which of the meanings a text has as it was written: one word with marks has to have these; without, or several words, may mean all. */
export function meaningsOf(entry: Entry, written: string): number {
  if (entry.words.length > 1 || isAscii(written)) return entry.set
  const text = written
    .replace(/[\u00ad\u200b-\u200f\u2060-\u2064\ufeff]/g, '')
    .normalize('NFC')
    .toLowerCase()
  return entry.meanings.reduce((all, { set, marked }) => (marked === text ? all | set : all), 0)
}

const MOST_REMEMBERED = 4_096
const LONGEST_REMEMBERED = 2 * LONGEST_WORD
const remembered = new Map<string, number>()
/** The same for an entry of one word: texts write the same words again and again (bench/pii.ts). */
export function rememberedMeanings(entry: Entry, written: string): number {
  const known = remembered.get(written)
  if (known !== undefined) return known
  const set = meaningsOf(entry, written)
  if (remembered.size < MOST_REMEMBERED && written.length <= LONGEST_REMEMBERED) remembered.set(written, set)
  return set
}

function isAscii(text: string): boolean {
  for (let i = 0; i < text.length; i++) if (text.charCodeAt(i) > 126) return false
  return true
}
