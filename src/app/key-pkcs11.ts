import { createRequire } from 'node:module'
import { StartError } from '../kit/errors.ts'
import { systemEntropy } from '../kit/ids.ts'

const IV = 12
const TAG = 16

export type TokenPlace = {
  /** The vendor's library: `/usr/lib/softhsm/libsofthsm2.so`. */
  readonly module: string
  /** Label of the token, and of the AES key in it. */
  readonly token: string
  readonly object: string
  readonly pin: string
}
export type Token = Disposable & {
  /** Whether the key is there. */
  has(): boolean
  /** Makes the key: AES-256, sensitive, not to be taken out. */
  make(): void
  encrypt(secret: Uint8Array): string
  decrypt(ciphertext: string): Uint8Array
}

type Handle = Buffer
type Mechanism = { mechanism: number; parameter?: object }
type Attribute = { type: number; value: unknown }
/** What is used of pkcs11js, an optional peer: it is built on installation, so nothing of ours depends on it. */
type Pkcs11 = {
  load(path: string): void
  close(): void
  C_Initialize(): void
  C_Finalize(): void
  C_GetSlotList(present: boolean): Handle[]
  C_GetTokenInfo(slot: Handle): { label: string }
  C_OpenSession(slot: Handle, flags: number): Handle
  C_CloseSession(session: Handle): void
  C_Login(session: Handle, user: number, pin: string): void
  C_FindObjectsInit(session: Handle, template: Attribute[]): void
  C_FindObjects(session: Handle): Handle | null
  C_FindObjectsFinal(session: Handle): void
  C_GenerateKey(session: Handle, mechanism: Mechanism, template: Attribute[]): Handle
  C_EncryptInit(session: Handle, mechanism: Mechanism, key: Handle): void
  C_Encrypt(session: Handle, input: Buffer, output: Buffer): Buffer
  C_DecryptInit(session: Handle, mechanism: Mechanism, key: Handle): void
  C_Decrypt(session: Handle, input: Buffer, output: Buffer): Buffer
}
type Library = { new (): Pkcs11 }
type Constants = Readonly<Record<string, number>>

const wrong = (why: string, cause?: unknown): StartError =>
  new StartError('key/pkcs11', `The token: ${why}.`, cause === undefined ? {} : { cause })

function library(): { readonly PKCS11: Library } & Constants {
  try {
    return createRequire(import.meta.url)('pkcs11js') as { readonly PKCS11: Library } & Constants
  } catch (cause) {
    throw wrong(
      'pkcs11js is not installed; npm install pkcs11js where Khiên is, with its install script allowed',
      cause,
    )
  }
}

/** Opens a token through PKCS#11 (OASIS, version 2.40) and logs in. Errors: `key/pkcs11`, a sentence without the PIN. */
export function openToken({ module, token, object, pin }: TokenPlace): Token {
  const lib = library()
  const pkcs11 = new lib.PKCS11()
  const of = (name: string): number => lib[name]!
  try {
    pkcs11.load(module)
    pkcs11.C_Initialize()
  } catch (cause) {
    throw wrong(`the library ${module} cannot be loaded`, cause)
  }
  const end = (): void => {
    pkcs11.C_Finalize()
    pkcs11.close()
  }
  try {
    const slot = pkcs11.C_GetSlotList(true).find((one) => pkcs11.C_GetTokenInfo(one).label.trim() === token)
    if (slot === undefined) throw wrong(`there is none with the label ${token}`)
    const session = pkcs11.C_OpenSession(slot, of('CKF_SERIAL_SESSION') | of('CKF_RW_SESSION'))
    try {
      pkcs11.C_Login(session, of('CKU_USER'), pin)
    } catch (cause) {
      throw wrong('it refuses this PIN', cause)
    }
    const find = (): Handle | null => {
      pkcs11.C_FindObjectsInit(session, [
        { type: of('CKA_CLASS'), value: of('CKO_SECRET_KEY') },
        { type: of('CKA_LABEL'), value: object },
      ])
      const found = pkcs11.C_FindObjects(session)
      pkcs11.C_FindObjectsFinal(session)
      return found
    }
    const key = (): Handle => {
      const found = find()
      if (found === null) throw wrong(`it holds no key with the label ${object}`)
      return found
    }
    const gcm = (iv: Buffer): Mechanism => ({
      mechanism: of('CKM_AES_GCM'),
      parameter: { type: of('CK_PARAMS_AES_GCM'), iv, ivBits: IV * 8, tagBits: TAG * 8 },
    })
    const said = <T>(work: () => T, why: string): T => {
      try {
        return work()
      } catch (cause) {
        throw cause instanceof StartError ? cause : wrong(why, cause)
      }
    }
    return {
      has: () => find() !== null,
      make: () =>
        said(
          () =>
            void pkcs11.C_GenerateKey(session, { mechanism: of('CKM_AES_KEY_GEN') }, [
              { type: of('CKA_CLASS'), value: of('CKO_SECRET_KEY') },
              { type: of('CKA_TOKEN'), value: true },
              { type: of('CKA_LABEL'), value: object },
              { type: of('CKA_VALUE_LEN'), value: 32 },
              { type: of('CKA_SENSITIVE'), value: true },
              { type: of('CKA_EXTRACTABLE'), value: false },
              { type: of('CKA_ENCRYPT'), value: true },
              { type: of('CKA_DECRYPT'), value: true },
            ]),
          'it makes no AES key',
        ),
      encrypt: (secret) =>
        said(() => {
          const iv = Buffer.from(systemEntropy(IV))
          pkcs11.C_EncryptInit(session, gcm(iv), key())
          const sealed = pkcs11.C_Encrypt(session, Buffer.from(secret), Buffer.alloc(secret.length + TAG))
          return Buffer.concat([iv, sealed]).toString('base64')
        }, 'it does not encrypt with AES-GCM'),
      decrypt: (ciphertext) =>
        said(() => {
          const bytes = Buffer.from(ciphertext, 'base64')
          pkcs11.C_DecryptInit(session, gcm(bytes.subarray(0, IV)), key())
          const plain = pkcs11.C_Decrypt(session, bytes.subarray(IV), Buffer.alloc(bytes.length))
          return Uint8Array.from(plain)
        }, 'it does not open this copy'),
      [Symbol.dispose]: () => {
        pkcs11.C_CloseSession(session)
        end()
      },
    }
  } catch (error) {
    end()
    throw error
  }
}
