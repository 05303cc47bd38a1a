export { blindIndex, fieldIndexKey } from './blind-index.ts'
export { signatureCheck, signingKey, type SigningKey } from './ed25519.ts'
export { SealError, type SealErrorCode } from './error.ts'
export { ff1, type Ff1, type Ff1Options } from './ff1.ts'
export {
  HPKE_AES_128_GCM,
  HPKE_AES_256_GCM,
  hpkeReceiver,
  hpkeSeal,
  type HpkeAead,
  type HpkeContext,
  type HpkeReceiver,
} from './hpke.ts'
export {
  checkBundle,
  KDF_COST,
  type KdfCost,
  type KeyBundle,
  newKeyBundle,
  openBundle,
  rotateBundle,
  sealBundle,
} from './key-bundle.ts'
export { type Entropy, type SealContext, sealer, type Sealer, secretKey, type WrapContext } from './sealer.ts'
export { joinShares, type Share, splitSecret } from './shamir.ts'
