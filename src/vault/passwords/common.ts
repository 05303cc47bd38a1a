// The passwords that are tried first, here and elsewhere, in lower case. A short list for a node that has no list of
// breached passwords; with one (docs/passwords.md) some hundred million are known.
export const COMMON: ReadonlySet<string> = new Set(
  `123456 1234567 12345678 123456789 1234567890 12345 1234 123123 123321 123qwe 1q2w3e 1q2w3e4r 1q2w3e4r5t 1qaz2wsx 111111
  11111111 112233 121212 131313 159753 147258369 147258 222222 333333 444444 555555 666666 66666666 654321 696969 777777 7777777
  888888 88888888 987654321 999999 000000 00000000 00000 102030 123654 123123123 789456123 789456 741852963 963852741 0123456789
  0987654321 012345678 a123456 a12345678 aa123456 aa123456789 abc123 abc123456 abcd1234 abcdef abc12345 asd123 asdasd asdf1234
  asdfgh asdfghjkl q1w2e3r4 q1w2e3r4t5 qazwsx qazwsxedc qwe123 qweasd qweasdzxc qweqwe qwer1234 qwerty qwerty1 qwerty123
  qwerty123456 qwertyuiop zaq12wsx zxc123 zxcvbn zxcvbnm password password1 password12 password123 passw0rd p@ssw0rd p@ssword
  pass123 pass1234 admin admin123 admin1234 administrator root toor guest guest123 test test123 test1234 demo demo123 user user123
  welcome welcome1 welcome123 letmein iloveyou iloveyou1 monkey dragon master shadow superman batman football baseball princess
  sunshine michael jordan killer trustno1 starwars computer internet samsung iphone google facebook login hello hello123 secret
  changeme default matkhau matkhau1 matkhau123 mat_khau mậtkhẩu anhyeuem anhyeuem123 emyeuanh yeuem yeuanh toiyeuem anhnhoem
  emnhoanh nhoem vietnam vietnam1 vietnam123 vietnamvodich hanoi hanoi123 saigon saigon123 danang haiphong hochiminh khongbiet
  khongco khongcho khongnoi quenmatkhau matkhaula dangnhap dangnhap123 taikhoan concac congai contrai bome giadinh giadinhtoi
  hanhphuc maimai maimaiyeuem mylove tinhyeu tinhban honganh minhanh ngocanh thanhthao nguyen nguyen123 tran123 linh123 trang123
  hoa123456 anh123456 minh123456 tuan123456 hung123456 dung123456 nam123456 long123456 nhung123 phuong123 thao123 thuy123
  abc@123 abcd@1234 admin@123 aa@123456 a@123456 a@12345678 qwe@123 pass@123 vietnam@123 matkhau@123 khong123 11223344 12341234
  12345678910 123456a 123456abc 123456aa 1234567a 123456789a 12345678a 01234567 09876543 13579 246810 2468 1357924680 5201314 520520
  1314520 168168 686868 68686868 66668888 88886666 999999999 111222 111222333 222333 aaaaaa aaaaaaaa zzzzzz abcabc xxxxxx`.split(
    /\s+/,
  ),
)
