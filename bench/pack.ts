import { ATTACKS, LEFT_OPEN } from '../test/gateway/attacks.ts'
import { HELD_OUT } from '../test/gateway/attacks-held-out.ts'
import { BENIGN } from '../test/gateway/ordinary.ts'
import { judge, PLACES, type Shot } from '../test/gateway/pack.ts'
import { crsAbsent, crsRequests } from '../test/corpus/crs.ts'
import { ownMessages, packageDocuments, programs, readmes } from '../test/corpus/texts.ts'
import { ordinaryRequests } from '../test/corpus/vietnamese.ts'

// What rules/waf refuses and lets pass: of attacks, of ordinary requests, and of texts nobody wrote for it. `npm run bench -- pack`

const say = (name: string, refused: number, of: number, goal = '-'): void =>
  void process.stdout.write(
    `${name}\t${refused} of ${of}\t${of === 0 ? '-' : ((refused / of) * 100).toFixed(2)} %\trefused\t${goal}\n`,
  )
const refusedOf = (shots: Iterable<Shot>): [refused: number, of: number] => {
  let refused = 0
  let of = 0
  for (const shot of shots) {
    of++
    if (judge(shot).refused) refused++
  }
  return [refused, of]
}
/** Refused in at least one place as it is written: a form field, the query, or JSON. */
const anywhere = (value: string): boolean =>
  (['form', 'query', 'json'] as const).some((place) => judge(PLACES[place]!(value)).refused)
const flat = (lists: Readonly<Record<string, readonly string[]>>): string[] => Object.values(lists).flat()
const count = (values: readonly string[]): number => values.filter(anywhere).length

say('our own attacks', count(flat(ATTACKS)), flat(ATTACKS).length)
say('attacks left open on purpose', count(Object.keys(LEFT_OPEN)), Object.keys(LEFT_OPEN).length)
say('held-out attacks', count(flat(HELD_OUT)), flat(HELD_OUT).length)

if (crsAbsent !== false) process.stdout.write(`${crsAbsent}\n`)
else {
  const { requests, malformed } = crsRequests()
  const shotOf = ({ request }: (typeof requests)[number]): Shot => ({
    method: request.head.method,
    target: request.head.target,
    headers: request.head.headers,
    body: request.body,
  })
  const attacks = requests.filter(({ kind }) => kind === 'attack')
  for (const family of new Set(attacks.map((one) => one.family)))
    say(`CRS 4, ${family}`, ...refusedOf(attacks.filter((one) => one.family === family).map(shotOf)))
  say('CRS 4, attacks of 930 to 944, all paranoia levels', ...refusedOf(attacks.map(shotOf)), '≥ 95 %')
  const ordinary = requests.filter(({ kind }) => kind === 'ordinary')
  say('CRS 4, requests that one rule must pass (others may not)', ...refusedOf(ordinary.map(shotOf)))
  if (malformed > 0) process.stdout.write(`${malformed} requests no front end would pass on are left out\n`)
}

for (const seed of process.argv.slice(2).length > 0 ? process.argv.slice(2) : ['khien', 'bench-1', 'bench-2'])
  say(`ordinary Vietnamese requests, seed ${seed}`, ...refusedOf(ordinaryRequests(5_000, seed)), '≤ 0.1 %')
say(
  'ordinary texts, in every place',
  ...refusedOf(BENIGN.flatMap((value) => Object.values(PLACES).map((put) => put(value)))),
  '0',
)
const texts = {
  'sentences of our pages': ownMessages,
  'documents of Debian packages': packageDocuments,
  'READMEs of npm packages': readmes,
  'programs, twenty lines': programs,
}
for (const [name, source] of Object.entries(texts)) {
  const values = [...source()]
  say(`${name}, as a form field`, ...refusedOf(values.map((value) => PLACES['form']!(value))))
  say(`${name}, in JSON`, ...refusedOf(values.map((value) => PLACES['json']!(value))))
}
