import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { fold } from './fold.ts'
import { detectSqli } from './index.ts'
import { tokenise, type Quote } from './tokenise.ts'

const ATTACKS = [
  "1' or '1'='1",
  "' or 1=1-- -",
  "x' OR 'a'='a",
  '1 union select password from users',
  "1'/**/UnIoN/**/aLl/**/sElEcT/**/null,null-- ",
  '1; drop table users',
  "1;WAITFOR DELAY '0:0:5'--",
  '1) and sleep(5)#',
  "') or ('1'='1",
  "admin'--",
  "admin' #",
  '1 and (select count(*) from users)>0',
  "1' and extractvalue(1,concat(0x7e,version()))-- ",
  '1 order by 10--',
  "0' group by 1,2,3#",
  'sleep(5)',
  'select * from users where id=1',
  "' /*!50000or*/1='1",
  "2010-01-01' sleep(20.to_i) '",
  "1);declare @q varchar(99);set @q='\\\\\\\\evil'",
  "'||(select 1)||'",
  "' UNION SELECT NULL,NULL,CONCAT('a','b')-- sqCV",
  '9999 or /* hint */ true',
  '-1 UNION SELECT 1,2,@@version--',
]
const ORDINARY = [
  '',
  'Nguyễn Văn An',
  "O'Brien",
  "It's 5 o'clock and we're late",
  'Số 12, ngõ 34/5 phố Trần Đại Nghĩa, Hà Nội',
  'select the best from our list; insert coin to continue',
  'the student union select committee meets on Monday',
  'drop me a line, or call 0912 345 678',
  'C# and F# -- a comparison',
  '50% off & free shipping',
  'rock and roll or jazz',
  '1 or 2 people',
  "Rock 'n' Roll",
  '"to be or not to be"',
  '10 - 2 = 8',
  '(see page 12) -- more below',
  'a/b testing, order by phone, group by age',
  'SELECT là câu lệnh; tôi học SQL',
  "l'amour toujours; c'est la vie",
  'union',
  'Table 3; Figure 4',
  'x = 5; y = 10',
  '2026-11-22T10:00:00+07:00',
  'a@b.vn',
  'https://khien.vn/tim?q=ao+dai&page=2',
]
const latin1 = (text: string): string => Buffer.from(text).toString('latin1')

test('SQL that continues a statement is told, ordinary writing is not', () => {
  for (const text of ATTACKS) assert.ok(detectSqli(latin1(text)), `missed: ${text}`)
  for (const text of ORDINARY) assert.equal(detectSqli(latin1(text)), undefined, `wrongly told: ${text}`)
})

test('shapes', () => {
  const cases: readonly (readonly [text: string, quote: Quote, shape: string])[] = [
    ["x' or 1=1 -- ", "'", 's&1c'],
    ['1+2*3, 4, 5', '', '1'],
    ['1 UNION/**/ALL SELECT a.b', '', '1UEn'],
    ["'a' 'b' \"c\"", '', 's'],
    ["'it''s' = q'x'", '', 'sos'],
    ['$tag$ any; thing $tag$ and 1', '', 's&1'],
    ['`user`.`name` not like @@v', '', 'nov'],
    ['0x1F 1.5e3 .5', '', '111'],
    ['((((a', '', 'n'],
  ]
  for (const [text, quote, shape] of cases)
    assert.equal(
      fold(tokenise(text, quote, 'standard', 64), 6)
        .map(({ kind }) => kind)
        .join(''),
      shape,
      text,
    )
})

test('any bytes end, and soon', () => {
  const bytes = fc.string({
    unit: fc.constantFrom(...`'"\`\\;,.()[]{}$@#-/*!&|=<>+ \0\n1aeox_union select or from`),
    maxLength: 300,
  })
  fc.assert(
    fc.property(bytes, (text) => {
      detectSqli(text)
    }),
    { numRuns: 3_000 },
  )
  for (const unit of ["'", '$a', '[', '/*', '1', "q'", ';if ', '((', "a' or "]) {
    const began = performance.now()
    detectSqli(unit.repeat(65_536))
    assert.ok(performance.now() - began < 1_000, unit)
  }
})
