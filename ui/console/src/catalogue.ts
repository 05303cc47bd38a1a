export type Language = 'vi' | 'en'
/** The English twin of a Vietnamese catalogue: the same keys, the same arguments; a missing key is a compile error. */
export type Twin<T> = {
  readonly [K in keyof T]: T[K] extends (...args: infer A) => string
    ? (...args: A) => string
    : T[K] extends string
      ? string
      : Twin<T[K]>
}
export type Words<T> = { readonly vi: T; readonly en: Twin<T> }
/** Vietnamese is the source; English must say the same. */
export const words = <const T extends object>(vi: T, en: Twin<T>): Words<T> => ({ vi, en })
