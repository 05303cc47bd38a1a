// How much of a request's address may be kept: by the gateway in refusals, by the intake in events.

const ORDINARY = /^[A-Za-z0-9._~%!$&'()*+,;=:-]{1,64}$/

/** Path without query; a segment that may name a person (six digits or more, an `@`), or that is no ordinary name, is masked. */
export function safePath(target: string): string {
  const path = target.split(/[?#]/, 1)[0]!
  const masked = path
    .split('/')
    .map((part) => {
      if (part === '') return ''
      const digits = part.replace(/\D/g, '').length
      return digits >= 6 || /@|%40/i.test(part) || !ORDINARY.test(part) ? '•' : part
    })
    .join('/')
  return masked.length > 300 ? `${masked.slice(0, 300)}…` : masked
}

/** A Host header as it may be kept. */
export const safeHost = (host: string): string => (/^[A-Za-z0-9.:[\]-]{1,255}$/.test(host) ? host.toLowerCase() : '•')
