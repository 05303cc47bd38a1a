import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { createKhien, folderSpool, newSubject, placeToken } from '../../src/client/node.ts'
import { php, phpSkip } from './php.ts'
import { vaultProcess, type VaultProcess } from './vault-process.ts'

let vault: VaultProcess
before(async () => {
  if (phpSkip === false) vault = await vaultProcess()
})
after(() => vault?.[Symbol.asyncDispose]())

const folder = (): string => mkdtempSync(join(tmpdir(), 'khien-php-'))
/** Lines of PHP with `$khien` made of the running vault. */
function play<T>(code: string, given: Record<string, unknown> = {}): T {
  const { origin, publicOrigin, key } = vault
  return php<T>(
    `$khien = new Khien($in['origin'], $in['publicOrigin'], $in['key'], array_filter(['spool' => $in['spool'] ?? null, 'timeout' => $in['timeout'] ?? null, 'soonTimeout' => $in['soonTimeout'] ?? null, 'maxItems' => $in['maxItems'] ?? null, 'onDelivered' => function ($one) { global $heard; $heard[] = $one; }]));
     $heard = [];
     $refused = function (callable $work) { try { $work(); } catch (KhienException $e) { return [$e->errorCode, $e->status, $e->field]; } return 'nothing'; };
     ${code}`,
    { origin, publicOrigin, key, ...given },
  )
}
const declare = `
  $both = fn ($text) => ['vi' => $text, 'en' => $text];
  $declared = $khien->declare($both('Thông báo'), [
    ['id' => 'invoice', 'title' => $both('Hóa đơn'), 'what' => $both('Giữ'), 'ground' => 'law', 'duty' => $both('giữ hóa đơn'), 'fields' => ['person.name', 'person.phone', 'person.email', 'account.password'], 'recipients' => []],
    ['id' => 'delivery', 'title' => $both('Giao'), 'what' => $both('Giao'), 'ground' => 'agreement', 'agreement' => 'order', 'fields' => ['person.name', 'person.phone'], 'recipients' => []],
    ['id' => 'news', 'title' => $both('Thư'), 'what' => $both('Thư'), 'ground' => 'consent', 'ifWithdrawn' => $both('thôi'), 'fields' => ['person.email'], 'recipients' => []],
  ]);`

type Put = { ok: boolean; code?: string; tokens: Record<string, string> }
type Life = Readonly<Record<string, unknown>> & { readonly put: Put[]; readonly subject: string }

test(
  'a whole life in PHP: put, tokens, get, search, password, agreement, consent, update, export, erase, shred',
  { skip: phpSkip },
  () => {
    const out = play<Life>(`${declare}
    $s = Khien::newSubject();
    $person = fn ($fields) => [['subject' => $s, 'collection' => 'person', 'fields' => $fields]];
    $read = fn ($purpose, $field) => $khien->get($purpose, 'DH-1', $person([$field]))[0];
    $out['put'] = $khien->put([...$person(['name' => 'Nguyễn Thị Hoa', 'phone' => '0912 345 678', 'email' => 'hoa@thu.example']), ['subject' => $s, 'collection' => 'account', 'fields' => ['password' => 'mật khẩu của Hoa']], ...$person(['phone' => '12'])]);
    $out['check'] = $khien->check($person(['phone' => 'x']))[0]['code'];
    $out['tokens'] = $khien->tokens('person', 'phone', ['+84912345678']);
    $out['before'] = $read('delivery', 'name');
    $khien->openAgreement($s, 'order', 'DH-1');
    $out['name'] = $read('delivery', 'name');
    $khien->closeAgreement($s, 'order', 'DH-1');
    $out['closed'] = $read('delivery', 'name')['code'];
    $out['consent'] = $khien->decide(['subject' => $s, 'notice' => $declared['notice']['version'], 'language' => 'vi', 'method' => 'web-form', 'decisions' => [['purpose' => 'news', 'version' => 1, 'given' => true]]])['code'];
    $out['news'] = $read('news', 'email');
    $khien->withdraw($s, 'news');
    $out['withdrawn'] = [$read('news', 'email')['code'], count($khien->consents($s))];
    $out['found'] = $khien->search('invoice', 'DH-1', 'person', 'email', 'HOA@thu.example');
    $out['last'] = $khien->search('invoice', 'DH-1', 'person', 'phone', '5678', 'last');
    $out['password'] = [$khien->checkPassword('invoice', 'login', $s, 'mật khẩu của Hoa'), $khien->checkPassword('invoice', 'login', $s, 'sai')];
    $khien->update($person(['name' => 'Hoa Mai']));
    $t = Khien::newSubject();
    $out['imported'] = $khien->importPasswords([['subject' => $t, 'hash' => password_hash('mật khẩu cũ của Lan', PASSWORD_BCRYPT, ['cost' => 5])]])[0];
    $khien->openAgreement($t, 'order', 'DH-1');
    $out['taken'] = $khien->checkPassword('invoice', 'login', $t, 'mật khẩu cũ của Lan');
    $out['relay'] = $refused(fn () => $khien->relay('nobody', 'invoice', 'DH-1', [['id' => 'L-1', 'subject' => $t, 'body' => ['to' => '{{person.phone}}']]]))[1];
    $out['masked'] = $khien->getMasked('invoice', 'DH-1', $person(['name', 'phone']))[0];
    $out['export'] = $khien->export('invoice', 'DH-1', $s)['records'];
    $out['erased'] = $khien->erase('DH-1', $person(['phone']));
    $out['after'] = $read('invoice', 'phone');
    $out['receipt'] = isset($khien->shred($s, 'DH-1')['unreadableHere']);
    $out['gone'] = $read('invoice', 'name');
    $out['link'] = $khien->handoverLink($s);
    $out['collections'] = count($khien->collections()) > 5;
    $out['subject'] = $s;`)
    const { subject } = out
    assert.deepEqual(
      out.put.map((one) => one.code ?? one.ok),
      [true, true, 'vault/not-a-phone'],
    )
    assert.match(out.put[0]!.tokens['phone']!, /^kh_/)
    assert.deepEqual(out['tokens'], [out.put[0]!.tokens['phone']!])
    assert.partialDeepStrictEqual(out, {
      check: 'vault/not-a-phone',
      before: { ok: false, code: 'vault/no-agreement' },
      name: { ok: true, fields: { name: 'Nguyễn Thị Hoa' } },
      closed: 'vault/no-agreement',
      news: { ok: true, fields: { email: 'hoa@thu.example' } },
      withdrawn: ['vault/no-consent', 1],
      found: [{ subject, record: '-' }],
      last: [{ subject, record: '-' }],
      password: [true, false],
      imported: { ok: true, scheme: 'bcrypt' },
      taken: true,
      masked: { ok: true, stale: false },
      erased: [{ ok: true, erased: 1 }],
      after: { ok: true, fields: { phone: null } },
      receipt: true,
      collections: true,
    })
    assert.doesNotMatch(JSON.stringify(out['masked']), /Hoa Mai|912345/)
    assert.match(JSON.stringify(out['export']), /Hoa Mai/)
    assert.doesNotMatch(JSON.stringify(out['gone']), /Hoa/)
  },
)

test('tokens of a place are the same in PHP and in TypeScript', { skip: phpSkip }, async () => {
  const subject = newSubject()
  const place = { subject, collection: 'order', record: 'orders.12', field: 'address' }
  const given = `KhienCells::placeToken($in, 'order', 'address', 'orders.12')`
  assert.deepEqual(
    php<unknown[]>(`$t = ${given}; $out = [$t, KhienCells::isToken($t), KhienCells::isToken('kh_')];`, subject),
    [await placeToken(place), true, false],
  )
})

test('a link to a person’s own pages opens them', { skip: phpSkip }, async () => {
  const link = play<string>('$out = $khien->handoverLink(Khien::newSubject());')
  const answer = await fetch(link, { redirect: 'manual' })
  assert.equal(answer.status, 303, await answer.text())
  assert.ok(answer.headers.getSetCookie().length > 0)
})

test('errors are one class with code, status and field', { skip: phpSkip }, () => {
  const out = play<unknown[]>(`${declare}
    $s = Khien::newSubject();
    $out[] = $refused(fn () => $khien->put([['subject' => 'nobody', 'collection' => 'person', 'fields' => ['name' => 'x']]]));
    $out[] = $refused(fn () => $khien->search('invoice', 'x', 'person', 'name', 'Hoa'));
    $out[] = $refused(fn () => $khien->putSoon([]));
    $out[] = $refused(fn () => new Khien('http://x', 'http://x', 'secret'));
    $out[] = $refused(fn () => (new Khien($in['origin'], '', 'khk_' . str_repeat('0', 26) . '_' . str_repeat('a', 43)))->processing());
    $out[] = $refused(fn () => (new Khien('http://127.0.0.1:9', '', $in['key'], ['timeout' => 0.1]))->processing());`)
  assert.deepEqual(out, [
    ['http/invalid', 400, 'body.items.0.subject'],
    ['vault/not-indexed', 400, 'body.field'],
    ['client/no-spool', 0, null],
    ['client/invalid', 0, 'key'],
    ['identity/bad-key', 401, 'header.authorization'],
    ['client/unreachable', 0, null],
  ])
})

test(
  'the vault goes away: writes are sealed and kept, later requests wait for nothing, masks are shown, PHP and Node deliver from one folder',
  { skip: phpSkip, timeout: 90_000 },
  async () => {
    const spool = folder()
    const [a, b, c] = [newSubject(), newSubject(), newSubject()]
    const person = `$person = fn ($s, $fields) => [['subject' => $s, 'collection' => 'person', 'fields' => $fields]];`
    const up = play<Put[]>(
      `${declare} ${person}
    $out = $khien->putSoon($person($in['a'], ['name' => 'Hoa', 'phone' => '0912345678']));`,
      { a, spool },
    )
    assert.match(up[0]!.tokens['phone']!, /^kh_/)

    const masks = play<object[]>(
      `${person}
    $khien->getMasked('invoice', 'x', $person($in['a'], ['name', 'phone']));
    file_put_contents($in['spool'] . '/away', sprintf('%.3f', microtime(true) + 60));
    $out = [$khien->getMasked('invoice', 'x', $person($in['a'], ['phone']))[0], $khien->getMasked('invoice', 'x', $person($in['b'], ['phone']))[0]];
    unlink($in['spool'] . '/away');`,
      { a, b, spool },
    )
    assert.partialDeepStrictEqual(masks, [
      { ok: true, stale: true },
      { ok: false, code: 'client/unreachable' },
    ])

    await vault.kill()
    const away = play<{
      said: { ok: boolean; spooled: string }[][]
      slowest: number
      ms: number
      counts: object
      read: unknown
    }>(
      `${person}
    $times = [];
    foreach (range(0, 9) as $i) { $began = hrtime(true); $out['said'][] = $khien->putSoon([...$person($in['b'], ['name' => "Ba $i"]), ...$person($in['c'], ['phone' => 'không phải số'])]); $times[] = (hrtime(true) - $began) / 1e6; }
    $out['slowest'] = max(array_slice($times, 1));
    $began = hrtime(true); $out['read'] = $refused(fn () => $khien->get('invoice', 'x', $person($in['a'], ['name']))); $out['ms'] = (hrtime(true) - $began) / 1e6;
    $out['counts'] = $khien->spooled();`,
      { a, b, c, spool },
    )
    assert.ok(away.said.flat().every((one) => one.ok && one.spooled.startsWith('inb_')))
    assert.deepEqual(away.counts, { pending: 20, refused: 0, delivered: 0 })
    assert.deepEqual(away.read, ['client/unreachable', 0, null])
    assert.ok(away.ms < 50 && away.slowest < 200, `${away.ms} ${away.slowest}`)
    for (const name of readdirSync(join(spool, 'waiting')))
      assert.doesNotMatch(readFileSync(join(spool, 'waiting', name), 'utf8'), /Ba |không phải/)

    // Another language's client adds to the same folder and knows the key that PHP left there.
    const { origin, publicOrigin, key } = vault
    const node = createKhien({ origin, publicOrigin, key, timeoutMs: 300, spool: await folderSpool(spool) })
    const [kept] = await node.putSoon([{ subject: a, collection: 'person', fields: { name: 'Hoa từ Node' } }])
    assert.ok(kept!.ok && 'spooled' in kept!)
    await node.close()
    assert.equal(play<{ pending: number }>('$out = $khien->deliver(1);', { spool }).pending, 21)

    await vault.start()
    const back = play<object>(
      `${person}
    for ($i = 0; $i < 40 && $khien->spooled()['pending'] > 0; $i++) { $khien->deliver(5); usleep(100000); }
    $out['counts'] = $khien->spooled();
    $out['heard'] = count($heard);
    $out['codes'] = array_values(array_unique(array_map(fn ($one) => $one['ok'] ? 'ok' : $one['code'], $heard)));
    $out['names'] = array_map(fn ($one) => $one['fields']['name'], $khien->get('invoice', 'x', [...$person($in['a'], ['name']), ...$person($in['b'], ['name'])]));`,
      { a, b, spool },
    )
    assert.deepEqual(back, {
      // Of ten writings of one field in a batch the newest is judged; the others are taken and have nothing to say any more.
      counts: { pending: 0, refused: 1, delivered: 20 },
      heard: 21,
      codes: ['ok', 'vault/not-a-phone'],
      names: ['Hoa từ Node', 'Ba 9'],
    })

    // And the other way: what PHP keeps, Node delivers.
    await vault.kill()
    play(`${person} $out = $khien->putSoon($person($in['c'], ['name' => 'Từ PHP']));`, { c, spool })
    await vault.start()
    const again = createKhien({ origin, publicOrigin, key, spool: await folderSpool(spool) })
    for (let tries = 0; (await again.spooled()).pending > 0 && tries < 100; tries++)
      await new Promise((r) => setTimeout(r, 50))
    const { items } = await again.get({
      purpose: 'invoice',
      reason: 'x',
      items: [{ subject: c, collection: 'person', fields: ['name'] }],
    })
    assert.deepEqual(items, [{ ok: true, fields: { name: 'Từ PHP' } }])
    await again.close()
  },
)

test('a spool of PHP is bounded, synced and closed to others', { skip: phpSkip }, () => {
  const spool = folder()
  const out = play<{ full: unknown; taken: string[]; counts: object; after: object; mode: string[] }>(
    `$spool = new KhienSpool($in['spool'], 3);
    $item = fn ($i) => ['id' => 'inb_' . str_pad((string) $i, 26, '0', STR_PAD_LEFT), 'key' => 'k', 'at' => $i, 'sealed' => 'x'];
    $spool->add([$item(1), $item(2)]);
    $out['full'] = $refused(fn () => $spool->add([$item(3), $item(4)]));
    file_put_contents($in['spool'] . '/waiting/inb_bad.json', '{');
    $out['taken'] = array_column($spool->take(10, 1000000), 'id');
    $out['counts'] = $spool->counts();
    unset($spool);
    $out['after'] = (new KhienSpool($in['spool'], 3))->counts();
    $out['mode'] = [decoct(fileperms($in['spool'] . '/waiting') & 0777), decoct(fileperms($in['spool'] . '/waiting/inb_' . str_pad('1', 26, '0', STR_PAD_LEFT) . '.json') & 0777)];`,
    { spool },
  )
  assert.deepEqual(out.full, ['client/spool-full', 0, null])
  assert.equal(out.taken.length, 2)
  assert.deepEqual(
    [out.counts, out.after],
    [
      { pending: 2, refused: 1 },
      { pending: 2, refused: 1 },
    ],
  )
  assert.deepEqual(out.mode, ['700', '600'])
})

const traced = ((): boolean => {
  try {
    execFileSync('strace', ['-V'], { stdio: 'ignore' })
    return true
  } catch {
    return false
  }
})()
test(
  'an item of PHP is on the disk before putSoon answers',
  { skip: phpSkip || (!traced && 'strace is not installed (Debian: apt install strace)') },
  () => {
    const [spool, trace] = [folder(), join(folder(), 'trace')]
    const client = join(import.meta.dirname, '../../clients/php/Khien.php')
    const program = `require ${JSON.stringify(client)}; (new KhienSpool(${JSON.stringify(spool)}, 9))->add([['id' => 'inb_1', 'key' => 'k', 'at' => 1, 'sealed' => 'x']]); echo 'ADDED';`
    execFileSync('strace', ['-f', '-y', '-o', trace, '-e', 'trace=fsync,rename,write', 'php', '-r', program], {
      stdio: 'ignore',
    })
    const lines = readFileSync(trace, 'utf8').split('\n')
    const at = (pattern: RegExp): number => lines.findIndex((line) => pattern.test(line))
    const order = [
      at(/fsync\(\d+<[^>]*\/new\/inb_1/),
      at(/rename.*waiting\/inb_1/),
      at(/fsync\(\d+<[^>]*\/waiting>/),
      at(/ADDED/),
    ]
    assert.ok(order[0]! >= 0 && order.every((line, i) => i === 0 || line > order[i - 1]!), String(order))
  },
)
