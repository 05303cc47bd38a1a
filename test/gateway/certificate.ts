import { execFileSync } from 'node:child_process'
import { join } from 'node:path'

/** A certificate of its own for a name, made by openssl, good for a day. */
export function makeCertificate(folder: string, name: string, file = name): { certificate: string; key: string } {
  const [certificate, key] = [join(folder, `${file}.crt`), join(folder, `${file}.key`)]
  execFileSync(
    'openssl',
    ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '1', '-subj', `/CN=${name}`, '-addext', `subjectAltName=DNS:${name}`, '-keyout', key, '-out', certificate],
    { stdio: 'ignore' },
  ) // oxfmt-ignore
  return { certificate, key }
}
