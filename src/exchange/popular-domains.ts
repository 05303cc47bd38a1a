/**
 * Registrable names that so many people use that listing one would harm more than any infection: written by hand for
 * this project (well-known services of the world and of Việt Nam, its banks, carriers, newspapers and authorities), in
 * November 2026. It is a safety catch, not a ranking; a deployment adds its own through the guard's settings.
 */
export const POPULAR_DOMAINS: ReadonlySet<string> = new Set(
  `
  google.com googleapis.com gstatic.com googleusercontent.com googlevideo.com google.com.vn youtube.com ytimg.com
  ggpht.com gmail.com android.com doubleclick.net google-analytics.com googletagmanager.com googleadservices.com
  googlesyndication.com withgoogle.com blogger.com chromium.org goo.gl youtu.be recaptcha.net
  facebook.com fbcdn.net facebook.net instagram.com cdninstagram.com whatsapp.com whatsapp.net messenger.com meta.com
  threads.net threads.com fb.com fb.me
  apple.com icloud.com mzstatic.com apple-dns.net cdn-apple.com aaplimg.com itunes.com
  microsoft.com windows.com windowsupdate.com live.com office.com office365.com outlook.com microsoftonline.com
  azure.com azureedge.net azure.net msn.com bing.com skype.com sharepoint.com msftncsi.com msftconnecttest.com
  visualstudio.com xbox.com linkedin.com licdn.com github.com githubusercontent.com npmjs.com npmjs.org
  amazon.com amazonaws.com cloudfront.net aws.com primevideo.com media-amazon.com twitch.tv imdb.com
  cloudflare.com cloudflare.net cloudflare-dns.com akamai.net akamaized.net akamaiedge.net akamai.com fastly.net
  fastly.com edgekey.net edgesuite.net jsdelivr.net unpkg.com cdnjs.com bootstrapcdn.com jquery.com
  twitter.com x.com twimg.com t.co tiktok.com tiktokcdn.com tiktokv.com byteoversea.com ibytedtos.com capcut.com
  snapchat.com pinterest.com pinimg.com reddit.com redd.it redditstatic.com redditmedia.com discord.com discordapp.com
  discord.gg telegram.org t.me telegram.me signal.org viber.com line.me wechat.com qq.com weixin.qq.com zoom.us
  zoom.com slack.com
  netflix.com nflxvideo.net nflximg.net spotify.com scdn.co soundcloud.com vimeo.com dailymotion.com disneyplus.com
  wikipedia.org wikimedia.org wiktionary.org archive.org mozilla.org mozilla.com mozilla.net firefox.com
  yahoo.com yimg.com duckduckgo.com baidu.com yandex.ru yandex.com naver.com
  adobe.com adobe.io oracle.com ibm.com intel.com nvidia.com amd.com samsung.com samsungcloud.com xiaomi.com
  mi.com miui.com huawei.com oppo.com vivo.com realme.com lenovo.com hp.com dell.com asus.com canon.com epson.com
  openai.com chatgpt.com oaistatic.com anthropic.com claude.ai
  paypal.com visa.com mastercard.com stripe.com wise.com westernunion.com
  dropbox.com dropboxstatic.com box.com wetransfer.com
  wordpress.com wordpress.org wp.com shopify.com wix.com squarespace.com medium.com tumblr.com quora.com
  stackoverflow.com stackexchange.com gitlab.com bitbucket.org docker.com docker.io pypi.org python.org debian.org
  ubuntu.com canonical.com fedoraproject.org centos.org archlinux.org kernel.org gnu.org apache.org nginx.org
  nodejs.org golang.org rust-lang.org crates.io php.net mysql.com postgresql.org sqlite.org maven.org
  letsencrypt.org digicert.com globalsign.com sectigo.com comodoca.com verisign.com godaddy.com namecheap.com
  ntp.org icann.org iana.org ietf.org w3.org first.org
  kaspersky.com eset.com avast.com avg.com bitdefender.com mcafee.com norton.com symantec.com trendmicro.com bkav.com
  bkav.com.vn cmccybersecurity.com malwarebytes.com virustotal.com clamav.net
  steampowered.com steamcommunity.com steamstatic.com epicgames.com roblox.com rbxcdn.com riotgames.com
  playstation.com nintendo.com ea.com blizzard.com garena.com garena.vn garenanow.com
  booking.com agoda.com airbnb.com traveloka.com tripadvisor.com grab.com be.com.vn gojek.com xanhsm.com
  alibaba.com aliexpress.com alicdn.com alipay.com taobao.com ebay.com shein.com temu.com
  shopee.vn shopee.com shopeemobile.com lazada.vn lazada.com tiki.vn tikicdn.com sendo.vn chotot.com
  thegioididong.com dienmayxanh.com bachhoaxanh.com fptshop.com.vn cellphones.com.vn hoanghamobile.com phongvu.vn
  zalo.me zaloapp.com zaloplay.com zalopay.vn zadn.vn zdn.vn zing.vn zingmp3.vn znews.vn vng.com.vn vnggames.com
  momo.vn viettelpay.vn viettelmoney.vn vnpay.vn payoo.vn shopeepay.vn
  vnexpress.net vnecdn.net tuoitre.vn tuoitre.com.vn thanhnien.vn dantri.com.vn vietnamnet.vn 24h.com.vn kenh14.vn
  cafef.vn cafebiz.vn soha.vn genk.vn vtv.vn vtv.gov.vn vov.vn vovgiaothong.vn nhandan.vn laodong.vn tienphong.vn
  nld.com.vn plo.vn baomoi.com vietnamplus.vn qdnd.vn cand.com.vn sggp.org.vn vtc.vn vtcnews.vn voz.vn tinhte.vn
  webtretho.com vatgia.com batdongsan.com.vn muaban.net vietnamworks.com topcv.vn careerbuilder.vn
  viettel.vn viettel.com.vn vietteltelecom.vn viettelidc.com.vn vnpt.vn vnpt.com.vn vinaphone.com.vn mobifone.vn
  fpt.vn fpt.com fpt.com.vn fptplay.vn fptcloud.com cmc.com.vn cmctelecom.vn vietnamobile.com.vn itel.vn saymee.vn
  vnnic.vn vnix.vn matbao.net pavietnam.vn tenten.vn nhanhoa.com bizflycloud.vn vccorp.vn admicro.vn coccoc.com
  vietcombank.com.vn vietinbank.vn bidv.com.vn bidv.vn agribank.com.vn techcombank.com techcombank.com.vn mbbank.com.vn
  vpbank.com.vn acb.com.vn sacombank.com.vn sacombank.com tpb.vn tpbank.vn vib.com.vn hdbank.com.vn shb.com.vn
  ocb.com.vn msb.com.vn seabank.com.vn eximbank.com.vn lpbank.com.vn namabank.com.vn abbank.vn bacabank.com.vn
  vietabank.com.vn kienlongbank.com pvcombank.com.vn napas.com.vn cake.vn timo.vn hsbc.com.vn
  chinhphu.vn dichvucong.gov.vn vneid.gov.vn bocongan.gov.vn mic.gov.vn mst.gov.vn moh.gov.vn moet.gov.vn mof.gov.vn
  gdt.gov.vn customs.gov.vn sbv.gov.vn vietnam.gov.vn baohiemxahoi.gov.vn vss.gov.vn ncsc.gov.vn khonggianmang.vn
  chongluadao.vn tinnhiemmang.vn evn.com.vn evnhcmc.vn evnhanoi.vn vietlott.vn vietnamairlines.com vietjetair.com
  bambooairways.com dsvn.vn vnpost.vn ghn.vn ghtk.vn giaohangtietkiem.vn viettelpost.com.vn jtexpress.vn
  vnu.edu.vn hust.edu.vn vnuhcm.edu.vn vinhomes.vn vingroup.net vinfast.com vinfastauto.com vinmec.com vinpearl.com
  `
    .trim()
    .split(/\s+/),
)

/**
 * Resolvers, services and whole networks that half the devices of a network talk to by address: written by hand from what
 * their owners publish (Google, Meta, Cloudflare, Apple, Fastly, GitHub, Akamai, CloudFront, Microsoft 365), in November
 * 2026. Networks that also rent machines to anybody (Azure, EC2, Google Cloud) are left out.
 */
export const POPULAR_ADDRESSES: ReadonlySet<string> = new Set(
  `
  8.8.8.8 8.8.4.4 1.1.1.1 1.0.0.1 9.9.9.9 149.112.112.112 208.67.222.222 208.67.220.220 94.140.14.14 94.140.15.15
  203.162.4.190 203.162.4.191 203.113.131.1 203.113.131.2 203.113.188.1 210.245.24.20 210.245.24.22
  2001:4860:4860::8888 2001:4860:4860::8844 2606:4700:4700::1111 2606:4700:4700::1001 2620:fe::fe 2620:fe::9
  8.8.4.0/24 8.8.8.0/24 64.233.160.0/19 74.125.0.0/16 108.177.0.0/17 142.250.0.0/15 172.217.0.0/16 173.194.0.0/16
  209.85.128.0/17 216.58.192.0/19 2001:4860::/32 2404:6800::/32 2607:f8b0::/32 2a00:1450::/32
  31.13.24.0/21 31.13.64.0/18 66.220.144.0/20 69.171.224.0/19 129.134.0.0/16 157.240.0.0/16 179.60.192.0/22
  185.60.216.0/22 2a03:2880::/32
  1.0.0.0/24 1.1.1.0/24 103.21.244.0/22 103.22.200.0/22 103.31.4.0/22 104.16.0.0/13 104.24.0.0/14 108.162.192.0/18 131.0.72.0/22
  141.101.64.0/18 162.158.0.0/15 172.64.0.0/13 173.245.48.0/20 188.114.96.0/20 190.93.240.0/20 197.234.240.0/22
  198.41.128.0/17 2400:cb00::/32 2405:8100::/32 2405:b500::/32 2606:4700::/32 2803:f800::/32 2a06:98c0::/29
  2c0f:f248::/32
  17.0.0.0/8 151.101.0.0/16 199.232.0.0/16 2a04:4e40::/32 140.82.112.0/20 185.199.108.0/22
  23.32.0.0/11 23.192.0.0/11 104.64.0.0/10 2a02:26f0::/32
  13.32.0.0/15 13.224.0.0/14 52.84.0.0/15 54.192.0.0/16 54.230.0.0/16 99.84.0.0/16 99.86.0.0/16 143.204.0.0/16
  2600:9000::/28
  13.107.128.0/22 40.96.0.0/13 40.104.0.0/15 52.96.0.0/14 132.245.0.0/16 150.171.32.0/22 204.79.197.0/24
  `
    .trim()
    .split(/\s+/),
)
