import type { OrdinaryRequest } from './vietnamese.ts'

/** Draws of one corpus: the same for the same seed. */
export type Draw = {
  of<T>(list: readonly T[]): T
  under(below: number): number
  code(length: number, alphabet?: string): string
  sentence(): string
  goods(): string
  name(): string
}

type Part = Pick<OrdinaryRequest, 'method' | 'target'> & {
  readonly headers?: OrdinaryRequest['headers']
  readonly body?: string
}
const JSON_TYPE = ['Content-Type', 'application/json'] as const
const FORM = ['Content-Type', 'application/x-www-form-urlencoded'] as const
const enc = encodeURIComponent

const json = (target: string, value: unknown): Part => ({
  method: 'POST',
  target,
  headers: [JSON_TYPE],
  body: JSON.stringify(value),
})
const form = (target: string, fields: Readonly<Record<string, string>>): Part => ({
  method: 'POST',
  target,
  headers: [FORM],
  body: new URLSearchParams(fields).toString(),
})
const get = (target: string, headers: Part['headers'] = []): Part => ({ method: 'GET', target, headers })
const typed = (type: string, target: string, body: string): Part => ({
  method: 'POST',
  target,
  headers: type === '' ? [] : [['Content-Type', type]],
  body,
})

/** What browsers, apps, editors, payment sites, machines and programmers send besides plain forms. */
export const EVERYDAY: readonly ((draw: Draw) => Part)[] = [
  (d) =>
    json('/graphql', {
      operationName: 'SanPham',
      variables: { first: d.under(50), filter: { gia: { gte: d.under(100), lte: 900 }, ten: { contains: d.goods() } } },
      query:
        'query SanPham($first: Int!, $filter: Loc) {\n  sanPham(first: $first, where: $filter, orderBy: {ngay: DESC}) {\n    edges { node { id ten ... on GiamGia { phanTram } __typename } }\n    pageInfo { hasNextPage endCursor }\n  }\n}\n',
    }),
  (d) =>
    json('/graphql', {
      query: 'mutation($i: DonHang!) { taoDon(input: $i) { don { id } errors { field message } } }',
      variables: { i: { ghiChu: d.sentence(), hang: [{ id: d.under(999), sl: 2 }] } },
    }),
  (d) =>
    form('/quan-tri/bai-viet', {
      tieu_de: d.goods(),
      noi_dung: `<p>${d.sentence()} <strong>${d.goods()}</strong>, xem <a href="https://cho.khien.vn/a?b=1&amp;c=2" target="_blank" rel="noopener">tại đây</a></p>\n<ul>\n<li style="text-align: center;">Một</li>\n</ul>\n<p><img class="aligncenter" src="/tep/2025/11/anh-${d.under(99)}.jpg" alt="Ảnh" width="640" height="480" /></p>`,
    }),
  (d) =>
    json('/api/v1/articles', {
      html: `<h2 class="tieu-de" id="s1">${d.goods()}</h2><table border="1" style="width:100%"><tbody><tr><td colspan="2">Áo &amp; quần</td><td><span style="color:#ff0000;font-size:14px">${d.under(900)}.000đ</span></td></tr></tbody></table><blockquote>${d.name()}</blockquote><hr /><figure class="image"><img src="https://cdn.vn/a.png" data-id="1"><figcaption>x</figcaption></figure>`,
    }),
  (d) =>
    form('/van-ban', {
      body: `<p class="MsoNormal" style="margin-bottom:0in"><span lang="VI" style="font-family:&quot;Times New Roman&quot;,serif">Kính gửi ${d.name()}<o:p></o:p></span></p>`,
    }),
  (d) =>
    form('/wp-admin/post.php', {
      post_title: `Bài "${d.goods()}"`,
      content: `<!-- wp:paragraph -->\n<p>${d.sentence()}</p>\n<!-- /wp:paragraph -->\n\n<!-- wp:image {"id":5,"sizeSlug":"large"} -->\n<figure class="wp-block-image size-large"><img src="https://x.vn/a.jpg" alt="" class="wp-image-5"/></figure>\n<!-- /wp:image -->`,
    }),
  (d) =>
    get(
      `/vnpay_return?vnp_Amount=${d.under(900)}0000&vnp_BankCode=NCB&vnp_OrderInfo=Thanh+toan+don+hang+%3A+${d.under(999)}&vnp_ResponseCode=00&vnp_SecureHash=${d.code(128, '0123456789abcdef')}`,
    ),
  (d) =>
    json('/ipn/momo', {
      partnerCode: 'MOMO',
      orderInfo: `Thanh toán ${d.goods()}`,
      resultCode: 0,
      signature: d.code(64, '0123456789abcdef'),
      extraData: Buffer.from(JSON.stringify({ ten: d.name() })).toString('base64'),
    }),
  (d) =>
    get(
      `/oauth/authorize?response_type=code&client_id=${d.code(12)}&redirect_uri=${enc('https://app.example.vn/ve?tiep=%2Fnha')}&scope=openid%20profile%20email&state=${enc(Buffer.from(d.code(16)).toString('base64'))}&code_challenge=${d.code(43)}&code_challenge_method=S256`,
    ),
  () => get(`/dang-nhap?next=${enc('http://192.168.1.10:8080/trang-chu')}`),
  (d) => get(`/chia-se?url=${enc(`https://www.tiktok.com/@an.nguyen/video/7${d.code(18, '0123456789')}`)}`),
  (d) => ({
    method: 'POST',
    target: `/g/collect?v=2&tid=G-${d.code(8)}&cid=1.2&ul=vi-vn&sr=1920x1080&dl=${enc('https://example.vn/?a=1&b=2')}&dt=${enc(`${d.goods()} | Chợ`)}&en=page_view`,
    headers: [['Content-Type', 'text/plain;charset=UTF-8']],
    body: `en=scroll&epn.percent_scrolled=90&_et=${d.under(999)}\r\nen=click&ep.link=${enc('https://x.vn/')}`,
  }),
  (d) =>
    typed(
      'text/plain;charset=UTF-8',
      '/api/4/envelope/',
      `{"sent_at":"2025-11-22T00:00:00.000Z","sdk":{"name":"sentry.javascript.react"}}\n{"type":"event"}\n{"exception":{"values":[{"type":"TypeError","value":"Cannot read properties of undefined (reading 'map')","stacktrace":{"frames":[{"filename":"https://x.vn/js/main.js","function":"HTMLDivElement.onclick","lineno":${d.under(99)}}]}}]},"breadcrumbs":[{"message":"div.btn > button[type=\\"submit\\"]"}]}`,
    ),
  () =>
    typed(
      'application/csp-report',
      '/csp',
      '{"csp-report":{"document-uri":"https://x.vn/","violated-directive":"script-src-elem","blocked-uri":"inline","original-policy":"default-src \'self\'; script-src \'self\' \'unsafe-inline\' https://www.googletagmanager.com; report-uri /csp"}}',
    ),
  (d) =>
    typed(
      'text/xml; charset=utf-8',
      '/ws',
      `<?xml version="1.0" encoding="UTF-8"?><soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/" xmlns:ws="http://ws.vn/"><soapenv:Header/><soapenv:Body><ws:traCuu><ma>${d.code(8)}</ma><ghiChu>Giao &amp; lắp đặt</ghiChu></ws:traCuu></soapenv:Body></soapenv:Envelope>`,
    ),
  (d) =>
    typed(
      'application/xml',
      '/dav/',
      `<?xml version="1.0"?><hoaDon><ban ten="${d.name()}"/><hang><ten>Nước mắm</ten><gia>${d.under(99)}000</gia></hang></hoaDon>`,
    ),
  (d) =>
    typed(
      'text/csv',
      '/nhap',
      `id,ten,gia\n1,"Áo, quần",100\n2,"O'Reilly",${d.under(99)}\n=SUM(C1:C2),x,y\n${d.name()},,\n`,
    ),
  (d) => typed('', '/khong-kieu', `a=1&b=${enc(d.goods())}`),
  (d) =>
    typed(
      'application/x-ndjson',
      '/_bulk',
      `{"index":{"_index":"a"}}\n${JSON.stringify({ ten: d.name(), ghi: d.sentence() })}\n`,
    ),
  (d) =>
    json('/tim/_search', {
      query: { bool: { must: [{ match: { ten: d.goods() } }], filter: [{ range: { gia: { gte: 1, lte: 5 } } }] } },
      aggs: { hang: { terms: { field: 'hang' } } },
      sort: [{ ngay: { order: 'desc' } }],
      size: 20,
    }),
  () =>
    get(
      `/odata/SanPham?$filter=${enc("Gia gt 20 and contains(Ten,'áo')")}&$orderby=${enc('Ten desc')}&$top=10&$select=Id,Ten`,
    ),
  (d) => get(`/loc?filter[gia][min]=1&filter[gia][max]=5&sort[]=ten&ids[0]=${d.under(99)}&gia__gte=5&toan_tu=%3E%3D`),
  (d) =>
    form('/hoi-dap', {
      noi_dung: `${d.sentence()}\n\`\`\`python\nfor i in range(${d.under(20)}):\n    print(i)\n    if i == 5:\n        break\n\`\`\`\nTraceback (most recent call last):\n  File "main.py", line 3, in <module>`,
    }),
  (d) =>
    form('/hoi-dap', {
      noi_dung: `${d.sentence()} Lỗi: Exception in thread "main" java.lang.NullPointerException: Cannot invoke "String.length()"\n\tat com.example.Main.main(Main.java:${d.under(99)})\n\tat org.springframework.web.servlet.DispatcherServlet.doDispatch(DispatcherServlet.java:1040)`,
    }),
  (d) =>
    form('/hoi-dap', {
      noi_dung: `const a = [1, 2, 3].map(x => x * ${d.under(9)});\nfunction cong(a, b) { return a + b; }\nconsole.log(cong(1, 2));\nif (a && b || c) { lam(); }\n`,
    }),
  (d) =>
    json('/ghi-chu', {
      md: `# ${d.goods()}\n\n- mục \`a\`\n- [tài liệu](../docs/a.md)\n- ![ảnh](../../img/a.png)\n\n> trích ${d.name()}\n\n| a | b |\n|---|---|\n| 1 | 2 |\n\n\`\`\`bash\nnpm install\nnpm start\n\`\`\``,
    }),
  (d) =>
    json('/mau', {
      tieu_de: 'Xin chào {{khach.ten}}',
      noi_dung: `Đơn #{ma} của *|TEN|* đã giao: ${d.goods()} [[gia]] %ten%`,
    }),
  (d) =>
    form('/bang-tinh', {
      o: d.of(['=IF(A1>5,"đạt","trượt")', "=VLOOKUP(B2,'Bảng 2'!A:D,2,FALSE)", '=SUM(A1:A9)*1,1']),
    }),
  (d) =>
    form('/dang-nhap', {
      user: 'an',
      pass: d.of(['P@ss\'w0rd"<>;--#%&*()!', 'aA1$!x^&*(){}[]|\\/?~`', "'; Bao1990", 'Lan&Nam=4ever', 'a\'b"c`d']),
    }),
  (d) =>
    form('/lap-lich', {
      cron: '*/5 * * * *',
      bieu_thuc: '^[a-z0-9._%+-]+@[a-z0-9.-]+\\.[a-z]{2,}$',
      thu_muc: 'C:\\Users\\An\\Documents\\báo cáo.docx',
      ghi: d.sentence(),
    }),
  (d) =>
    form('/lien-he', {
      'g-recaptcha-response': `03AGdBq26-${d.code(60, 'ABCDEFabcdef0123456789-_')}`,
      __VIEWSTATE: Buffer.from(d.code(90)).toString('base64'),
      noi_dung: d.sentence(),
    }),
  (d) =>
    get(
      `/tim?q=${enc(d.of(['Как выбрать ноутбук? 如何选择 "電腦"', "it's not you and i'm not sure or maybe", 'select best phones from 2024 and 2025 where to buy', '"iphone 15" OR "iphone 16" -case', 'european union all countries', 'ping command windows 10 cmd', 'cat & dog food', 'how to use sql join and group by count', 'so sánh A vs B | 2025', 'giá > 5tr < 10tr', 'C:\\ đầy ổ đĩa', 'size M (', '1=1 gói', '$100 + 50%', "D'Artagnan"]))}`,
    ),
  (d) =>
    get('/_next/static/chunks/pages/san-pham/%5Bslug%5D-0a1b2c.js', [
      [
        'User-Agent',
        d.of([
          '',
          'kube-probe/1.28',
          'curl/7.88.1',
          'Wget/1.21.3 (linux-gnu)',
          'python-requests/2.31.0',
          'Java/1.8.0_311',
          'facebookexternalhit/1.1 (+http://www.facebook.com/externalhit_uatext.php)',
          'Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)',
        ]),
      ],
    ]),
  (d) => ({ method: d.of(['PROPFIND', 'MKCOL', 'PURGE', 'REPORT', 'LOCK']), target: '/dav/tai-lieu/' }),
  (d) =>
    get('/', [
      [
        'Cookie',
        `tuy_chon={"mau":"toi","cot":[1,2]}; ten=O'Hara; _hjSession=${Buffer.from(d.code(20)).toString('base64')}; mbox=PC#${d.code(8)}.35_0#1700|session#x#1; OptanonConsent=isGpcEnabled=0&datestamp=Sat+Nov+22+2025+10%3A00%3A00+GMT%2B0700+(Indochina+Time)&groups=C0001%3A1%2CC0002%3A0`,
      ],
    ]),
  (d) =>
    json('/ho-so', {
      anh: `data:image/png;base64,${Buffer.from(d.code(120)).toString('base64')}`,
      bieu_tuong:
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 24 24" fill="none"><path d="M12 2L2 7l10 5 10-5-10-5z" stroke="#000"/></svg>',
    }),
  (d) =>
    json('/hook', {
      object: 'page',
      entry: [{ messaging: [{ message: { mid: `m_${d.code(9)}`, text: `${d.sentence()} --> :"> ~~ <-- @@` } }] }],
    }),
]
