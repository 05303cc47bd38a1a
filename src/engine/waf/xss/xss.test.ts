import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { readHtml } from './html.ts'
import { detectXss } from './index.ts'

const ATTACKS = [
  '<script>alert(1)</script>',
  '</title><ScRiPt src=//evil>',
  '" onmouseover="alert(1)',
  "' onfocus=alert(1) autofocus='",
  'x onclick=alert(1)',
  '<img src=x onerror=alert(1)>',
  '<svg/onload=alert(1)>',
  '<a href="java&#115;cript:alert(1)">',
  '<a href=" j\tava\nscript:alert(1)">',
  '<a href=javascript&colon;alert(1)>',
  '<x xmlns:xi="http://www.w3.org/2001/XInclude">',
  '<iframe srcdoc=x>',
  '<!--[if IE]>',
  '<!DOCTYPE html>',
  '<?xml version="1.0"?>',
  '<s\0cript>alert(1)',
  '<animate attributeName=href values=x>',
  'style=background:url(x)',
  '<svg:script>',
]
const ORDINARY = [
  '',
  'Xin chào các bạn',
  'a < b and c > d',
  'tôi <3 bạn',
  '<b>đậm</b> và <i>nghiêng</i>',
  '<a href="https://khien.vn/">trang</a>',
  '<img src="/anh.png" alt="ảnh">',
  'x = 5, style and onclick are words',
  'one=1&two=2',
  'price>=100',
  '<!-- ghi chú -->',
  '5 < 6 onwards',
  'on = off',
]
const latin1 = (text: string): string => Buffer.from(text).toString('latin1')

test('what a browser would run is told, ordinary markup is not', () => {
  for (const text of ATTACKS) assert.ok(detectXss(latin1(text)), `missed: ${text}`)
  for (const text of ORDINARY) assert.equal(detectXss(latin1(text)), false, `wrongly told: ${text}`)
})

test('pieces', () => {
  assert.deepEqual(readHtml('a <B c = "d>" e/f=\'g\' h>text</B><!-- i -->', 'text'), [
    { kind: 'tag', name: 'b' },
    { kind: 'attribute', name: 'c', value: 'd>' },
    { kind: 'attribute', name: 'e', value: undefined },
    { kind: 'attribute', name: 'f', value: 'g' },
    { kind: 'attribute', name: 'h', value: undefined },
    { kind: 'tag', name: 'b' },
    { kind: 'comment', text: ' i ' },
  ])
  assert.deepEqual(readHtml('x" y=z>', '"'), [{ kind: 'attribute', name: 'y', value: 'z' }])
})

test('any bytes end, and soon', () => {
  const bytes = fc.string({ unit: fc.constantFrom(...`<>!-?/='"\` \0\n&#;:xasonclick[]`), maxLength: 300 })
  fc.assert(
    fc.property(bytes, (text) => {
      detectXss(text)
    }),
    { numRuns: 3_000 },
  )
  for (const unit of ['<', '<a ', "<a b='", '<!--', '<![CDATA[', 'a"=\'`', '&#', '<\0']) {
    const began = performance.now()
    detectXss(unit.repeat(65_536))
    assert.ok(performance.now() - began < 2_000, unit)
  }
})
