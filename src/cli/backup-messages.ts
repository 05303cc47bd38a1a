import { catalogue } from '../kit/i18n.ts'

/** What `khien backup`, `khien restore` and `khien drill` say. Vietnamese is the source. */
export const backupMessages = catalogue(
  {
    part: {
      keys: 'khóa',
      control: 'dữ liệu điều khiển',
      log: 'nhật ký bằng chứng',
      files: 'các tệp khác',
      ledger: 'sổ sự kiện',
      segments: 'sự kiện đang chờ',
      'event-store': 'kho sự kiện',
      verify: 'kiểm tra số dòng và toàn bộ nhật ký',
    },
    stopped: (folder: string) => `Nút không chạy; sao lưu từ thư mục ${folder}.`,
    demo: 'Đây là nút chạy thử: khóa của nó ai cũng mở được.',
    made: (name: string, megabytes: string, seconds: string) =>
      `Đã sao lưu: ${name} (${megabytes} MB, ${seconds} giây)`,
    data: 'Dữ liệu',
    keys: 'Khóa',
    keysDie: 'Bản sao lưu khóa hết đọc được lúc',
    apart: 'Giữ hai nơi này tách nhau. key.json không nằm trong bản sao lưu nào: hãy giữ riêng một bản.',
    restored: (name: string, seconds: string) => `Đã khôi phục ${name} sau ${seconds} giây`,
    at: 'Dữ liệu tính đến',
    rows: 'Số dòng',
    leaves: 'Số bản ghi nhật ký, đã so từng dòng',
    events: 'Số sự kiện',
    takenOut: 'Người đã bị xóa khóa sau bản sao lưu, không đưa trở lại',
    epoch: (old: string, size: string) =>
      `Nhật ký bắt đầu kỷ nguyên mới: người khác đã thấy ${old} bản ghi, ở đây còn ${size}. Việc này đã ghi vào chính nhật ký.`,
    noCheckpoint:
      'Nếu ai đó giữ một checkpoint mới hơn của nhật ký này, hãy xóa bản vừa khôi phục và làm lại với --checkpoint TỆP.',
    since: (at: string) =>
      `Việc xảy ra sau ${at} không có ở đây: rút lại đồng ý, thu hồi khóa ứng dụng và vai trò từ lúc đó phải làm lại. Người đã bị xóa vẫn không trở lại.`,
    next: (command: string) => `Khởi động: ${command}`,
    drillGood: (name: string, seconds: string) => `Diễn tập thành công: ${name} khôi phục được sau ${seconds} giây`,
    drillBad: (name: string, why: string) => `Diễn tập thất bại: ${name}: ${why}`,
    opened: 'Giá trị mở thử (không hiển thị)',
    opens: (values: string, collections: string) => `${values} trong ${collections} bộ dữ liệu`,
    passphrase: (role: string) => `Mật khẩu của nút ${role}: `,
  },
  {
    part: {
      keys: 'keys',
      control: 'control data',
      log: 'evidence log',
      files: 'other files',
      ledger: 'event ledger',
      segments: 'waiting events',
      'event-store': 'event store',
      verify: 'checking counts and the whole log',
    },
    stopped: (folder) => `The node is not running; backing up ${folder}.`,
    demo: 'This is a demo node: anyone can open its key.',
    made: (name, megabytes, seconds) => `Backed up: ${name} (${megabytes} MB, ${seconds} s)`,
    data: 'Data',
    keys: 'Keys',
    keysDie: 'The key backup can be read until',
    apart: 'Keep these two places apart. key.json is in neither backup: keep a copy of it elsewhere.',
    restored: (name, seconds) => `Restored ${name} in ${seconds} s`,
    at: 'Data as of',
    rows: 'Rows',
    leaves: 'Log entries, compared with the rows one by one',
    events: 'Events',
    takenOut: 'People shredded since the backup, not brought back',
    epoch: (old, size) =>
      `The log begins a new epoch: others have seen ${old} entries, here there are ${size}. The log itself records it.`,
    noCheckpoint:
      'If anyone holds a later checkpoint of this log, remove what was restored and do it again with --checkpoint FILE.',
    since: (at) =>
      `Nothing of after ${at} is here: withdrawals of consent, revoked service keys and roles since then must be done again. Whoever was erased stays erased.`,
    next: (command) => `Start it: ${command}`,
    drillGood: (name, seconds) => `The drill went well: ${name} can be put back in ${seconds} s`,
    drillBad: (name, why) => `The drill failed: ${name}: ${why}`,
    opened: 'Values opened as a sample (not shown)',
    opens: (values, collections) => `${values} in ${collections} collections`,
    passphrase: (role) => `Passphrase of the ${role} node: `,
  },
)
