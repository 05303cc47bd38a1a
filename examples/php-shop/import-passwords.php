<?php

declare(strict_types=1);

// Hands the hashes of password_hash() over to the vault, which takes them as they are and makes each its own when its
// owner next signs in. May be run again at any time: what has moved is a token.

require getenv('KHIEN_CLIENT');
$khien = new Khien(getenv('KHIEN_ORIGIN'), getenv('KHIEN_PUBLIC'), trim(file_get_contents(getenv('KHIEN_KEY_FILE'))));
$db = new PDO(getenv('SHOP_DB'), null, null, [PDO::ATTR_ERRMODE => PDO::ERRMODE_EXCEPTION, PDO::ATTR_DEFAULT_FETCH_MODE => PDO::FETCH_ASSOC]);
$update = $db->prepare('update customers set password_hash = ? where id = ? and password_hash = ?');

[$taken, $left] = [0, 0];
$rows = $db->query("select id, khien_subject, password_hash from customers where khien_subject is not null and password_hash not like 'kh\\_%' order by id")->fetchAll();
foreach (array_chunk($rows, 200) as $part) {
    $answers = $khien->importPasswords(array_map(fn (array $row): array => ['subject' => $row['khien_subject'], 'hash' => $row['password_hash']], $part));
    foreach ($answers as $i => $answer) {
        if (!$answer['ok']) {
            fwrite(STDERR, "customer {$part[$i]['id']}: {$answer['code']}\n");
            $left++;
            continue;
        }
        // Only if nobody changed it meanwhile.
        $update->execute([KhienCells::placeToken($part[$i]['khien_subject'], 'account', 'password'), $part[$i]['id'], $part[$i]['password_hash']]);
        $taken += $update->rowCount();
    }
}
echo "$taken taken over, $left left\n";
exit($left > 0 ? 1 : 0);
