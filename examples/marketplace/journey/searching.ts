import type { Buyer } from './buying.ts'
import { searchFolder } from './planted.ts'
import type { Report, World } from './world.ts'

/** Step 2: what lies on the disk, byte for byte. */
export function searchDisk(world: World, buyers: readonly Buyer[], report: Report): void {
  report.step('Tìm dữ liệu rõ trên đĩa', 'Searching the disk for plaintext')
  const people = buyers.map(({ person }) => person)
  const { files, bytes, found } = searchFolder(world.data, people)
  const size = `${(bytes / 1e6).toFixed(1)} MB`
  report.check(
    `đọc ${files} tệp, ${size}: mọi cơ sở dữ liệu, nhật ký ghi trước và tệp của cửa hàng`,
    `read ${files} files, ${size}: every database, its WAL, the shop’s files`,
    files > 10 && bytes > 50_000,
  )
  report.check(
    'không thấy tên, số, thư, mật khẩu, định danh, địa chỉ, tài khoản hay tin nhắn nào (UTF-8, NFD, UTF-16, base64, hex)',
    'no name, number, e-mail, password, ID, address, account or message (UTF-8, NFD, UTF-16, base64, hex)',
    found.length === 0,
    found.map(({ what, file }) => `${what} in ${file}`).join(', '),
  )
  // The control: a search that finds nothing at all would pass as well.
  const token = searchFolder(world.data, [{ ...people[0]!, name: buyers[0]!.token }]).found.map(({ file }) => file)
  report.check(
    'cùng cách tìm ấy thấy mã của người mua ở cửa hàng, vậy là có tìm',
    'the same search does find the buyer’s token in the shop’s database, so it looks',
    token.some((file) => file.startsWith('marketplace/shop.db')),
    token.join(', '),
  )
}
