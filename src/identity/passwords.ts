import { argon2, timingSafeEqual } from 'node:crypto'
import { promisify } from 'node:util'
import type { Entropy } from '../kit/ids.ts'

const hash = promisify(argon2)
// OWASP's second recommendation (19 MiB, t=2, p=1): 37 ms on the reference machine, off the event loop.
const COST = { memory: 19_456, passes: 2, parallelism: 1 }
const PHC = /^\$argon2id\$v=19\$m=(\d+),t=(\d+),p=(\d+)\$([A-Za-z0-9+/]+)\$([A-Za-z0-9+/]+)$/

/** argon2id in PHC form. `pepper` is argon2's secret input and is not in the text. */
export async function hashPassword(password: string, pepper: Uint8Array, entropy: Entropy): Promise<string> {
  const salt = entropy(16)
  const tag = await derive(password, pepper, salt, COST.memory, COST.passes, COST.parallelism)
  return `$argon2id$v=19$m=${COST.memory},t=${COST.passes},p=${COST.parallelism}$${bare64(salt)}$${bare64(tag)}`
}

export async function verifyPassword(phc: string, password: string, pepper: Uint8Array): Promise<boolean> {
  const parts = PHC.exec(phc)
  if (!parts) return false
  const expected = Buffer.from(parts[5]!, 'base64')
  const tag = await derive(
    password,
    pepper,
    Buffer.from(parts[4]!, 'base64'),
    Number(parts[1]),
    Number(parts[2]),
    Number(parts[3]),
  )
  return tag.length === expected.length && timingSafeEqual(tag, expected)
}

/** Spends the same time as a real check, so that an unknown name cannot be told from a wrong password. */
export const spendAsMuch = (password: string, pepper: Uint8Array): Promise<unknown> =>
  derive(password, pepper, Buffer.alloc(16), COST.memory, COST.passes, COST.parallelism)

const derive = (
  password: string,
  pepper: Uint8Array,
  salt: Uint8Array,
  memory: number,
  passes: number,
  parallelism: number,
) =>
  hash('argon2id', {
    message: password.normalize('NFC'),
    nonce: salt,
    secret: pepper,
    memory,
    passes,
    parallelism,
    tagLength: 32,
  }) as Promise<Buffer>

const bare64 = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64').replaceAll('=', '')
