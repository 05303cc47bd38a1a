/** Paper and indigo, as Khiên's own pages; one sheet, no script, readable at 360 px. */
const font = (subset: string, weight: number, range: string): string =>
  `@font-face{font-family:"Be Vietnam Pro";font-weight:${weight};font-display:swap;src:url(/_/be-vietnam-pro-${subset}-${weight}-normal.woff2) format("woff2");unicode-range:${range}}`
const VIETNAMESE =
  'U+102-103,U+110-111,U+128-129,U+168-169,U+1A0-1A1,U+1AF-1B0,U+300-301,U+303-304,U+308-309,U+323,U+329,U+1EA0-1EF9,U+20AB'
const LATIN = 'U+0-FF,U+131,U+152-153,U+2BB-2BC,U+2C6,U+2DA,U+2DC,U+2000-206F,U+20AC,U+2122,U+2191,U+2193,U+2212,U+2215'

export const STYLE = `${[400, 600].flatMap((weight) => [font('vietnamese', weight, VIETNAMESE), font('latin', weight, LATIN)]).join('\n')}
:root{--paper:#f6f6f3;--sheet:#fefefd;--line:#e0e0dc;--line-2:#c9c9c4;--edge:#7c808a;--ink:#151b2a;--ink-2:#404654;--accent:#264690;--accent-2:#193578;--accent-line:#aabee5;--on-accent:#fdfdff;--son:#ae1515;--son-soft:#ffebe8}
@media(prefers-color-scheme:dark){:root{color-scheme:dark;--paper:#0d1017;--sheet:#13171f;--line:#272c37;--line-2:#3a404d;--edge:#7d8493;--ink:#e9ebf0;--ink-2:#b9bfca;--accent:#9db8f2;--accent-2:#c0d2f8;--accent-line:#3d5591;--on-accent:#0d1526;--son:#ff9d92;--son-soft:#3a1512}}
*,*::before,*::after{box-sizing:border-box}
html{-webkit-text-size-adjust:100%}
body{margin:0;background:var(--sheet);color:var(--ink);font:17px/27px "Be Vietnam Pro",system-ui,sans-serif;overflow-wrap:break-word}
h1,h2,h3,p,ul,dl,dd,fieldset{margin:0;padding:0}ul{list-style:none}fieldset{border:0;min-width:0}legend{padding:0}
a{color:var(--accent);text-underline-offset:3px;text-decoration-thickness:1px;text-decoration-color:var(--accent-line)}a:hover{color:var(--accent-2)}
button,input,select,textarea{font:inherit;color:inherit}
:focus-visible{outline:3px solid var(--accent);outline-offset:3px;border-radius:3px}
.skip{position:absolute;left:8px;top:-80px;padding:8px 16px;background:var(--accent);color:var(--on-accent)}.skip:focus{top:8px}
header,footer{background:var(--paper);border-bottom:1px solid var(--line)}footer{border:0;border-top:1px solid var(--line);color:var(--ink-2)}
header>div,footer>div{max-width:1080px;margin:0 auto;padding:8px 20px;display:flex;flex-wrap:wrap;align-items:center;gap:0 20px;font-size:15px;line-height:24px}footer>div{padding-block:20px}
header a{display:flex;align-items:center;min-height:44px}.own{gap:10px;color:var(--ink);font-weight:600;text-decoration:none}.own img{display:block}
nav{display:flex;flex-wrap:wrap;gap:0 20px}nav a[aria-current]{color:var(--ink);font-weight:600;text-decoration:none}.lang{margin-left:auto}
main{max-width:680px;margin:0 auto;padding:32px 20px 64px;outline:none}main:has(.goods){max-width:1080px}
h1{font-size:32px;line-height:42px;font-weight:600;letter-spacing:-.015em;text-wrap:balance;margin-bottom:8px}
h2{font-size:20px;line-height:30px;font-weight:600;margin:36px 0 8px}.goods h2,.rows h2,.box h2{margin:0 0 4px}legend h2{margin:12px 0 4px}h3{font-size:17px;line-height:27px;font-weight:600}
p+p{margin-top:12px}.lead{font-size:19px;line-height:30px}.soft,small{color:var(--ink-2);font-size:15px;line-height:23px}
.btn{display:inline-flex;align-items:center;justify-content:center;min-height:48px;padding:9px 20px;border:1px solid var(--edge);border-radius:6px;background:var(--sheet);color:var(--ink);font-weight:600;text-decoration:none;cursor:pointer}.btn:hover{background:var(--paper)}
.btn.go{background:var(--accent);border-color:var(--accent);color:var(--on-accent)}.btn.go:hover{background:var(--accent-2)}
.row{display:flex;flex-wrap:wrap;gap:12px;margin-top:24px}
.field{margin:20px 0}.field label{display:block;font-weight:600}.field small{display:block;margin-bottom:6px}
input:not([type=checkbox]):not([type=radio]),select,textarea{width:100%;min-height:48px;padding:9px 14px;border:2px solid var(--edge);border-radius:6px;background:var(--sheet)}textarea{resize:vertical}
input[aria-invalid],textarea[aria-invalid]{border-color:var(--son)}.wrong{display:block;margin-top:6px;color:var(--son);font-weight:600;font-size:15px;line-height:23px}
.trouble{border-left:6px solid var(--son);background:var(--son-soft);padding:10px 16px;margin:16px 0}
.find{display:flex;gap:12px;align-items:end;max-width:560px;margin:20px 0 32px}.find .field{flex:1;margin:0;min-width:0}.find .btn{width:auto!important}
.goods{display:grid;grid-template-columns:repeat(auto-fill,minmax(min(300px,100%),1fr));gap:0 40px}
.goods>li{border-top:1px solid var(--line-2);padding:18px 0 24px}.goods p{margin:0;color:var(--ink-2);font-size:15px;line-height:23px}.goods .price{color:var(--ink);font-weight:600;margin-top:4px}
legend+.soft{margin-bottom:12px}.rows{margin-top:20px}.rows>li{border-top:1px solid var(--line-2);padding:16px 0}.rows>li:last-child{border-bottom:1px solid var(--line-2)}.rows p{margin:2px 0 0}.rows form{margin-top:10px}
.tick{display:flex;gap:14px;align-items:flex-start;padding:16px 0;border-top:1px solid var(--line-2)}.tick input{width:24px;height:24px;margin:2px 0 0;flex:none;accent-color:var(--accent)}.tick label{font-weight:600}.tick p{margin:2px 0 0}
.box{background:var(--paper);border:1px solid var(--line);border-radius:6px;padding:16px 20px;margin:20px 0}
.box summary{cursor:pointer;color:var(--accent);font-weight:600;min-height:28px}.box li{margin-top:10px}
.slip{border:2px solid var(--ink);border-radius:6px;padding:20px 24px;margin:24px 0}.slip .code{font-size:26px;line-height:38px;font-weight:600}
code,.code{font-family:ui-monospace,"SF Mono","Roboto Mono",Menlo,Consolas,monospace;font-size:.94em;overflow-wrap:anywhere}
dl{display:grid;grid-template-columns:180px minmax(0,1fr);gap:8px 20px;margin:20px 0}dt{color:var(--ink-2)}dd{min-width:0}
pre{white-space:pre-wrap;font:inherit;background:var(--paper);padding:12px 16px;border-left:3px solid var(--line-2);margin:12px 0}
@media(max-width:560px){h1{font-size:27px;line-height:37px}main{padding:24px 16px 48px}header>div,footer>div{padding-inline:16px}nav{order:3;width:100%}.row .btn,form>.btn{width:100%}dl{display:block}dd{margin-bottom:12px}.slip{padding:16px}.slip .code{font-size:22px}}
`
export const MARK =
  '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 24 24"><g fill="#264690"><path d="M12 3c2.6 3 3.9 6 3.9 9s-1.3 6-3.9 9c-2.6-3-3.9-6-3.9-9S9.4 6 12 3Z"/><path d="M3 9.5c3.300.3 5.400 1.500 6.400 3.600.7 1.900 1.100 4.400 1.100 7.400C5.600 18.700 3.100 15.100 3 9.500Z" opacity=".75"/><path d="M21 9.500c-3.300.300-5.400 1.500-6.400 3.600-.700 1.900-1.100 4.400-1.100 7.400 4.900-1.800 7.400-5.400 7.500-11Z" opacity=".75"/></g></svg>'
