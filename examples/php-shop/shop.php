<?php

declare(strict_types=1);

// A small shop in PHP and PostgreSQL, as it is before it knows Khiên: SHOP_DB=pgsql:… php -S 127.0.0.1:8000 shop.php
// khien.patch holds the lines that change when people's data moves into the vault.

$db = new PDO(getenv('SHOP_DB'), null, null, [PDO::ATTR_ERRMODE => PDO::ERRMODE_EXCEPTION, PDO::ATTR_DEFAULT_FETCH_MODE => PDO::FETCH_ASSOC]);

function query(string $sql, array $values = []): array
{
    global $db;
    $statement = $db->prepare($sql);
    $statement->execute($values);
    return $statement->fetchAll();
}

function html(?string $text): string
{
    return htmlspecialchars($text ?? '', ENT_QUOTES | ENT_SUBSTITUTE);
}

function page(string $title, string $body, int $status = 200): never
{
    http_response_code($status);
    header('content-type: text/html; charset=utf-8');
    header("content-security-policy: default-src 'none'; form-action 'self'");
    echo "<!doctype html><html lang=\"vi\"><meta charset=\"utf-8\"><title>$title</title><h1>$title</h1>$body</html>";
    exit;
}

function field(string $name, int $longest): string
{
    $value = trim((string) ($_POST[$name] ?? ''));
    if ($value === '' || iconv_strlen($value) > $longest) {
        page('Thiếu thông tin', "<p>Hãy điền: $name.</p>", 400);
    }
    return $value;
}

function customer(): array
{
    $rows = query('select c.* from sessions s join customers c on c.id = s.customer_id where s.token_hash = ?', [hash('sha256', $_COOKIE['shop'] ?? '')]);
    return $rows[0] ?? page('Hãy đăng nhập', '<p>Bạn chưa đăng nhập.</p>', 401);
}

function begin(int $customer): never
{
    $token = bin2hex(random_bytes(32));
    query('insert into sessions (token_hash, customer_id) values (?, ?)', [hash('sha256', $token), $customer]);
    setcookie('shop', $token, ['httponly' => true, 'samesite' => 'Strict']);
    page('Xin chào', '<p>Bạn đã đăng nhập.</p>');
}

function staff(): void
{
    if (!hash_equals((string) getenv('SHOP_STAFF'), (string) ($_SERVER['PHP_AUTH_PW'] ?? ''))) {
        header('www-authenticate: Basic realm="kho"');
        page('Chỉ dành cho nhân viên', '', 401);
    }
}

function table(array $rows): string
{
    $lines = array_map(fn (array $row): string => '<tr><td>' . implode('</td><td>', array_map(fn ($cell) => html((string) $cell), $row)) . '</td></tr>', $rows);
    return '<table>' . implode("\n", $lines) . '</table>';
}

$path = parse_url($_SERVER['REQUEST_URI'], PHP_URL_PATH);
switch ($_SERVER['REQUEST_METHOD'] . ' ' . $path) {
    case 'GET /':
        page('Cửa hàng Sen', '<p>Trà sen, mứt sen, hạt sen.</p>');

    case 'POST /register':
        $email = field('email', 120);
        $name = field('name', 100);
        $phone = field('phone', 20);
        $hash = password_hash(field('password', 200), PASSWORD_BCRYPT);
        try {
            $rows = query('insert into customers (email, full_name, phone, password_hash) values (?, ?, ?, ?) returning id', [$email, $name, $phone, $hash]);
        } catch (PDOException $error) {
            if ($error->getCode() !== '23505') {
                throw $error;
            }
            page('Đã có tài khoản', '<p>Thư điện tử hoặc số điện thoại này đã đăng ký.</p>', 409);
        }
        begin($rows[0]['id']);

    case 'POST /login':
        $rows = query('select * from customers where email = ?', [field('email', 120)]);
        $right = $rows !== [] && password_verify(field('password', 200), $rows[0]['password_hash']);
        if (!$right) {
            page('Không đúng', '<p>Thư điện tử hoặc mật khẩu không đúng.</p>', 401);
        }
        begin($rows[0]['id']);

    case 'POST /orders':
        $customer = customer();
        $address = field('address', 300);
        $note = trim((string) ($_POST['note'] ?? '')) ?: null;
        $id = query("select nextval('orders_id_seq') as id")[0]['id'];
        query('insert into orders (id, customer_id, ship_address, note, total) values (?, ?, ?, ?, ?)', [$id, $customer['id'], $address, $note, (int) field('total', 9)]);
        page('Đã đặt hàng', "<p>Đơn số $id.</p>");

    case 'GET /orders':
        $customer = customer();
        $rows = query('select o.*, c.full_name from orders o join customers c on c.id = o.customer_id where c.id = ? order by o.id', [$customer['id']]);
        page('Đơn của bạn', table(array_map(fn ($row) => [$row['id'], $row['full_name'], $row['ship_address'], $row['note'], $row['total']], $rows)));

    case 'GET /staff':
        staff();
        $rows = query('select o.*, c.full_name, c.phone from orders o join customers c on c.id = o.customer_id order by o.id desc limit 50');
        page('Đơn cần giao', table(array_map(fn ($row) => [$row['id'], $row['full_name'], $row['phone'], $row['ship_address'], $row['note']], $rows)));

    case 'GET /staff/find':
        staff();
        $rows = query('select c.*, count(o.id) as orders from customers c left join orders o on o.customer_id = c.id where c.phone = ? group by c.id', [$_GET['phone'] ?? '']);
        page('Khách hàng', table(array_map(fn ($row) => [$row['id'], $row['full_name'], $row['email'], $row['orders']], $rows)));

    default:
        page('Không có trang này', '', 404);
}
