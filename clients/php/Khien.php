<?php

declare(strict_types=1);

/*
 * Khiên for PHP ≥ 8.0, one file, no Composer: what a PHP app speaks to its vault with. Needs the extensions curl, sodium
 * and openssl, which Debian's php-cli and php-curl bring; the spool needs PHP ≥ 8.1, the first that can sync a file.
 *
 *   require 'Khien.php';
 *   $khien = new Khien(getenv('KHIEN_ORIGIN'), getenv('KHIEN_PUBLIC'), getenv('KHIEN_KEY'), ['spool' => '/var/lib/shop/spool']);
 *   $subject = Khien::newSubject();
 *   [$said] = $khien->put([['subject' => $subject, 'collection' => 'person', 'fields' => ['phone' => '0912345678']]]);
 *
 * Bodies and answers are those of openapi.json, as arrays. docs/client.md says what holds for every client.
 */

/** Everything that goes wrong: a refusal of the node as its problem document says it, or one of the client (`client/…`). */
final class KhienException extends RuntimeException
{
    /** Stable, `vault/not-a-phone`. */
    public string $errorCode;
    /** Of HTTP; 0 when no answer came. */
    public int $status;
    /** The wrong input as a path, `body.items.0.fields.phone`. */
    public ?string $field;
    public ?string $requestId;

    public function __construct(string $errorCode, string $detail, int $status = 0, ?string $field = null, ?string $requestId = null)
    {
        parent::__construct($detail);
        $this->errorCode = $errorCode;
        $this->status = $status;
        $this->field = $field;
        $this->requestId = $requestId;
    }

    /** Nobody answered, or a node that is sealed or has lost its store: worth trying again. */
    public function isAway(): bool
    {
        return $this->status === 503 || ($this->status === 0 && $this->errorCode === 'client/unreachable');
    }
}

/** One platform node. Every write carries an idempotency key, so a repeat after a lost answer does no harm. */
final class Khien
{
    private const CROCKFORD = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';
    private const SUBJECT = '/^[0-9A-HJKMNP-TV-Z]{4}(?:-[0-9A-HJKMNP-TV-Z]{4}){3}$/D';
    /** As the vault's and the TypeScript client's. */
    private const INFO = 'khien/inbox/v1';
    /** Of one sealed item, in characters of base64url. */
    private const LONGEST = 65_536;
    private const BATCH = 200;
    private const CHARACTERS = 2_000_000;
    private const MASKS = 1_000;

    private string $origin;
    private string $publicOrigin;
    private string $key;
    private float $timeout;
    private float $soonTimeout;
    private int $maskedFor;
    private ?KhienSpool $spool = null;
    /** @var callable|null */
    private $onDelivered;
    private ?CurlHandle $curl = null;
    /** @var array{id: string, publicKey: string, ahead: int, renewAt: int}|null */
    private ?array $inboxKey = null;
    private float $awayUntil = 0.0;
    private int $delivered = 0;
    /** @var array<string, array{masks: array<string, ?string>, at: int}> */
    private array $masks = [];

    /**
     * @param array{timeout?: float, soonTimeout?: float, spool?: string, maxItems?: int, maskedFor?: int, onDelivered?: callable} $options
     *   timeout: seconds of one call, repeats included (5); soonTimeout: of a putSoon that finds a vault that hangs (1);
     *   spool: folder for what cannot be delivered now, shared by all processes; maxItems it holds (50,000);
     *   maskedFor: seconds a mask may be shown without the vault (a day); onDelivered: heard for each spooled item.
     */
    public function __construct(string $origin, string $publicOrigin, #[SensitiveParameter] string $key, array $options = [])
    {
        if (preg_match('/^khk_[0-9A-Z]{26}_[\w-]{43}$/D', $key) !== 1) {
            throw new KhienException('client/invalid', 'key: expected a service key (khk_…) of the page “People and keys”.', 0, 'key');
        }
        $this->origin = rtrim($origin, '/');
        $this->publicOrigin = rtrim($publicOrigin, '/');
        $this->key = $key;
        $this->timeout = (float) ($options['timeout'] ?? 5.0);
        $this->soonTimeout = (float) ($options['soonTimeout'] ?? 1.0);
        $this->maskedFor = (int) ($options['maskedFor'] ?? 86_400);
        $this->onDelivered = $options['onDelivered'] ?? null;
        if (isset($options['spool'])) {
            $this->spool = new KhienSpool($options['spool'], (int) ($options['maxItems'] ?? 50_000));
        }
    }

    /** A new pseudonymous subject token, 80 random bits. Make it before the first put. */
    public static function newSubject(): string
    {
        $signs = '';
        for ($i = 0; $i < 16; $i++) {
            $signs .= self::CROCKFORD[random_int(0, 31)];
        }
        return implode('-', str_split($signs, 4));
    }

    // What people are told and what they decide.

    public function declare(array $notice, array $purposes): array
    {
        return $this->call('PUT', '/api/processing', ['notice' => $notice, 'purposes' => $purposes]);
    }

    public function processing(): array
    {
        return $this->call('GET', '/api/processing');
    }

    /** @param array $decisions body of POST /api/consents: subject, notice, language, method, decisions */
    public function decide(array $decisions): array
    {
        return $this->call('POST', '/api/consents', $decisions, true);
    }

    public function withdraw(string $subject, string $purpose): array
    {
        $this->forgetMasks($subject);
        return $this->call('POST', '/api/consents/withdraw', ['subject' => $subject, 'purpose' => $purpose], true);
    }

    public function consents(string $subject): array
    {
        return $this->call('GET', '/api/consents/' . rawurlencode($subject))['consents'];
    }

    public function openAgreement(string $subject, string $kind, string $ref): bool
    {
        return $this->call('POST', '/api/agreements', ['subject' => $subject, 'kind' => $kind, 'ref' => $ref], true)['open'];
    }

    public function closeAgreement(string $subject, string $kind, string $ref): bool
    {
        $this->forgetMasks($subject);
        return $this->call('POST', '/api/agreements/close', ['subject' => $subject, 'kind' => $kind, 'ref' => $ref], true)['open'];
    }

    /** A link to the person's own pages, once, within a minute; only for a person whom the app itself has signed in. */
    public function handoverLink(string $subject): string
    {
        $seed = hash_hkdf('sha256', $this->key, 32, 'khien handover v1');
        $secret = sodium_crypto_sign_secretkey(sodium_crypto_sign_seed_keypair($seed));
        $claim = ['v' => 1, 'key' => substr($this->key, 0, 30), 'sub' => $subject, 'exp' => self::now() + 60_000, 'jti' => self::base64url(random_bytes(16)), 'aud' => $this->publicOrigin];
        $body = self::base64url(json_encode($claim, JSON_THROW_ON_ERROR | JSON_UNESCAPED_SLASHES));
        return $this->publicOrigin . '/me/enter?t=' . $body . '.' . self::base64url(sodium_crypto_sign_detached($body, $secret));
    }

    // The vault. Items answer one by one: ['ok' => true, …] or ['ok' => false, 'code' => …, 'detail' => …, 'field' => …].

    /** @param list<array{subject: string, collection: string, record?: string, fields: array<string, string>}> $items */
    public function put(array $items): array
    {
        return $this->call('POST', '/api/vault/put', ['items' => self::items($items)], true)['items'];
    }

    /** What put would answer; nothing is kept. */
    public function check(array $items): array
    {
        return $this->call('POST', '/api/vault/check', ['items' => self::items($items)])['items'];
    }

    /** As put, for fields that are held already. */
    public function update(array $items): array
    {
        foreach ($items as $item) {
            $this->forgetMasks($item['subject']);
        }
        return $this->call('POST', '/api/vault/update', ['items' => self::items($items)], true)['items'];
    }

    /** The tokens of values, to look for them in the app's own tables; nothing is kept. @param list<string> $values */
    public function tokens(string $collection, string $field, array $values): array
    {
        return $this->call('POST', '/api/vault/tokens', ['collection' => $collection, 'field' => $field, 'values' => array_values($values)])['tokens'];
    }

    /** @param list<array{subject: string, collection: string, record?: string, fields: list<string>, agreement?: string}> $items */
    public function get(string $purpose, string $reason, array $items, bool $masks = false): array
    {
        $body = ['purpose' => $purpose, 'reason' => $reason, 'items' => array_values($items)];
        return $this->call('POST', '/api/vault/get', $masks ? $body + ['masks' => true] : $body)['items'];
    }

    /** @param 'equal'|'last'|'prefix'|'name' $by */
    public function search(string $purpose, string $reason, string $collection, string $field, string $value, string $by = 'equal'): array
    {
        return $this->call('POST', '/api/vault/search', compact('purpose', 'reason', 'collection', 'field', 'value', 'by'))['found'];
    }

    public function checkPassword(string $purpose, string $reason, string $subject, #[SensitiveParameter] string $password): bool
    {
        return $this->call('POST', '/api/vault/passwords/check', compact('purpose', 'reason', 'subject', 'password'))['right'];
    }

    /** @param list<array{subject: string, collection: string, record?: string, fields?: list<string>}> $items */
    public function erase(string $reason, array $items): array
    {
        foreach ($items as $item) {
            $this->forgetMasks($item['subject']);
        }
        return $this->call('POST', '/api/vault/erase', ['reason' => $reason, 'items' => array_values($items)], true)['items'];
    }

    /** Everything of one person that a purpose opens now. */
    public function export(string $purpose, string $reason, string $subject): array
    {
        return $this->call('POST', '/api/vault/export', compact('purpose', 'reason', 'subject'));
    }

    /** Erases a person for good; answers a receipt. */
    public function shred(string $subject, string $reason): array
    {
        $this->forgetMasks($subject);
        return $this->call('POST', '/api/vault/people/' . rawurlencode($subject) . '/shred', ['reason' => $reason], true);
    }

    /** Takes over hashes of another program, password_hash() among them. @param list<array{subject: string, hash: string, salt?: string, order?: string}> $items */
    public function importPasswords(array $items): array
    {
        return $this->call('POST', '/api/vault/passwords/import', ['items' => array_values($items)], true)['items'];
    }

    /**
     * Has the vault call a registered recipient with values the app never sees: `{{person.phone}}` in a body. Each item once.
     *
     * @param list<array{id: string, subject: string, record?: string, agreement?: string, body: array}> $items
     */
    public function relay(string $recipient, string $purpose, string $reason, array $items, float $seconds = 120.0): array
    {
        return $this->call('POST', '/api/vault/relay', ['recipient' => $recipient, 'purpose' => $purpose, 'reason' => $reason, 'items' => array_values($items)], false, $seconds)['items'];
    }

    public function collections(): array
    {
        return $this->call('GET', '/api/vault/collections')['fields'];
    }

    public function declareCollections(array $collections): array
    {
        return $this->call('PUT', '/api/vault/collections', ['collections' => $collections]);
    }

    // While the vault is away.

    /**
     * A put that never waits for the vault: when it does not answer, the items are sealed to its public key and kept in
     * the spool until deliver() is called, by cron or at the end of a request. Each is taken once for ever, and a field
     * keeps its newest writing. An item answers as put does, or ['ok' => true, 'spooled' => id].
     */
    public function putSoon(array $items): array
    {
        if ($this->spool === null) {
            throw new KhienException('client/no-spool', 'putSoon needs the option “spool”: a folder that outlives a restart.');
        }
        $began = self::now();
        $plain = self::items($items);
        self::checkItems($plain);
        $sealed = array_map(fn (array $item): array => $this->seal($item, $began), $plain);
        $answers = $this->sendNow($sealed);
        $other = array_keys(array_filter($answers, fn (?array $one): bool => ($one['code'] ?? '') === 'vault/inbox-key-gone'));
        if ($other !== []) {
            // Another vault than the one whose key is noted here, or the same one restored: seal anew to the key of now.
            $this->fetchInboxKey();
            $anew = array_map(fn (int $i): array => $this->seal($plain[$i], $began), $other);
            $said = $this->sendNow($anew);
            foreach ($other as $n => $i) {
                [$sealed[$i], $answers[$i]] = [$anew[$n], $said[$n]];
            }
        }
        $kept = array_values(array_filter($sealed, fn (array $item, int $i): bool => $answers[$i] === null, ARRAY_FILTER_USE_BOTH));
        if ($kept !== []) {
            $this->spool->add($kept);
        }
        return array_map(fn (?array $one, array $item): array => $one ?? ['ok' => true, 'spooled' => $item['id']], $answers, $sealed);
    }

    /** Delivers what waits, oldest first, until nothing does, the vault is away, or the seconds are over; what spooled() says. */
    public function deliver(float $seconds = 10.0): array
    {
        $end = microtime(true) + $seconds;
        while ($this->spool !== null && microtime(true) < $end && !$this->isAwayNow()) {
            $items = $this->spool->take(self::BATCH, self::CHARACTERS);
            if ($items === []) {
                break;
            }
            [$done, $refused] = [[], []];
            try {
                $answers = $this->call('POST', '/api/vault/inbox', ['items' => $items], false, 30.0, true)['items'];
                foreach ($answers as $one) {
                    if ($one['ok']) {
                        $done[] = $one['id'];
                    } elseif (!isset($one['later'])) {
                        $refused[$one['id']] = $one['code'];
                    } else {
                        continue;
                    }
                    if ($this->onDelivered !== null) {
                        // Heard before the item leaves the spool; after a crash the same may be told again.
                        ($this->onDelivered)($one);
                    }
                }
            } catch (KhienException $error) {
                if (!$error->isAway()) {
                    throw $error;
                }
                break;
            } finally {
                $this->spool->settle($items, $done, $refused);
                $this->delivered += count($done);
            }
            if (count($done) + count($refused) === 0) {
                break;
            }
        }
        return $this->spooled();
    }

    /** @return array{pending: int, refused: int, delivered: int} delivered: by this object */
    public function spooled(): array
    {
        return ($this->spool === null ? ['pending' => 0, 'refused' => 0] : $this->spool->counts()) + ['delivered' => $this->delivered];
    }

    /**
     * Masked values for a screen. Without the vault those of an earlier getMasked, with 'stale' => true: remembered in
     * APCu where there is one, else only in this process; never on a disk, and never a value.
     */
    public function getMasked(string $purpose, string $reason, array $items): array
    {
        try {
            $answers = $this->get($purpose, $reason, $items, true);
        } catch (KhienException $error) {
            if (!$error->isAway()) {
                throw $error;
            }
            return array_map(fn (array $item): array => $this->maskOf($purpose, $item), array_values($items));
        }
        $at = self::now();
        return array_map(function (array $answer, array $item) use ($purpose, $at): array {
            if (!$answer['ok']) {
                $this->keepMask($purpose, $item, null);
                return $answer;
            }
            $this->keepMask($purpose, $item, ['masks' => $answer['masks'], 'at' => $at]);
            return ['ok' => true, 'masks' => $answer['masks'], 'stale' => false, 'at' => $at];
        }, $answers, array_values($items));
    }

    /** One request, repeated until it is answered or its time is over. */
    private function call(string $method, string $path, ?array $body = null, bool $once = false, ?float $seconds = null, bool $onlyOnce = false): array
    {
        if ($this->isAwayNow()) {
            throw self::unreachable();
        }
        $headers = ['authorization: Bearer ' . $this->key];
        $text = null;
        if ($body !== null) {
            $headers[] = 'content-type: application/json';
            $text = json_encode($body, JSON_THROW_ON_ERROR | JSON_UNESCAPED_UNICODE | JSON_UNESCAPED_SLASHES | JSON_PRESERVE_ZERO_FRACTION);
        }
        if ($once) {
            $headers[] = 'idempotency-key: ' . bin2hex(random_bytes(16));
        }
        $end = microtime(true) + ($seconds ?? $this->timeout);
        for ($wait = 0.05; ; $wait = min($wait * 2, 1.0)) {
            [$status, $answer] = $this->attempt($method, $path, $headers, $text, max(0.05, $end - microtime(true)));
            if ($status !== 0 && $status !== 503) {
                $this->noteAway(false);
                $said = json_decode($answer, true);
                if ($status >= 200 && $status < 300 && is_array($said)) {
                    return $said;
                }
                throw self::refusal($status, is_array($said) ? $said : []);
            }
            if ($onlyOnce || microtime(true) + $wait >= $end) {
                $this->noteAway(true);
                throw $status === 503 ? self::refusal(503, json_decode($answer, true) ?? []) : self::unreachable();
            }
            usleep((int) ($wait * 1e6));
        }
    }

    /** @return array{int, string} status, 0 when no answer came, and text */
    private function attempt(string $method, string $path, array $headers, ?string $text, float $seconds): array
    {
        $this->curl ??= curl_init();
        curl_reset($this->curl);
        curl_setopt_array($this->curl, [
            CURLOPT_URL => $this->origin . $path,
            CURLOPT_CUSTOMREQUEST => $method,
            CURLOPT_HTTPHEADER => [...$headers, 'expect:'],
            CURLOPT_RETURNTRANSFER => true,
            CURLOPT_TIMEOUT_MS => (int) ceil($seconds * 1000),
            CURLOPT_NOSIGNAL => true,
            CURLOPT_PROTOCOLS => CURLPROTO_HTTP | CURLPROTO_HTTPS,
            // A node never redirects an API call; the key must not follow one anywhere.
            CURLOPT_FOLLOWLOCATION => false,
        ] + ($text === null ? [] : [CURLOPT_POSTFIELDS => $text]));
        $answer = curl_exec($this->curl);
        return is_string($answer) ? [curl_getinfo($this->curl, CURLINFO_RESPONSE_CODE), $answer] : [0, ''];
    }

    // A dead vault costs one request its timeout; the others learn of it beside the spool and fail at once.

    private function isAwayNow(): bool
    {
        $this->awayUntil = max($this->awayUntil, $this->spool?->awayUntil() ?? 0.0);
        if ($this->awayUntil === 0.0) {
            return false;
        }
        if (microtime(true) < $this->awayUntil) {
            return true;
        }
        // The first who comes after that asks, for all; meanwhile the others are told that it is away.
        $this->noteAway(true);
        [$status] = $this->attempt('GET', '/api/vault/inbox-key', ['authorization: Bearer ' . $this->key], null, 1.0);
        $this->noteAway($status === 0 || $status === 503);
        return $this->awayUntil !== 0.0;
    }

    private function noteAway(bool $away): void
    {
        if (!$away && $this->awayUntil === 0.0) {
            return;
        }
        $this->awayUntil = $away ? microtime(true) + 1.0 : 0.0;
        $this->spool?->setAwayUntil($this->awayUntil);
    }

    private static function unreachable(): KhienException
    {
        return new KhienException('client/unreachable', 'The Khiên node does not answer.');
    }

    private static function refusal(int $status, array $problem): KhienException
    {
        return new KhienException($problem['code'] ?? 'unknown', $problem['detail'] ?? "The node answered $status.", $status, $problem['field'] ?? null, $problem['requestId'] ?? null);
    }

    // Sealing.

    /** @return array{id: string, key: string, at: int, sealed: string} */
    private function seal(array $item, int $began): array
    {
        $key = $this->inboxKey();
        $id = self::newItemId($began);
        $at = $began + $key['ahead'];
        $text = json_encode($item, JSON_THROW_ON_ERROR | JSON_UNESCAPED_UNICODE | JSON_UNESCAPED_SLASHES);
        $sealed = self::base64url(KhienHpke::seal(self::fromBase64url($key['publicKey']), $text, self::INFO, "{$key['id']}\n$id\n$at"));
        if (strlen($sealed) > self::LONGEST) {
            throw new KhienException('client/too-large', 'An item to be kept for later has at most 48 KiB; send it in several.', 0, 'items');
        }
        return ['id' => $id, 'key' => $key['id'], 'at' => $at, 'sealed' => $sealed];
    }

    /** @return list<?array> what the vault says at once; null for what must wait */
    private function sendNow(array $sealed): array
    {
        $waits = array_fill(0, count($sealed), null);
        if ($this->isAwayNow() || array_sum(array_map(fn (array $item): int => strlen($item['sealed']), $sealed)) > self::CHARACTERS) {
            return $waits;
        }
        try {
            $items = $this->call('POST', '/api/vault/inbox', ['items' => $sealed], false, $this->soonTimeout, true)['items'];
            return array_map(fn (array $one): ?array => isset($one['later']) ? null : $one, $items);
        } catch (KhienException $error) {
            if (!$error->isAway()) {
                throw $error;
            }
            return $waits;
        }
    }

    /** @return array{id: string, publicKey: string, ahead: int, renewAt: int} */
    private function inboxKey(): array
    {
        $this->inboxKey ??= $this->notedKey();
        if (($this->inboxKey === null || $this->inboxKey['renewAt'] < self::now()) && !$this->isAwayNow()) {
            try {
                $this->fetchInboxKey();
            } catch (KhienException $error) {
                if (!$error->isAway()) {
                    throw $error;
                }
            }
        }
        if ($this->inboxKey === null) {
            throw new KhienException('client/no-inbox-key', 'The vault does not answer and its public key was never fetched; start the app once while it is there.');
        }
        return $this->inboxKey;
    }

    private function fetchInboxKey(): void
    {
        $began = self::now();
        $answer = $this->call('GET', '/api/vault/inbox-key', null, false, $this->inboxKey === null ? 3.0 : $this->soonTimeout, true);
        $ended = self::now();
        $its = fn (string $time): int => (int) round((float) (new DateTimeImmutable($time))->format('U.u') * 1000);
        $ahead = $its($answer['now']) - intdiv($began + $ended, 2);
        $this->inboxKey = [
            'id' => $answer['id'],
            'publicKey' => $answer['publicKey'],
            // Less than what a message takes to travel is no difference of clocks.
            'ahead' => abs($ahead) <= $ended - $began ? 0 : $ahead,
            'renewAt' => $ended + max(60_000, $its($answer['renewAt']) - $its($answer['now'])),
        ];
        $this->spool?->keepNote('inbox-key', json_encode($this->inboxKey + ['mac' => $this->macOf($this->inboxKey)], JSON_THROW_ON_ERROR));
    }

    /** The key beside the spool, if it was written under this service key: nobody slips in another. */
    private function notedKey(): ?array
    {
        $noted = json_decode($this->spool?->note('inbox-key') ?? '', true);
        if (!is_array($noted) || !isset($noted['id'], $noted['publicKey'], $noted['ahead'], $noted['renewAt'], $noted['mac'])) {
            return null;
        }
        return hash_equals($this->macOf($noted), $noted['mac']) ? $noted : null;
    }

    private function macOf(array $key): string
    {
        $secret = hash_hkdf('sha256', $this->key, 32, 'khien inbox key note v1');
        return self::base64url(hash_hmac('sha256', "{$key['id']}\n{$key['publicKey']}\n{$key['ahead']}", $secret, true));
    }

    /** `inb_`, 48 bits of milliseconds, 80 bits that count within a process and are random behind: ids sort by birth. */
    private static function newItemId(int $now): string
    {
        static $last = 0;
        static $count = 0;
        [$last, $count] = $now > $last ? [$now, 0] : [$last, $count + 1];
        $bytes = substr(pack('J', $last), 2) . pack('n', $count & 0xffff) . random_bytes(8);
        $bits = '';
        foreach (str_split($bytes) as $byte) {
            $bits .= str_pad(decbin(ord($byte)), 8, '0', STR_PAD_LEFT);
        }
        $out = '';
        foreach (str_split(str_pad($bits, 130, '0'), 5) as $five) {
            $out .= self::CROCKFORD[bindec($five)];
        }
        return "inb_$out";
    }

    // Masks.

    private function maskName(string $purpose, array $item): string
    {
        return 'khien.mask.' . hash('sha256', implode(' ', [$this->origin, $purpose, $item['subject'], $item['collection'], $item['record'] ?? '-']));
    }

    private static function hasApcu(): bool
    {
        return function_exists('apcu_enabled') && apcu_enabled();
    }

    private function keepMask(string $purpose, array $item, ?array $found): void
    {
        $name = $this->maskName($purpose, $item);
        if (self::hasApcu()) {
            $found === null ? apcu_delete($name) : apcu_store($name, $found + ['subject' => $item['subject']], $this->maskedFor);
            return;
        }
        unset($this->masks[$name]);
        if ($found !== null) {
            $this->masks[$name] = $found + ['subject' => $item['subject']];
        }
        if (count($this->masks) > self::MASKS) {
            array_shift($this->masks);
        }
    }

    private function maskOf(string $purpose, array $item): array
    {
        $name = $this->maskName($purpose, $item);
        $found = self::hasApcu() ? apcu_fetch($name) : ($this->masks[$name] ?? false);
        $missing = $found === false || self::now() - $found['at'] > $this->maskedFor * 1000
            || array_diff($item['fields'], array_keys($found['masks'])) !== [];
        if ($missing) {
            return ['ok' => false, 'code' => 'client/unreachable', 'detail' => 'The vault does not answer; no mask is remembered.'];
        }
        $masks = array_intersect_key($found['masks'], array_flip($item['fields']));
        return ['ok' => true, 'masks' => $masks, 'stale' => true, 'at' => $found['at']];
    }

    private function forgetMasks(string $subject): void
    {
        $this->masks = array_filter($this->masks, fn (array $one): bool => $one['subject'] !== $subject);
        if (self::hasApcu()) {
            foreach (new APCUIterator('/^khien\.mask\./') as $entry) {
                if (($entry['value']['subject'] ?? null) === $subject) {
                    apcu_delete($entry['key']);
                }
            }
        }
    }

    // Small things.

    /** JSON has objects where PHP has arrays: an empty list of fields must not become `[]`. */
    private static function items(array $items): array
    {
        return array_map(fn (array $item): array => ['fields' => (object) $item['fields']] + $item + ['record' => '-'], array_values($items));
    }

    private static function checkItems(array $items): void
    {
        $wrong = fn (string $field, string $detail): KhienException => new KhienException('client/invalid', "$field: $detail.", 0, $field);
        if ($items === [] || count($items) > 500) {
            throw $wrong('items', 'expected 1 to 500 of them');
        }
        foreach ($items as $i => $item) {
            if (preg_match(self::SUBJECT, $item['subject']) !== 1) {
                throw $wrong("items.$i.subject", 'expected a subject token');
            }
            $fields = (array) $item['fields'];
            if ($fields === []) {
                throw $wrong("items.$i.fields", 'expected at least one');
            }
            foreach ($fields as $field => $value) {
                if (!is_string($value) || trim($value) === '') {
                    throw $wrong("items.$i.fields.$field", 'expected a text');
                }
            }
        }
    }

    private static function now(): int
    {
        return (int) floor(microtime(true) * 1000);
    }

    private static function base64url(string $bytes): string
    {
        return sodium_bin2base64($bytes, SODIUM_BASE64_VARIANT_URLSAFE_NO_PADDING);
    }

    private static function fromBase64url(string $text): string
    {
        return sodium_base642bin($text, SODIUM_BASE64_VARIANT_URLSAFE_NO_PADDING);
    }
}

/**
 * The spool in a folder, one file an item, shared with clients of other languages (src/client/folder-spool.ts):
 * waiting/ID.json · taken/OWNER/ID.json while somebody delivers it · refused/ID.CODE.json · new/ while it is written.
 * An item is written, synced, renamed into its place and the folder synced; only then is it kept.
 */
final class KhienSpool
{
    /** An owner not seen for so many seconds has died; what it took waits again. */
    private const LEASE = 60;
    private string $folder;
    private int $maxItems;
    private string $mine;

    public function __construct(string $folder, int $maxItems)
    {
        if (!function_exists('fsync')) {
            throw new KhienException('client/spool', 'A spool needs PHP ≥ 8.1, the first that can sync a file.');
        }
        $this->folder = rtrim($folder, '/');
        $this->maxItems = $maxItems;
        $owner = self::host() . '.' . getmypid() . '.' . bin2hex(random_bytes(4));
        $this->mine = "$this->folder/taken/$owner";
        foreach (['waiting', 'refused', 'new', 'taken'] as $name) {
            if (!is_dir("$this->folder/$name") && !@mkdir("$this->folder/$name", 0700, true) && !is_dir("$this->folder/$name")) {
                throw new KhienException('client/spool', 'The folder of the spool cannot be made or written.');
            }
        }
    }

    public function __destruct()
    {
        if (!is_dir($this->mine)) {
            return;
        }
        foreach (self::names($this->mine) as $name) {
            @rename("$this->mine/$name", "$this->folder/waiting/$name");
        }
        @rmdir($this->mine);
    }

    public function add(array $items): void
    {
        ['pending' => $pending, 'refused' => $refused] = $this->counts();
        if ($pending + $refused + count($items) > $this->maxItems) {
            throw new KhienException('client/spool-full', "The spool holds $this->maxItems items, its limit; nothing of this call was kept. Bring the vault back or empty its folder “refused”.");
        }
        foreach ($items as $item) {
            $this->write("$this->folder/new/{$item['id']}.json", json_encode($item, JSON_THROW_ON_ERROR), 'x');
        }
        foreach ($items as $item) {
            $this->must(rename("$this->folder/new/{$item['id']}.json", "$this->folder/waiting/{$item['id']}.json"));
        }
        $this->syncFolder("$this->folder/waiting");
    }

    /** @return list<array{id: string, key: string, at: int, sealed: string}> */
    public function take(int $most, int $characters): array
    {
        $this->reclaim();
        if (!is_dir($this->mine)) {
            @mkdir($this->mine, 0700, true);
        }
        touch($this->mine);
        [$out, $size] = [[], 0];
        foreach (self::names("$this->folder/waiting") as $name) {
            if (count($out) >= $most) {
                break;
            }
            // Whoever renames it has it; another process may have been faster.
            if (!@rename("$this->folder/waiting/$name", "$this->mine/$name")) {
                continue;
            }
            $text = (string) file_get_contents("$this->mine/$name");
            if ($out !== [] && $size + strlen($text) > $characters) {
                rename("$this->mine/$name", "$this->folder/waiting/$name");
                break;
            }
            $item = json_decode($text, true);
            if (!is_array($item) || ($item['id'] ?? '') . '.json' !== $name || !is_string($item['key'] ?? null) || !is_int($item['at'] ?? null) || !is_string($item['sealed'] ?? null)) {
                rename("$this->mine/$name", "$this->folder/refused/$name");
                continue;
            }
            $size += strlen($text);
            $out[] = ['id' => $item['id'], 'key' => $item['key'], 'at' => $item['at'], 'sealed' => $item['sealed']];
        }
        return $out;
    }

    /** @param list<string> $done @param array<string, string> $refused code by id */
    public function settle(array $items, array $done, array $refused): void
    {
        $gone = array_flip($done);
        foreach ($items as ['id' => $id]) {
            if (isset($gone[$id])) {
                @unlink("$this->mine/$id.json");
            } elseif (isset($refused[$id])) {
                @rename("$this->mine/$id.json", "$this->folder/refused/$id." . preg_replace('/[^\w-]+/', '_', $refused[$id]) . '.json');
            } else {
                @rename("$this->mine/$id.json", "$this->folder/waiting/$id.json");
            }
        }
    }

    /** @return array{pending: int, refused: int} */
    public function counts(): array
    {
        $pending = count(self::names("$this->folder/waiting"));
        foreach (self::names("$this->folder/taken") as $owner) {
            $pending += count(self::names("$this->folder/taken/$owner"));
        }
        return ['pending' => $pending, 'refused' => count(self::names("$this->folder/refused"))];
    }

    public function note(string $name): ?string
    {
        $text = @file_get_contents("$this->folder/$name.json");
        return $text === false ? null : $text;
    }

    public function keepNote(string $name, string $text): void
    {
        $new = "$this->folder/$name.json." . basename($this->mine);
        $this->write($new, $text, 'w');
        $this->must(rename($new, "$this->folder/$name.json"));
        $this->syncFolder($this->folder);
    }

    /** When the vault may be asked again, in seconds; 0 when nobody found it away. A hint between processes, not synced. */
    public function awayUntil(): float
    {
        return (float) (@file_get_contents("$this->folder/away") ?: 0);
    }

    public function setAwayUntil(float $until): void
    {
        $until === 0.0 ? @unlink("$this->folder/away") : @file_put_contents("$this->folder/away", sprintf('%.3f', $until));
    }

    private function reclaim(): void
    {
        foreach (self::names("$this->folder/new") as $name) {
            // Still being written after an hour: its process has died, and nobody was told that it was kept.
            if (time() - (@filemtime("$this->folder/new/$name") ?: time()) > 3_600) {
                @unlink("$this->folder/new/$name");
            }
        }
        foreach (self::names("$this->folder/taken") as $owner) {
            $from = "$this->folder/taken/$owner";
            [$host, $pid] = explode('.', "$owner..");
            $dead = $host === self::host() && ctype_digit($pid) && is_dir('/proc') && !is_dir("/proc/$pid");
            if ($from === $this->mine || !($dead || time() - (@filemtime($from) ?: time()) > self::LEASE)) {
                continue;
            }
            foreach (self::names($from) as $name) {
                @rename("$from/$name", "$this->folder/waiting/$name");
            }
            @rmdir($from);
        }
    }

    private function write(string $path, string $text, string $mode): void
    {
        $before = umask(0077);
        $file = @fopen($path, $mode);
        umask($before);
        $this->must($file !== false && fwrite($file, $text) === strlen($text) && fsync($file) && fclose($file));
    }

    private function syncFolder(string $folder): void
    {
        $handle = fopen($folder, 'r');
        $this->must($handle !== false && fsync($handle));
        fclose($handle);
    }

    private function must(bool $done): void
    {
        if (!$done) {
            throw new KhienException('client/spool', 'The spool could not be written: is its disk full?');
        }
    }

    private static function host(): string
    {
        return preg_replace('/[^\w-]/', '_', (string) gethostname());
    }

    /** @return list<string> */
    private static function names(string $folder): array
    {
        return array_values(array_diff(@scandir($folder) ?: [], ['.', '..']));
    }
}

/**
 * Cells of the app's own tables, read and written through the vault (as src/client/columns.ts). A cell says itself where
 * its value is: `kh_…` means the vault, anything else lies here; so the same code runs before, during and after a move.
 */
final class KhienCells
{
    private const SIGNS = '0123456789abcdefghjkmnpqrstvwxyz';
    private const CALL = 200;
    private Khien $khien;

    public function __construct(Khien $khien)
    {
        $this->khien = $khien;
    }

    public static function isToken(?string $cell): bool
    {
        return $cell !== null && preg_match('/^kh_[a-z0-9]{16,20}$/D', $cell) === 1;
    }

    /** What stands in a cell whose field has no stable token (a name, an address): a name of the place, no trace of the value. */
    public static function placeToken(string $subject, string $collection, string $field, string $record = '-'): string
    {
        $hash = hash('sha256', implode("\0", ['khien place', $subject, $collection, $record, $field]), true);
        $out = 'kh_';
        for ($i = 0; $i < 18; $i++) {
            $out .= self::SIGNS[ord($hash[$i]) & 31];
        }
        return $out;
    }

    /**
     * Puts values of one record into the vault; what belongs into their cells, by field. $soon: also while the vault is
     * away, for fields without stable tokens. Throws the KhienException of the first value the vault does not take.
     *
     * @param array<string, ?string> $values by field; null and '' stay what they are
     * @return array<string, ?string> as they are for a row without $subject, whose person has not moved yet
     */
    public function seal(?string $subject, string $collection, array $values, string $record = '-', bool $soon = false): array
    {
        $filled = array_filter($values, fn (?string $value): bool => $value !== null && trim($value) !== '' && !self::isToken($value));
        if ($filled === [] || $subject === null) {
            return $values;
        }
        $items = [['subject' => $subject, 'collection' => $collection, 'record' => $record, 'fields' => $filled]];
        [$said] = $soon ? $this->khien->putSoon($items) : $this->khien->put($items);
        if (!$said['ok']) {
            throw new KhienException($said['code'], $said['detail'], 422, $said['field'] ?? null);
        }
        foreach (array_keys($filled) as $field) {
            $values[$field] = $said['tokens'][$field] ?? self::placeToken($subject, $collection, $field, $record);
        }
        return $values;
    }

    /**
     * The values of cells, in their order: tokens are opened, all in one call for up to 200 records, the rest stays as it
     * is; null for a place the vault refuses, told in $refused by its code.
     *
     * @param list<array{subject: ?string, collection: string, field: string, cell: ?string, record?: string, agreement?: string}> $cells
     * @param array<int, string> $refused
     * @return list<?string>
     */
    public function open(array $cells, string $purpose, string $reason, array &$refused = []): array
    {
        $out = array_column($cells, 'cell');
        $items = [];
        foreach ($cells as $i => $cell) {
            if (!self::isToken($cell['cell'])) {
                continue;
            }
            $record = $cell['record'] ?? '-';
            $name = implode(' ', [$cell['subject'], $cell['collection'], $record, $cell['agreement'] ?? '']);
            $items[$name] ??= ['item' => ['subject' => $cell['subject'], 'collection' => $cell['collection'], 'record' => $record, 'fields' => []] + (isset($cell['agreement']) ? ['agreement' => $cell['agreement']] : []), 'at' => []];
            if (!in_array($cell['field'], $items[$name]['item']['fields'], true)) {
                $items[$name]['item']['fields'][] = $cell['field'];
            }
            $items[$name]['at'][] = $i;
        }
        foreach (array_chunk(array_values($items), self::CALL) as $part) {
            foreach ($this->khien->get($purpose, $reason, array_column($part, 'item')) as $n => $answer) {
                foreach ($part[$n]['at'] as $i) {
                    $out[$i] = $answer['ok'] ? $answer['fields'][$cells[$i]['field']] ?? null : null;
                    if (!$answer['ok']) {
                        $refused[$i] = $answer['code'];
                    }
                }
            }
        }
        return $out;
    }

    /** For `where phone in (?, ?)`: the value as it is and its token, which finds rows that have moved and rows that have not. */
    public function either(string $collection, string $field, string $value): array
    {
        return [$value, $this->khien->tokens($collection, $field, [$value])[0]];
    }
}

/**
 * Hybrid public key encryption in base mode, one message a key (RFC 9180 §6.1): DHKEM(X25519, HKDF-SHA256),
 * HKDF-SHA256, AES-GCM. A sealed text is enc (32 bytes) . ciphertext . tag (16 bytes).
 */
final class KhienHpke
{
    private const KEM_SUITE = "KEM\x00\x20";

    /** Seals $text to a public key of 32 bytes. Throws KhienException for a point of small order. $secret: for tests alone. */
    public static function seal(string $publicKey, string $text, string $info, string $aad, ?string $secret = null, int $aead = 2): string
    {
        $secret ??= random_bytes(32);
        $enc = sodium_crypto_scalarmult_base($secret);
        [$key, $nonce] = self::schedule(self::agree($secret, $publicKey), $enc, $publicKey, $info, $aead);
        $tag = '';
        $sealed = openssl_encrypt($text, self::cipher($aead), $key, OPENSSL_RAW_DATA, $nonce, $tag, $aad, 16);
        if ($sealed === false) {
            throw new KhienException('client/seal-refused', 'The text could not be sealed.');
        }
        return $enc . $sealed . $tag;
    }

    /** What was sealed to the key; throws KhienException when it was altered, cut, or is another's. */
    public static function open(string $secret, string $sealed, string $info, string $aad, int $aead = 2): string
    {
        if (strlen($sealed) < 48) {
            throw self::refused();
        }
        $enc = substr($sealed, 0, 32);
        [$key, $nonce] = self::schedule(self::agree($secret, $enc), $enc, sodium_crypto_scalarmult_base($secret), $info, $aead);
        // The tag is cut off here, 16 bytes always: openssl itself would take a shorter one.
        $text = openssl_decrypt(substr($sealed, 32, -16), self::cipher($aead), $key, OPENSSL_RAW_DATA, $nonce, substr($sealed, -16), $aad);
        if ($text === false) {
            throw self::refused();
        }
        return $text;
    }

    /** X25519; zeros, which come of a point of small order, are refused (RFC 9180 §7.1.4). */
    private static function agree(string $secret, string $point): string
    {
        if (strlen($point) !== 32) {
            throw self::refused();
        }
        try {
            $shared = sodium_crypto_scalarmult($secret, $point);
        } catch (SodiumException) {
            throw self::refused();
        }
        if (hash_equals(str_repeat("\x00", 32), $shared)) {
            throw self::refused();
        }
        return $shared;
    }

    /** @return array{string, string} key and nonce */
    private static function schedule(string $dh, string $enc, string $receiver, string $info, int $aead): array
    {
        $shared = self::expand(self::KEM_SUITE, self::extract(self::KEM_SUITE, '', 'eae_prk', $dh), 'shared_secret', $enc . $receiver, 32);
        $suite = "HPKE\x00\x20\x00\x01\x00" . chr($aead);
        $context = "\x00" . self::extract($suite, '', 'psk_id_hash', '') . self::extract($suite, '', 'info_hash', $info);
        $prk = self::extract($suite, $shared, 'secret', '');
        return [self::expand($suite, $prk, 'key', $context, $aead === 1 ? 16 : 32), self::expand($suite, $prk, 'base_nonce', $context, 12)];
    }

    private static function extract(string $suite, string $salt, string $label, string $key): string
    {
        return hash_hmac('sha256', 'HPKE-v1' . $suite . $label . $key, $salt === '' ? str_repeat("\x00", 32) : $salt, true);
    }

    /** At most 32 bytes: one block of HKDF-Expand (RFC 5869 §2.3). */
    private static function expand(string $suite, string $key, string $label, string $info, int $length): string
    {
        return substr(hash_hmac('sha256', "\x00" . chr($length) . 'HPKE-v1' . $suite . $label . $info . "\x01", $key, true), 0, $length);
    }

    private static function cipher(int $aead): string
    {
        return $aead === 1 ? 'aes-128-gcm' : 'aes-256-gcm';
    }

    private static function refused(): KhienException
    {
        return new KhienException('client/seal-refused', 'The sealed text was altered, or was sealed to another key or for another place.');
    }
}
