import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { z } from 'zod'
import { openBundle, sealBundle, SealError, type KeyBundle } from '../engine/seal/index.ts'
import { StartError } from '../kit/errors.ts'
import type { Entropy } from '../kit/ids.ts'
import { openToken } from './key-pkcs11.ts'
import { openTransit } from './key-transit.ts'

// Copies of the node's key beside key.json, each sealed under 32 random bytes that somebody else keeps: a Transit engine
// (Vault, OpenBao) or a PKCS#11 token gives them back at every start; an escrow of people gives them back when the passphrase is lost.

/** 256 random bits need no stretching. */
const CHEAP = { memory: 64, passes: 1, parallelism: 1 }

export const TRANSIT_FILE = 'key.transit.json'
const Transit = z.strictObject({
  khien: z.literal('key/transit'),
  address: z.url(),
  key: z.string().regex(/^[\w.-]{1,128}$/),
  ciphertext: z.string().max(10_000),
  sealed: z.string().max(100_000),
})
export type TransitCopy = z.output<typeof Transit>

export const TOKEN_FILE = 'key.pkcs11.json'
const Pkcs11 = z.strictObject({
  khien: z.literal('key/pkcs11'),
  module: z.string().min(1).max(500),
  token: z.string().min(1).max(32),
  object: z.string().min(1).max(128),
  ciphertext: z.string().max(10_000),
  sealed: z.string().max(100_000),
})
export type TokenCopy = z.output<typeof Pkcs11>

export type SealedCopy = { readonly secret: Uint8Array; readonly sealed: string }

/** A bundle under a new random secret. */
export async function sealCopy(bundle: KeyBundle, entropy: Entropy): Promise<SealedCopy> {
  const secret = entropy(32)
  return { secret, sealed: await sealBundle(bundle, textOf(secret), { entropy, cost: CHEAP }) }
}

/** Throws `key/copy` when the secret is another one's. */
export async function openCopy(sealed: string, secret: Uint8Array): Promise<KeyBundle> {
  try {
    return await openBundle(sealed, textOf(secret))
  } catch (cause) {
    if (!(cause instanceof SealError)) throw cause
    throw new StartError('key/copy', 'What was given does not open this copy of the key.', { status: 403, cause })
  }
}
const textOf = (secret: Uint8Array): string => Buffer.from(secret).toString('base64')

/** The copy that a Transit engine opens, in a node's folder; undefined when there is none. Throws `key/copy`. */
export const readTransit = (folder: string): TransitCopy | undefined =>
  readCopy(folder, TRANSIT_FILE, Transit, 'transit')

/** The copy that a PKCS#11 token opens. Throws `key/copy`. */
export const readToken = (folder: string): TokenCopy | undefined => readCopy(folder, TOKEN_FILE, Pkcs11, 'pkcs11')

function readCopy<T>(folder: string, file: string, form: z.ZodType<T>, verb: string): T | undefined {
  const path = join(folder, file)
  if (!existsSync(path)) return undefined
  try {
    return form.parse(JSON.parse(readFileSync(path, 'utf8')))
  } catch (cause) {
    throw new StartError('key/copy', `${path} is damaged; make it anew with khien key ${verb}.`, { cause })
  }
}

/** Opens a node's key through its Transit engine, without a person. Errors: `no-key`, `key/transit`, `key/copy`. */
export async function openByTransit(folder: string, token: string): Promise<KeyBundle> {
  const copy = readTransit(folder)
  if (copy === undefined)
    throw new StartError('no-key', `There is no ${join(folder, TRANSIT_FILE)}; khien key transit makes one.`)
  const secret = await openTransit({ address: copy.address, key: copy.key, token }).decrypt(copy.ciphertext)
  return openCopy(copy.sealed, secret)
}

/** The same through a PKCS#11 token. Errors: `no-key`, `key/pkcs11`, `key/copy`. */
export async function openByToken(folder: string, pin: string): Promise<KeyBundle> {
  const copy = readToken(folder)
  if (copy === undefined)
    throw new StartError('no-key', `There is no ${join(folder, TOKEN_FILE)}; khien key pkcs11 makes one.`)
  using token = openToken({ ...copy, pin })
  return await openCopy(copy.sealed, token.decrypt(copy.ciphertext))
}
