import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { toLatin1, utf8 } from '../../src/engine/bytes/latin1.ts'
import { compileRules, openTransaction, type Plan, type Verdict } from '../../src/engine/waf/index.ts'

export const PACK_FOLDER = join(import.meta.dirname, '../../rules/waf')
export const packFiles = (): { name: string; text: string }[] =>
  readdirSync(PACK_FOLDER)
    .filter((name) => name.endsWith('.conf'))
    .sort()
    .map((name) => ({ name, text: toLatin1(readFileSync(join(PACK_FOLDER, name))) }))
export const pack: Plan = compileRules(packFiles())

const BROWSER = [
  ['Host', 'shop.example.vn'],
  [
    'User-Agent',
    'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/139.0.0.0 Safari/537.36',
  ],
  ['Accept', 'text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,*/*;q=0.8'],
  ['Accept-Language', 'vi-VN,vi;q=0.9,en;q=0.8'],
] as const

export type Shot = {
  method?: string
  target?: string
  headers?: readonly (readonly [string, string])[]
  body?: Uint8Array
}

export function judge(
  { method = 'GET', target = '/', headers = [], body = new Uint8Array() }: Shot,
  plan: Plan = pack,
): Verdict {
  const transaction = openTransaction(plan, {
    method,
    target,
    httpVersion: '1.1',
    headers: [...BROWSER.filter(([name]) => !headers.some(([other]) => other === name)), ...headers],
    clientAddress: '203.0.113.9',
    clientPort: 40000,
  })
  const head = transaction.inspectHead()
  return head.refused ? head : transaction.inspectBody(body)
}

const enc = encodeURIComponent
const text = (value: string): Uint8Array => new TextEncoder().encode(value)
const form = 'application/x-www-form-urlencoded'

/** The same value in every place a request can carry one. `twice` encodes it once more than the place asks for. */
export const PLACES: Readonly<Record<string, (value: string, twice?: boolean) => Shot>> = {
  query: (v, twice) => ({ target: `/tim?q=${twice === true ? enc(enc(v)) : enc(v)}` }),
  'query name': (v, twice) => ({ target: `/tim?${twice === true ? enc(enc(v)) : enc(v)}=1` }),
  form: (v, twice) => ({
    method: 'POST',
    headers: [['Content-Type', form]],
    body: text(`a=1&q=${twice === true ? enc(enc(v)) : enc(v)}`),
  }),
  json: (v, twice) => ({
    method: 'POST',
    headers: [['Content-Type', 'application/json; charset=utf-8']],
    body: text(JSON.stringify({ a: [1, { b: twice === true ? enc(v) : v }] })),
  }),
  multipart: (v, twice) => ({
    method: 'POST',
    headers: [['Content-Type', 'multipart/form-data; boundary=----vn9']],
    body: text(
      `------vn9\r\nContent-Disposition: form-data; name="q"\r\n\r\n${twice === true ? enc(v) : v}\r\n------vn9--\r\n`,
    ),
  }),
  'user-agent': (v, twice) => ({ headers: [['User-Agent', header(v, twice)]] }),
  referer: (v, twice) => ({ headers: [['Referer', header(v, twice)]] }),
  'x-custom': (v, twice) => ({ headers: [['X-Shop-Note', header(v, twice)]] }),
  cookie: (v, twice) => ({ headers: [['Cookie', `sid=1; q=${twice === true ? enc(enc(v)) : enc(v)}`]] }),
  'raw text': (v, twice) => ({
    method: 'POST',
    headers: [['Content-Type', 'text/plain']],
    body: text(twice === true ? enc(v) : v),
  }),
}
// A header cannot hold line ends; browsers send other bytes as they are.
const header = (value: string, twice?: boolean): string =>
  twice === true ? enc(value) : utf8(value.replace(/[\r\n\t]+/g, ' '))
