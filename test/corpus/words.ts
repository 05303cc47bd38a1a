/** What ordinary people in Viet Nam are called, where they live and what they write; the corpus is put together of these. */
export const SURNAMES =
  'Nguyễn Trần Lê Phạm Hoàng Huỳnh Phan Vũ Võ Đặng Bùi Đỗ Hồ Ngô Dương Lý Đinh Trịnh Mai Cao'.split(' ')
export const MIDDLE =
  'Văn Thị Minh Ngọc Thanh Quốc Hữu Đức Thu Bảo Gia Khánh Phương Xuân Kim Hồng Tuấn Anh Hoài Diệu'.split(' ')
export const GIVEN =
  'An Bình Châu Dũng Đạt Giang Hà Hải Hạnh Hiếu Hoa Huy Hương Khoa Lan Linh Long Mai Nam Nga Ngân Nhung Phúc Quân Quỳnh Sơn Tâm Thảo Thủy Trang Trung Tú Uyên Việt Vy Yến Ơn Ý'.split(
    ' ',
  )
export const STREETS =
  'Trần Đại Nghĩa|Lê Lợi|Nguyễn Huệ|Hai Bà Trưng|Điện Biên Phủ|Cách Mạng Tháng Tám|Phan Đình Phùng|Lý Thường Kiệt|Võ Văn Kiệt|Hoàng Hoa Thám|Nguyễn Chí Thanh|Tô Hiến Thành|3 Tháng 2|Trường Chinh|Xô Viết Nghệ Tĩnh'.split(
    '|',
  )
export const WARDS =
  'Bách Khoa|Bến Nghé|Hải Châu I|Ô Chợ Dừa|Láng Hạ|Thảo Điền|An Khánh|Hòa Cường|Tân Định|Phú Mỹ|Ea Tam|Ninh Kiều'.split(
    '|',
  )
export const PROVINCES =
  'Hà Nội|TP. Hồ Chí Minh|Đà Nẵng|Hải Phòng|Cần Thơ|Huế|Đắk Lắk|Lâm Đồng|Khánh Hòa|Nghệ An|Quảng Ninh|Vĩnh Long|An Giang|Cà Mau|Gia Lai'.split(
    '|',
  )
export const GOODS =
  "áo dài cách tân|nước mắm Phú Quốc|cà phê rang xay 500g|tai nghe bluetooth|ốp lưng iPhone 15|giày thể thao nữ|balo laptop 15.6\"|sữa rửa mặt|nồi chiên không dầu 5L|sách 'Đắc nhân tâm'|bánh tráng trộn|xe đạp trẻ em|quạt đứng|máy lọc nước|đèn bàn học|chuột không dây|vợt cầu lông|mật ong rừng|gạo ST25|kem chống nắng SPF50+|USB 64GB (3.0)|dây sạc Type-C 1m|tranh thêu chữ thập|kính râm nam & nữ".split(
    '|',
  )
export const SENTENCES =
  `Shop ơi cho mình hỏi size M còn không ạ?|Giao hàng nhanh, đóng gói cẩn thận, sẽ ủng hộ tiếp!|Sản phẩm không giống hình, mình muốn đổi trả trong 7 ngày.|Giá 1.250.000đ đã bao gồm VAT 8% chưa shop?|Mình đặt từ hôm qua (20/11) mà chưa thấy gọi, đơn #DH-20251120-0042.|Cảm ơn bạn nhiều nhé :) <3|Hàng ok, ship hơi lâu... 4/5 sao.|Ai ở Hà Nội cho mình xin địa chỉ quán bún chả ngon với?|Theo Điều 5 khoản 2, hợp đồng có hiệu lực từ ngày ký.|Trời hôm nay 35°C, nắng nóng >= 37°C ở Trung Bộ.|Học phí 2 triệu/tháng; lớp tối 18h30 - 20h30 (thứ 2, 4, 6).|Em mới học lập trình, cho em hỏi câu lệnh SELECT và JOIN khác nhau thế nào ạ?|Câu này dùng "if" hay "unless" thì đúng hơn?|Mình cần tìm phòng trọ < 3 triệu, gần ĐH Bách Khoa.|C++ và C# cái nào dễ xin việc hơn?|Vợ chồng mình ăn chay, có món nào phù hợp không?|Đội tuyển thắng 3-1, quá hay!!!|Bác nào biết sửa máy giặt báo lỗi E10/E20 chỉ giúp em.|Mẹ mình hay đau lưng, nên khám ở bệnh viện nào?|Tỉ lệ 50/50, lãi suất 6,8%/năm, kỳ hạn 12 tháng.|"Có công mài sắt, có ngày nên kim" - tục ngữ|Em xin phép nghỉ học chiều nay vì bị sốt ạ.|Mọi người chú ý: lịch cúp điện ngày 25/11 từ 8h đến 11h30.|Chị ơi, nhà mình còn nhận đặt cỗ không; nếu còn thì gọi lại em nhé.|Xem thêm tại https://vi.wikipedia.org/wiki/Vi%E1%BB%87t_Nam?action=view#L%E1%BB%8Bch_s%E1%BB%AD|Máy mình cài Windows 11, vào C:\\Users\\An\\Documents thì báo lỗi 0x80070005.|Bài toán: tìm x biết 2x + 3 = 7 và x > 0.|Thư mục ~/anh/2025 có 1,234 ảnh.|Phụ huynh vui lòng đóng tiền qua STK, nội dung: HO TEN + LOP.|Nhóm mình gồm: An, Bình & Châu (trưởng nhóm).|Phim hay nhưng kết hơi buồn =))|Ngày mai họp lúc 9:00; ai bận thì báo trước nha.|Giấy tờ cần: CCCD, sổ hộ khẩu (bản sao), đơn xin việc.|"To be, or not to be" dịch sao cho hay?|Đăng ký tạm trú online được không hay phải ra phường?|Cho em 2 ly trà sữa, 50% đường, ít đá, thêm trân châu.|Nồi này dùng cho bếp từ được không? Công suất 1000W - 1500W.|Tôi không đồng ý với ý kiến của anh/chị ở trên.|Hôm qua thứ bảy, hôm nay chủ nhật; mai lại đi làm rồi huhu.|Họ tên: ______ Lớp: ____|Rock'n'roll và K-pop, bạn thích cái nào?|Liên hệ zalo 0912.345.678 hoặc mail shop.hoamai@gmail.com|Quán có món "bò né", "ốp la" và bánh mì chảo.|Gửi từ iPhone của tôi`.split(
    '|',
  )
export const PATHS =
  '/|/tim-kiem|/san-pham/ao-dai-cach-tan-p1234.html|/gio-hang|/tai-khoan/don-hang|/dien-dan/chu-de/sua-may-giat.45|/api/v1/products|/api/v2/orders/8812|/tin-tuc/2025/11/20/le-khai-giang|/images/banner%20t%E1%BA%BFt.jpg|/assets/app.3f9c1b2a.js|/lien-he|/dang-ky|/dang-nhap|/thanh-toan/buoc-2|/user/profile|/graphql|/upload'.split(
    '|',
  )
export const AGENTS = [
  'Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Safari/537.36',
  'Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.1 Mobile/15E148 Safari/604.1',
  'Mozilla/5.0 (Linux; Android 14; SM-A546E) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0.0.0 Mobile Safari/537.36 Zalo android/24110 ZaloTheme/light ZaloLanguage/vi',
  'Mozilla/5.0 (X11; Linux x86_64; rv:133.0) Gecko/20100101 Firefox/133.0',
  'Mozilla/5.0 (Linux; Android 13; vivo 1904) AppleWebKit/537.36 (KHTML, like Gecko) Version/4.0 Chrome/128.0.0.0 Mobile Safari/537.36 [FB_IAB/FB4A;FBAV/490.0.0.50.82;]',
  'okhttp/4.12.0',
  'Dart/3.5 (dart:io)',
] as const
