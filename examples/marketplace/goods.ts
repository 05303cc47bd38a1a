export type Product = {
  readonly id: string
  readonly price: number
  readonly vi: string
  readonly en: string
  readonly about: { readonly vi: string; readonly en: string }
}

export const GOODS: readonly Product[] = [
  {
    id: 'non-la',
    price: 95_000,
    vi: 'Nón lá làng Chuông',
    en: 'Palm-leaf hat from Chuông',
    about: { vi: 'Mười sáu vành tre, khâu tay bằng cước.', en: 'Sixteen bamboo rings, sewn by hand.' },
  },
  {
    id: 'gom-bat-trang',
    price: 260_000,
    vi: 'Bộ ấm chén Bát Tràng',
    en: 'Tea set from Bát Tràng',
    about: { vi: 'Men rạn, một ấm và sáu chén.', en: 'Crackle glaze, one pot and six cups.' },
  },
  {
    id: 'lua-van-phuc',
    price: 480_000,
    vi: 'Khăn lụa Vạn Phúc',
    en: 'Silk scarf from Vạn Phúc',
    about: { vi: 'Tơ tằm dệt vân mây, 170 × 40 cm.', en: 'Mulberry silk with a cloud weave, 170 × 40 cm.' },
  },
  {
    id: 'may-tre',
    price: 150_000,
    vi: 'Giỏ mây Phú Vinh',
    en: 'Rattan basket from Phú Vinh',
    about: { vi: 'Mây nước phơi ba nắng, quai tết đôi.', en: 'Sun-dried rattan with a double braided handle.' },
  },
  {
    id: 'tranh-dong-ho',
    price: 120_000,
    vi: 'Tranh Đông Hồ “Đám cưới chuột”',
    en: 'Đông Hồ print “The mice’s wedding”',
    about: { vi: 'In năm màu trên giấy điệp.', en: 'Five colours on shell-coated paper.' },
  },
  {
    id: 'che-sen',
    price: 340_000,
    vi: 'Chè sen Tây Hồ',
    en: 'Lotus tea from West Lake',
    about: { vi: 'Ướp bằng gạo sen, hộp 100 g.', en: 'Scented with lotus anthers, 100 g.' },
  },
]
export const product = (id: string): Product | undefined => GOODS.find((item) => item.id === id)

/** Without marks and case, so that `ao lua` finds `Áo lụa`, typed on a keyboard with or without Vietnamese. */
export const plain = (text: string): string =>
  text.normalize('NFD').replace(/\p{M}/gu, '').replace(/[đĐ]/g, 'd').toLowerCase()
