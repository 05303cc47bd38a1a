import { createHmac, createSecretKey, hkdfSync, type KeyObject } from 'node:crypto'
import {
  blindIndex,
  ff1,
  fieldIndexKey,
  sealer,
  secretKey,
  signingKey,
  type Ff1,
  type KeyBundle,
  type Sealer,
  type SigningKey,
} from '../engine/seal/index.ts'
import { signNote, type NoteSigner, type NoteVerifier } from '../engine/tlog/index.ts'
import { noteSigner } from '../audit/index.ts'
import type { Wrapping } from '../vault/index.ts'
import { KhienError } from '../kit/errors.ts'
import { base32, type Entropy } from '../kit/ids.ts'

/** What a node does with its key bundle once unsealed. Each use has a key of its own, derived where it can be. */
export type Secrets = {
  /** Name inside every sealed value and of the log; follows the key, so that data and key find each other. */
  readonly node: string
  readonly kek: KeyObject
  readonly kekId: string
  /** What wraps subject keys: `kek`, until it is rotated. */
  readonly wrapping: NodeWrapping
  readonly pepper: Uint8Array
  readonly sealer: Sealer
  readonly logSigner: SigningKey
  readonly receiptVkey: string
  readonly signReceipt: (text: string) => string
  /** Files of indicators for neighbours without Khiên. */
  readonly exchangeVkey: string
  readonly signExchange: (text: string) => string
  readonly tag: (collection: string, field: string, normalised: string) => string
  /** Stable token of a normalised value of one field. */
  readonly token: (collection: string, field: string, normalised: string) => string
  readonly digits: (collection: string, field: string) => Ff1
  readonly fingerprint: (text: string) => string
  /** Signs what backups say of themselves, and checks it. */
  readonly backupSigner: NoteSigner & NoteVerifier
  /** Under it accounts in events become tokens; the intake is handed it with each batch. */
  readonly tokenKey: Uint8Array
  /** Signs what this node says to others: alerts to its SOC, files of indicators. */
  readonly voice: SigningKey
  readonly sealSmall: (plain: Uint8Array, about: string) => Uint8Array
  readonly openSmall: (sealed: Uint8Array, about: string) => Uint8Array
  /** What everything begins with that is sealed small under the key of today; nothing, before the first rotation. */
  readonly smallMark: () => Uint8Array
}

export type NodeWrapping = Wrapping & {
  /** Takes the keys of a key file that was written anew; which of them wraps is for `use` to say. */
  renew(bundle: KeyBundle): void
  learn(id: string, key: Uint8Array): void
  /** All there are, oldest first. */
  known(): readonly string[]
  use(id: string): void
}

function wrappingOf(bundle: KeyBundle): NodeWrapping {
  const keys = new Map<string, KeyObject>()
  const learn = (id: string, key: Uint8Array): void => void keys.set(id, secretKey(Uint8Array.from(key)))
  const renew = ({ kekId, kek, rotated = [] }: KeyBundle): void => {
    for (const { id, key } of [{ id: kekId, key: kek }, ...rotated]) learn(id, key)
  }
  renew(bundle)
  let used = [...keys.keys()].at(-1)!
  return {
    renew,
    learn,
    known: () => [...keys.keys()],
    use: (id) => void (used = id),
    of: (id) => keys.get(id),
    current: () => ({ id: used, key: keys.get(used)! }),
  }
}

/** Two million people share a 24-bit tag in eights or so at a hundred million: enough to blur, few enough to open. */
const INDEX_BITS = 24
/** A token stands for one value alone: two of a hundred million meet with a chance of one in a hundred million. */
const TOKEN_BITS = 80

/** Before the id of the key, where it is not the node's first: no sealed value begins so. */
const MARK = 0x6b

export function secretsOf(bundle: KeyBundle, role: string, entropy: Entropy): Secrets {
  const node = `${role}-${bundle.kekId}`
  const derive = (use: string): Buffer => Buffer.from(hkdfSync('sha256', bundle.signingSeed, '', `khien/${use}`, 32))
  const kek = secretKey(Uint8Array.from(bundle.kek))
  const ours = sealer({ entropy })
  const indexKey = createSecretKey(bundle.indexKey)
  const fieldKeys = new Map<string, KeyObject>()
  const keyOf = (...names: readonly string[]): KeyObject => {
    const name = names.join('.')
    let key = fieldKeys.get(name)
    if (!key) fieldKeys.set(name, (key = fieldIndexKey(indexKey, ...names)))
    return key
  }
  const printKey = createSecretKey(derive('fingerprint'))
  const receipts = noteSigner(`${node}/receipt`, signingKey(derive('receipt')))
  const files = noteSigner(`${node}/exchange`, signingKey(derive('exchange')))
  const wrapping = wrappingOf(bundle)
  const smallMark = (): Uint8Array => {
    const { id } = wrapping.current()
    return id === bundle.kekId ? new Uint8Array(0) : Uint8Array.of(MARK, id.length, ...Buffer.from(id, 'latin1'))
  }
  const place = (about: string) => ({
    node,
    subject: '-',
    collection: 'node',
    record: about,
    field: 'secret',
    version: 1,
  })
  return {
    node,
    kek,
    kekId: bundle.kekId,
    wrapping,
    pepper: bundle.pepper,
    sealer: ours,
    logSigner: signingKey(derive('log')),
    receiptVkey: receipts.vkey,
    signReceipt: (text) => signNote(text, [receipts]),
    exchangeVkey: files.vkey,
    signExchange: (text) => signNote(text, [files]),
    tag: (collection, field, normalised) => blindIndex(keyOf(collection, field), normalised, INDEX_BITS),
    token: (collection, field, normalised) =>
      `kh_${base32(Buffer.from(blindIndex(keyOf('token', collection, field), normalised, TOKEN_BITS), 'base64url')).toLowerCase()}`,
    digits: (collection, field) =>
      ff1({ key: keyOf('digits', collection, field), radix: 10, tweak: Buffer.from(`${collection}.${field}`) }),
    tokenKey: derive('event-token'),
    backupSigner: noteSigner(`${node}/backup`, signingKey(derive('backup'))),
    voice: signingKey(derive('voice')),
    fingerprint: (text) => createHmac('sha256', printKey).update(text).digest('base64url'),
    smallMark,
    sealSmall(plain, about) {
      const { key } = wrapping.current()
      const mark = smallMark()
      return Buffer.concat([mark, ours.seal(key, plain, place(about))])
    },
    openSmall(sealed, about) {
      if (sealed[0] !== MARK) return ours.open(kek, sealed, place(about))
      const key = wrapping.of(Buffer.from(sealed.subarray(2, 2 + sealed[1]!)).toString('latin1'))
      if (key === undefined)
        throw new KhienError('node/other-key', 'A secret of the node lies under a key that it has not.', {
          status: 503,
        })
      return ours.open(key, sealed.subarray(2 + sealed[1]!), place(about))
    },
  }
}
