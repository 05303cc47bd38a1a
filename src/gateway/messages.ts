import { catalogue } from '../kit/i18n.ts'

/** Kinds of attack by the tag of our rules. */
export const gatewayMessages = catalogue(
  {
    families: {
      protocol: 'Sai giao thức',
      'header-injection': 'Chèn tiêu đề',
      scanner: 'Công cụ dò quét',
      upload: 'Tải lên chương trình',
      'sql-injection': 'Chèn lệnh SQL',
      xss: 'Chèn mã kịch bản',
      'code-injection': 'Chèn mã chương trình',
      'prototype-pollution': 'Làm hỏng đối tượng gốc',
      ssrf: 'Mượn máy chủ gọi ra ngoài',
      xxe: 'Thực thể XML bên ngoài',
      'path-traversal': 'Đọc tệp hệ thống',
      'command-injection': 'Chèn lệnh hệ thống',
      jndi: 'Log4Shell',
    } as Record<string, string>,
  },
  {
    families: {
      protocol: 'Protocol violation',
      'header-injection': 'Header injection',
      scanner: 'Scanner',
      upload: 'Upload of a program',
      'sql-injection': 'SQL injection',
      xss: 'Cross-site scripting',
      'code-injection': 'Code injection',
      'prototype-pollution': 'Prototype pollution',
      ssrf: 'Server-side request forgery',
      xxe: 'External XML entity',
      'path-traversal': 'Path traversal',
      'command-injection': 'Command injection',
      jndi: 'Log4Shell',
    } as Record<string, string>,
  },
)
