<?php

declare(strict_types=1);

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

/** Everything that goes wrong: a refusal of the node as its problem document says it, or one of the client (`client/…`). */
final class KhienException extends RuntimeException
{
    /** `errorCode` is stable; `status` is 0 when no answer came; `field` names the wrong input as a path. */
    public function __construct(
        public readonly string $errorCode,
        string $detail,
        public readonly int $status = 0,
        public readonly ?string $field = null,
        public readonly ?string $requestId = null,
    ) {
        parent::__construct($detail);
    }
}
