import { catalogue } from '../kit/i18n.ts'

export const nodeMessages = catalogue(
  {
    rail: { home: 'Bàn điều khiển', log: 'Nhật ký bằng chứng', settings: 'Người và khóa' },
    sealedTitle: 'Nút đang niêm phong',
    sealedLead:
      'Chưa có khóa nên không ai đọc hay ghi được dữ liệu. Trên máy chủ, chạy ./bin/khien.js unseal với --role và --data như khi khởi động.',
    firstTitle: 'Chưa có người quản trị',
    firstLead: 'Mở liên kết dùng một lần đã in khi khởi động, hoặc chạy ./bin/khien.js admin recover trên máy chủ.',
    officer: 'Nhân sự bảo vệ dữ liệu',
    officerUnknown: 'chưa công bố (quản trị đặt bằng --contact)',
    publicTitle: (name: string) => `${name}: trang công khai`,
    publicLead: 'Nhật ký của nút này công khai dưới dạng cam kết, ai cũng kiểm tra được.',
  },
  {
    rail: { home: 'Console', log: 'Evidence log', settings: 'People and keys' },
    sealedTitle: 'The node is sealed',
    sealedLead:
      'It has no key yet, so nobody can read or write data. On the host, run ./bin/khien.js unseal with the --role and --data of the start.',
    firstTitle: 'There is no administrator yet',
    firstLead: 'Open the one-time link printed at start, or run ./bin/khien.js admin recover on the host.',
    officer: 'Data-protection officer',
    officerUnknown: 'not published yet (the operator sets --contact)',
    publicTitle: (name: string) => `${name}: public page`,
    publicLead: 'The log of this node is public as commitments; anybody can check it.',
  },
)
