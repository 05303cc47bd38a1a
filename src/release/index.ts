export { spaced, verifyDetached, type Signed } from './openpgp/verify.ts'
export { fetchBounded } from './fetch.ts'
export { readTarGz, type TarBounds } from './tar.ts'
